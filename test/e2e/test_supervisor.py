"""The supervisor and its roles as processes: who runs as whom, with which descriptors, what happens when one dies,
and in which order they stop. Needs no DNS and no receiver."""

import contextlib
import os
import pathlib
import re
import signal
import socket
import time

import pytest
import stage

ROLES = {"vault", "steward", "gateway"}
FIRST_PAUSE_S = 0.1
# The roles are not dumpable, so even their own user may not look at their descriptors and environment.
needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root may look into the roles")


@pytest.fixture
def service(directory, request):
    with stage.Service(directory / request.node.name) as running:
        yield running


def status_of(pid):
    """/proc/PID/status as a dictionary."""
    lines = pathlib.Path(f"/proc/{pid}/status").read_text().splitlines()
    return {name: value.strip() for name, value in (line.split(":", 1) for line in lines)}


def descriptors_of(pid):
    """{number: what it leads to} of a process."""
    found = {}
    for entry in pathlib.Path(f"/proc/{pid}/fd").iterdir():
        with contextlib.suppress(OSError):
            found[int(entry.name)] = os.readlink(entry)
    return found


def wait_for_roles(service, roles=ROLES):
    return stage.wait_until("all roles", lambda: set(found := service.children()) == set(roles) and found)


def log_of(service):
    return service.log.read_text()


def wait_for_log(service, pattern, count=1):
    stage.wait_until(f"{count} × /{pattern}/ in the log",
                     lambda: len(re.findall(pattern, log_of(service))) >= count)


def test_each_role_has_its_user_and_no_privileges(service):
    for role, pid in wait_for_roles(service).items():
        status = status_of(pid)
        assert status["NoNewPrivs"] == "1", role
        for name in ("CapInh", "CapPrm", "CapEff", "CapAmb"):
            assert int(status[name], 16) == 0, (role, name)
        if os.geteuid() == 0:
            assert "0" not in status["Uid"].split() + status["Gid"].split(), role
            assert status["Groups"] == "", role
    if os.geteuid() == 0:
        roles = service.children()
        assert status_of(roles["gateway"])["Uid"] == status_of(roles["steward"])["Uid"]
        assert status_of(roles["gateway"])["Uid"] != status_of(roles["vault"])["Uid"]


@needs_root
def test_the_vault_is_in_its_sandbox(service):
    wait_for_log(service, r"vault info: serving with \d+ signers")
    pid = service.children()["vault"]
    for task in pathlib.Path(f"/proc/{pid}/task").iterdir():
        assert status_of(task.name)["Seccomp"] == "2", "a thread has no seccomp filter"
    # the master key came through a pipe that is gone: two sockets and the log are all that is left
    descriptors = descriptors_of(pid)
    assert sorted(descriptors) == [0, 1, 2, 3, 4]
    assert descriptors[0] == "/dev/null"
    assert descriptors[3].startswith("socket:") and descriptors[4].startswith("socket:")


def shared_with_parent(service, pid, number):
    return descriptors_of(pid)[number] in descriptors_of(service.process.pid).values()


@needs_root
def test_the_roles_get_the_sockets_that_the_supervisor_keeps(service):
    for role, pid in wait_for_roles(service).items():
        for number in (3, 4):
            assert shared_with_parent(service, pid, number), (role, number)
    roles = service.children()
    assert shared_with_parent(service, roles["steward"], 5), "control socket"
    for number in (8, 9):
        assert shared_with_parent(service, roles["gateway"], number), "listeners"


@needs_root
def test_no_secret_is_in_arguments_environment_or_log(service):
    roles = wait_for_roles(service)
    wait_for_log(service, r"vault info: serving")
    key = (service.directory / "master.key").read_text().strip()
    for pid in [*roles.values(), service.process.pid]:
        assert key.encode() not in pathlib.Path(f"/proc/{pid}/cmdline").read_bytes()
        assert key.encode() not in pathlib.Path(f"/proc/{pid}/environ").read_bytes()
    assert key not in log_of(service)


@needs_root
@pytest.mark.parametrize("role", sorted(ROLES))
def test_a_killed_role_comes_back_with_the_same_sockets(service, role):
    before = wait_for_roles(service)
    wait_for_log(service, r"vault info: serving")
    sockets = descriptors_of(before[role])
    parent = len(descriptors_of(service.process.pid))
    os.kill(before[role], signal.SIGKILL)
    after = stage.wait_until(f"a new {role}", lambda: service.children().get(role, before[role]) != before[role]
                             and service.children())
    wait_for_log(service, rf"the {role} \(process {before[role]}\) was killed by signal 9 \(Killed\)")
    stage.wait_until("its descriptors", lambda: 3 in descriptors_of(after[role]) and 4 in descriptors_of(after[role]))
    assert {n: descriptors_of(after[role])[n] for n in (3, 4)} == {n: sockets[n] for n in (3, 4)}
    assert {name: pid for name, pid in after.items() if name != role} == \
        {name: pid for name, pid in before.items() if name != role}, "another role was started again too"
    assert len(descriptors_of(service.process.pid)) == parent, "the supervisor leaks descriptors"


