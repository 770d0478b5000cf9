"""Fixtures: the stage (stage.py) set once a module, since Rspamd takes seconds to start."""

import pathlib
import sys
import tempfile

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

import stage  # noqa: E402

DMARC = '_dmarc TXT "v=DMARC1; p=reject; adkim=s; aspf=s"\n'
ZONES = {
    "letterhead.example": f'mail A {stage.LOOPBACK}\nbounce MX 10 mail\nbounce TXT "v=spf1 ip4:{stage.LOOPBACK} -all"\n',
    "library.example": DMARC,
    "museum.example": DMARC,
    "reader.example": f"@ MX 10 mx\nmx A {stage.LOOPBACK}\n",
    "nomail.example": "@ MX 0 .\n",
}


@pytest.fixture(scope="module")
def directory():
    with tempfile.TemporaryDirectory(prefix="letterhead-e2e-", ignore_cleanup_errors=True) as path:
        pathlib.Path(path).chmod(0o755)
        yield pathlib.Path(path)


@pytest.fixture(scope="module")
def dns(directory):
    with stage.Dns(directory / "dns", ZONES) as server:
        yield server


@pytest.fixture(scope="module")
def judge(directory, dns):
    with stage.Rspamd(directory / "rspamd", dns) as server:
        yield server


@pytest.fixture(scope="module")
def receiver(directory, judge):
    with stage.Receiver(directory / "receiver", "reader.example", judge.port) as server:
        yield server


@pytest.fixture(scope="module")
def service(directory, dns, receiver):
    with stage.Service(directory / "letterhead", dns, receiver.port) as server:
        yield server


@pytest.fixture(scope="module")
def library(service, dns):
    """A verified site with its credential."""
    return stage.Site(service, dns, "library", "library.example")


@pytest.fixture(scope="module")
def museum(service, dns):
    """Another one, of other people."""
    return stage.Site(service, dns, "museum", "museum.example")
