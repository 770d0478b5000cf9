#!/usr/bin/python3
"""report.py RESULTS.jsonl [PEER]: the tables of docs/performance.md from the runs of compare.py.

Medians, with the lowest and the highest in brackets. PEER is the one that the others are compared with.
"""
import json
import os
import pathlib
import platform
import re
import statistics
import sys

HARNESS_US = 31  # a message, of load and sink on the machine of docs/performance.md without TLS at 4 KB


def machine():
    """What the figures depend on."""
    cpu = re.search(r"model name\s*: (.*)", pathlib.Path("/proc/cpuinfo").read_text())
    memory = int(re.search(r"MemTotal:\s+(\d+)", pathlib.Path("/proc/meminfo").read_text())[1]) / 1e6
    return (f"{os.cpu_count()} cores ({cpu[1] if cpu else platform.processor()}), {memory:.0f} GB, "
            f"Linux {platform.release()}, load {os.getloadavg()[0]:.1f}")


def spread(values, layout):
    middle, low, high = (layout.format(f(values)) for f in (statistics.median, min, max))
    return middle if len(values) == 1 else f"{middle} ({low}–{high})"


def bound_per_s(run):
    """Signatures/s that the cores could have made in the CPU time that load and sink left them."""
    return statistics.mean(run["machine_signatures_per_s"]) * (1 - run["harness_cpu_s"] / run["cores"] / run["elapsed_s"])


def bound_at_us(run, harness_us):
    """The rate at which signing and a harness of so many microseconds a message fill all cores."""
    signatures_per_s = statistics.mean(run["machine_signatures_per_s"])
    return signatures_per_s / (1 + signatures_per_s * harness_us / 1e6 / run["cores"])


def share(run):
    return 100 * run["delivered_per_s"] / bound_per_s(run)


def grouped(runs):
    groups = {}
    for run in runs:
        groups.setdefault((run["case"], run["peer"]), []).append(run)
    return groups


def lines_of(head, rows):
    return "\n".join(["| " + " | ".join(head) + " |", "|---" * len(head) + "|",
                      *("| " + " | ".join(row) + " |" for row in rows)])


def table_of_servers(runs):
    head = ["case", "server", "runs", "delivered/s", "CPU ms/message", "PSS MB", "reply to data p50 ms", "p99 ms",
            "good signatures", "lost / doubled"]
    rows = []
    for (case, peer), group in grouped(runs).items():
        def column(key, layout):
            return spread([run[key] for run in group], layout)
        checked = sum(run["signatures_good"] + run["signatures_bad"] for run in group)
        rows.append([case, peer, str(len(group)), column("delivered_per_s", "{:,.0f}"),
                     column("cpu_ms_per_message", "{:.2f}"), column("pss_mb", "{:.0f}"),
                     column("latency_p50_ms", "{:.1f}"), column("latency_p99_ms", "{:.1f}"),
                     f"{sum(run['signatures_good'] for run in group)} of {checked}",
                     f"{sum(run['undelivered'] for run in group)} / {sum(run['repeated'] for run in group)}"])
    return lines_of(head, rows)


def table_of_bounds(runs, first):
    groups = grouped(runs)
    head = ["case", "server", "times " + first, "RSA-2048 signatures/s around the runs", "load + sink CPU µs/message",
            "bound, messages/s", "share of the bound %", f"bound at {HARNESS_US} µs"]
    rows = []
    for (case, peer), group in groups.items():
        if peer == first and len(groups) > 1:
            continue
        rate = statistics.median(run["delivered_per_s"] for run in group)
        base = statistics.median([run["delivered_per_s"] for run in groups.get((case, first), [])] or [0])
        rows.append([case, peer, f"**{rate / base:.1f}**" if base and peer != first else "",
                     spread([rate for run in group for rate in run["machine_signatures_per_s"]], "{:,.0f}"),
                     spread([run["harness_cpu_s"] * 1e6 / run["messages"] for run in group], "{:.0f}"),
                     spread([bound_per_s(run) for run in group], "{:,.0f}"),
                     spread([share(run) for run in group], "{:.0f}"),
                     spread([bound_at_us(run, HARNESS_US) for run in group], "{:,.0f}")])
    return lines_of(head, rows)


def all_tables(runs, first):
    return f"{table_of_servers(runs)}\n\n{table_of_bounds(runs, first)}"


if __name__ == "__main__":
    with open(sys.argv[1], encoding="ascii") as results:
        print(all_tables([json.loads(line) for line in results], sys.argv[2] if len(sys.argv) > 2 else "postfix-opendkim"))
