#!/usr/bin/python3
"""compare.py: Postfix with OpenDKIM and Letterhead side by side (make bench).

Runs the servers in turn, so that a slow spell of the machine meets all, and prints the medians of the
runs of each case, their ratio, and the bound that the machine's RSA signatures set. Every run is
appended to a file of results, none is left out.

    compare.py                            the two cases of make bench
    compare.py --full                     all cases (BENCH_FULL=1 make bench)
    compare.py --case 50k/20 --repeats 1  one case, once
    compare.py --peers letterhead         without the other server
    compare.py --per-connection 1         one message for each client connection
"""
import argparse
import json
import os
import pathlib
import subprocess
import sys

import report

HERE = pathlib.Path(__file__).resolve().parent
RESULTS = HERE.parents[1] / "build/bench-results.jsonl"
SHORT = ["4k/20", "4k/20/tls"]
FULL = ["4k/20", "4k/100", "50k/20", "50k/100", "4k/20/tls", "4k/100/tls", "50k/20/tls"]
# What takes about five to ten seconds.
MESSAGES = {"letterhead": {4096: 30000, 51200: 15000}, None: {4096: 5000, 51200: 3000}}


class Case:
    """BODY/SESSIONS or BODY/SESSIONS/tls, as in 4k/20/tls."""

    def __init__(self, name):
        words = name.split("/")
        if words[2:] not in ([], ["tls"]) or not words[0].endswith("k"):
            raise argparse.ArgumentTypeError(f"{name}: a case is like 4k/20 or 50k/100/tls")
        self.name, self.tls = name, len(words) == 3
        self.body_bytes, self.sessions = int(words[0][:-1]) * 1024, int(words[1])

    def messages(self, peer):
        counts = MESSAGES["letterhead" if peer.startswith("letterhead") else None]
        return counts.get(self.body_bytes, counts[4096])


def options():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--case", type=Case, action="append", help="one case; may be given several times")
    parser.add_argument("--full", action="store_true", default=bool(os.environ.get("BENCH_FULL")), help=" ".join(FULL))
    parser.add_argument("--repeats", type=int, default=int(os.environ.get("BENCH_REPEATS", "3")), help="default 3")
    parser.add_argument("--peers", nargs="+", default=["postfix-opendkim", "letterhead"], metavar="PEER",
                        help="files of peers/; the first is what the others are compared with")
    parser.add_argument("--messages", type=int, help="in each run; by default what takes some seconds")
    parser.add_argument("--per-connection", type=int, default=100, help="messages for each client connection (100)")
    parser.add_argument("--results", type=pathlib.Path, default=os.environ.get("BENCH_RESULTS", RESULTS),
                        help="where each run is written down")
    return parser.parse_args()


def run_once(o, peer, case):
    messages = o.messages or case.messages(peer)
    words = [HERE / "run-peer", peer, str(case.body_bytes), str(case.sessions), str(messages)]
    environment = {**os.environ, "BENCH_TLS": "1" if case.tls else "", "BENCH_PER_CONNECTION": str(o.per_connection)}
    result = subprocess.run(words, check=True, stdout=subprocess.PIPE, text=True, env=environment)
    run = {**json.loads(result.stdout), "case": case.name}
    with open(o.results, "a", encoding="ascii") as file:
        file.write(json.dumps(run) + "\n")
    print(f"  {peer}: {run['delivered_per_s']:,.0f} messages/s, {run['cpu_ms_per_message']:.2f} ms CPU each, "
          f"{run['pss_mb']:.0f} MB", flush=True)
    return run


def judge(run):
    """What makes a run's figures worthless, in words; nothing when it is good."""
    if run["undelivered"] or run["refused"]:
        yield f"{run['undelivered']} messages were not delivered ({run['last_error']})"
    if run["signatures_bad"] or not run["signatures_good"] or run["signed"] != run["messages"]:
        yield (f"{run['signatures_bad']} bad signatures of {run['signatures_good'] + run['signatures_bad']} looked at, "
               f"{run['signed']} of {run['messages']} signed")
    if run["tls"] and (run["under_tls"] != run["messages"] or run["client_tls13"] != run["client_handshakes"]):
        yield f"{run['under_tls']} of {run['messages']} messages left under TLS"


def main():
    o = options()
    runs, faults = [], []
    print(report.machine(), flush=True)
    for case in o.case or map(Case, FULL if o.full else SHORT):
        print(f"{case.name}: {case.body_bytes // 1024} KB, {case.sessions} sessions"
              f"{', STARTTLS and AUTH in, STARTTLS out' if case.tls else ''}", flush=True)
        for _ in range(o.repeats):
            for peer in o.peers:
                run = run_once(o, peer, case)
                runs.append(run)
                faults += [f"{case.name}, {peer}: {fault}" for fault in judge(run)]
    print("\n" + report.all_tables(runs, o.peers[0]))
    print("".join(f"\nNOT GOOD: {fault}" for fault in faults), end="\n" if faults else "")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
