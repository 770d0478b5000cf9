"""What a session is to do beyond scripts and corpus: time, limits, stopping, guessing, memory."""
import time

import pytest

from harness import HEADER, Client, connect, plain, wait_for

MESSAGE = HEADER + b"hello\r\n.\r\n"
GROUP = b"MAIL FROM:<a@own.example>\r\nRCPT TO:<b@dst.example>\r\nDATA\r\n"


def wrong(name="nobody"):
    return b"AUTH PLAIN " + plain(name, "wrong")


def elapsed(action):
    start = time.monotonic()
    action()
    return time.monotonic() - start


def test_byte_by_byte(server):
    """Cut at every byte, in clear and under TLS, a session is the same."""
    before = len(server.queued())
    user, password = server.login()
    with Client(server.where["starttls"]) as client:
        def say(text, *codes):
            for byte in text:
                client.send(bytes([byte]))
            assert [client.reply()[0] for _ in codes] == list(codes)
        say(b"", 220)
        say(b"EHLO client.example\r\n", 250)
        say(b"STARTTLS\r\n", 220)
        client.start_tls()
        say(b"EHLO client.example\r\nAUTH PLAIN " + plain(user, password) + b"\r\n", 250, 235)
        say(GROUP, 250, 250, 354)
        say(HEADER + b"..\r\n.x\r\n.\r\n", 250)
        say(b"QUIT\r\n", 221)
        assert client.rest() == [None]
    (message,) = server.queued()[before:]
    assert message["content"].endswith(b"\r\n\r\n.\r\nx\r\n")


def test_many_messages_in_one_segment(server):
    before = len(server.queued())
    with connect(server, "after-AUTH") as client:
        client.send((GROUP + MESSAGE) * 50 + b"QUIT\r\n")
        codes = client.rest()
    assert codes == [250, 250, 354, 250] * 50 + [221, None]
    ids = [message["id"] for message in server.queued()[before:]]
    assert len(set(ids)) == 50


def test_early_talker_is_refused(start):
    server = start(early_talk_ms=300)
    with Client(server.where["starttls"]) as client:
        client.send(b"EHLO hasty.example\r\n")
        assert client.rest() == [554, None]
    with Client(server.where["implicit"]) as client:
        client.start_tls()
        client.send(b"GET / HTTP/1.1\r\n\r\n")
        assert client.rest() == [554, None]
    with Client(server.where["starttls"]) as client:
        assert client.reply()[0] == 220


@pytest.mark.parametrize("port", ["starttls", "implicit"])
def test_garbage_instead_of_a_handshake(server, port):
    with Client(server.where[port]) as client:
        if port == "starttls":
            client.reply()
            assert client.ask(b"STARTTLS") == 220
        client.send(b"\0" * 2000 + b"EHLO x\r\n")
        received = b""
        try:
            while more := client.socket.recv(4096):
                received += more
        except ConnectionResetError:
            pass
        assert b"250" not in received and b"220 " not in received


def test_silence_is_timed_out(start):
    server = start(login_ms=300, command_ms=800, data_ms=600)
    with connect(server, "after-EHLO") as client:
        assert 0.1 < elapsed(client.rest) < 3
    with connect(server, "after-AUTH") as client:
        start_s = time.monotonic()
        assert client.rest() == [421, None]
        assert 0.6 < time.monotonic() - start_s < 5
    with connect(server, "in-DATA") as client:
        client.send(HEADER)
        assert client.rest() == [421, None]
    assert server.queued() == []


def test_silence_in_a_login_is_timed_out(start):
    server = start(login_ms=500)
    for prompts in b"AUTH PLAIN", b"AUTH LOGIN", b"AUTH LOGIN bm9ib2R5":
        with connect(server, "after-TLS") as client:
            assert client.ask(prompts) == 334
            assert client.rest() == [421, None]


def test_transaction_does_not_last_for_ever(start):
    """Recipient after recipient is no message."""
    server = start(session_ms=300)
    with connect(server, "after-MAIL") as client:
        codes = []
        while not codes or codes[-1] in (250, 452):
            codes.append(client.ask(b"RCPT TO:<user%d@dst.example>" % len(codes)))
            time.sleep(0.005)
        assert codes[-1] == 421 or client.rest() == [421, None]


