"""A Letterhead that is measured: a verified site with a loopback listener, and a fixed load through it to a sink."""

import contextlib
import json
import os
import pathlib
import socket
import subprocess
import sys

TOP = pathlib.Path(__file__).resolve().parents[2]
sys.path[:0] = [str(TOP / "test/e2e"), str(TOP / "test/bench")]

import letterhead_site  # noqa: E402
import stage  # noqa: E402

BUILD = pathlib.Path(os.environ.get("LETTERHEAD_BUILD", TOP / "build"))
TOOLS = BUILD / "test/bench"
DOMAIN = "bench.example"
SESSIONS, BODY_BYTES = 20, 4096


def prepare(directory):
    """A stage.Service with a site that may send, stopped, and the name server of its site, which runs."""
    sink_port, = stage.free_ports(1)
    dns = stage.Dns(directory / "dns", {DOMAIN: letterhead_site.DMARC})
    service = stage.Service(directory / "letterhead", dns, settings={
        "log_level": "info", "delivery": {"next_hop": f"{stage.LOOPBACK}:{sink_port}"}})
    service.sink_port = sink_port
    dns.__enter__()
    with service:
        _, credential = letterhead_site.verified_site(service, dns, "bench", DOMAIN)
        service.local_listener = credential["smtp_username"]
    service.write_config()
    return service, dns


def greeted(port):
    with contextlib.suppress(OSError):
        with socket.create_connection((stage.LOOPBACK, port), timeout=30) as client:
            return client.recv(3) == b"220"
    return False


def send(service, messages, sessions=SESSIONS):
    """Sends so many messages through the service and waits until the sink has them all."""
    sink = subprocess.Popen([TOOLS / "sink", "-p", str(service.sink_port), "-n", str(messages)],
                            stdout=subprocess.PIPE, text=True)
    try:
        stage.wait_for_port(service.sink_port, sink, "sink")
        load = subprocess.run([TOOLS / "load", "-p", str(service.local_port), "-c", str(sessions), "-n", str(messages),
                               "-s", str(BODY_BYTES), "-t", "60"], capture_output=True, text=True, timeout=90)
        assert load.returncode == 0, load.stdout + load.stderr
        seen = json.loads(sink.communicate(timeout=60)[0])
    finally:
        sink.kill()
        sink.wait()
    assert (seen["unique"], seen["repeated"], seen["signed"]) == (messages, 0, messages), seen
