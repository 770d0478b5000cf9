"""What the benches of scale stand on: Letterhead with two sites, a name server, and receivers by DNS.

Recipients are at up0.example, up1.example … whose mail server is at 127.0.0.1, and at down0.example …, whose
server is at 127.0.0.2. The MX of each is under another domain, so each is a provider of its own.
"""
import contextlib
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "e2e"))

import letterhead_site  # noqa: E402
import stage  # noqa: E402

TOOLS = pathlib.Path(os.environ.get("BENCH_TOOLS", HERE.parents[1] / "build/test/bench"))
UP, DOWN = "127.0.0.1", "127.0.0.2"
SITES = {"bench": "bench.example", "shop": "shop.example"}


def receivers(domains):
    """The records of zone example."""
    return "".join(f"{name}{number} MX 10 mx.{name}-host{number}\nmx.{name}-host{number} A {address}\n"
                   for name, address in (("up", UP), ("down", DOWN)) for number in range(domains))


class Sink:
    """sink at an address, for as long as the with block; its report is there afterwards."""

    def __init__(self, world, address, *options):
        self.command = [TOOLS / "sink", "-l", address, "-p", str(world.receiver_port), *map(str, options)]
        self.seen = None

    def __enter__(self):
        self.process = subprocess.Popen(self.command, stdout=subprocess.PIPE, text=True)
        time.sleep(0.3)
        if self.process.poll() is not None:
            raise SystemExit("the sink did not start")
        return self

    def wait(self, seconds):
        """Until it has what it was told to wait for."""
        text, _ = self.process.communicate(timeout=seconds)
        self.seen = json.loads(text)
        return self.seen

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.terminate()
            self.process.communicate()


class World:
    """Two verified sites: `bench` by the loopback listener, `shop` by STARTTLS and AUTH."""

    def __init__(self, domains, settings):
        self.domains = domains
        self.stack = contextlib.ExitStack()
        folder = self.stack.enter_context(tempfile.TemporaryDirectory(prefix="letterhead-scale-"))
        self.folder = pathlib.Path(folder)
        self.folder.chmod(0o755)
        self.receiver_port, = stage.free_ports(1)
        self.dns = stage.Dns(self.folder / "dns", {"example": receivers(domains),
                                                   **{domain: letterhead_site.DMARC for domain in SITES.values()}})
        self.service = stage.Service(self.folder / "letterhead", self.dns, self.receiver_port,
                                     settings={"log_level": "info", **settings})

    def __enter__(self):
        with contextlib.ExitStack() as stack:
            stack.push(self.stack.pop_all())
            stack.enter_context(self.dns)
            with self.service:
                given = {name: letterhead_site.verified_site(self.service, self.dns, name, domain)[1]
                         for name, domain in SITES.items()}
            letterhead_site.write_auth(given["shop"], self.folder / "auth")
            self.service.local_listener = given["bench"]["smtp_username"]
            stack.enter_context(self.service)
            self.stack = stack.pop_all()
        return self

    def __exit__(self, *_):
        self.stack.close()

    def load(self, messages, *options, site="bench", name="up"):
        """Starts load for a site, towards up or down; its report is what it prints."""
        where = (["-p", self.service.local_port] if site == "bench" else
                 ["-p", self.service.starttls_port, "-T", "-a", self.folder / "auth"])
        words = [*where, "-n", messages, "-f", SITES[site], "-d", f"{name}%.example", "-r", self.domains, *options]
        return subprocess.Popen([TOOLS / "load", *map(str, words)], stdout=subprocess.PIPE, text=True)

    def resident_bytes(self, role="gateway"):
        status = pathlib.Path("/proc", str(self.service.children()[role]), "status").read_text()
        return int(re.search(r"^VmRSS:\s+(\d+) kB", status, re.M).group(1)) * 1024

    def cpu_s(self):
        """User and system time of all roles so far."""
        ticks = 0
        for pid in self.service.children().values():
            fields = pathlib.Path("/proc", str(pid), "stat").read_text().rsplit(")", 1)[1].split()
            ticks += int(fields[11]) + int(fields[12])
        return ticks / os.sysconf("SC_CLK_TCK")

    def status(self):
        return json.loads(self.service.call("status", "--json", check=False).stdout)


def report_of(load):
    text, _ = load.communicate()
    report = json.loads(text)
    if load.returncode:
        raise SystemExit(f"load: {report['accepted']} of {report['messages']} taken: {report['last_error']}")
    return report
