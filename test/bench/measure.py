#!/usr/bin/python3
"""One measurement, called by run-peer: starts sink, runs load against the peer, samples the peer's
memory, reads its CPU from its control group, checks the signatures that sink saved. Prints one JSON
line."""
import argparse
import glob
import json
import os
import pathlib
import subprocess
import threading
import time

import dkim

PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")
SIGNATURES_CHECKED = 20
IDLE_SECONDS = 45
LIMIT_SECONDS = 180


def options():
    parser = argparse.ArgumentParser(description=__doc__)
    for name in ("peer", "scratch", "group"):
        parser.add_argument(f"--{name}", required=True)
    for name in ("size", "sessions", "messages", "target", "sink"):
        parser.add_argument(f"--{name}", type=int, required=True)
    parser.add_argument("--auth", help="STARTTLS on both sides, and this initial response of AUTH PLAIN")
    return parser.parse_args()


def group_cpu_s(group):
    version_1 = pathlib.Path(group, "cpuacct.usage")
    if version_1.is_file():
        return int(version_1.read_text()) / 1e9
    for line in pathlib.Path(group, "cpu.stat").read_text().splitlines():
        if line.startswith("usage_usec"):
            return int(line.split()[1]) / 1e6
    raise OSError("no CPU figure in " + group)


class Memory(threading.Thread):
    """Samples what the processes of the group hold: RSS each half second, PSS (shared pages counted
    once) each two seconds. Keeps the peaks."""

    def __init__(self, group):
        super().__init__(daemon=True)
        self.processes = pathlib.Path(group, "cgroup.procs")
        self.stopped = threading.Event()
        self.rss_bytes = self.pss_bytes = self.count = 0

    def run(self):
        turn = 0
        while not self.stopped.wait(0.5):
            turn += 1
            self.sample(turn % 4 == 1)

    def sample(self, with_pss):
        rss = pss = count = 0
        for process in self.processes.read_text().split():
            try:
                rss += int(pathlib.Path("/proc", process, "statm").read_text().split()[1]) * PAGE_BYTES
                count += 1
                if with_pss:
                    rollup = pathlib.Path("/proc", process, "smaps_rollup").read_text().splitlines()
                    pss += sum(int(line.split()[1]) * 1024 for line in rollup if line.startswith("Pss:"))
            except OSError:
                continue  # it ended meanwhile
        self.rss_bytes, self.pss_bytes = max(self.rss_bytes, rss), max(self.pss_bytes, pss)
        self.count = max(self.count, count)

    def end(self):
        self.stopped.set()
        self.join()


def signatures_per_s():
    """How fast this machine signs right now: tells a slow spell of the machine from a slow server."""
    result = subprocess.run(["openssl", "speed", "-multi", str(os.cpu_count()), "-seconds", "2", "rsa2048"],
                            check=False, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    for line in result.stdout.splitlines():
        if line.startswith("rsa 2048"):
            return round(float(line.split()[-2]))
    return 0


def check_signatures(scratch):
    """Counts good and bad signatures among the saved messages, by dkimpy and the peer's public keys."""
    lines = pathlib.Path(scratch, "public-keys").read_text().splitlines()
    keys = {selector.encode(): b"v=DKIM1; k=rsa; p=" + key.encode() for selector, key in map(str.split, lines)}
    good = bad = 0
    for path in glob.glob(scratch + "/saved/*.eml"):
        try:
            signature = dkim.DKIM(pathlib.Path(path).read_bytes())
            valid = signature.verify(dnsfunc=lambda name, timeout=5: keys.get(name.split(b".")[0]))
            valid = valid and signature.domain == b"bench.example"
        except dkim.DKIMException:
            valid = False
        good, bad = good + bool(valid), bad + (not valid)
    return good, bad


def transfer(o):
    """Runs sink and load; returns their reports."""
    tools = os.environ["BENCH_TOOLS"]
    sink_tls = ["-C", o.scratch + "/tls.crt", "-K", o.scratch + "/tls.key"] if o.auth else []
    sink = subprocess.Popen([f"{tools}/sink", "-p", str(o.sink), "-n", str(o.messages),
                             "-k", str(max(1, o.messages // SIGNATURES_CHECKED)), "-o", o.scratch + "/saved",
                             "-i", str(IDLE_SECONDS), "-w", os.environ.get("BENCH_DELAY_MS", "0"), *sink_tls],
                            stdout=subprocess.PIPE)
    time.sleep(0.5)
    try:
        load = run_load(o, tools)
        if not load["accepted"]:
            sink.terminate()
        return load, json.loads(sink.communicate(timeout=LIMIT_SECONDS)[0])
    finally:
        sink.kill()


def run_load(o, tools):
    load_tls = ["-T", "-A", o.scratch + "/tls.crt", "-a", o.auth] if o.auth else []
    load = subprocess.run([f"{tools}/load", "-p", str(o.target), "-c", str(o.sessions), "-n", str(o.messages),
                           "-s", str(o.size), "-t", str(LIMIT_SECONDS),
                           "-m", os.environ.get("BENCH_PER_CONNECTION", "100"), *load_tls],
                          check=False, stdout=subprocess.PIPE)
    return json.loads(load.stdout)


def main():
    o = options()
    before = signatures_per_s()
    memory = Memory(o.group)
    memory.start()
    cpu = group_cpu_s(o.group)
    load, sink = transfer(o)
    cpu = group_cpu_s(o.group) - cpu
    memory.end()
    good, bad = check_signatures(o.scratch)
    elapsed = sink["last_s"] - load["start_s"]
    accepting = load["last_accepted_s"] - load["start_s"]
    print(json.dumps({
        "peer": o.peer, "body_bytes": o.size, "sessions": o.sessions, "messages": o.messages, "tls": bool(o.auth),
        "cores": os.cpu_count(), "elapsed_s": round(elapsed, 3),
        "delivered_per_s": round(sink["unique"] / elapsed, 1) if elapsed > 0 else 0,
        "accepted_per_s": round(load["accepted"] / accepting, 1) if accepting > 0 else 0,
        "cpu_ms_per_message": round(cpu * 1000 / max(1, sink["unique"]), 3), "cpu_s": round(cpu, 2),
        "rss_mb": round(memory.rss_bytes / 1e6, 1), "pss_mb": round(memory.pss_bytes / 1e6, 1),
        "processes": memory.count,
        **{name: load[name] for name in ("latency_p50_ms", "latency_p99_ms", "deferred", "refused", "lost",
                                         "last_error")},
        "undelivered": o.messages - sink["unique"], "repeated": sink["repeated"], "signed": sink["signed"],
        "client_connections": load["connections"], "client_handshakes": load["handshakes"],
        "client_resumed": load["resumed"], "client_tls13": load["tls13"],
        "sink_connections": sink["connections"], "under_tls": sink["under_tls"],
        "sink_handshakes": sink["handshakes"], "sink_resumed": sink["resumed"], "signatures_good": good, "signatures_bad": bad,
        "harness_cpu_s": round(load["cpu_s"] + sink["cpu_s"], 3),
        "machine_signatures_per_s": [before, signatures_per_s()],
    }), flush=True)


if __name__ == "__main__":
    main()
