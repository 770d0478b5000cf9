"""The scripts NN-name.smtp: one dialogue each, read from top to bottom.

    # why                    a comment
    limits: errors=3         limits of a server of its own (submit_harness --limit); first lines only
    port: implicit           starttls (default), implicit (with its handshake) or none; first lines only
    C: text                  the client says a line (CR LF is added)
    C| text                  the same without CR LF: for groups, halves and odd bytes
    S: text                  the server says this line; * stands for anything
    TLS                      the client shakes hands
    CLOSED                   the server closes
    H: command               a command to the harness (submit_harness.c)
    QUEUED n                 so many messages were accepted since the script began

In the client's lines \\r \\n \\t \\xNN \\\\ are bytes, {a*N} is a letter N times, and {plain:SITE},
{user:SITE}, {password:SITE} are base64 for AUTH.
"""
import base64
import re

import pytest

from harness import HERE, Client, plain
from test_smtp_wire import unescape

SCRIPTS = sorted(HERE.glob("*.smtp"))


def read(path):
    """Returns (settings, [(line number, word, text)])."""
    settings, steps = {}, []
    for number, line in enumerate(path.read_text().splitlines(), 1):
        if not line.strip() or line.startswith("#"):
            continue
        match = re.fullmatch(r"(limits|port): *(.*)", line)
        if match and not steps:
            settings[match[1]] = match[2]
            continue
        match = re.fullmatch(r"(C:|C\||S:|H:|TLS|CLOSED|QUEUED)(?: (.*))?", line)
        assert match, f"{path.name}:{number}: no step: {line}"
        steps.append((number, match[1], match[2] or ""))
    return settings, steps


class Performance:
    def __init__(self, harness, port):
        self.harness = harness
        self.before = len(harness.queued())
        self.client = Client(harness.where[port])
        if port == "implicit":
            self.client.start_tls()

    def words(self, text):
        """The client's line as bytes."""
        def login(match):
            user, password = self.harness.login(match[2])
            if match[1] == "plain":
                return plain(user, password).decode()
            return base64.b64encode((user if match[1] == "user" else password).encode()).decode()
        return unescape(re.sub(r"\{(plain|user|password):(\w+)\}", login, text))

    def step(self, word, text):
        if word == "C:":
            self.client.send(self.words(text) + b"\r\n")
        elif word == "C|":
            self.client.send(self.words(text))
        elif word == "S:":
            line = self.client.line()
            pattern = re.escape(text).replace(r"\*", ".*")
            assert line is not None and re.fullmatch(pattern, line), f"the server said {line!r}"
        elif word == "TLS":
            self.client.start_tls()
        elif word == "CLOSED":
            assert self.client.line() is None
        elif word == "H:":
            self.harness.command(text)
        elif word == "QUEUED":
            assert len(self.harness.queued()) - self.before == int(text)


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: path.stem)
def test_script(start, path):
    settings, steps = read(path)
    limits = dict(item.split("=") for item in settings.get("limits", "").split())
    performance = Performance(start(**limits), settings.get("port", "starttls"))
    try:
        for number, word, text in steps:
            try:
                performance.step(word, text)
            except (AssertionError, OSError) as error:
                pytest.fail(f"{path.name}:{number}: {word} {text}\n  {error}", pytrace=False)
    finally:
        performance.client.close()


def test_there_are_scripts():
    assert len(SCRIPTS) >= 15
