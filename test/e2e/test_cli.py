"""The command line and the control socket: what they answer, how they refuse, and whom."""

import json
import os
import pathlib
import re
import signal
import socket
import subprocess
import time

import pytest

import stage

NOWHERE = "0f00000000000000-00000000-0000-4000-8000-000000000000-000000"


@pytest.fixture(scope="module")
def service(directory, dns):
    """One whose mail meets a closed port, so that it stays in the queue."""
    with stage.Service(directory / "letterhead", dns, stage.free_ports(1)[0]) as server:
        yield server


@pytest.fixture(scope="module")
def waiting(service):
    """A site that nobody has verified."""
    service.call("site", "add", "waiting", "--domain", "waiting.example", "--from", "a@waiting.example")
    return "waiting"


def refused(service, *words, code, status=1, **more):
    result = service.call(*words, "--json", check=False, **more)
    assert result.returncode == status, result.stderr
    error = json.loads(result.stdout)["error"]
    assert error["code"] == code
    assert error["message"] and error["cure"]
    assert error["message"] in result.stderr
    return error


def ask_socket(service, *lines):
    """Raw lines to the control socket; the parsed replies."""
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(30)
        connection.connect(str(service.socket))
        stream = connection.makefile("rwb")
        replies = []
        for line in lines:
            stream.write(line if isinstance(line, bytes) else json.dumps(line).encode() + b"\n")
            stream.flush()
            replies.append(json.loads(stream.readline()))
        return replies


# --- Usage, help, exit status. ---

@pytest.mark.parametrize("words, status, text", [
    ((), 2, "usage: letterhead"),
    (("frobnicate",), 2, "no command"),
    (("site",), 2, "site add"),
    (("site", "frob"), 2, "site add"),
    (("site", "add"), 2, "site"),
    (("site", "add", "x", "--domian", "y"), 2, "--domian"),
    (("site", "add", "x", "y", "--domain", "z.example"), 2, "one word too many"),
    (("site", "add", "x", "--domain", "y.example", "--domain", "z.example"), 2, "twice"),
    (("site", "add", "x", "--domain", "y.example", "--method", "magic"), 2, "dkim"),
    (("site", "list", "--format", "zone"), 2, "--format takes"),
    (("message", "list", "--limit", "many"), 2, "whole number"),
    (("message", "list", "--limit", "0"), 2, "1 to 1000"),
    (("site", "show", "nobody"), 1, "no site"),
    (("site", "add", "Town Library", "--domain", "y.example"), 1, "cannot be a site's name"),
    (("site", "add", "x", "--domain", "co.uk"), 1, "public suffix"),
    (("site", "add", "x", "--domain", "y.example"), 1, "--senders any"),
    (("site", "add", "x", "--from", "not an address"), 1, "not a mail address"),
    (("message", "show", "x"), 1, "not a message id"),
    (("message", "show", NOWHERE), 1, "Nothing is known"),
    (("queue", "hold"), 1, "--message"),
    (("queue", "cancel", "--message", NOWHERE), 1, "No recipient"),
    (("site", "list", "--socket", "/nowhere/control.sock"), 3, "Is the service running"),
])
def test_exit_status_and_words(service, words, status, text):
    result = service.call(*words, check=False)
    assert result.returncode == status
    assert text in result.stderr
    assert result.stdout == ""


def test_a_configuration_that_is_named_must_be_good(service):
    result = subprocess.run([service.binary, "site", "list", "--config", "/nowhere.yaml"],
                            capture_output=True, text=True, check=False)
    assert result.returncode == 2 and "/nowhere.yaml" in result.stderr


def test_options_may_stand_before_the_words(service, waiting):
    command = [service.binary, "--socket", str(service.socket), "--json", "site", "show"]
    shown = subprocess.run([*command, waiting], capture_output=True, text=True, check=True).stdout
    assert json.loads(shown)["site"] == waiting
    result = subprocess.run([*command, "--socket"], capture_output=True, text=True, check=False)
    assert result.returncode == 2 and "--socket needs a value" in result.stderr


