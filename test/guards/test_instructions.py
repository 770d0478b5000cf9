"""Instructions a message, role by role, of the release build under callgrind: the same on every machine and at
every load, so that what makes a message dearer is seen when it comes in.

What is counted is the difference between a long run and a short one: no start, no stop. The vault is counted
without libcrypto, where RSA is nearly all of it and differs by processor, and without libc, where its threads' locks
cost more or less by who waits for whom.
"""

import os
import shutil

import pytest

import callgrind
import measured
import stage

SHORT, LONG = 100, 500
# The gateway and the vault move by less than 1 % from run to run; the steward by how many events come in a batch,
# which is a question of time.
TOLERANCE = {"gateway": 0.10, "vault": 0.10, "steward": 0.25}
NOISE = 100  # what start and stop leave over
ROLES = ("gateway", "steward", "vault")
LEFT_OUT = {("vault", "libcrypto"), ("vault", "libc"), ("vault", "???")}

pytestmark = [pytest.mark.skipif(not shutil.which("valgrind"), reason="needs valgrind"),
              pytest.mark.skipif(os.geteuid() != 0, reason="needs root: roles under other users are watched")]


def count(service, folder, messages):
    """Instructions of each role, by object, of a run with so many messages."""
    folder.mkdir()
    folder.chmod(0o777)
    environment = {**os.environ, "LD_PRELOAD": str(measured.BUILD / "test/guards/guards_watch.so"),
                   "GUARDS_WATCH": " ".join(ROLES), "GUARDS_FOLDER": str(folder)}
    service.spawn(service.binary, "serve", "--config", str(service.config), env=environment)
    try:
        stage.wait_until("the greeting", lambda: measured.greeted(service.local_port), seconds=60)
        measured.send(service, messages)
        stage.wait_until("all events", lambda: service.ask("status")["events_behind"] == 0, seconds=30)
    finally:
        service.stop(60)
    return {role: callgrind.instructions(folder / role) for role in ROLES}


@pytest.fixture(scope="module")
def per_message(service, directory):
    """By role and object."""
    short, long = (count(service, directory / f"callgrind-{messages}", messages) for messages in (SHORT, LONG))
    return {role: {part: (long[role][part] - short[role][part]) / (LONG - SHORT) for part in long[role]} for role in ROLES}


@pytest.mark.parametrize("role", ROLES)
def test_instructions_per_message(per_message, recorded, role):
    parts = {part: value for part, value in per_message[role].items()
             if abs(value) >= NOISE and (role, part) not in LEFT_OUT}
    print(role, {part: round(value) for part, value in parts.items()})
    recorded.compare(f"{role}, a message", parts, "instructions", TOLERANCE[role])
