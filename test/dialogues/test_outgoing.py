"""What leaves: the cases of the corpus smtp-wire that reach the data, against the whole service, with a
next hop that keeps every byte it is sent."""
import pathlib
import re
import shutil
import socket
import sys
import tempfile
import threading

import pytest

from harness import HEADER, HERE, Client, plain, wait_for
from test_smtp_wire import bytes_of, corpus_cases, read_table

sys.path.insert(0, str(HERE.parent / "e2e"))

import stage  # noqa: E402

ROWS = [row for row in read_table() if row["state"] == "in-DATA" and row["id"] != "data-disconnect-dot"]


class RawSink:
    """A mail server that accepts everything and keeps what it was sent during DATA, as it came."""

    def __init__(self):
        self.listener = socket.create_server((stage.LOOPBACK, 0))
        self.port = self.listener.getsockname()[1]
        self.messages = []
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        while True:
            connection, _ = self.listener.accept()
            threading.Thread(target=self.talk, args=(connection,), daemon=True).start()

    def talk(self, connection):
        received = b""
        connection.sendall(b"220 sink.example ESMTP\r\n")
        while more := connection.recv(65536):
            received += more
            while b"\r\n" in received:
                line, received = received.split(b"\r\n", 1)
                verb = line[:4].upper()
                if verb == b"EHLO":
                    connection.sendall(b"250-sink.example\r\n250-SMTPUTF8\r\n250 8BITMIME\r\n")
                elif verb == b"DATA":
                    connection.sendall(b"354 go\r\n")
                    received = self.data(connection, received)
                elif verb == b"QUIT":
                    connection.sendall(b"221 bye\r\n")
                else:
                    connection.sendall(b"250 ok\r\n")

    def data(self, connection, received):
        """Reads to the end of the data as RFC 5321 has it; returns what came after it."""
        while b"\r\n.\r\n" not in received:
            more = connection.recv(65536)
            if not more:
                return b""
            received += more
        content, rest = received.split(b"\r\n.\r\n", 1)
        self.messages.append(content + b"\r\n")
        connection.sendall(b"250 kept\r\n")
        return rest


@pytest.fixture(scope="module")
def whole():
    """(service, sink, site) with own.example verified."""
    if not shutil.which("knotd"):
        pytest.skip("knot is not installed")
    if not pathlib.Path(stage.letterhead_binary()).is_file():
        pytest.skip(f"there is no {stage.letterhead_binary()}")
    sink = RawSink()
    settings = {"delivery": {"next_hop": f"{stage.LOOPBACK}:{sink.port}"}}
    with tempfile.TemporaryDirectory(prefix="letterhead-outgoing-", ignore_cleanup_errors=True) as name:
        directory = pathlib.Path(name)
        directory.chmod(0o755)  # the roles have users of their own
        with stage.Dns(directory / "dns", {"own.example": "_dmarc TXT \"v=DMARC1; p=none\"\n"}) as dns, \
                stage.Service(directory / "letterhead", dns, settings=settings) as service:
            yield service, sink, stage.Site(service, dns, "own", "own.example")


def open_data(service, site):
    client = Client(service.starttls_port)
    client.reply()
    assert client.ask(b"EHLO client.example") == 250
    assert client.ask(b"STARTTLS") == 220
    client.start_tls()
    assert client.ask(b"EHLO client.example") == 250
    assert client.ask(b"AUTH PLAIN " + plain(*site.login)) == 235
    assert client.ask(b"MAIL FROM:<a@own.example>") == 250
    assert client.ask(b"RCPT TO:<b@dst.example>") == 250
    assert client.ask(b"DATA") == 354
    return client


def body_of(content):
    """What stands after the header, with the dots of the transfer taken out."""
    return re.sub(rb"(?m)^\.", b"", (content.split(b"\r\n\r\n", 1) + [b""])[1])


@corpus_cases(ROWS)
def test_what_leaves(whole, row):
    """One message or none, and its bytes can be read in one way alone."""
    service, sink, site = whole
    before = len(sink.messages)
    said = bytes_of(row).replace(b"|", b"") if "split" in row["id"] else bytes_of(row)
    with open_data(service, site) as client:
        client.send(said)
        (code,) = [code for code in client.settle() if code is not None]
    expected = 1 if code == 250 else 0
    wait_for(lambda: len(sink.messages) >= before + expected, "the message")
    with open_data(service, site) as client:  # what comes next is not held up, and is the next that leaves
        assert client.ask(HEADER + b"mark\r\n.\r\n") == 250
    wait_for(lambda: sink.messages[before:] and body_of(sink.messages[-1]) == b"mark\r\n", "the mark")
    *left, _ = sink.messages[before:]
    assert len(left) == expected
    for message in left:
        assert not re.search(rb"\r(?!\n)|(?<!\r)\n|\0", message)
        assert not re.search(rb"(?m)^\.(?!\.)", message)
        assert body_of(message) == body_of(said.removesuffix(b".\r\n"))