def test_help_teaches_every_command(service):
    overview = subprocess.run([service.binary, "help"], capture_output=True, text=True, check=True).stdout
    # all but those that are no operations of the service and explain themselves in their own ways
    others = {"help", "serve", "check-config", "inspect", "version"}
    commands = [found for found in re.findall(r"^  ([a-z][a-z -]*?)  ", overview, re.M) if found.split()[0] not in others]
    assert {"site add", "identity check", "queue list", "send", "status"} <= set(commands)
    for command in commands:
        words = command.split()
        text = subprocess.run([service.binary, *words, "--help"], capture_output=True, text=True, check=True).stdout
        assert text.startswith(f"usage: letterhead {command}")
        assert "Examples:" in text and f"letterhead {command}" in text.split("Examples:")[1]
        assert "Exit status" in text


def test_the_manual_page_has_every_command_and_flag(service):
    page = (pathlib.Path(__file__).resolve().parents[2] / "docs/man/letterhead.1").read_text()
    page = re.sub(r"[\"\s]+", " ", page.replace("\\-", "-"))
    overview = subprocess.run([service.binary, "help"], capture_output=True, text=True, check=True).stdout
    for command in re.findall(r"^  ([a-z][a-z -]*?)  ", overview, re.M):
        verb = command.split()[-1]
        assert verb in page
        usage = subprocess.run([service.binary, *command.split(), "--help"], capture_output=True, text=True, check=False)
        for flag in re.findall(r"--[a-z-]+", usage.stdout.split("\n\n")[0]):
            assert flag in page, f"{command} {flag}"


# --- JSON. ---

def test_json_of_a_site(service, waiting):
    shown = service.ask("site", "show", waiting)
    assert shown["site"] == waiting and shown["method"] == "dkim" and shown["state"] == "active"
    assert shown["from"] == ["a@waiting.example"]
    identity = shown["identities"][0]
    assert identity["domain"] == "waiting.example" and identity["sending"] is False
    assert identity["why"] and identity["next_step"]
    assert [record["slot"] for record in identity["records"]] == ["active", "next", "retiring"]
    assert len({record["name"] for record in identity["records"]}) == 3
    for record in identity["records"]:
        assert re.fullmatch(r"[a-z2-7]{32}\._domainkey\.waiting\.example", record["name"])
        assert "".join(record["strings"]) == record["value"]
        assert all(len(part) <= 255 for part in record["strings"])
    assert waiting in [site["site"] for site in service.ask("site", "list")["sites"]]


def test_zone_lines_are_what_the_check_wants(service, dns, waiting):
    lines = service.call("identity", "records", waiting, "--format", "zone").stdout.splitlines()
    records = service.ask("identity", "records", waiting)["identities"][0]["records"]
    assert [line.split()[0].rstrip(".") for line in lines] == [record["name"] for record in records]
    assert [line for line in lines] == [record["zone"] for record in records]


def test_tables_fit_and_hide_nothing_harmful(service, waiting):
    table = service.call("site", "list").stdout.splitlines()
    assert table[0].split()[:3] == ["SITE", "METHOD", "STATE"]
    assert any(line.startswith("waiting ") for line in table)
    assert all(line == line.rstrip() for line in table)


# --- The socket itself. ---

def test_unknown_fields_are_refused_with_their_place(service, waiting):
    replies = ask_socket(
        service,
        {"operation": "site.show", "input": {"site": waiting, "colour": "red"}},
        {"operation": "site.show", "site": waiting},
        {"operation": "site.add", "input": {"site": "x", "from": ["a@b.example", 7]}},
        {"operation": "site.explode"},
        {"operation": "site.show", "input": {"site": waiting}})
    assert [reply["ok"] for reply in replies] == [False, False, False, False, True]
    assert [reply["error"]["field"] for reply in replies[:4]] == ["colour", "site", "from[1]", "operation"]
    assert replies[3]["error"]["code"] == "not_found"


@pytest.mark.parametrize("line", [
    b"\n", b"{}\n", b"[]\n", b"null\n", b"{\"operation\"\n", b"\xff\xfe\n", b"[" * 5000 + b"\n",
    b'{"operation": "site.list", "operation": "site.list"}\n', b'{"operation": "site.list", "input": []}\n',
    b'{"operation": "site.show", "input": {"site": "a\\u0000b"}}\n', b"x" * (1 << 20) + b"y\n",
], ids=str)
def test_what_is_no_request_is_answered_so(service, line):
    assert ask_socket(service, line)[0]["ok"] is False
    assert ask_socket(service, {"operation": "site.list"})[0]["ok"] is True


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root, to be somebody else")
def test_strangers_are_kept_out_twice(service):
    command = ["setpriv", "--reuid", "54321", "--regid", "54321", "--clear-groups",
               service.binary, "site", "list", "--socket", str(service.socket)]
    for mode in (0o660, 0o666):
        service.socket.chmod(mode)
        result = subprocess.run(command, capture_output=True, text=True, check=False)
        assert result.returncode == 3 and "as root" in result.stderr
    service.socket.chmod(0o660)