def test_client_that_does_not_listen(start):
    """Replies nobody reads hold up that session alone, and not for ever."""
    server = start(command_ms=500)
    with connect(server, "after-MAIL") as deaf:
        deaf.socket.settimeout(0.2)
        with pytest.raises(OSError):
            while True:
                deaf.send(b"RCPT TO:<user@dst.example>\r\n" * 1000)
        with connect(server, "after-AUTH") as client:
            assert client.ask(b"NOOP") == 250
        wait_for(lambda: "did not take its farewell" in server.log, "the end of the deaf session")


def test_slow_senders_are_cut_off(start):
    """A byte now and then does not buy time, neither before the login nor in DATA."""
    server = start(login_ms=500, data_grace_ms=500, data_rate=100)

    def drip(client):
        end = time.monotonic() + 5
        client.socket.settimeout(0.05)
        while time.monotonic() < end:
            try:
                client.send(b"x")
                if client.socket.recv(1000).startswith(b"421 4.4.2"):
                    return True
            except TimeoutError:
                continue
            except OSError:
                return False
        return False

    with connect(server, "after-EHLO") as client:
        assert drip(client)
    with connect(server, "in-DATA") as client:
        client.send(HEADER)
        assert drip(client)


def test_crowd_of_strangers_does_not_keep_sites_out(start):
    """A quarter of the places is for those who log in, and strangers get little time when there are many."""
    server = start(connections=40, per_address=100, login_ms=60000, login_crowded_ms=1000)
    crowd = [Client(server.where["starttls"]) for _ in range(30)]
    try:
        assert all(client.reply()[0] == 220 for client in crowd[:5])
        with Client(server.where["starttls"]) as late:
            assert late.reply() == (421, ["4.7.0 Too many concurrent SMTP connections"])
        assert all(client.rest()[-2:] == [421, None] for client in crowd[25:])
        with connect(server, "after-AUTH") as client:
            assert client.ask(b"NOOP") == 250
    finally:
        for client in crowd:
            client.close()


def test_connections_per_address(start):
    server = start(per_address=3)
    held = [connect(server, "after-EHLO") for _ in range(3)]
    with Client(server.where["starttls"]) as fourth:
        assert fourth.rest() == [421, None]
    with Client(server.where["implicit"]) as fourth:
        with pytest.raises(OSError):
            fourth.start_tls()
    with connect(server, "after-AUTH", source="127.0.0.2") as elsewhere:
        assert elsewhere.ask(b"NOOP") == 250
    for client in held:
        client.close()
    wait_for(lambda: connect(server, "after-AUTH").ask(b"NOOP") == 250, "a place")


def test_sessions_per_site(start):
    server = start(per_site=2)
    held = [connect(server, "after-AUTH") for _ in range(2)]
    with connect(server, "after-TLS") as third:
        third.send(b"AUTH PLAIN " + plain(*server.login()) + b"\r\n")
        assert third.reply() == (421, ["4.7.0 Too many concurrent SMTP connections"])
        assert third.rest() == [None]
    with connect(server, "after-AUTH", site="victim") as other:
        assert other.ask(b"NOOP") == 250
    for client in held:
        client.close()


def test_session_ends_after_its_time(start):
    server = start(session_ms=500)
    with connect(server, "after-MAIL") as client:
        time.sleep(0.6)
        assert client.ask(b"RCPT TO:<b@dst.example>") == 250
        assert client.ask(b"DATA") == 354
        assert client.ask(MESSAGE) == 250
        assert client.rest() == [421, None]


def test_stop_lets_messages_finish(start):
    server = start(stop_grace_ms=5000)
    idle, busy = connect(server, "after-AUTH"), connect(server, "in-DATA")
    busy.send(HEADER)
    server.process.stdin.close()
    wait_for(lambda: not accepts(server), "the listener's end")
    busy.send(b"hello\r\n.\r\n")
    assert busy.reply()[0] == 250
    assert busy.rest() == [421, None]
    assert idle.reply() == (421, ["4.3.2 The server is stopping; try again"])
    assert idle.rest() == [None]
    assert len(server.queued()) == 1


def accepts(server):
    try:
        Client(server.where["starttls"]).close()
        return True
    except OSError:
        return False


def test_stop_does_not_wait_for_ever(start):
    server = start(stop_grace_ms=300)
    busy = connect(server, "in-DATA")
    server.process.stdin.close()
    assert elapsed(lambda: server.process.wait(10)) < 5
    assert busy.rest() == [421, None]
    assert server.queued() == []


