"""Fixtures of the guards, and the file of recorded figures."""

import json
import os
import pathlib
import platform
import re
import ssl
import subprocess
import tempfile

import pytest

import measured
import stage

RECORDED = pathlib.Path(__file__).resolve().parent / "recorded.json"
RECORD = "GUARDS_RECORD=1 tool/test guards"


@pytest.fixture(scope="module")
def directory():
    with tempfile.TemporaryDirectory(prefix="letterhead-guards-", ignore_cleanup_errors=True) as path:
        pathlib.Path(path).chmod(0o755)
        yield pathlib.Path(path)


@pytest.fixture(scope="module")
def service(directory):
    """Prepared, not running."""
    service, dns = measured.prepare(directory)
    yield service
    service.stop()
    dns.stop()


def made_with():
    """What the number of instructions depends on besides our code."""
    binary = pathlib.Path(stage.letterhead_binary()).read_bytes()
    compiler = re.search(rb"GCC: \([^)]*\) ([\d.]+)|clang version ([\d.]+)", binary)
    libc = subprocess.run(["ldd", "--version"], capture_output=True, text=True).stdout.splitlines()[0]
    options = json.loads((measured.BUILD / "meson-info/intro-buildoptions.json").read_text())
    kind = next(option["value"] for option in options if option["name"] == "buildtype")
    return {"machine": platform.machine(), "compiler": compiler[0].decode() if compiler else "unknown", "build": kind,
            "libc": re.search(r"[\d.]+$", libc)[0], "openssl": ".".join(map(str, ssl.OPENSSL_VERSION_INFO[:2]))}


class Recorded:
    """The figures in the tree; with GUARDS_RECORD=1 they are written instead of compared."""

    def __init__(self):
        self.is_recording = bool(os.environ.get("GUARDS_RECORD"))
        self.content = {"made_with": {}, "figures": {}} if self.is_recording else json.loads(RECORDED.read_text())

    def record(self, name, parts):
        self.content["figures"][name] = {part: round(value) for part, value in sorted(parts.items())}
        self.content["made_with"] = made_with()
        RECORDED.write_text(json.dumps(self.content, indent=2) + "\n")

    def compare(self, name, parts, unit, tolerance):
        """`parts` adds up to the figure of that name."""
        if self.is_recording:
            self.record(name, parts)
            return
        if self.content["made_with"] != made_with():
            pytest.skip(f"the figures were recorded with {self.content['made_with']}, and this is {made_with()}; "
                        f"to have figures of your own: {RECORD}")
        parts_before = self.content["figures"][name]
        before, now = sum(parts_before.values()), sum(parts.values())
        change = now / before - 1
        changes = ", ".join(f"{part} {parts_before.get(part, 0):,} → {parts.get(part, 0):,.0f}"
                            for part in sorted({*parts, *parts_before}))
        assert abs(change) <= tolerance, (
            f"{name} {'grew' if change > 0 else 'fell'} by {abs(change):.0%}, from {before:,} to {now:,.0f} {unit} "
            f"({changes}). {'Find what costs so much more' if change > 0 else 'Well done'}; if it is meant, record it: {RECORD}")


@pytest.fixture(scope="session")
def recorded():
    return Recorded()
