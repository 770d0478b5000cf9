"""Never lost, rarely twice: processes are killed, the disk lies or is full, and a ledger is kept.

The receiver is a Postfix without a milter, so that many messages arrive fast.
"""

import contextlib
import itertools
import os
import random
import re
import shutil
import signal
import smtplib
import subprocess
import threading
import time

import dkim
import pytest
from dns import resolver as dns_resolver

import stage

ROOT = pytest.mark.skipif(os.geteuid() != 0, reason="needs root: mounts and traces")
READER = "reader@reader.example"
FINAL = {"delivered", "bounced", "expired", "cancelled"}
CONNECTIONS = 20  # to one destination, by default
ledger_numbers = itertools.count(1)


@pytest.fixture(scope="module")
def receiver(directory):
    with stage.Receiver(directory / "receiver", "reader.example") as server:
        yield server


class Ledger:
    """Clients that submit all the time, and what they were answered: the ids of the messages that got a 250, by
    number, and the numbers of those that got a refusal. Those that got no answer are nobody's promise."""

    def __init__(self, site, clients=4):
        self.name = f"ledger {next(ledger_numbers)}"
        self.site, self.accepted, self.refused = site, {}, {}
        self.end, self.numbers = threading.Event(), itertools.count(1)
        self.threads = [threading.Thread(target=self._run, daemon=True) for _ in range(clients)]

    def submit(self, client):
        number = next(self.numbers)
        try:
            self.accepted[number] = stage.transact(client, f"info@{self.site.domain}", [READER],
                                                   self.site.message(subject=f"{self.name} {number}"))
        except smtplib.SMTPResponseException as refusal:
            self.refused[number] = refusal.smtp_code
            time.sleep(0.05)

    def _run(self):
        while not self.end.is_set():
            try:
                with self.site.client() as client:
                    while not self.end.is_set():
                        self.submit(client)
            except (OSError, smtplib.SMTPException):
                time.sleep(0.1)

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self.end.set()
        for thread in self.threads:
            thread.join(60)

    def wait_for_more(self):
        before = len(self.accepted)
        stage.wait_until("submissions to go on", lambda: len(self.accepted) > before + 5, seconds=30)

    def arrivals(self, receiver):
        """The files of each number that has arrived."""
        found = {}
        for path in receiver.messages():
            subject = re.search(rf"^Subject: {self.name} (\d+)$", path.read_text(errors="replace"), re.M)
            if subject:
                found.setdefault(int(subject.group(1)), []).append(path)
        return found


def settle(ledger, service, receiver, dns, seconds=60):
    """Waits until everything accepted has arrived, and judges it. Returns how many arrived more than once."""
    def all_there():
        service.call("queue", "retry", "--all", check=False)
        found = ledger.arrivals(receiver)
        return found if ledger.accepted.keys() <= found.keys() else None
    found = stage.wait_until(f"{len(ledger.accepted)} accepted messages at the receiver", all_there, seconds, pause=1)
    assert not ledger.refused.keys() & found.keys(), "what was refused has been sent"
    assert_one_end_each(service, ledger.accepted.values())
    assert_signed(random.Random(1).sample([path for paths in found.values() for path in paths], 10), dns)
    return sum(1 for n in ledger.accepted if len(found[n]) > 1)


def stories(service, ids):
    """message.show of each, when all of them have ended."""
    def all_ended():
        replies = service.operate(("message.show", {"message": i}) for i in ids)
        shown = [reply.get("output") for reply in replies]  # nothing is known of those whose events are on their way
        return shown if all(message and message["settled"] for message in shown) else None
    return stage.wait_until("the end of all messages in the history", all_ended, seconds=40, pause=0.5)


def assert_one_end_each(service, ids):
    """Each message was accepted once, and its recipient has exactly one terminal event."""
    for story in stories(service, ids):
        ends = [event["event"] for event in story["events"] if event["event"] in FINAL]
        assert ends == ["delivered"], story
        assert [event["event"] for event in story["events"]].count("accepted") == 1, story


def assert_signed(paths, dns):
    """An independent verifier's word."""
    resolver = dns_resolver.Resolver(configure=False)
    resolver.nameservers, resolver.port = [stage.LOOPBACK], dns.port

    def find_txt(name, timeout=5):
        return b"".join(resolver.resolve(name.decode().rstrip("."), "TXT", lifetime=timeout)[0].strings)
    for path in paths:
        assert dkim.verify(path.read_bytes().replace(b"\n", b"\r\n"), dnsfunc=find_txt), path


