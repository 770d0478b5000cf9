"""Signatures judged by programs of others: dkimpy, Mail::DKIM and opendkim-testmsg.

Messages are signed by dkim_sign_tool, which calls the code that signs mail. Every judge must accept
every message as signed, and refuse it once a signed part was altered or a field was added. The keys
reach the judges as text, in zone form and as RDATA, so that these forms are judged as well.
"""
import os
import pathlib
import re
import shutil
import subprocess

import pytest

HERE = pathlib.Path(__file__).resolve().parent
BUILD = pathlib.Path(os.environ.get("LETTERHEAD_BUILD", HERE.parent.parent / "build-asan"))
TOOL = BUILD / "test/judges/dkim_sign_tool"
PRELOAD = BUILD / "test/judges/dns_from_file.so"
DOMAIN, SELECTOR = "library.example", "k7f3qz2mxa"
KEY_NAME = f"{SELECTOR}._domainkey.{DOMAIN}"

KEYS = {
    "rsa-1024": ["-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:1024"],
    "rsa-2048": ["-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048"],
    "rsa-4096": ["-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:4096"],
    "ed25519": ["-algorithm", "ED25519"],
}

# RFC 6376 §5.4 leaves the choice to the signer; these are ours (src/wire/dkim_sign.h), each oversigned.
SIGNED = ("From To Cc Subject Date Message-ID Reply-To Sender MIME-Version Content-Type "
          "Content-Transfer-Encoding In-Reply-To References List-Unsubscribe List-Unsubscribe-Post List-Id").split()

HEAD = b"""\
From: Library <noreply@library.example>
To: reader@example.org
Date: Mon, 23 Nov 2026 21:00:06 +0000
Subject: Your hold is ready
Message-ID: <1@library.example>
"""

FULL = b"""\
Received: from app.library.example by mail.example.com; Mon, 23 Nov 2026 21:00:06 +0000
From: Library <noreply@library.example>
To: reader@example.org
Cc: other@example.org
Subject: Your hold is ready
Date: Mon, 23 Nov 2026 21:00:06 +0000
Message-ID: <1@library.example>
Reply-To: desk@library.example
Sender: noreply@library.example
MIME-Version: 1.0
Content-Type: text/plain; charset=utf-8
Content-Transfer-Encoding: 8bit
In-Reply-To: <0@library.example>
References: <0@library.example>
List-Unsubscribe: <https://library.example/u/1>
List-Unsubscribe-Post: List-Unsubscribe=One-Click
List-Id: Holds <holds.library.example>
X-Mailer: Catalogue 7

The book is at the desk.

Your library
"""

MESSAGES = {
    "plain": HEAD + b"\nThe book is at the desk.\n",
    "all-fields": FULL,
    "folded": HEAD + b"Cc: one@example.org,\n\ttwo@example.org,\n   three@example.org \nReferences:\n <a@b>\n\t<c@d>\n\nx\n",
    "repeated": HEAD + b"List-Id: <a.b>\nComments: one\nList-Id: <c.d>\nComments: two\nlist-id: <e.f>\n\nx\n",
    "repeated-once-only": HEAD + b"References: <a@b>\nReferences: <c@d>\n\nx\n",
    "odd-case": HEAD.replace(b"Subject:", b"SUBJECT: \t").replace(b"To:", b"tO:") + b"\nx\n",
    "no-space": HEAD.replace(b": ", b":") + b"\nx\n",
    "empty-values": HEAD + b"Cc: \nReply-To:\n\nx\n",
    "utf-8": HEAD + "Content-Type: text/plain; charset=utf-8\nCc: Bücherei <a@example.org>\n\nGrüße, 图书馆\n".encode(),
    "8-bit": HEAD + b"\nGr\xfc\xdfe \x80\xff\n",
    "long-lines": HEAD + b"References: " + b" ".join(b"<%d@library.example>" % i for i in range(40)) + b"\n\n"
                  + b"x" * 998 + b"\n" + b"word " * 1200 + b"\n",
    "empty-body": HEAD + b"\n",
    "no-body": HEAD,
    "blank-lines-only": HEAD + b"\n\n\n\n",
    "white-lines-only": HEAD + b"\n \n\t\n  \t \n",
    "trailing-blank-lines": HEAD + b"\nText.\n\n \n\t\n\n",
    "leading-blank-lines": HEAD + b"\n\n\nText.\n",
    "white-space": HEAD + b"\n a \t  b\t\n\tc  \n\n  d\n",
    "no-final-newline": HEAD + b"\nText.",
    "dots": HEAD + b"\n.\n..\n.text\n...\n.\n",
    "html": HEAD + b"MIME-Version: 1.0\nContent-Type: text/html\n\n<table>\n"
            + b"".join(b"    <tr>\n      <td>  %d  </td>\n    </tr>\n" % i for i in range(300)) + b"</table>\n",
    "large": HEAD + b"\n" + b"".join(b"Line %d of a long report.  \n" % i for i in range(20000)),
    "signed-before": b"DKIM-Signature: v=1; a=rsa-sha256; d=other.example; s=x; h=from; bh=Zg==; b=Zg==\n" + HEAD + b"\nx\n",
}


