"""The configuration and the words around the service, with no service running: what is said, and the exit status."""

import json
import os
import re
import subprocess

import pytest

import stage

GOOD = """\
hostname: mail.example.net
control_socket: {directory}/control.sock
data_directory: {directory}/data
tls:
  certificate: {directory}/tls.crt
  key: {directory}/tls.key
submission:
  listeners:
    - address: 127.0.0.1:2587
      tls: starttls
delivery:
  bounce_domain: bounce.example.net
"""


NOBODY = """\
user: {user}
vault:
  user: {user}
  master_key_file: {directory}/master.key
"""


def run(*words, **more):
    return subprocess.run([stage.letterhead_binary(), *words], capture_output=True, text=True, timeout=30,
                          check=False, stdin=subprocess.DEVNULL, **more)


@pytest.fixture
def write(directory):
    def write_config(text):
        path = directory / "letterhead.yaml"
        path.write_text(text.format(directory=directory, user="nobody" if os.geteuid() == 0 else os.geteuid()))
        return path
    return write_config


def test_a_good_file_is_good(write):
    path = write(GOOD)
    result = run("check-config", "--config", str(path))
    assert (result.returncode, result.stdout, result.stderr) == (0, f"{path}: good\n", "")
    assert json.loads(run("check-config", "--config", str(path), "--json").stdout) == {"valid": True, "problems": []}


MISTAKES = {  # what is changed, and the line and words that must be named
    "an unknown key": ("  bounce_domain", "  bounce_domian", [(12, "delivery.bounce_domian: is not a known key")]),
    "a missing key": ("hostname: mail.example.net", "#", [(1, "hostname: is missing")]),
    "a key given twice": ("delivery:", "hostname: x.example\ndelivery:", [(11, "a second time")]),
    "no duration": ("bounce.example.net", "b.example\n  lifetime: four days", [(13, "is not a duration")]),
    "out of bounds": ("bounce.example.net", "b.example\n  connections_max: 0", [(13, "out of bounds; use 1 to")]),
    "no choice": ("tls: starttls", "tls: perhaps", [(10, "use one of: starttls, implicit, none")]),
    "no address": ("127.0.0.1:2587", "everywhere", [(9, "is not an address with a port")]),
    "no TLS for strangers": ("127.0.0.1:2587\n      tls: starttls", "0.0.0.0:25\n      tls: none", [(9, "loopback")]),
    "half a key pair": ("  key: {directory}/tls.key\n", "", [(5, "go together")]),
    "two at once": ("hostname:", "hosename: x\nlog_level: loud\nhostname:", [(1, "hosename"), (2, "loud")]),
    "no YAML": ("delivery:", "delivery: [", [(13, "not valid YAML")]),
}


@pytest.mark.parametrize("mistake", sorted(MISTAKES))
def test_each_mistake_is_named_with_its_line(write, mistake):
    before, after, expected = MISTAKES[mistake]
    assert before in GOOD
    path = write(GOOD.replace(before, after, 1))
    checked, started = run("check-config", "--config", str(path)), run("serve", "--config", str(path))
    assert (checked.returncode, started.returncode) == (1, 78)
    assert checked.stderr == started.stderr and checked.stdout == ""
    problems = json.loads(run("check-config", "--config", str(path), "--json").stdout)
    assert problems == {"valid": False, "problems": checked.stderr.splitlines()}
    for line, words in expected:
        assert [p for p in problems["problems"] if p.startswith(f"{path}:{line}: ") and words in p], checked.stderr


def test_a_file_that_is_not_there(directory):
    result = run("check-config", "--config", str(directory / "nowhere.yaml"))
    assert result.returncode == 1 and "nowhere.yaml: cannot be read: No such file" in result.stderr


def test_without_its_certificate_nothing_starts(write, directory):
    key = directory / "master.key"
    key.write_text("0123456789abcdef" * 2)
    key.chmod(0o400)
    result = run("serve", "--config", str(write(GOOD + NOBODY)))
    assert result.returncode == 78 and f"{directory}/tls.crt" in result.stderr


@pytest.mark.parametrize("words", [("serve", "now"), ("check-config", "letterhead.yaml"), ("serve", "--nope"),
                                   ("check-config", "--nope"), ("inspect", "--nope"),
                                   ("inspect", "nothing"), ("status", "--nope"), ("status", "now")], ids=" ".join)
def test_wrong_usage_is_2(words):
    result = run(*words)
    assert result.returncode == 2 and result.stderr


@pytest.mark.parametrize("word", ["serve", "check-config", "inspect", "inspect address", "inspect from", "inspect message",
                                  "inspect canon", "inspect reply", "site", "identity", "credential", "message", "queue"])
def test_help_is_on_standard_output_and_0(word):
    result = run(*word.split(), "--help")
    assert result.returncode == 0 and f"letterhead {word}" in result.stdout and result.stderr == ""


def test_without_a_service_it_is_3(write, directory):
    path = str(write(GOOD))
    for words in (("status",), ("site", "list"), ("queue", "retry", "--all"), ("credential", "add", "library")):
        result = run(*words, "--config", path)
        assert (result.returncode, result.stdout) == (3, "")
        assert "Is the service running" in result.stderr and str(directory / "control.sock") in result.stderr
        reply = json.loads(run(*words, "--config", path, "--json").stdout)
        assert reply["ok"] is False and reply["error"]["code"] == "unreachable" and reply["error"]["message"]


def test_a_bad_configuration_of_the_command_line_is_2(write):
    result = run("status", "--config", str(write(GOOD.replace("hostname", "hosename"))))
    assert result.returncode == 2 and re.search(r":1: hosename: is not a known key", result.stderr)