@pytest.mark.parametrize("victim", ["gateway", "vault", "steward"])
def test_a_killed_role_comes_back_and_nothing_is_lost(service, receiver, library, dns, victim):
    with Ledger(library) as ledger:
        for _ in range(3):
            time.sleep(0.7)
            pid = stage.wait_until(victim, lambda: service.children().get(victim))
            os.kill(pid, signal.SIGKILL)
            stage.wait_until(f"a new {victim}", lambda: service.children().get(victim, pid) != pid, seconds=30)
        ledger.wait_for_more()
    twice = settle(ledger, service, receiver, dns)
    # One message a connection can be between the end of its data and the receiver's answer.
    assert twice <= (3 * CONNECTIONS if victim == "gateway" else 0)


def test_everything_killed_at_once(service, receiver, library, dns):
    with Ledger(library) as ledger:
        time.sleep(1)
        service.crash()
        service.start()
        ledger.wait_for_more()
    assert settle(ledger, service, receiver, dns) <= CONNECTIONS


def test_an_orderly_stop_delivers_nothing_twice(service, receiver, library, dns):
    with Ledger(library) as ledger:
        time.sleep(1)
        service.stop()
        assert service.process.returncode == 0
        service.start()
        ledger.wait_for_more()
    assert settle(ledger, service, receiver, dns) == 0


# --- what the kernel saw ---

@pytest.fixture
def plain(service, library):
    """The service with a listener without TLS for the site, whose replies can be read in a trace."""
    service.stop()
    service.local_listener = library.credential["access_key_id"]
    service.start()
    yield service
    service.stop()
    service.local_listener = None
    service.start()


@contextlib.contextmanager
def traced(pid, path, *options):
    """strace on all threads of a process; begins when it is attached."""
    said = path.with_suffix(".said")
    with open(said, "w") as errors:
        tracer = subprocess.Popen(["strace", "-f", "-s", "1000", "-o", str(path), *options, "-p", str(pid)],
                                  stderr=errors)
    try:
        stage.wait_until("the tracer", lambda: "attached" in said.read_text())
        yield
    finally:
        tracer.send_signal(signal.SIGINT)
        tracer.wait(20)


class Call:
    """A system call in a trace: the lines that it began and ended at, its text and its result."""

    def __init__(self, begin, text):
        self.begin, self.end, self.text, self.result = begin, None, text, None

    def finish(self, end, text):
        self.end, self.text = end, self.text + text
        self.result = int(text.rsplit(" = ", 1)[1].split()[0])


def read_trace(path):
    """The calls that ended, in the order in which they began."""
    calls, open_calls = [], {}
    for number, line in enumerate(path.read_text(errors="replace").splitlines()):
        thread, text = line.split(None, 1)
        if text.startswith("<... "):
            if thread in open_calls:
                open_calls.pop(thread).finish(number, text)
        elif text.endswith("<unfinished ...>"):
            open_calls[thread] = Call(number, text)
            calls.append(open_calls[thread])
        elif re.search(r" = -?\d", text):
            calls.append(Call(number, text))
            calls[-1].finish(number, text)
    return [call for call in calls if call.end is not None]


def find_call(calls, pattern):
    found = [call for call in calls if re.search(pattern, call.text) and call.result > 0]
    assert len(found) == 1, (pattern, [call.text for call in found])
    return found[0]


def assert_synced_before_the_reply(calls, subject, message_id):
    """Written, then a sync of that file begun and ended well, then the 250 begun."""
    write = find_call(calls, rf"^pwritev.*{subject}")
    reply = find_call(calls, rf"^(write|writev|sendto|sendmsg)\(.*250 Ok {message_id}")
    file = re.match(r"pwritev2?\((\d+)", write.text).group(1)
    assert any(call.text.startswith(f"fdatasync({file}") and call.result == 0
               and write.end < call.begin and call.end < reply.begin for call in calls), subject


@ROOT
def test_the_sync_comes_before_the_250(plain, library, directory):
    accepted = {}

    def submit(who):
        with smtplib.SMTP(stage.LOOPBACK, plain.local_port, timeout=30) as client:
            client.ehlo()
            for number in range(5):
                subject = f"order {who}-{number}."
                accepted[subject] = stage.transact(client, f"info@{library.domain}", [READER],
                                                   library.message(subject=subject))
    trace = directory / "trace"
    with traced(plain.children()["gateway"], trace, "-e",
                "trace=pwritev,pwritev2,fdatasync,write,writev,sendto,sendmsg"):
        clients = [threading.Thread(target=submit, args=(who,), daemon=True) for who in range(3)]
        for client in clients:
            client.start()
        for client in clients:
            client.join(30)
    calls = read_trace(trace)
    assert len(accepted) == 15
    for subject, message_id in accepted.items():
        assert_synced_before_the_reply(calls, re.escape(subject), message_id)


def wait_until_accepting(submit):
    def accepted():
        try:
            return submit()
        except (OSError, smtplib.SMTPException):
            return None
    return stage.wait_until("accepting again", accepted, seconds=40, pause=0.5)


