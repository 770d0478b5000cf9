"""How much memory each role takes after 5,000 messages, and that it does not grow with them."""

import os
import re
import shutil
import subprocess

import pytest

import stage

BEFORE, AFTER = 2500, 5000
ROUND = 250
ROLES = ("vault", "steward", "gateway")
GROWTH_BYTES = 1024  # a message: nothing of a settled one is kept, so this is room for chance

pytestmark = pytest.mark.skipif(not shutil.which("smtp-source") or not shutil.which("smtp-sink"),
                                reason="needs Postfix's smtp-source and smtp-sink")


class Sink(stage.Server):
    """Takes everything and forgets it."""

    def start(self):
        self.port, = stage.free_ports(1)
        user = ["-u", "nobody"] if os.geteuid() == 0 else []
        self.spawn("smtp-sink", *user, f"{stage.LOOPBACK}:{self.port}", "200")
        stage.wait_for_port(self.port, self.process, self.log)


@pytest.fixture(scope="module")
def service(directory, dns):
    with Sink(directory / "sink") as sink, stage.Service(directory / "letterhead", dns, sink.port) as server:
        yield server


def submit(service, site, count):
    """Over the loopback listener; waits until all of it is delivered."""
    before = service.ask("status")["since_start"]["delivered"]
    subprocess.run(["smtp-source", "-m", str(count), "-s", "10", "-l", "2000", "-d", "-f", f"info@{site.domain}",
                    "-t", "reader@reader.example", f"{stage.LOOPBACK}:{service.local_port}"],
                   check=True, timeout=90, capture_output=True)
    stage.wait_until(f"{count} deliveries", seconds=60, pause=0.5, check=lambda: service.ask(
        "status")["since_start"]["delivered"] >= before + count)
    stage.wait_until("all events", lambda: service.ask("status")["events_behind"] == 0)


def submit_in_rounds(service, library, count):
    """So that never many messages wait at once: their content may be in memory, which is not what is asked here."""
    for _ in range(count // ROUND):
        submit(service, library, ROUND)


def resident(service):
    """Bytes of each role."""
    sizes = {}
    for role, pid in service.children().items():
        with open(f"/proc/{pid}/status", encoding="ascii") as status:
            sizes[role] = int(re.search(r"^VmRSS:\s+(\d+) kB", status.read(), re.M).group(1)) * 1024
    return sizes


def test_memory_does_not_grow_with_messages(service, library, capsys):
    service.stop()
    service.local_listener = library.credential["access_key_id"]
    service.start()
    started = resident(service)
    submit_in_rounds(service, library, BEFORE)
    before = resident(service)
    submit_in_rounds(service, library, AFTER - BEFORE)
    after = resident(service)
    with capsys.disabled():
        for role in ROLES:
            print(f"\nmemory of the {role}: {started[role] >> 10} KiB at the start, {before[role] >> 10} after "
                  f"{BEFORE} messages, {after[role] >> 10} after {AFTER}", end="")
        print()
    for role in ROLES:
        assert after[role] - before[role] < GROWTH_BYTES * (AFTER - BEFORE), role
