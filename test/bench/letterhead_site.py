#!/usr/bin/python3
"""letterhead_site.py FOLDER DOMAIN SINK_PORT PUBLIC_KEY_FILE: makes a Letterhead that can be measured.

Starts it once beside a name server, adds a site, publishes its records, has them verified and makes a
credential; then stops both and leaves in FOLDER a configuration whose loopback listener is bound to
that credential and whose next hop is the sink, and the port of that listener in FOLDER/port. The
public keys go to PUBLIC_KEY_FILE, as `selector base64` lines.
"""
import pathlib
import re
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "e2e"))
import stage  # noqa: E402

SITE, DMARC = "bench", '_dmarc TXT "v=DMARC1; p=none"\n'


def write_public_keys(zone_lines, path):
    joined = re.sub(r'"\s*"', "", zone_lines)
    keys = re.findall(r"^([\w-]+)\._domainkey\S*\s.*\bp=([A-Za-z0-9+/=]+)", joined, re.M)
    if not keys:
        raise SystemExit(f"no key in the records:\n{zone_lines}")
    path.write_text("".join(f"{selector} {key}\n" for selector, key in keys))


def main():
    folder, domain, sink_port, public_keys = sys.argv[1:]
    folder = pathlib.Path(folder)
    dns = stage.Dns(folder / "dns", {domain: DMARC})
    settings = {"log_level": "info", "delivery": {"next_hop": f"{stage.LOOPBACK}:{sink_port}"}}
    service = stage.Service(folder, dns, settings=settings)
    with dns, service:
        service.call("site", "add", SITE, "--domain", domain)
        records = service.call("identity", "records", SITE, "--format", "zone").stdout
        write_public_keys(records, pathlib.Path(public_keys))
        dns.set(domain, DMARC + records)
        service.call("identity", "check", SITE)
        service.local_listener = service.ask("credential", "add", SITE)["smtp_username"]
    service.write_config()
    (folder / "port").write_text(str(service.local_port))


if __name__ == "__main__":
    main()