def test_pauses_grow_when_a_role_keeps_dying(service):
    wait_for_roles(service)
    for death in range(1, 5):
        pid = stage.wait_until("a vault", lambda: service.children().get("vault"))
        os.kill(pid, signal.SIGKILL)
        wait_for_log(service, r"the vault is started again in ", death)
    assert re.findall(r"the vault is started again in (\S+) s", log_of(service)) == ["0.1", "0.2", "0.4", "0.8"]
    wait_for_roles(service)


@needs_root
def test_a_vault_that_is_spoken_to_badly_ends_and_comes_back(service):
    """Root borrows the gateway's end of its socket to the vault."""
    roles = wait_for_roles(service)
    wait_for_log(service, r"vault info: serving")
    taken = take_descriptor(roles["gateway"], 3)
    if taken is None:
        pytest.skip("this system does not let descriptors be taken")
    with taken:
        taken.send(b"GET / HTTP/1.0\r\n\r\n")
    wait_for_log(service, r"the vault \(process \d+\) ended because another process broke the protocol \(exit code 76\)")
    wait_for_log(service, r"vault info: serving", 2)


def take_descriptor(pid, number):
    """pidfd_getfd(2) as a socket, or None where it is not allowed."""
    import ctypes
    libc = ctypes.CDLL(None, use_errno=True)
    pidfd = os.pidfd_open(pid)
    descriptor = libc.syscall(438, pidfd, number, 0)
    os.close(pidfd)
    return socket.socket(fileno=descriptor) if descriptor >= 0 else None


def test_it_stops_in_order(service):
    wait_for_roles(service)
    wait_for_log(service, r"vault info: serving")
    service.stop()
    assert service.process.returncode == 0
    ended = re.findall(r"supervisor info: the (\w+) \(process", log_of(service))
    assert ended == ["gateway", "steward", "vault"]
    assert not service.socket.exists()


def test_a_role_that_does_not_stop_is_killed(service):
    roles = wait_for_roles(service)
    wait_for_log(service, r"vault info: serving")
    os.kill(roles["vault"], signal.SIGSTOP)  # the one that gets the least time: 5 s
    threads = pathlib.Path(f"/proc/{roles['vault']}/task")
    stage.wait_until("a vault at rest", lambda: all(status_of(t.name)["State"][0] == "T" for t in threads.iterdir()))
    service.stop(seconds=30)
    assert service.process.returncode == 0
    assert "the vault does not stop: it is killed" in log_of(service)


def test_roles_die_with_the_supervisor(service):
    roles = wait_for_roles(service)
    service.process.kill()
    service.process.wait()

    def gone(pid):
        try:
            return status_of(pid)["State"].startswith(("Z", "X"))
        except OSError:
            return True
    stage.wait_until("the end of all roles", lambda: all(gone(pid) for pid in roles.values()), seconds=5)
    service.start()  # on the same ports and paths
    wait_for_roles(service)


def test_systemd_is_told(directory):
    path = directory / "notify.sock"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as systemd:
        systemd.bind(str(path))
        systemd.settimeout(20)
        service = stage.Service(directory / "notified")
        service.prepare()
        service.spawn(service.binary, "serve", "--config", str(service.config),
                      env={**os.environ, "NOTIFY_SOCKET": str(path)})
        assert systemd.recv(100) == b"READY=1"
        service.stop()
        assert systemd.recv(100) == b"STOPPING=1"


def test_a_second_one_is_refused(service):
    other = stage.Service(service.directory)
    other.log = service.directory / "second.log"
    other.spawn(other.binary, "serve", "--config", str(service.config))
    assert other.process.wait(20) == 78
    assert "another Letterhead is running there" in other.log.read_text()
    wait_for_roles(service)


BAD_KEYS = {
    "too open": (lambda key: key.chmod(0o644), "mode 0644, so others can get at it. chmod 0400 it"),
    "too short": (lambda key: (key.chmod(0o600), key.write_text("c2hvcnQ=\n")), "must hold 32 bytes, raw or in base64"),
    "missing": (lambda key: key.unlink(), "cannot be read: No such file"),
}


def test_a_credential_of_systemd_goes_before_the_file(directory):
    service = stage.Service(directory / "credential")
    service.prepare()
    credentials = service.directory / "credentials"
    credentials.mkdir()
    (service.directory / "master.key").rename(credentials / "master-key")
    service.spawn(service.binary, "serve", "--config", str(service.config),
                  env={**os.environ, "CREDENTIALS_DIRECTORY": str(credentials)})
    with contextlib.ExitStack() as stack:
        stack.callback(service.stop)
        wait_for_log(service, r"vault info: serving")


@pytest.mark.parametrize("fault", sorted(BAD_KEYS))
def test_without_a_sound_master_key_nothing_starts(directory, fault):
    spoil, message = BAD_KEYS[fault]
    service = stage.Service(directory / f"key {fault}")
    service.prepare()
    spoil(service.directory / "master.key")
    service.spawn(service.binary, "serve", "--config", str(service.config))
    assert service.process.wait(20) == 78
    assert message in log_of(service)


def test_sighup_says_that_a_restart_is_needed(service):
    before = wait_for_roles(service)
    service.process.send_signal(signal.SIGHUP)
    wait_for_log(service, r"restart the service for a new one")
    time.sleep(FIRST_PAUSE_S)
    assert service.children() == before
