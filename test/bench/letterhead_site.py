#!/usr/bin/python3
"""letterhead_site.py FOLDER DOMAIN SINK_PORT PUBLIC_KEY_FILE [CERTIFICATE_STEM]: makes a Letterhead that can be measured.

Starts it once beside a name server, adds a site, publishes its records, has them verified and makes a
credential; then stops both and leaves in FOLDER a configuration whose next hop is the sink, and in
FOLDER/port the port to submit to: of a loopback listener bound to that credential or, with a
certificate (STEM.crt, STEM.key), of the STARTTLS listener, with FOLDER/auth to log in with. The public
keys go to PUBLIC_KEY_FILE, as `selector base64` lines.
"""
import base64
import json
import os
import pathlib
import re
import shutil
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


def write_auth(credential, path):
    words = f"\0{credential['smtp_username']}\0{credential['smtp_password']}"
    path.touch(mode=0o600)
    path.write_text(base64.b64encode(words.encode()).decode() + "\n")


def verified_site(service, dns, name, domain):
    """Adds a site whose records are published and right; its records and a credential."""
    service.call("site", "add", name, "--domain", domain, "--senders", "any")
    records = service.call("identity", "records", name, "--format", "zone").stdout
    dns.set(domain, DMARC + records)
    service.call("identity", "check", name)
    return records, service.ask("credential", "add", name)


def main():
    folder, domain, sink_port, public_keys, *stem = sys.argv[1:]
    folder = pathlib.Path(folder)
    dns = stage.Dns(folder / "dns", {domain: DMARC})
    delivery = {"next_hop": f"{stage.LOOPBACK}:{sink_port}",
                "connections_per_provider_max": 50}  # as many as peers/postfix.inc allows Postfix
    settings = {"log_level": "info", "delivery": delivery,
                **json.loads(os.environ.get("BENCH_SETTINGS") or "{}")}
    service = stage.Service(folder, dns, settings=settings)
    for suffix in (".crt", ".key") if stem else ():
        shutil.copy(stem[0] + suffix, folder / f"tls{suffix}")
    with dns, service:
        records, credential = verified_site(service, dns, SITE, domain)
        write_public_keys(records, pathlib.Path(public_keys))
        write_auth(credential, folder / "auth")
        service.local_listener = credential["smtp_username"]
    service.write_config()
    (folder / "port").write_text(str(service.starttls_port if stem else service.local_port))


if __name__ == "__main__":
    main()
