"""TLS reports (RFC 8460), whole: real sessions are tallied, the day ends, the domains that ask for a
report get it by mail (DKIM signed) or at a real HTTPS server, once, whatever crashes."""

import datetime
import email
import gzip
import http.server
import json
import shutil
import sqlite3
import ssl
import threading

import dkim
import dns.message
import dns.query
import pytest

import stage
import tls_peer
from conftest import DMARC

WEB = "127.0.7.1"
CLEAR, QUIET = "127.0.7.2", "127.0.7.3"
TODAY = datetime.datetime.now(datetime.timezone.utc).date()
YESTERDAY = str(TODAY - datetime.timedelta(days=1))
RECEIVER = "reader.example"
ZONES = {
    "letterhead.example": f'mail A {stage.LOOPBACK}\nbounce MX 10 mail\nbounce TXT "v=spf1 ip4:{stage.LOOPBACK} -all"\n',
    "platform.example": DMARC,
    RECEIVER: f'@ MX 10 mx\nmx A {stage.LOOPBACK}\n'
              f'_smtp._tls TXT "v=TLSRPTv1; rua=mailto:tls@{RECEIVER}"\n',
    "town.example": f'@ MX 10 mx\nmx A {CLEAR}\nweb A {WEB}\n'
                    f'_smtp._tls TXT "v=TLSRPTv1; rua=mailto:tls@{RECEIVER},https://web.town.example/reports?of=us"\n'
                    f'quiet MX 10 quietmx\nquietmx A {QUIET}\n',
}


class ReportHost:
    """Takes reports at port 443; answers with `status`."""

    def __init__(self, address, pem):
        self.status, self.taken = 201, []
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(pem)
        host = self

        class Handler(http.server.BaseHTTPRequestHandler):
            timeout = 20

            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                host.taken.append((self.path, self.headers["Content-Type"], body))
                self.send_response(host.status)
                self.end_headers()

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer((address, 443), Handler)
        self.server.socket = context.wrap_socket(self.server.socket, server_side=True, do_handshake_on_connect=False)
        self.server.handle_error = lambda *_: None
        threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()

    def close(self):
        self.server.shutdown()
        self.server.server_close()


@pytest.fixture(scope="module")
def authority(directory):
    return tls_peer.Authority(directory / "authority", "Test authority")


@pytest.fixture(scope="module")
def names(directory):
    with stage.Dns(directory / "dns", ZONES) as server:
        yield server


@pytest.fixture(scope="module")
def web(directory, authority):
    authority.issue(str(directory / "web"), ["web.town.example"])
    try:
        host = ReportHost(WEB, str(directory / "web.pem"))
    except PermissionError:
        pytest.skip("skipped: port 443, where reports are taken, takes a privilege to open")
    yield host
    host.close()


@pytest.fixture(scope="module")
def inbox(directory):
    with stage.Receiver(directory / "receiver", RECEIVER) as server:
        yield server


@pytest.fixture(scope="module")
def service(directory, names, authority, inbox, web):
    settings = {"delivery": {"authorities_file": str(authority.certificate), "dane": False},
                "tls_reports": {"site": "platform", "from": "tls-reports@platform.example",
                                "organization": "The platform"}}
    with stage.Service(directory / "letterhead", names, inbox.port, settings) as server:
        yield server


def days_away(service):
    """Makes the day that is running yesterday, whose reports are due from now on."""
    history = service.data / "history"
    service.stop()
    for file in history.glob(f"events-{TODAY}.db*"):
        shutil.move(file, str(file).replace(str(TODAY), YESTERDAY))
    with sqlite3.connect(history / f"events-{YESTERDAY}.db", timeout=30) as base:
        base.execute("UPDATE tls_session SET day = ?", (YESTERDAY,))
    with sqlite3.connect(service.data / "control.db", timeout=30) as base:
        base.execute("INSERT OR REPLACE INTO tls_report_day VALUES (?, 0, '', 0)", (YESTERDAY,))
    service.start()


def rows(service, domain):
    return [row for row in service.ask("tls-report", "list", YESTERDAY)["reports"] if row["domain"] == domain]


def hurry(service, domain):
    """The hour that was drawn by lot, or the pause after a failure, is over."""
    with sqlite3.connect(service.data / "control.db", timeout=30) as base:
        base.execute("UPDATE tls_report SET next_us = 1 WHERE domain = ?", (domain,))


def states(service, domain):
    return [row["state"] for row in rows(service, domain)]


def reports_in(inbox, domain):
    """The messages about this domain, oldest first."""
    found = [path.read_bytes().replace(b"\n", b"\r\n") for path in inbox.messages()]
    return [raw for raw in found if email.message_from_bytes(raw)["TLS-Report-Domain"] == domain]


@pytest.fixture(scope="module")
def sent(service, names, inbox):
    """One message under TLS, one in clear, one to a domain that asks for nothing; and the day is over."""
    peers = [tls_peer.Peer(address, inbox.port, "no-starttls") for address in (CLEAR, QUIET)]
    site = stage.Site(service, names, "platform", "platform.example")
    for recipient in [f"a@{RECEIVER}", "b@town.example", "c@quiet.town.example"]:
        message_id = site.send(recipients=(recipient,), sender="info@platform.example")
        assert service.first_attempt(message_id)[1]["event"] == "delivered"
    days_away(service)
    yield
    for peer in peers:
        peer.close()


