"""letterhead probe against the corpora: the answers of well-known providers (provider-replies), odd answers at each stage
(smtp-client-wire), and the scripts of a server that attacks STARTTLS (smtp-server-scripts). Skipped where they are absent."""

import json
import pathlib
import re
import ssl
import sys

import pytest

import scripted_smtp
import stage
import tls_peer
from scripted_smtp import HANG_UP

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "corpora"))

import corpus  # noqa: E402

HOST, USER, PASSWORD, SENDER = "smtp.client.example", "desk", "tanstaaf>?secret word", "desk@client.example"
REPLIES = [row for row in corpus.rows("provider-replies/cases.tsv") if row["stage"] == "AUTH"]
WIRE = {row["id"]: row for row in corpus.rows("smtp-client-wire/cases.tsv")}
SCRIPTS = sorted((corpus.FOLDER / "smtp-server-scripts").glob("**/*.ron"))


def host_of(row):
    return HOST if row["provider"].startswith("any") else row["provider"]


@pytest.fixture(scope="module")
def hosts():
    return sorted({HOST, *(host_of(row) for row in REPLIES)})


@pytest.fixture(scope="module")
def dns(directory, hosts):
    zones = {"example": ""}  # a DMARC policy is looked for up to here
    for host in hosts:
        label, zone = host.split(".", 1)
        zones[zone] = zones.get(zone, "") + f"{label} A {stage.LOOPBACK}\n"
    with stage.Dns(directory / "dns", zones) as server:
        yield server


@pytest.fixture(scope="module")
def authority(directory):
    return tls_peer.Authority(directory / "authority", "Test authority")


@pytest.fixture(scope="module")
def certificate(directory, authority, hosts):
    authority.issue(directory / "good", hosts)
    return str(directory / "good.pem")


@pytest.fixture(scope="module")
def service(directory, dns, authority):
    with stage.Service(directory / "letterhead", dns,
                       settings={"delivery": {"relay_authorities": str(authority.certificate)}}) as server:
        yield server


@pytest.fixture()
def probe(service, certificate, request):
    def run(host=HOST, password=PASSWORD, **options):
        server = scripted_smtp.Server(stage.LOOPBACK, certificate, **{"accounts": {user: password}, **options})
        request.addfinalizer(server.close)
        secret = service.directory / "password"
        secret.write_text(password + "\n")
        result = service.call("probe", "--host", host, "--port", str(server.port), "--user", user, "--from", SENDER, "--tls",
                              options.get("tls", "starttls"), "--password-file", str(secret), "--transcript", "--json",
                              check=False)
        found = json.loads(result.stdout)
        found["server"], found["text"] = server, result.stdout
        found["stage"] = {each["stage"]: each for each in found["stages"]}
        found["failed"] = next((each["code"] for each in found["stages"] if each["result"] == "failed"), None)
        return found

    user = re.sub(r"\W", "-", request.node.name)  # another one each time: refusals are counted
    return run


def one_of(wanted, code):
    """The table says a few words, of which one is the code."""
    words = re.findall(r"[a-z0-9]+(?:-[a-z0-9]+)*", wanted)
    return code in words or words[0] == "transient"


@corpus.cases(REPLIES, "row", [row["id"] for row in REPLIES])
def test_a_provider_refuses(probe, row):
    reply = corpus.unescape(row["reply"]).decode()
    found = probe(host=host_of(row), password="Own password 1", replies={"auth": reply})
    login = found["stage"]["login"]
    assert one_of(row["expect"], login["code"]), login
    assert login["what"] and login["cure"] and login["evidence"]
    assert found["verdict"] == ("temporary" if reply.startswith("4") or "transient" in row["expect"] else "trouble") or (
        login["code"] in ("too-many-tries",)), found["verdict"]


def ehlo(row):
    """What EHLO says under TLS, without "250 " and line ends."""
    return [line[4:] for line in corpus.unescape(WIRE[row]["server_bytes"]).decode().splitlines()]


