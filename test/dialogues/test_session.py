"""What a session is to do beyond the corpus: capabilities, states, limits, stopping, and what reaches the queue."""
import base64
import hashlib
import smtplib
import ssl
import time

import pytest

from harness import HEADER, Client, connect, plain, wait_for


def test_capabilities_by_state(server):
    with Client(server.where["starttls"]) as client:
        assert client.reply() == (220, ["mail.test ESMTP Letterhead"])
        client.send(b"EHLO client.example\r\n")
        code, in_clear = client.reply()
        client.ask(b"STARTTLS")
        client.start_tls()
        client.send(b"EHLO client.example\r\n")
        _, in_tls = client.reply()
    common = {"mail.test", "SIZE 41943040", "8BITMIME", "SMTPUTF8", "PIPELINING", "ENHANCEDSTATUSCODES", "DSN", "HELP"}
    assert code == 250
    assert set(in_clear) == common | {"STARTTLS"}
    assert set(in_tls) == common | {"AUTH PLAIN LOGIN"}
    with Client(server.where["none"]) as client:
        client.reply()
        client.send(b"EHLO client.example\r\n")
        assert set(client.reply()[1]) == common


if __name__ == "__main__":
    pytest.main([__file__])
