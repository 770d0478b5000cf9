"""Fixtures of the dialogues."""
import subprocess

import pytest

from harness import Harness


@pytest.fixture(scope="session")
def certificate(tmp_path_factory):
    """A file with a key and a certificate that nobody has signed."""
    path = tmp_path_factory.mktemp("tls") / "server.pem"
    result = subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
         "-subj", "/CN=mail.test", "-addext", "subjectAltName=DNS:mail.test", "-keyout", path, "-out", "-"],
        check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    with path.open("ab") as file:
        file.write(result.stdout)
    return path


@pytest.fixture
def start(certificate):
    """Starts servers with limits of their own; all are stopped, and looked after, at the end."""
    started = []

    def one(**limits):
        started.append(Harness(certificate, **{"login_delay_ms": 1, **limits}))
        return started[-1]

    yield one
    for harness in started:
        harness.stop()


@pytest.fixture(scope="module")
def server(certificate):
    """One server for the tests of a module that leave nothing behind."""
    harness = Harness(certificate, login_delay_ms=1)
    yield harness
    harness.stop()