def test_the_day_is_gone_through(service, sent):
    stage.wait_until("the records", lambda: service.ask("tls-report", "list", YESTERDAY)["state"].startswith("all"))
    found = {row["domain"]: row for row in service.ask("tls-report", "list")["reports"]}  # yesterday by default
    assert (found[RECEIVER]["successful"], found[RECEIVER]["failed"]) == (1, 0)
    assert (found["town.example"]["successful"], found["town.example"]["failed"]) == (0, 1)
    assert found["quiet.town.example"]["state"] == "none"
    assert found[RECEIVER]["state"] == "waiting" and found[RECEIVER]["to"] == f"mailto:tls@{RECEIVER}"
    now = datetime.datetime.now(datetime.timezone.utc)
    due = datetime.datetime.fromisoformat(found[RECEIVER]["next"].replace("Z", "+00:00"))
    assert now - datetime.timedelta(minutes=1) <= due <= now + datetime.timedelta(hours=4)
    shown = service.call("tls-report", "list", YESTERDAY).stdout
    assert "quiet.town.example" in shown and "waiting" in shown


def assert_report(report, domain, good, failures):
    assert report["organization-name"] == "The platform" and report["contact-info"] == "tls-reports@platform.example"
    assert report["date-range"] == {"start-datetime": f"{YESTERDAY}T00:00:00Z", "end-datetime": f"{YESTERDAY}T23:59:59Z"}
    part, = report["policies"]
    assert part["policy"] == {"policy-type": "no-policy-found", "policy-domain": domain}
    assert part["summary"] == {"total-successful-session-count": good, "total-failure-session-count": len(failures)}
    for failure, (result, address) in zip(part["failure-details"], failures, strict=True):
        assert (failure["result-type"], failure["receiving-ip"]) == (result, address)
        assert failure["failed-session-count"] == 1 and failure["receiving-mx-hostname"] == f"mx.{domain}"


def read_mail(raw, names, domain):
    def find_txt(name, timeout=5):
        answer = dns.query.udp(dns.message.make_query(name.decode(), "TXT"), stage.LOOPBACK, port=names.port, timeout=timeout)
        return b"".join(s for rrset in answer.answer for rdata in rrset for s in rdata.strings)

    message = email.message_from_bytes(raw)
    assert dkim.verify(raw, dnsfunc=find_txt)
    assert "d=platform.example;" in message["DKIM-Signature"].replace("\n", "")
    assert message["TLS-Report-Submitter"] == "platform.example" and message["TLS-Required"] == "No"
    assert message.get_content_type() == "multipart/report" and message.get_param("report-type") == "tlsrpt"
    text, report = message.get_payload()
    assert text.get_content_type() == "text/plain" and report.get_content_type() == "application/tlsrpt+gzip"
    assert report.get_filename().startswith(f"platform.example!{domain}!") and report.get_filename().endswith(".json.gz")
    read = json.loads(gzip.decompress(report.get_payload(decode=True)))
    assert f"<{read['report-id']}>" in message["Subject"] and f"Report Domain: {domain}" in message["Subject"]
    return read


def test_a_report_goes_by_mail_once(service, sent, names, inbox):
    hurry(service, RECEIVER)
    stage.wait_until("the report", lambda: reports_in(inbox, RECEIVER))
    stage.wait_until("that to be noted", lambda: states(service, RECEIVER) == ["sent"])
    raw, = reports_in(inbox, RECEIVER)
    report = read_mail(raw, names, RECEIVER)
    assert_report(report, RECEIVER, 1, [])
    row, = rows(service, RECEIVER)
    assert service.story(row["message_id"])["site"] == "platform" and row["attempts"] == 1
    shown = service.ask("tls-report", "show", YESTERDAY, RECEIVER)
    assert shown["report"] == report and shown["places"][0]["state"] == "sent"

    service.crash()
    service.start()
    hurry(service, RECEIVER)
    stage.wait_until("another report, of the other domain", lambda: hurry(service, "town.example") or (
        "sent" in states(service, "town.example")))
    assert len(reports_in(inbox, RECEIVER)) == 1


def test_a_report_goes_to_a_web_server_when_that_takes_it(service, sent, web, names, inbox):
    web.status = 503
    service.call("tls-report", "send", YESTERDAY, "town.example")
    by_mail, by_web = rows(service, "town.example")
    assert by_mail["state"] == "sent" and by_web["state"] == "waiting"
    assert by_web["why"] == "the server answered 503" and by_web["next"] > by_web["since"][:10]
    web.status = 201
    before = len(web.taken)
    hurry(service, "town.example")
    stage.wait_until("the report", lambda: states(service, "town.example") == ["sent", "sent"])
    assert len(web.taken) == before + 1
    path, kind, body = web.taken[-1]
    assert (path, kind) == ("/reports?of=us", "application/tlsrpt+gzip")
    report = json.loads(gzip.decompress(body))
    assert_report(report, "town.example", 0, [("starttls-not-supported", CLEAR)])
    assert read_mail(reports_in(inbox, "town.example")[-1], names, "town.example") == report
    told = service.call("tls-report", "show", YESTERDAY, "town.example").stdout
    assert "starttls-not-supported" in told and CLEAR in told and "sent" in told


def test_what_cannot_be_sent_is_said_so(service, sent):
    for words, said in ((("send", YESTERDAY, "quiet.town.example"), "asks for no TLS reports"),
                        (("send", str(TODAY), RECEIVER), "about a whole day"),
                        (("send", YESTERDAY, "nobody.example"), "No connection to the mail hosts"),
                        (("show", "2026-02-30", RECEIVER), "not a day")):
        result = service.call("tls-report", *words, check=False)
        assert result.returncode == 1 and said in result.stderr, result
