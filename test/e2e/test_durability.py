"""Never lost, rarely twice: processes are killed, the disk lies or is full, and a ledger is kept.

The receiver is a Postfix without a milter, so that many messages arrive fast.
"""

import os
import re
import shutil
import signal
import smtplib
import subprocess
import threading
import time

import pytest

import stage

ROOT = pytest.mark.skipif(os.geteuid() != 0, reason="needs root: mounts and traces")


@pytest.fixture(scope="module")
def receiver(directory):
    with stage.Receiver(directory / "receiver", "reader.example") as server:
        yield server


class Ledger:
    """Clients that submit all the time, and the numbers of the messages that were answered 250."""

    def __init__(self, site, clients=4):
        self.site, self.accepted, self.refused = site, set(), []
        self.lock, self.end, self.number = threading.Lock(), threading.Event(), 0
        self.threads = [threading.Thread(target=self._run, daemon=True) for _ in range(clients)]

    def _next(self):
        with self.lock:
            self.number += 1
            return self.number

    def _session(self):
        with self.site.client() as client:
            while not self.end.is_set():
                number = self._next()
                try:
                    stage.transact(client, f"info@{self.site.domain}", ["reader@reader.example"],
                                   self.site.message(subject=f"ledger {number}"))
                except smtplib.SMTPResponseException as refusal:
                    self.refused.append((refusal.smtp_code, refusal.smtp_error))
                    time.sleep(0.05)
                else:
                    self.accepted.add(number)

    def _run(self):
        while not self.end.is_set():
            try:
                self._session()
            except (OSError, smtplib.SMTPException):
                time.sleep(0.1)

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self.end.set()
        for thread in self.threads:
            thread.join(60)


def arrivals(receiver):
    """How often each number arrived."""
    counts = {}
    for path in receiver.messages():
        found = re.search(r"^Subject: ledger (\d+)$", path.read_text(errors="replace"), re.M)
        if found:
            counts[int(found.group(1))] = counts.get(int(found.group(1)), 0) + 1
    return counts


def settle(service, receiver, accepted, seconds=90):
    """Waits until everything accepted has arrived; yields the counts."""
    def all_there():
        service.call("queue", "retry", "--all", check=False)
        counts = arrivals(receiver)
        return counts if accepted <= counts.keys() else None
    return stage.wait_until(f"{len(accepted)} accepted messages at the receiver", all_there, seconds, pause=1)


@pytest.mark.parametrize("victim", ["gateway", "vault", "steward"])
def test_a_killed_role_comes_back_and_nothing_is_lost(service, receiver, library, victim):
    with Ledger(library) as ledger:
        for _ in range(3):
            time.sleep(0.7)
            pid = stage.wait_until(victim, lambda: service.children().get(victim))
            os.kill(pid, signal.SIGKILL)
            stage.wait_until(f"a new {victim}", lambda: service.children().get(victim, pid) != pid, seconds=30)
        before = len(ledger.accepted)
        stage.wait_until("submissions to go on", lambda: len(ledger.accepted) > before + 5, seconds=30)
    counts = settle(service, receiver, ledger.accepted)
    twice = sum(1 for number in ledger.accepted if counts[number] > 1)
    # One message a connection can be between the end of its data and the receiver's answer.
    assert twice <= (3 * 20 if victim == "gateway" else 0)


def test_everything_killed_at_once(service, receiver, library):
    with Ledger(library) as ledger:
        time.sleep(1)
        for pid in [service.process.pid, *service.children().values()]:
            os.kill(pid, signal.SIGKILL)
        service.process.wait()
        service.start()
        before = len(ledger.accepted)
        stage.wait_until("submissions to go on", lambda: len(ledger.accepted) > before + 5, seconds=30)
    settle(service, receiver, ledger.accepted)


def test_an_orderly_stop_delivers_nothing_twice(service, receiver, library):
    with Ledger(library) as ledger:
        time.sleep(1)
        service.stop()
        service.start()
        time.sleep(1)
    counts = settle(service, receiver, ledger.accepted)
    assert [n for n in ledger.accepted if counts[n] > 1] == []


