"""dkim-canon: the canonical forms of the command line are byte-exact."""
import corpus

NAMES = sorted(path.suffix for path in corpus.FOLDER.glob("dkim-canon/email.*"))
FORMS = ("simple", "relaxed")


@corpus.cases([(name, form) for name in NAMES for form in FORMS], "case", lambda case: "-".join(case))
def test_canon(inspect, case):
    name, form = case
    folder = corpus.FOLDER / "dkim-canon"
    expected = folder / f"{form}.expected{name}"
    status, out = inspect.run("canon", "--header", form, "--body", form, str(folder / f"email{name}"))
    assert status == 0
    assert out == expected.read_bytes()
