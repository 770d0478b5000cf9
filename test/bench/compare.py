#!/usr/bin/python3
"""compare.py: Postfix + OpenDKIM and Letterhead side by side (make bench).

Runs both in turn, so that a slow spell of the machine meets both, and prints the median of three
runs for each case, and the ratio. Every run is appended to BENCH_RESULTS (default
test/bench/results.jsonl), none is left out. BENCH_FULL=1 adds 50 KB bodies and 100 sessions;
BENCH_REPEATS, BENCH_MESSAGES and BENCH_PEERS change the rest.
"""
import json
import os
import pathlib
import statistics
import subprocess
import sys

import report

HERE = pathlib.Path(__file__).resolve().parent
RESULTS = pathlib.Path(os.environ.get("BENCH_RESULTS", HERE / "results.jsonl"))
PEERS = os.environ.get("BENCH_PEERS", "postfix-opendkim letterhead").split()
REPEATS = int(os.environ.get("BENCH_REPEATS", "3"))
MESSAGES = {"postfix-opendkim": 5000}  # what takes about ten seconds
MESSAGES_DEFAULT = int(os.environ.get("BENCH_MESSAGES", "20000"))
CASES = [(4096, 20)] + ([(4096, 100), (51200, 20), (51200, 100)] if os.environ.get("BENCH_FULL") else [])


def run_once(peer, size, sessions):
    messages = MESSAGES.get(peer, MESSAGES_DEFAULT)
    result = subprocess.run([HERE / "run-peer", peer, str(size), str(sessions), str(messages)], check=True,
                            stdout=subprocess.PIPE, text=True)
    run = json.loads(result.stdout)
    with RESULTS.open("a") as file:
        file.write(json.dumps(run) + "\n")
    print(f"  {peer}: {run['delivered_per_s']:.0f} messages/s, {run['cpu_ms_per_message']:.2f} ms CPU each, "
          f"{run['pss_mb']:.0f} MB", flush=True)
    return run


def judge(run):
    """What makes a run's figures worthless, in words; empty when it is good."""
    faults = []
    if run["undelivered"] or run["refused"]:
        faults.append(f"{run['undelivered']} messages were not delivered ({run['last_error']})")
    if run["signatures_bad"] or run["signed"] != run["messages"]:
        faults.append(f"{run['signatures_bad']} bad signatures, {run['signed']} of {run['messages']} signed")
    return faults


def main():
    runs, faults = [], []
    for size, sessions in CASES:
        print(f"{size // 1024} KB, {sessions} sessions", flush=True)
        for _ in range(REPEATS):
            for peer in PEERS:
                run = run_once(peer, size, sessions)
                runs.append(run)
                faults += [f"{peer}: {fault}" for fault in judge(run)]
    print("\n" + report.table(runs))
    for size, sessions in CASES:
        rates = [statistics.median(run["delivered_per_s"] for run in runs if run["peer"] == peer and
                                   (run["body_bytes"], run["sessions"]) == (size, sessions)) for peer in PEERS]
        if len(rates) == 2 and rates[0]:
            print(f"{size // 1024} KB, {sessions} sessions: {PEERS[1]} does {rates[1] / rates[0]:.1f} times "
                  f"the messages of {PEERS[0]}")
    print("\n".join(faults))
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