# What each answer of the table comes to, as the code of the first failure; None: the account will do.
ODD = {
    "g-421": ("greeting", "turned-away"), "g-nonnumeric": ("greeting", "not-smtp"), "g-mixed": ("greeting", "not-smtp"),
    "g-lf-only": ("greeting", None), "g-299": ("greeting", None),
    "a-none": ("offer", "no-auth"), "a-cram-only": ("offer", None), "e-authspace": ("offer", None),
    "e-starttls-junk": ("clear", "no-starttls"), "t-502": ("STARTTLS", "starttls-refused"),
    "t-220-close": ("STARTTLS-close", "handshake"),
    "a-250": ("auth", "auth-protocol"), "a-235-multi": ("auth", None), "a-echo": ("auth", "auth-failed"),
    "a-534": ("auth", "app-password-required"), "a-cram-huge": ("challenge", "hung-up"),
    "m-452": ("MAIL", "transient"), "m-530": ("MAIL", "auth-required"), "m-530-tls": ("MAIL", "tls-required"),
    "t-tls13": ("versions", None), "t-tls10": ("versions", "old-tls"), "t-tls11": ("versions", "old-tls"),
}
VERSIONS = {"t-tls10": ssl.TLSVersion.TLSv1, "t-tls11": ssl.TLSVersion.TLSv1_1, "t-tls13": ssl.TLSVersion.TLSv1_3}


def options_of(name, where):
    said = corpus.unescape(WIRE[name]["server_bytes"].replace(" (close)", "")).decode(errors="replace").rstrip("\r\n")
    if where == "versions":
        return {"versions": (VERSIONS[name], VERSIONS[name])}
    if where == "offer":
        return {"ehlo_tls": ehlo(name) if name != "a-none" else ["SIZE 10"]}
    if where == "clear":
        return {"ehlo": ehlo(name)}
    if where == "STARTTLS-close":
        return {"replies": {"STARTTLS": said}, "closes_after_starttls": True}
    if where == "challenge":
        return {"ehlo_tls": ["AUTH CRAM-MD5"], "replies": {"AUTH": said}}
    if where == "MAIL":
        return {"replies": {"MAIL": lambda session: said if session.user else "530 5.7.0 Authentication required"}}
    return {"replies": {where: said}}


@pytest.mark.skipif(not WIRE, reason="the corpora are not here")
@pytest.mark.parametrize("name", ODD)
def test_an_odd_answer(probe, name):
    where, expected = ODD[name]
    found = probe(**options_of(name, where))
    assert found["failed"] == expected, found["text"]
    assert PASSWORD not in found["text"]


def script_of(path):
    """The few keys that a script has, as options of the scripted server."""
    text = path.read_text()
    listed = lambda key: re.search(rf"\b{key}:\s*\[(.*?)\]\s*,\s*\n\s*\n?\s*(?:\w+:|\)|cert)", text, re.S)[1]
    names = lambda part: re.findall(r'Other\("([^"]+)"\)|\b(Plain|Login)\b', part)

    def offered(key):
        part = listed(key)
        mechanisms = [(one or two).upper() for one, two in names(part)]
        return (["STARTTLS"] if "StartTLS" in part else []) + ([f"AUTH {' '.join(mechanisms)}"] if mechanisms else []) + ["SIZE 10"]

    unquote = lambda said: said.replace("\\r\\n", "\r\n").rstrip("\r\n")
    replies = {what.upper(): unquote(said) for what, said in re.findall(r'"(\w+)":\s*"([^"]*)"', text)}
    if greeting := re.search(r'\bgreeting:\s*"([^"]*)"', text):
        replies["greeting"] = unquote(greeting[1])
    if answer := re.search(r'stls_response:\s*"([^"]*)"', text):
        replies["STARTTLS"] = unquote(answer[1])
    return {"ehlo": offered("capabilities"), "ehlo_tls": offered("capabilities_tls"), "replies": replies}


@pytest.mark.skipif(not SCRIPTS, reason="the corpora are not here")
@pytest.mark.parametrize("path", SCRIPTS, ids=["/".join(path.parts[-2:]) for path in SCRIPTS])
def test_a_script_against_starttls(probe, path):
    """Whatever the server says in clear: nothing secret is said there, and only one that begins TLS will do."""
    options = script_of(path)
    found = probe(**options)
    clear = [line for secure, line in found["server"].lines if not secure]
    assert not any(line.upper().startswith("AUTH") for line in clear)
    replies = options["replies"]
    begins = (replies.get("greeting", "220").startswith("2") and replies.get("EHLO", "250").startswith("250")
              and replies.get("STARTTLS", "220").startswith("220") and "STARTTLS" in options["ehlo"])
    if not begins:
        assert found["failed"] in ("turned-away", "ehlo-refused", "helo-only", "no-starttls", "starttls-refused", "not-smtp",
                                   "busy"), found["text"]
    elif "AUTH PLAIN" in " ".join(options["ehlo_tls"]) and "EHLO" not in replies:
        assert found["verdict"] == "good", found["text"]
