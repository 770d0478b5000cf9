"""A client's mail server in any state of repair: a submission service that keeps to the protocol, but for what a test
tells it to do wrong. For what no real server does, or not without hours of set-up."""

import base64
import contextlib
import hashlib
import hmac
import socket
import ssl
import threading
import time
import warnings

CHALLENGE = b"<1896.697170952@mail.client.example>"
HANG_UP = object()   # instead of a reply
SILENCE = object()


class Server:
    """Options: tls "starttls" or "tls"; pem (key and chain); accounts {user: password}; ehlo and ehlo_tls, what is
    offered in clear and under TLS; replies {what: reply}, with what one of greeting, EHLO, HELO, STARTTLS, AUTH (the
    command), auth (its end), MAIL, RCPT, DATA, message, RSET; relays(sender, recipient, user) says whom it takes mail
    from and for; senders {user: address}; versions, the TLS versions allowed; delay before the greeting."""

    def __init__(self, address, pem=None, tls="starttls", accounts=(), ehlo=("STARTTLS", "SIZE 10000000"),
                 ehlo_tls=("AUTH PLAIN LOGIN", "SIZE 10000000", "8BITMIME", "PIPELINING"), replies=(), relays=None,
                 senders=None, versions=None, delay=0, port=0, closes_after_starttls=False):
        self.tls, self.accounts, self.replies, self.delay = tls, dict(accounts), dict(replies), delay
        self.offered = {False: list(ehlo), True: list(ehlo_tls)}
        self.relays = relays or (lambda sender, recipient, user: user is not None)
        self.senders = senders or {}
        self.closes_after_starttls = closes_after_starttls
        self.lines, self.messages = [], []
        self.context = make_context(pem, versions) if pem else None
        self.listener = socket.create_server((address, port))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self._listen, daemon=True).start()

    def close(self):
        with contextlib.suppress(OSError):
            self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()

    def _listen(self):
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client):
        client.settimeout(60)
        with contextlib.suppress(OSError, ssl.SSLError, EOFError):
            Session(self, client).run()
        client.close()


def make_context(pem, versions):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.set_ciphers("DEFAULT:@SECLEVEL=0")
    context.load_cert_chain(pem)
    if versions:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)
            context.minimum_version, context.maximum_version = versions
    return context


class Session:
    def __init__(self, server, client):
        self.server, self.client = server, client
        self.secure = False
        self.user = None
        self.sender = None
        self.file = client.makefile("rb")

    def say(self, text):
        if text is HANG_UP:
            raise EOFError
        if text is SILENCE:
            time.sleep(60)
            raise EOFError
        self.client.sendall(text.encode("latin-1") + b"\r\n")

    def reply(self, what, usual):
        text = self.server.replies.get(what, usual)
        self.say(text(self) if callable(text) else text)

    def read(self):
        line = self.file.readline()
        if not line:
            raise EOFError
        self.server.lines.append((self.secure, line.rstrip(b"\r\n").decode("latin-1")))
        return self.server.lines[-1][1]

    def start_tls(self):
        self.client = self.server.context.wrap_socket(self.client, server_side=True)
        self.file = self.client.makefile("rb")
        self.secure = True

    def run(self):
        time.sleep(self.server.delay)
        if self.server.tls == "tls":
            self.start_tls()
        self.reply("greeting", "220 mail.client.example ESMTP")
        while True:
            line = self.read()
            word = line.split(" ")[0].upper()
            if word == "QUIT":
                self.say("221 bye")
                return
            getattr(self, "do_" + word, self.unknown)(line)

    def unknown(self, _):
        self.say("500 5.5.1 unknown")

    def do_EHLO(self, _):
        lines = ["mail.client.example", *self.server.offered[self.secure]]
        self.reply("EHLO", "\r\n".join([f"250-{line}" for line in lines[:-1]] + [f"250 {lines[-1]}"]))

    def do_HELO(self, _):
        self.reply("HELO", "250 mail.client.example")

    def do_STARTTLS(self, _):
        self.reply("STARTTLS", "220 go ahead")
        if self.server.closes_after_starttls:
            raise EOFError
        if self.server.replies.get("STARTTLS", "220").startswith("220"):
            self.start_tls()

    def do_AUTH(self, line):
        words = line.split(" ")
        if "AUTH" in self.server.replies:
            self.reply("AUTH", None)
            return
        mechanism = words[1].upper()
        given = getattr(self, "auth_" + mechanism.replace("-", "_"))(words)
        good = given is not None
        self.user = given if good else None
        self.reply("auth", "235 2.7.0 ok" if good else "535 5.7.8 authentication failed")

    def auth_PLAIN(self, words):
        text = words[2] if len(words) > 2 else self.ask("")
        _, user, password = base64.b64decode(text).decode().split("\0")
        return user if self.server.accounts.get(user) == password else None

    def auth_LOGIN(self, _):
        user = base64.b64decode(self.ask("VXNlcm5hbWU6")).decode()
        password = base64.b64decode(self.ask("UGFzc3dvcmQ6")).decode()
        return user if self.server.accounts.get(user) == password else None

    def auth_CRAM_MD5(self, _):
        user, digest = base64.b64decode(self.ask(base64.b64encode(CHALLENGE).decode())).decode().rsplit(" ", 1)
        password = self.server.accounts.get(user, "")
        return user if hmac.new(password.encode(), CHALLENGE, hashlib.md5).hexdigest() == digest else None

    def ask(self, challenge):
        self.say(f"334 {challenge}")
        return self.read()

    def do_MAIL(self, line):
        self.sender = line.split("<", 1)[1].split(">", 1)[0]
        wanted = self.server.senders.get(self.user)
        if wanted and self.sender != wanted:
            self.reply("MAIL", "553 5.7.1 Sender address rejected: not owned by user")
        else:
            self.reply("MAIL", "250 ok")

    def do_RCPT(self, line):
        recipient = line.split("<", 1)[1].rsplit(">", 1)[0]
        good = self.server.relays(self.sender, recipient, self.user)
        self.reply("RCPT", "250 ok" if good else "554 5.7.1 Relay access denied")

    def do_RSET(self, _):
        self.sender = None
        self.reply("RSET", "250 ok")

    def do_DATA(self, _):
        self.reply("DATA", "354 go")
        lines = []
        while (line := self.file.readline()) not in (b".\r\n", b""):
            lines.append(line)
        self.server.messages.append((self.user, self.sender, b"".join(lines)))
        self.reply("message", "250 2.0.0 queued as 4711")