def test_content_comes_out_of_a_budget(start):
    """When all is used up a message is refused for now, and the memory is there again afterwards."""
    server = start(memory=300_000)
    big = HEADER + (b"x" * 900 + b"\r\n") * 150 + b".\r\n"
    holder = connect(server, "in-DATA")
    holder.send(big[:130_000])
    time.sleep(0.3)
    with connect(server, "in-DATA") as client:
        assert client.ask(big) == 452
        assert client.ask(b"NOOP") == 250
    holder.send(big[130_000:])
    assert holder.reply()[0] == 250
    holder.close()
    with connect(server, "in-DATA") as client:
        assert client.ask(big) == 250
    assert len(server.queued()) == 2


def test_no_memory_is_left_for_a_first_byte(start):
    server = start(memory=10_000)
    holder = connect(server, "in-DATA")
    with connect(server, "after-RCPT") as client:
        assert client.ask(b"DATA") == 452
        holder.close()
        wait_for(lambda: client.ask(b"DATA") == 354, "memory")


def test_guesser_is_slowed_down_within_a_session(start):
    server = start(login_delay_ms=300)
    with connect(server, "after-TLS") as client:
        first = elapsed(lambda: client.ask(wrong()))
        second = elapsed(lambda: client.ask(wrong()))
    assert 0.25 < first < 0.55 < second < 1.5


def test_guesser_is_turned_away_over_sessions(start):
    server = start(auth_per_address=4)

    def guess(source):
        with connect(server, "after-TLS", source=source) as client:
            return client.ask(wrong("LHKAGUESS"))

    def login(source):
        with connect(server, "after-TLS", source=source) as client:
            return client.ask(b"AUTH PLAIN " + plain(*server.login()))

    assert login("127.0.0.9") == 235
    assert [guess("127.0.0.8") for _ in range(6)] == [535] * 4 + [454] * 2
    assert login("127.0.0.8") == 454  # even the right one, from there
    assert login("127.0.0.7") == 235  # but not from elsewhere
    assert [guess("127.0.0.9") for _ in range(6)] == [535] * 4 + [454] * 2
    assert login("127.0.0.9") == 235  # nor where it has worked before


def test_vault_is_asked_about_anyone(start):
    """About a user that does not exist, too, and about what cannot be a user or a password."""
    server = start(auth_per_address=1000)
    user, password = server.login()
    tries = [(user, "wrong"), ("LHKAUNKNOWNUNKNOWNUN", "wrong"), ("", "wrong"), (user, ""), ("x" * 300, "wrong"),
             (user, "x" * 3000), (user, password)]
    for number, (name, secret) in enumerate(tries, 1):
        with connect(server, "after-TLS") as client:
            assert client.ask(b"AUTH PLAIN " + plain(name, secret)) == (235 if secret == password else 535)
        assert int(server.command("checked")) == number


def test_unknown_user_and_wrong_password_look_the_same(start):
    """Same words, and medians of the time that are close."""
    server = start(auth_per_address=1000, auth_per_account=1000, per_address=1000, login_delay_ms=0)
    user, _ = server.login()
    times = {user: [], "LHKAUNKNOWNUNKNOWNUN": []}
    texts = set()
    for _ in range(60):
        for name in times:
            with connect(server, "after-TLS") as client:
                start_s = time.perf_counter()
                client.send(wrong(name) + b"\r\n")
                texts.add(str(client.reply()))
                times[name].append(time.perf_counter() - start_s)
    known, unknown = (sorted(values)[len(values) // 2] for values in times.values())
    assert len(texts) == 1
    assert abs(known - unknown) < 0.25 * max(known, unknown) + 0.0005


def test_credential_of_one_site_is_of_no_use_for_another(server):
    """What is refused does not tell whether the other site exists."""
    def refusal(domain):
        with connect(server, "in-DATA", site="victim") as client:
            client.send(b"From: a@" + domain + b"\r\n\r\n.\r\n")
            code, lines = client.reply()
            return code, [line.replace(domain.decode(), "DOMAIN") for line in lines]

    assert refusal(b"paused.example") == refusal(b"nobody.example")
    assert refusal(b"paused.example")[0] == 554
