"""What a session to a slow receiver costs the gateway in memory: test/bench/sessions_bench.py with fewer of them."""

import json
import pathlib
import subprocess

BENCH = pathlib.Path(__file__).resolve().parents[1] / "bench" / "sessions_bench.py"
MOST_BYTES = 48 * 1024  # of a session in clear with a message of 4 KiB


def test_a_waiting_session_costs_less_than_48_KiB():
    bench = subprocess.run(["/usr/bin/python3", "-B", str(BENCH), "--sessions", "1000", "--most", str(MOST_BYTES)],
                           capture_output=True, text=True, timeout=200)
    assert bench.returncode == 0, bench.stdout + bench.stderr
    assert json.loads(bench.stdout)["sessions"] >= 1000