# --- Sites do not see each other. ---

def test_a_refusal_does_not_tell_of_other_sites(service, waiting):
    service.call("site", "add", "other", "--domain", "other.example", "--senders", "any")
    mine = service.ask("credential", "add", waiting)["access_key_id"]
    texts = {refused(service, "credential", "revoke", "other", name, code="not_found")["message"].replace(name, "NAME")
             for name in (mine, "LHKAAAAAAAAAAAAAAAAA")}
    assert len(texts) == 1
    assert service.ask("credential", "list", waiting)["credentials"][0]["state"] == "active"
    service.call("credential", "revoke", waiting, mine)
    refused(service, "credential", "revoke", waiting, mine, code="not_found")


def test_a_domain_belongs_to_the_site_that_verified_it(service, dns, library):
    service.call("site", "add", "squatter", "--domain", library.domain, "--senders", "any")
    records = service.call("identity", "records", "squatter", "--format", "zone").stdout
    dns.set(library.domain, dns.zones[library.domain] + records)
    result = service.call("identity", "check", "squatter", check=False)
    assert result.returncode == 1 and "cannot be verified for this site" in result.stdout
    assert "library " not in result.stdout and '"library"' not in result.stdout
    service.call("site", "remove", "squatter", "--yes")


# --- Credentials. ---

def test_secrets_are_shown_once_and_kept_nowhere(service, waiting):
    made = service.ask("credential", "add", waiting)
    assert made["smtp_username"] == made["access_key_id"] and len(made["smtp_password"]) == 44
    assert {"port": service.starttls_port, "security": "STARTTLS"} in made["smtp_ports"]
    listed = service.call("credential", "list", waiting, "--json").stdout
    stored = b"".join(path.read_bytes() for path in service.data.glob("control.db*"))
    for secret in (made["smtp_password"], made["secret_access_key"]):
        assert secret not in listed and secret.encode() not in stored
        assert secret not in service.log.read_text()
    service.call("credential", "add", waiting)
    refused(service, "credential", "add", waiting, code="refused")


def test_last_use_is_known_after_a_while(service, library):
    library.send()
    assert service.ask("credential", "list", library.name)["credentials"][0]["last_used"] is None
    stage.wait_until("the use to be noted", seconds=90, check=lambda: service.ask(
        "credential", "list", library.name)["credentials"][0]["last_used"])


# --- Messages and the queue. ---

def recipient(service, message_id):
    return service.story(message_id)["recipients"][0]


def test_a_message_tells_its_story(service, library):
    message_id = library.send()
    service.call("queue", "retry", "--all")  # the destination may rest after other tests' failures
    shown = stage.wait_until("an attempt", lambda: (
        found := service.story(message_id))["recipients"][0]["state"] == "deferred" and found)
    assert shown["site"] == library.name and shown["subject"] == "A hold is ready"
    assert shown["from"] == f"info@{library.domain}" and not shown["settled"]
    one = shown["recipients"][0]
    assert "refused" in one["why"] and one["due"] and one["due"] in one["next_step"] and shown["expires"] in one["next_step"]
    assert [event["event"] for event in shown["events"]][:2] == ["accepted", "deferred"]
    listed = service.ask("message", "list", "--site", library.name, "--limit", "1")["messages"]
    assert [message["message_id"] for message in listed] == [message_id]
    assert listed[0]["states"] == {"deferred": 1}
    text = service.call("message", "show", message_id).stdout
    assert "deferred" in text and "What happened" in text