def wire(text):
    """The line ends of mail."""
    return re.sub(rb"\r?\n", b"\r\n", text)


class Signer:
    """One key, and its record as each judge wants it."""

    def __init__(self, folder, kind):
        self.pem = folder / f"{kind}.pem"
        self.kind, self.folder = kind, folder
        subprocess.run(["openssl", "genpkey", *KEYS[kind], "-out", self.pem], check=True, capture_output=True)
        record = subprocess.run([TOOL, "record", self.pem], check=True, capture_output=True, text=True).stdout
        self.text, zone, rdata = record.splitlines()
        self.zone, self.rdata = folder / f"{kind}.zone", folder / f"{kind}.rdata"
        self.zone.write_text(f"{KEY_NAME}. TXT {zone}\n")
        self.rdata.write_text(f"{KEY_NAME} {rdata}\n")

    def sign(self, message):
        return subprocess.run([TOOL, "sign", DOMAIN, SELECTOR, self.pem], input=message, check=True,
                              capture_output=True).stdout


@pytest.fixture(scope="session", name="signers")
def make_signers(tmp_path_factory):
    folder = tmp_path_factory.mktemp("keys")
    return {kind: Signer(folder, kind) for kind in KEYS}


def judge_dkimpy(signer, messages):
    dkim = pytest.importorskip("dkim")

    def look_up(name, timeout=5):
        return signer.text.encode() if name.rstrip(b".").decode() == KEY_NAME else None

    return [dkim.verify(message, dnsfunc=look_up) for message in messages]


def judge_mail_dkim(signer, messages):
    if subprocess.run(["perl", "-MMail::DKIM", "-e1"], capture_output=True, check=False).returncode != 0:
        pytest.skip("libmail-dkim-perl is not installed")
    paths = []
    for number, message in enumerate(messages):
        paths.append(signer.folder / f"{number}.eml")
        paths[-1].write_bytes(message)
    result = subprocess.run([HERE / "mail_dkim_verify.pl", signer.zone, *paths], capture_output=True, text=True,
                            check=True)
    results = result.stdout.split()
    assert len(results) == len(messages), result.stderr
    return [word == "pass" for word in results]


def judge_opendkim(signer, messages):
    program = shutil.which("opendkim-testmsg", path=os.environ.get("PATH", "") + ":/usr/sbin")
    if not program:
        pytest.skip("opendkim-tools is not installed")
    environment = {**os.environ, "LD_PRELOAD": str(PRELOAD), "DNS_FROM_FILE": str(signer.rdata)}
    return [subprocess.run([program], input=message, env=environment, capture_output=True, check=False).returncode == 0
            for message in messages]


JUDGES = {"dkimpy": judge_dkimpy, "Mail::DKIM": judge_mail_dkim, "opendkim": judge_opendkim}
# This version of Mail::DKIM knows RSA only.
BOTH = [(judge, kind) for judge in JUDGES for kind in KEYS if (judge, kind) != ("Mail::DKIM", "ed25519")]
# opendkim-testmsg reads no message with two fields of a kind that RFC 5322 §3.6 wants once at most.
NOT_FOR = {"opendkim": {"repeated-once-only"}}
# Refusals do not depend on the size of the key.
REFUSERS = [(judge, kind) for judge, kind in BOTH if kind in ("rsa-2048", "ed25519")]


@pytest.mark.parametrize("judge,kind", BOTH)
def test_accepts(judge, kind, signers):
    names = [name for name in MESSAGES if name not in NOT_FOR.get(judge, ())]
    verdicts = JUDGES[judge](signers[kind], [signers[kind].sign(wire(MESSAGES[name])) for name in names])
    assert [name for name, good in zip(names, verdicts) if not good] == []


def expect_refused(judge, signer, altered):
    """`altered` maps what was done to the message; the message as signed must pass."""
    good = signer.sign(wire(FULL))
    verdicts = JUDGES[judge](signer, [good, *altered.values()])
    assert verdicts[0], "not even the message as signed is accepted"
    assert [name for name, accepted in zip(altered, verdicts[1:]) if accepted] == []


