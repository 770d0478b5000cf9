"""What the dialogues share: the server under test (submit_harness.c), and a client that says exactly the
bytes it is told to say."""
import base64
import json
import os
import pathlib
import re
import shutil
import socket
import ssl
import subprocess
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
BUILD = pathlib.Path(os.environ.get("LETTERHEAD_BUILD", HERE.parent.parent / "build-asan"))
HARNESS = BUILD / "test/dialogues/submit_harness"
WAIT_S = 10

HEADER = (b"From: A <a@own.example>\r\nTo: b@dst.example\r\nSubject: test\r\n"
          b"Date: Mon, 23 Nov 2026 21:00:06 +0000\r\n\r\n")


class Harness:
    """The server, with its folder of accepted messages; limits as `--limit` of submit_harness has them."""

    def __init__(self, certificate, **limits):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="letterhead-submit-"))
        words = [word for name, value in limits.items() for word in ("--limit", f"{name.replace('_', '-')}={value}")]
        self.log_path = self.folder / "log"
        self.process = subprocess.Popen(
            [HARNESS, "--certificate", certificate, "--key", certificate, "--folder", self.folder, *words],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self.log_path.open("wb"), text=True)
        first = self.process.stdout.readline()
        assert first, f"the server did not start:\n{self.log}"
        self.where = json.loads(first)

    @property
    def log(self):
        return self.log_path.read_bytes().decode()

    def command(self, text):
        """Sends a command to the harness; returns what it said before "ok"."""
        self.process.stdin.write(text + "\n")
        self.process.stdin.flush()
        said = []
        while (line := self.process.stdout.readline()) != "ok\n":
            assert line, f"the server ended:\n{self.log}"
            said.append(line)
        return "".join(said)

    def login(self, site="own"):
        login = self.where["sites"][site]
        return login["user"], login["password"]

    def queued(self):
        """The accepted messages in order: what the envelope says, with `content` added."""
        found = sorted(self.folder.glob("*.json"), key=lambda path: int(path.stem))
        return [{**json.loads(path.read_text()), "content": path.with_suffix(".eml").read_bytes()} for path in found]

    def stop(self):
        """Ends it in an orderly way, and insists that it does so without a complaint of the sanitizers."""
        self.process.stdin.close()
        try:
            status = self.process.wait(30)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise
        log = self.log
        shutil.rmtree(self.folder)
        assert status == 0, f"the server ended with {status}:\n{log}"
        assert not re.search(r"Sanitizer|runtime error", log), log
        for site in self.where["sites"].values():
            assert site["password"] not in log


class Client:
    """One connection. Nothing is sent that was not asked for; replies are (code, [lines])."""

    def __init__(self, port, source=None):
        self.socket = socket.create_connection(("127.0.0.1", port), WAIT_S, (source, 0) if source else None)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.input = b""

    def start_tls(self):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        self.socket = context.wrap_socket(self.socket)

    def send(self, data):
        self.socket.sendall(data)

    def line(self):
        """The next line without CR LF, or None when the server has closed."""
        while b"\n" not in self.input:
            try:
                more = self.socket.recv(65536)
            except (ConnectionResetError, ssl.SSLEOFError):
                more = b""
            if not more:
                assert not self.input, f"half a line: {self.input!r}"
                return None
            self.input += more
        line, self.input = self.input.split(b"\n", 1)
        assert line.endswith(b"\r"), f"a reply ends in LF alone: {line!r}"
        assert b"\r" not in line[:-1] and b"\0" not in line, f"control characters in a reply: {line!r}"
        assert len(line) + 1 <= 512, f"a reply line of {len(line) + 1} bytes"
        return line[:-1].decode("utf-8")

    def reply(self):
        """The next reply; (None, []) when the server has closed."""
        lines = []
        while True:
            line = self.line()
            if line is None:
                assert not lines, f"half a reply: {lines}"
                return None, []
            match = re.fullmatch(r"([2-5][0-9][0-9])([- ])(.*)", line)
            assert match, f"no reply: {line!r}"
            lines.append(match[3])
            if match[2] == " ":
                return int(match[1]), lines

    def ask(self, data):
        """Says one command and returns the reply's code."""
        self.send(data if data.endswith(b"\n") else data + b"\r\n")
        return self.reply()[0]

    def rest(self):
        """All replies until the server closes (None is the last)."""
        codes = []
        while not codes or codes[-1] is not None:
            codes.append(self.reply()[0])
        return codes

    def settle(self):
        """All replies that are still to come: says HELP, which nothing else here says, and reads up to its
        own reply (left out), or to the server's closing (None is the last)."""
        try:
            self.send(b"HELP\r\n")
        except OSError:
            pass
        codes = []
        while not codes or codes[-1] not in (214, None):
            codes.append(self.reply()[0])
        return codes if codes[-1] is None else codes[:-1]

    def close(self):
        self.socket.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


def plain(user, password):
    return base64.b64encode(f"\0{user}\0{password}".encode())


def connect(harness, state="connect", site="own", source=None):
    """A client that has come as far as `state`: connect, after-EHLO, after-TLS, after-AUTH, after-MAIL,
    after-RCPT, in-DATA. From after-TLS on, over TLS."""
    states = ["connect", "after-EHLO", "after-TLS", "after-AUTH", "after-MAIL", "after-RCPT", "in-DATA"]
    at = states.index(state)
    client = Client(harness.where["starttls"], source)

    def step(number, action, *expected):
        if at >= number:
            code = action()
            assert code in expected, f"{states[number]}: {code}"

    step(0, lambda: client.reply()[0], 220)
    step(1, lambda: client.ask(b"EHLO client.example"), 250)
    if at >= 2:
        assert client.ask(b"STARTTLS") == 220
        client.start_tls()
    step(2, lambda: client.ask(b"EHLO client.example"), 250)
    step(3, lambda: client.ask(b"AUTH PLAIN " + plain(*harness.login(site))), 235)
    step(4, lambda: client.ask(b"MAIL FROM:<a@own.example>"), 250)
    step(5, lambda: client.ask(b"RCPT TO:<b@dst.example>"), 250)
    step(6, lambda: client.ask(b"DATA"), 354)
    return client


def wait_for(condition, what):
    end = time.monotonic() + WAIT_S
    while not condition():
        assert time.monotonic() < end, f"waited for {what} in vain"
        time.sleep(0.02)