@ROOT
def test_a_failed_sync_is_never_a_250(service, receiver, library, dns, directory):
    """The first sync fails once, as a disk that lost a page would tell it; the next would succeed again."""
    ledger = Ledger(library)
    pid = service.children()["gateway"]
    with traced(pid, directory / "eio", "-e", "trace=fdatasync", "-e", "inject=fdatasync:error=EIO:when=1"):
        for _ in range(3):
            with library.client() as client:
                ledger.submit(client)
    assert "EIO" in (directory / "eio").read_text()
    assert not ledger.accepted and set(ledger.refused.values()) == {451}
    told = service.call("status", check=False)
    assert told.returncode == 1
    assert "writing the spool failed (Input/output error)" in told.stdout
    assert "writing the spool failed (Input/output error)" in service.log.read_text()
    os.kill(pid, signal.SIGKILL)  # what the operator does after looking at the disk
    stage.wait_until("a new gateway", lambda: service.children().get("gateway", pid) != pid)
    last = wait_until_accepting(library.send)
    assert_one_end_each(service, [last])
    assert ledger.arrivals(receiver) == {}
    stage.wait_until("a status without problems", lambda: service.call("status", check=False).returncode == 0)


# --- no room ---

@pytest.fixture
def small_disk(directory, request):
    """64 MiB for the data of a service of its own."""
    path = directory / f"small-{request.node.name}"
    path.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64m,mode=755", "tmpfs", str(path)], check=True)
    shutil.chown(path, "nobody")
    yield path
    subprocess.run(["umount", "-l", str(path)], check=True)


def fill(path):
    with open(path, "wb", buffering=0) as file, contextlib.suppress(OSError):
        while True:
            file.write(b"\0" * 4096)


def submit_until_refused(site, message, most=60):
    """Ids of what was accepted until a refusal for want of room."""
    accepted = []
    with site.client() as client:
        for _ in range(most):
            try:
                accepted.append(stage.transact(client, f"info@{site.domain}", [READER], message))
            except smtplib.SMTPResponseException as refusal:
                assert (refusal.smtp_code, refusal.smtp_error[:5]) == (452, b"4.3.1")
                return accepted
    raise AssertionError(f"{most} messages were taken by a disk that has no room for them")


def wait_until_empty(service):
    """Until the queue has none left, by its own word."""
    def empty():
        service.call("queue", "retry", "--all", check=False)
        return service.ask("status", check=False)["queue"]["recipients"] == 0
    stage.wait_until("the queue to drain", empty, seconds=40, pause=0.5)


def assert_no_room_is_told(service):
    told = service.call("status", check=False)
    assert told.returncode == 1 and "disk is full" in told.stdout


@ROOT
def test_a_disk_filled_by_others(directory, dns, receiver, small_disk):
    service = stage.Service(directory / "full", dns, receiver.port, settings={"data_directory": str(small_disk)})
    with service:
        site = stage.Site(service, dns, "archive", "museum.example")
        big = site.message(body="big\r\n" + ("y" * 70 + "\r\n") * 30000)
        before = len(receiver.messages())
        receiver.stop()
        accepted = [site.send() for _ in range(5)]
        fill(small_disk / "filler")
        accepted += submit_until_refused(site, big)
        assert_no_room_is_told(service)
        receiver.start()
        wait_until_empty(service)
        receiver.wait_for_messages(before + len(accepted))
        assert os.statvfs(small_disk).f_bavail == 0
        (small_disk / "filler").unlink()
        accepted.append(wait_until_accepting(lambda: site.send(big)))
        assert_one_end_each(service, accepted)
        assert len(receiver.wait_for_messages(before + len(accepted))) == before + len(accepted)


@ROOT
def test_a_disk_filled_by_mail(directory, dns, receiver, small_disk):
    """Mail leaves the reserve alone, so that all else goes on; room comes back as the mail leaves."""
    service = stage.Service(directory / "heap", dns, receiver.port,
                            settings={"data_directory": str(small_disk), "queue": {"spool_reserve": "8MiB"}})
    with service:
        site = stage.Site(service, dns, "archive2", "library.example")
        before = len(receiver.messages())
        receiver.stop()
        big = site.message(body="big\r\n" + ("y" * 70 + "\r\n") * 30000)
        accepted = submit_until_refused(site, big)
        disk = os.statvfs(small_disk)
        assert len(accepted) > 10 and disk.f_bavail * disk.f_frsize >= 8 << 20
        assert_no_room_is_told(service)
        service.call("site", "add", "another", "--domain", "another.example", "--senders", "any")
        receiver.start()
        wait_until_empty(service)
        assert_one_end_each(service, accepted)
        accepted.append(wait_until_accepting(lambda: site.send(big)))
        assert len(receiver.wait_for_messages(before + len(accepted))) == before + len(accepted)
