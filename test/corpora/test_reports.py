"""Everything that comes back: bounces with a published reading (sisimai-bounces), complaints, and every
other mail of the corpora, which may be taken for anything but must be read in bounded time."""
import collections
import csv
import json
import subprocess

import corpus

FOLDER = corpus.FOLDER / "sisimai-bounces"
HARD_SOFT_MIN, CLASS_MIN = 0.98, 0.92
MAIL = ("sisimai-bounces", "flanker", "php-bounce-fbl", "arf-mailauth", "dkim-canon", "dkim-chasquid",
        "dkim-mailauth", "dkim-rspamd", "dkim-mimekit", "mime-mime4j", "mime-dovecot", "mime-mikel")


def expected():
    """The published rows, by file."""
    found = collections.defaultdict(list)
    with open(FOLDER / "expected.tsv", encoding="utf-8", newline="") as table:
        for row in csv.DictReader(table, delimiter="\t", quoting=csv.QUOTE_NONE):
            found[row["file"]].append(row)
    return found


def read(inspect, paths):
    """What each file is taken for, in the order of the paths."""
    done = subprocess.run([inspect.binary, "inspect", "report", "--json", *map(str, paths)],
                          capture_output=True, timeout=corpus.SECONDS_MAX, check=True)
    return [json.loads(line) for line in done.stdout.splitlines()]


def readings(report):
    """Class and persistence of each recipient; an auto-reply is about nobody."""
    if report["kind"] == "auto-reply":
        return [("auto-reply", "-")]
    return [(one["class"], one["hard_soft"]) for one in report["recipients"]]


@corpus.needs("sisimai-bounces")
def test_bounces_are_read_as_published(inspect):
    rows = expected()
    right = wrong = hard_right = hard_wrong = 0
    lines = []
    for (name, wanted), report in zip(rows.items(), read(inspect, [FOLDER / name for name in rows])):
        got = readings(report)
        for number, row in enumerate(wanted):
            kind, persistence = got[number] if number < len(got) else (report["kind"], "?")
            same, same_persistence = kind == row["class"], persistence == row["hard_soft"]
            right, wrong = right + same, wrong + (not same)
            if row["status_kind"] == "as-reported":
                hard_right, hard_wrong = hard_right + same_persistence, hard_wrong + (not same_persistence)
            if not same:
                lines.append(f"{name}: {row['class']} expected, {kind} read")
    share, hard_share = right / (right + wrong), hard_right / (hard_right + hard_wrong)
    print(f"class right for {share:.1%}, hard or soft for {hard_share:.1%}", *lines, sep="\n")
    assert share >= CLASS_MIN
    assert hard_share >= HARD_SOFT_MIN


@corpus.needs("sisimai-bounces")
def test_mail_that_is_no_report(inspect):
    kinds = [report["kind"] for report in read(inspect, sorted(FOLDER.glob("not/is-not-bounce*")))]
    assert kinds == ["none"] * len(kinds)


@corpus.needs("php-bounce-fbl")
def test_complaints(inspect):
    paths = sorted((corpus.FOLDER / "php-bounce-fbl").glob("*.txt"))
    reports = read(inspect, [path for path in paths if path.name != "SOURCE.txt"])
    assert reports and all(report["kind"] == "complaint" for report in reports)


@corpus.needs("sisimai-bounces")
def test_every_mail_is_read_in_bounded_time(inspect):
    paths = [path for name in MAIL for path in sorted((corpus.FOLDER / name).rglob("*")) if path.is_file()]
    assert len(read(inspect, paths)) == len(paths)