@ROOT
def test_the_sync_comes_before_the_250(service, library, directory):
    """As the kernel saw it: between the last byte of data and "250 Ok" there is a finished fdatasync."""
    trace = directory / "trace"
    tracer = subprocess.Popen(["strace", "-f", "-qq", "-s", "40", "-e", "trace=fdatasync,write,writev,sendto,sendmsg",
                               "-o", str(trace), "-p", str(service.children()["gateway"])],
                              stderr=subprocess.DEVNULL)
    time.sleep(1)
    with smtplib.SMTP(stage.LOOPBACK, service.starttls_port, timeout=30):
        pass  # the tracer is attached once this was served
    client = library.client()
    marks = []
    for _ in range(5):
        marks.append(trace.read_text().count("fdatasync"))
        stage.transact(client, f"info@{library.domain}", ["reader@reader.example"], library.message())
        time.sleep(0.3)
    marks.append(trace.read_text().count("fdatasync"))
    client.quit()
    tracer.send_signal(signal.SIGINT)
    tracer.wait()
    assert all(later > earlier for earlier, later in zip(marks, marks[1:]))


@ROOT
def test_a_failed_sync_is_never_a_250(service, receiver, library, directory):
    """The first sync fails once, as a disk that lost a page would tell it; the next would succeed again."""
    pid = service.children()["gateway"]
    tracer = subprocess.Popen(["strace", "-f", "-qq", "-e", "trace=fdatasync", "-e", "inject=fdatasync:error=EIO:when=1",
                               "-o", str(directory / "eio"), "-p", str(pid)], stderr=subprocess.DEVNULL)
    time.sleep(1)
    try:
        answers = []
        for _ in range(3):
            try:
                library.send()
                answers.append(250)
            except smtplib.SMTPResponseException as refusal:
                answers.append(refusal.smtp_code)
    finally:
        tracer.send_signal(signal.SIGINT)
        tracer.wait()
    assert 250 not in answers and set(answers) <= {451, 421, 452}
    status = service.ask("status")
    assert "sync" in str(status) or "disk" in str(status)  # the operator is told
    os.kill(pid, signal.SIGKILL)  # what the operator does after looking at the disk
    stage.wait_until("a new gateway", lambda: service.children().get("gateway", pid) != pid)

    def accepted():
        try:
            return library.send()
        except (OSError, smtplib.SMTPException):
            return None
    stage.wait_until("accepting again", accepted, seconds=30, pause=0.5)


@ROOT
def test_a_full_disk_refuses_drains_and_recovers(directory, dns, receiver):
    data = directory / "small"
    data.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64m,mode=755", "tmpfs", str(data)], check=True)
    try:
        shutil.chown(data, "nobody")
        service = stage.Service(directory / "full", dns, receiver.port, settings={"data_directory": str(data)})
        with service:
            site = stage.Site(service, dns, "archive", "museum.example")
            message_id = site.send()
            filler = data / "filler"
            with open(filler, "wb") as file:
                try:
                    while True:
                        file.write(b"\0" * 65536)
                        file.flush()
                except OSError:
                    pass
            big = site.message(body="x" * 70 + "\r\n" + ("y" * 70 + "\r\n") * 30000)
            codes = set()
            for _ in range(40):
                try:
                    site.send(big)
                except smtplib.SMTPResponseException as refusal:
                    codes.add((refusal.smtp_code, refusal.smtp_error[:5]))
                    break
            assert codes == {(452, b"4.3.1")}
            stage.wait_until("the queue to drain", lambda: service.ask(
                "message", "show", message_id)["recipients"][0]["state"] == "delivered")
            filler.unlink()

            def accepted():
                try:
                    return site.send(big)
                except smtplib.SMTPException:
                    return None
            stage.wait_until("accepting again", accepted, seconds=60, pause=1)
    finally:
        subprocess.run(["umount", "-l", str(data)], check=True)
