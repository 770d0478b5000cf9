"""Mail servers that take a message for gone@DOMAIN and find out afterwards that they cannot deliver it: each then writes a
report as it does in life, and sends it to the return path, at our inbound listener. All else at DOMAIN stays with them."""

import os
import pathlib
import pwd
import re
import shutil
import subprocess

import stage

WORDS = "no such person"


def report(recipient):
    """A report for those tests that need one at a moment of their own."""
    return ("From: MAILER-DAEMON@mx.reader.example\r\nSubject: Undelivered Mail Returned to Sender\r\nMIME-Version: 1.0\r\n"
            "Content-Type: multipart/report; report-type=delivery-status; boundary=b\r\n\r\n"
            "--b\r\nContent-Type: text/plain\r\n\r\nI'm sorry.\r\n--b\r\nContent-Type: message/delivery-status\r\n\r\n"
            f"Reporting-MTA: dns; mx.reader.example\r\n\r\nFinal-Recipient: rfc822; {recipient}\r\nAction: failed\r\n"
            f"Status: 5.1.1\r\nDiagnostic-Code: smtp; 550 5.1.1 {WORDS}\r\n\r\n--b--\r\n")


class Postfix(stage.Receiver):
    kind = "postfix"

    def __init__(self, directory, domain, bounce_domain, bounce_port):
        super().__init__(directory / "bouncer-postfix", domain, settings=(
            f"virtual_alias_maps = inline:{{gone@{domain}=gone@elsewhere.invalid}}",
            f"transport_maps = inline:{{{{elsewhere.invalid = error:5.1.1 {WORDS}}},"
            f" {{{bounce_domain} = smtp:[{stage.LOOPBACK}]:{bounce_port}}}}}",
            "smtp_host_lookup = native"))

    def return_paths(self, message_id):
        """Those of the copies that were kept."""
        texts = (path.read_text(errors="replace") for path in self.messages())
        return [re.search(r"^Return-Path: <(.*)>$", text, re.M)[1] for text in texts if message_id in text]


KINDS = {"postfix": Postfix}


def start(kind, directory, domain, bounce_domain, bounce_port):
    return KINDS[kind](directory, domain, bounce_domain, bounce_port)
