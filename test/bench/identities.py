#!/usr/bin/python3
"""identities.py [--identities N] [--seconds S]: N identities (10,000), all due at once, and mail meanwhile.

What a check costs: CPU time of the steward and the gateway, questions to the name server (Knot, on loopback), memory;
and whether mail is disturbed: every message must be delivered by its first attempt. Only counts and CPU time are
told, which a busy machine does not change. The identities are copies of a real one in the control database, since
making 30,000 keys takes longer than checking them. $LETTERHEAD_BIN: the binary.
"""
import argparse
import os
import pathlib
import sqlite3
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "e2e"))

import stage  # noqa: E402

ZONES = {
    "example": "",  # DMARC policies are looked for up to here
    "letterhead.example": f"mail A {stage.LOOPBACK}\nbounce MX 10 mail\n",
    "many.example": '_dmarc TXT "v=DMARC1; p=none"\n',
    "reader.example": f"@ MX 10 mx\nmx A {stage.LOOPBACK}\n",
}


class CountingDns(stage.Dns):
    """Knot that counts its questions."""

    def start(self):
        super().start()
        self.stop()
        config = self.directory / "knot.conf"
        config.write_text(config.read_text().replace("    zonefile-sync: -1\n", "    zonefile-sync: -1\n"
                                                     "    global-module: mod-stats\n"))
        self.spawn("knotd", "-c", str(config))
        stage.wait_for_port(self.port, self.process, self.log)

    def questions(self):
        shown = subprocess.run(["knotc", "-c", str(self.directory / "knot.conf"), "stats", "mod-stats"],
                               check=True, capture_output=True, text=True).stdout
        return sum(int(line.split("=")[1]) for line in shown.splitlines() if "server-operation[query]" in line)


class ManySites(stage.Service):
    """Asked for one identity, not for the list of all sites, to see that it runs."""

    def _answers(self):
        return self.process.poll() is None and self.call("identity", "list", "--limit", "1", check=False).returncode == 0


def copy_rows(db, table, source, changes):
    """Each row of the query again, with some columns changed; `changes` yields them."""
    rows = db.execute(f"SELECT * FROM {table} WHERE {source}")
    names = [d[0] for d in rows.description]
    originals = [dict(zip(names, row)) for row in rows]
    marks = ",".join("?" * len(names))
    db.executemany(f"INSERT INTO {table} ({','.join(names)}) VALUES ({marks})",
                   ([{**row, **change}[name] for name in names] for row, change in changes(originals)))


def multiply(path, count):
    """The identity of `many.example` for so many sites, each with a domain below it, all due now."""
    db = sqlite3.connect(path)
    base, = db.execute("SELECT value FROM counter WHERE name = 'id'").fetchone()
    site, identity = db.execute("SELECT site_id, id FROM identity WHERE domain = 'many.example'").fetchone()
    key, = db.execute("SELECT public_key FROM identity_key WHERE identity_id = ? AND slot = 'active'", (identity,)).fetchone()
    ids = [base + 1 + 5 * i for i in range(count)]
    copy_rows(db, "site", f"id = {site}", lambda rows: (
        (rows[0], {"id": i, "name": f"site-{i}"}) for i in ids))
    copy_rows(db, "identity", f"id = {identity}", lambda rows: (
        (rows[0], {"id": i + 1, "site_id": i, "domain": f"d{i}.many.example", "state": "NOT_STARTED", "next_check_us": 1})
        for i in ids))
    copy_rows(db, "identity_key", f"identity_id = {identity}", lambda rows: (
        (row, {"id": i + 2 + n, "identity_id": i + 1, "public_key": key}) for i in ids for n, row in enumerate(rows)))
    db.execute("UPDATE counter SET value = ? WHERE name = 'id'", (ids[-1] + 5,))
    db.commit()
    db.close()


def cpu_seconds(pid):
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def memory_mib(pid):
    status = pathlib.Path(f"/proc/{pid}/status").read_text()
    return int(next(line for line in status.splitlines() if line.startswith("VmRSS")).split()[1]) / 1024


def verified(service):
    db = sqlite3.connect(f"file:{service.directory}/data/control.db?mode=ro", uri=True)
    count, = db.execute("SELECT count(*) FROM identity WHERE state = 'SUCCESS'").fetchone()
    db.close()
    return count


def run(directory, arguments):
    with CountingDns(directory / "dns", ZONES) as dns, \
            stage.Receiver(directory / "receiver", "reader.example") as receiver, \
            ManySites(directory / "letterhead", dns, receiver.port) as service:
        site = stage.Site(service, dns, "many", "many.example")
        value = service.ask("identity", "records", "many")["identities"][0]["records"][0]["value"]
        dns.set("many.example", dns.zones["many.example"] +
                "* TXT " + " ".join(f'"{value[at:at + 255]}"' for at in range(0, len(value), 255)) + "\n")
        service.stop()
        database = next(pathlib.Path(service.directory).rglob("control.db"))
        multiply(database, arguments.identities)
        service.start()
        roles = service.children()
        before = {role: cpu_seconds(pid) for role, pid in roles.items()}
        asked, began, ids = dns.questions(), verified(service), []
        end = time.monotonic() + arguments.seconds
        while time.monotonic() < end:
            ids.append(site.send())
            time.sleep(0.5)
        spent = {role: cpu_seconds(pid) - before[role] for role, pid in roles.items()}
        checks, questions = verified(service) - began, dns.questions() - asked
        receiver.wait_for_messages(len(ids), seconds=60)
        attempts = [service.story(i)["recipients"][0]["attempts"] for i in ids]
        print(f"{arguments.identities} identities due at once, {arguments.seconds} s:")
        print(f"  checks        {checks} ({checks / arguments.seconds:.1f} a second)")
        print(f"  questions     {questions} ({questions / max(checks, 1):.1f} a check)")
        print(f"  CPU, steward  {spent['steward']:.1f} s ({1000 * spent['steward'] / max(checks, 1):.1f} ms a check)")
        print(f"  CPU, gateway  {spent['gateway']:.1f} s")
        print(f"  memory        steward {memory_mib(roles['steward']):.0f} MiB, gateway {memory_mib(roles['gateway']):.0f} MiB")
        print(f"  mail          {len(ids)} messages, delivered by attempt {sorted(set(attempts))}")
        return checks > 0 and set(attempts) == {1}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--identities", type=int, default=10000)
    parser.add_argument("--seconds", type=int, default=60)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="letterhead-identities-", ignore_cleanup_errors=True) as path:
        pathlib.Path(path).chmod(0o755)
        return 0 if run(pathlib.Path(path), arguments) else 1


if __name__ == "__main__":
    sys.exit(main())
