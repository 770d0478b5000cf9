#!/usr/bin/python3
"""sessions_bench.py [--sessions N] [--body BYTES] [--delay SECONDS] [--most BYTES]: what a session costs one gateway.

As many receivers as sessions, each a provider of its own, take the content and let the gateway wait for the answer.
Counted is the memory of the gateway's process (Pss) before the mail comes and while all sessions wait, in clear; the
kernel's memory for the sockets is apart. Prints one JSON object. Fails above --most a session.
"""
import argparse
import json
import os
import pathlib
import re
import resource
import sys

from scale_world import Sink, UP, World, report_of, stage

DELIVERY = {"connections_max": 50000}


def pss_bytes(pid):
    text = pathlib.Path(f"/proc/{pid}/smaps_rollup").read_text()
    return int(re.search(r"^Pss:\s+(\d+) kB", text, re.M).group(1)) * 1024


def descriptors(pid):
    return len(os.listdir(f"/proc/{pid}/fd"))


def mappings(pid):
    return len(pathlib.Path(f"/proc/{pid}/maps").read_text().splitlines())


def socket_bytes():
    """Of all TCP sockets of this network namespace, both ends: pages of the kernel."""
    text = pathlib.Path("/proc/net/sockstat").read_text()
    return int(re.search(r"^TCP:.* mem (\d+)", text, re.M).group(1)) * resource.getpagesize()


def measure(world, o):
    pid = world.service.children()["gateway"]
    report_of(world.load(20, "-s", o.body))  # so that what is there once is there
    stage.wait_until("the first messages", lambda: world.status()["queue"]["busy"] == 20)
    before, sockets = pss_bytes(pid), socket_bytes()
    report_of(world.load(o.sessions, "-s", o.body, "-i", 1000))
    stage.wait_until(f"{o.sessions} sessions", lambda: world.status()["queue"]["busy"] >= o.sessions
                     and descriptors(pid) > o.sessions, seconds=o.delay)
    pss = pss_bytes(pid)
    return {"sessions": world.status()["queue"]["busy"], "body_bytes": o.body, "pss_before": before, "pss": pss,
            "bytes_per_session": (pss - before) // o.sessions, "mappings": mappings(pid),
            "kernel_socket_bytes": socket_bytes() - sockets}


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sessions", type=int, default=10000)
    parser.add_argument("--body", type=int, default=4096)
    parser.add_argument("--delay", type=int, default=300)
    parser.add_argument("--most", type=int, default=48 * 1024)
    o = parser.parse_args()
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    with World(o.sessions, {"delivery": DELIVERY}) as world, Sink(world, UP, "-w", o.delay * 1000):
        found = measure(world, o)
    print(json.dumps(found))
    if found["bytes_per_session"] > o.most:
        sys.exit(f"a session takes {found['bytes_per_session']} bytes; at most {o.most} are allowed")


if __name__ == "__main__":
    main()