def add_top(message, field):
    return field + message


def add_bottom(message, field):
    head, body = message.split(b"\r\n\r\n", 1)
    return head + b"\r\n" + field + b"\r\n" + body


@pytest.mark.parametrize("judge,kind", REFUSERS)
@pytest.mark.parametrize("text", [FULL, HEAD + b"\nText.\n"], ids=["present", "absent"])
def test_refuses_an_added_field(judge, kind, text, signers):
    signed = signers[kind].sign(wire(text))
    altered = {}
    for name in SIGNED:
        field = f"{name}: added@example.net\r\n".encode()
        altered[f"{name} on top"] = add_top(signed, field)
        altered[f"{name} at the bottom"] = add_bottom(signed, field)
    expect_refused(judge, signers[kind], altered)


@pytest.mark.parametrize("judge,kind", REFUSERS)
def test_refuses_an_altered_or_removed_field(judge, kind, signers):
    signed = signers[kind].sign(wire(FULL))
    altered = {}
    for name in SIGNED:
        line = re.compile(rb"^" + name.encode() + rb": [^\r]*\r\n", re.M)
        field = line.search(signed)[0]
        altered[f"{name} altered"] = signed.replace(field, field[:-3] + b"~\r\n")
        altered[f"{name} removed"] = signed.replace(field, b"")
    expect_refused(judge, signers[kind], altered)


@pytest.mark.parametrize("judge,kind", REFUSERS)
def test_refuses_an_altered_body(judge, kind, signers):
    signed = signers[kind].sign(wire(FULL))
    head, body = signed.split(b"\r\n\r\n", 1)
    head += b"\r\n\r\n"
    expect_refused(judge, signers[kind], {
        "first byte": head + b"t" + body[1:],
        "last byte": head + body[:-3] + b"Y\r\n",
        "appended": signed + b"More.\r\n",
        "cut": head + body[:-14],
        "blank line before": head + b"\r\n" + body,
        "blank line within": head + body.replace(b"desk.\r\n", b"desk.\r\n\r\n"),
        "words joined": head + body.replace(b"The book", b"Thebook"),
        "emptied": head,
    })


@pytest.mark.parametrize("judge,kind", REFUSERS)
def test_refuses_an_altered_signature(judge, kind, signers):
    signed = signers[kind].sign(wire(FULL))
    last = re.search(rb"b=(\S)", signed.split(b"bh=")[1])
    swapped = b"A" if last[1] != b"A" else b"B"
    expect_refused(judge, signers[kind], {
        "b=": signed.replace(last[0], b"b=" + swapped, 1),
        "x=": re.sub(rb"x=(\d)", rb"x=9\1", signed, count=1),
        "t=": re.sub(rb"t=(\d+)(\d);", lambda m: b"t=%s%d;" % (m[1], (int(m[2]) + 1) % 10), signed, count=1),
        "h=": signed.replace(b":list-id;", b":list-ip;"),
        "l= added": signed.replace(b"v=1;", b"v=1; l=3;"),
    })


@pytest.mark.parametrize("judge,kind", REFUSERS)
def test_accepts_what_hops_change(judge, kind, signers):
    """Fields that are not signed come, go and move; relaxed form forgives white space."""
    signed = signers[kind].sign(wire(FULL))
    mailer = b"X-Mailer: Catalogue 7\r\n"
    verdicts = JUDGES[judge](signers[kind], [
        add_top(signed, b"Received: from a by b; Mon, 23 Nov 2026 21:00:07 +0000\r\n"),
        add_top(signed, b"Return-Path: <bounce@example.com>\r\n"),
        add_top(signed.replace(mailer, b""), mailer),
        add_bottom(signed, b"Comments: none\r\n"),
        signed.replace(b"Your hold is ready", b"Your  hold\r\n is ready"),
        signed + b"\r\n\r\n",
        signed.replace(b"desk.\r\n", b"desk.  \t\r\n"),
    ])
    assert verdicts == [True] * len(verdicts)


def test_field_is_well_formed(signers):
    for kind, signer in signers.items():
        for text in MESSAGES.values():
            signed = signer.sign(wire(text))
            field = re.match(rb"DKIM-Signature:(?:[^\r\n]|\r\n[ \t])*\r\n", signed)[0]
            assert max(map(len, field.split(b"\r\n"))) <= 78
            tags = [tag.strip() for tag in re.sub(rb"\r\n", b"", field[15:]).split(b";")]
            names = [tag.split(b"=", 1)[0] for tag in tags]
            assert names == [b"v", b"a", b"c", b"d", b"s", b"t", b"x", b"h", b"bh", b"b"], kind
            assert signed == field + wire(text)