def test_operators_act_on_the_queue(service, library):
    message_id = library.send()
    entries = service.ask("queue", "list", "--message", message_id)["entries"]
    assert [(e["site"], e["recipient"]) for e in entries] == [(library.name, "reader@reader.example")]
    assert entries[0]["state"] in ("ready", "busy", "waiting")
    assert service.ask("queue", "hold", "--message", message_id, "--why", "a test")["recipients"] == 1
    stage.wait_until("held", lambda: recipient(service, message_id)["state"] == "held")
    assert "a test" in recipient(service, message_id)["why"]
    assert service.ask("queue", "release", "--message", message_id)["recipients"] == 1
    assert service.ask("queue", "cancel", "--message", message_id)["recipients"] == 1
    stage.wait_until("cancelled", lambda: recipient(service, message_id)["state"] == "cancelled")
    assert service.ask("queue", "list", "--message", message_id)["entries"] == []


def test_mail_says_what_it_is_and_what_it_waits_for(service, library):
    newsletter = b"X-Letterhead-Priority: bulk\r\n" + library.message()
    for message, sort in ((newsletter, "bulk"), (library.message(), "transactional")):
        message_id = library.send(message)
        stage.wait_until("its story", lambda i=message_id: service.call("message", "show", i, check=False).returncode == 0)
        assert service.ask("message", "show", message_id)["class"] == sort
        assert re.search(rf"^class +{sort}$", service.call("message", "show", message_id).stdout, re.M)
        entry = stage.wait_until("a pause", lambda i=message_id: next(
            (e for e in service.ask("queue", "list", "--message", i)["entries"] if e["state"] != "busy"), None))
        assert entry["class"] == sort and entry["waits"]
        if entry["state"] == "waiting":
            assert entry["due"] in entry["waits"]
        assert "WAITS" in service.call("queue", "list", "--message", message_id).stdout
    stalest = service.ask("status")["oldest_without_progress"]
    assert stalest is None or stalest["message_id"] and stalest["waits"] and not stalest["lost"]
    with pytest.raises(Exception, match="bulk or transactional"):
        library.send(b"X-Letterhead-Priority: high\r\n" + library.message())


def test_mail_of_a_removed_site_is_cancelled(service, dns):
    site = stage.Site(service, dns, "leaving", "museum.example")
    message_id = site.send()
    service.call("site", "remove", "leaving", "--yes")
    stage.wait_until("cancelled", lambda: recipient(service, message_id)["state"] == "cancelled")
    shown = service.ask("message", "show", message_id)
    assert shown["site"] == "leaving" and "removed" in shown["recipients"][0]["why"]
    with pytest.raises(Exception):
        site.client()


def test_send_reads_the_text_from_standard_input(service, library):
    sent = service.ask("send", library.name, "--to", "reader@reader.example", "--subject", "Grüße", input="hello\n")
    assert service.ask("message", "show", sent["message_id"])["from"] == f"postmaster@{library.domain}"
    assert service.call("send", library.name, "--to", "x@y.example", "--subject", "a\nBcc: b@c.example", "--text", "x",
                        check=False).returncode == 1
    error = refused(service, "send", "waiting", "--to", "x@y.example", "--subject", "x", "--text", "x", code="refused")
    assert "554" in error["message"] and "not verified" in error["message"]


# --- The rest of the service away. ---

def test_status_says_what_is_wrong(service):
    status = service.ask("status")
    assert status["accepting"] is True and status["problems"] == [] and status["gateway"] == "running"
    gateway = service.children()["gateway"]
    os.kill(gateway, signal.SIGSTOP)
    try:
        result = service.call("status", "--json", check=False)
        assert result.returncode == 1
        assert json.loads(result.stdout)["gateway"] == "silent"
    finally:
        os.kill(gateway, signal.SIGCONT)
    stage.wait_until("well again", lambda: service.call("status", check=False).returncode == 0)


def test_a_change_says_when_the_gateway_does_not_have_it_yet(service, waiting):
    gateway = service.children()["gateway"]
    os.kill(gateway, signal.SIGSTOP)
    try:
        began = time.monotonic()
        assert service.ask("site", "pause", waiting)["gateway"] == "waiting"
        assert time.monotonic() - began < 5
    finally:
        os.kill(gateway, signal.SIGCONT)
    assert service.ask("site", "resume", waiting)["gateway"] == "applied"


def test_the_steward_comes_back_and_answers(service, waiting):
    os.kill(service.children()["steward"], signal.SIGKILL)
    assert service.ask("site", "show", waiting)["site"] == waiting
    stage.wait_until("the directory", lambda: service.ask("site", "resume", waiting)["gateway"] == "applied")
