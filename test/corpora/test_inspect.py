"""What the command line promises of itself: help, statuses, limits, harmless output."""
import pytest

WORDS = ("address", "from", "message", "canon", "reply")
MESSAGE = b"From: a@own.example\r\nSubject: x\r\n\r\nbody\r\n"


@pytest.mark.parametrize("word", WORDS)
def test_help_teaches(inspect, word):
    status, out = inspect.run(word, "--help")
    assert status == 0 and f"letterhead inspect {word}".encode() in out
    assert word.encode() in inspect.run("--help")[1]


@pytest.mark.parametrize("words", [(), ("nonsense",), ("from", "--nonsense"), ("from", "a", "b"), ("from", "/nonexistent"),
                                   ("from", "--identity", "not a name"), ("canon", "--header", "loose")])
def test_usage_is_status_2(inspect, words):
    assert inspect.run(*words)[0] == 2


def test_message_beside_its_limits(inspect):
    report = inspect.report("message", data=MESSAGE)
    assert report["accepted"]
    assert report["fields"] == [{"name": "From", "value": " a@own.example"}, {"name": "Subject", "value": " x"}]
    assert report["size_bytes"]["value"] == len(MESSAGE)
    assert report["longest_line"] == {"value": 19, "limit": 998}
    assert report["received_fields"] == {"value": 0, "limit": 50}


@pytest.mark.parametrize("fault", [b"a\nb\r\n", b"a\rb\r\n", b"a\0b\r\n", b"a" * 999 + b"\r\n"])
def test_faults_have_a_place(inspect, fault):
    report = inspect.report("message", data=MESSAGE + fault)
    assert not report["accepted"]
    assert len(MESSAGE) <= report["offset"] <= len(MESSAGE + fault)


def test_lf_files_are_named_and_can_be_read(inspect):
    unix = MESSAGE.replace(b"\r\n", b"\n")
    assert "--lf" in inspect.report("from", data=unix)["explanation"]
    assert inspect.report("from", "--lf", data=unix)["from"] == "a@own.example"
    assert inspect.report("message", "--lf", data=unix)["accepted"]


def test_nothing_raw_reaches_a_terminal(inspect):
    for words, data in ((("address",), b"a\x1b[31m@x\xff\n"), (("reply",), b"550 \x1b[31m\xe2\x80\xae\r\n"),
                        (("message",), b"S: \x1b]0;x\x07\r\n\r\n")):
        _, out = inspect.run(*words, data=data)
        assert all(letter == "\n" or letter.isprintable() for letter in out.decode())


def test_identity_may_be_one_address(inspect):
    assert inspect.report("from", "--identity", "a@own.example", data=MESSAGE)["accepted"]
    assert not inspect.report("from", "--identity", "b@own.example", data=MESSAGE)["accepted"]
    assert not inspect.report("from", "--identity", "sub.own.example", data=MESSAGE)["accepted"]


def test_many_addresses_one_a_line(inspect):
    status, out = inspect.run("address", data=b"a@x.example\nb\r\n\"c d\"@x.example\n")
    assert status == 1
    assert [line.split(b":")[0] for line in out.splitlines()] == [b"Accepted", b"Refused", b"Accepted"]
