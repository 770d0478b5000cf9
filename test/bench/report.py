#!/usr/bin/python3
"""report.py RESULTS.jsonl: medians (lowest to highest) of all runs as a Markdown table."""
import json
import statistics
import sys

COLUMNS = [
    ("delivered/s", "delivered_per_s", "{:.0f}"),
    ("CPU ms/message", "cpu_ms_per_message", "{:.2f}"),
    ("PSS MB", "pss_mb", "{:.0f}"),
    ("RSS MB (sum)", "rss_mb", "{:.0f}"),
    ("processes", "processes", "{:.0f}"),
    ("reply p50 ms", "latency_p50_ms", "{:.1f}"),
    ("reply p99 ms", "latency_p99_ms", "{:.1f}"),
]


def spread(values, layout):
    if len(values) == 1:
        return layout.format(values[0])
    middle, low, high = (layout.format(f(values)) for f in (statistics.median, min, max))
    return f"{middle} ({low}–{high})"


def table(runs):
    groups = {}
    for run in runs:
        groups.setdefault((run["body_bytes"], run["sessions"], run["peer"]), []).append(run)
    lines = ["| body | sessions | server | runs | " + " | ".join(name for name, _, _ in COLUMNS) +
             " | good signatures | lost or doubled | RSA-2048 signatures/s of the machine |",
             "|---" * (len(COLUMNS) + 7) + "|"]
    for (size, sessions, peer), group in sorted(groups.items()):
        cells = [f"{size // 1024} KB", str(sessions), peer, str(len(group))]
        cells += [spread([run[key] for run in group], layout) for _, key, layout in COLUMNS]
        checked = sum(run["signatures_good"] + run["signatures_bad"] for run in group)
        machine = [rate for run in group for rate in run["machine_signatures_per_s"]]
        cells += [f"{sum(run['signatures_good'] for run in group)} of {checked}",
                  f"{sum(run['undelivered'] for run in group)} / {sum(run['repeated'] for run in group)}",
                  f"{min(machine)}–{max(machine)}"]
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


if __name__ == "__main__":
    with open(sys.argv[1]) as file:
        print(table([json.loads(line) for line in file]))
