"""The checks of tool/ find what they are for: each is shown a tree with one fault, and one without."""
import pathlib
import subprocess

import pytest

TOOL = pathlib.Path(__file__).resolve().parents[2] / "tool"
GOOD_HEADER = "/* Slices: bytes with their length (RFC 5321 §4.5.3.1). */\nint base_x(void);\n"


def run(check, tree, files):
    for name, text in files.items():
        path = tree / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    target = tree / "src" if check == "check-includes" else tree
    return subprocess.run([TOOL / check, target], stdout=subprocess.PIPE, text=True, check=False)


def long_function(lines):
    return "/* Long. */\nvoid f(void)\n{\n" + "    ;\n" * lines + "}\n"


INCLUDE_FAULTS = [
    ({"src/base/a.h": '#include "queue/b.h"\n', "src/queue/b.h": ""}, "base/ may not include queue/"),
    ({"src/base/a.h": '#include "b.h"\n'}, "without its folder"),
    ({"src/base/a.h": '#include "sys/b.h"\n'}, "no file of ours"),
    ({"src/base/a.h": '#include "base/b.h"\n', "src/base/b.h": '#include "base/a.h"\n'}, "in a circle"),
    ({"src/extra/a.h": ""}, "no place in the order"),
]

STYLE_FAULTS = [
    ("src/base/a.h", "int x;\n", "no opening comment"),
    ("src/base/a.c", "/* A. */\nint x;\n", "no a_test.c"),
    ("src/base/a_test.c", long_function(69), "a function of 71 lines"),
    ("src/base/a.h", "/* A. */\n" + "int x" + "y" * 100 + ";\n", "columns"),
    ("src/base/a.h", "/* A. */\nint x; \n", "space at the end"),
    ("src/base/a.h", "/* A. */\n\tint x;\n", "a tab"),
    ("src/base/a.h", "/* A. TO" + "DO: more */\n", "TO" + "DO"),
    ("src/base/a_test.c", "void f(void)\n{\n    strcpy(a, b);\n}\n", "strcpy()"),
    ("src/queue/a.h", "/* A. */\nstatic int f(void)\n{\n    return fsync(1);\n}\n", "fsync()"),
    ("src/base/a.h", "/* A (RFC5321). */\nint x;\n", "cite as"),
    ("src/base/a.h", "/* A (RFC 5321, section 4). */\nint x;\n", "cite as"),
    ("src/base/a.c", "/* A. */\n" + "int x;\n" * 500, "501 lines"),
    ("src/base/a.h", "/* A. */\nint  x;\n", "not laid out"),
]


@pytest.mark.parametrize("files, message", INCLUDE_FAULTS)
def test_includes_fault(tmp_path, files, message):
    result = run("check-includes", tmp_path, files)
    assert result.returncode == 1
    assert message in result.stdout


def test_includes_good(tmp_path):
    files = {"src/base/a.h": "", "src/queue/b.h": '#include "base/a.h"\n#include <errno.h>\n'}
    assert run("check-includes", tmp_path, files).returncode == 0


@pytest.mark.parametrize("name, text, message", STYLE_FAULTS)
def test_style_fault(tmp_path, name, text, message):
    layout = (TOOL.parent / ".clang-format").read_text()
    result = run("check-style", tmp_path, {".clang-format": layout, name: text})
    assert result.returncode == 1
    assert message in result.stdout


def test_style_good(tmp_path):
    layout = (TOOL.parent / ".clang-format").read_text()
    good = {".clang-format": layout, "src/base/a.h": GOOD_HEADER, "src/base/a_test.c": 'char *x = "strcpy(";\n'}
    result = run("check-style", tmp_path, good)
    assert result.returncode == 0, result.stdout


def test_style_exception_must_be_needed(tmp_path):
    layout = (TOOL.parent / ".clang-format").read_text()
    files = {".clang-format": layout, "src/base/a.h": GOOD_HEADER,
             "tool/style-exceptions.txt": "prose src/base/a.h no reason\n"}
    assert "is not needed" in run("check-style", tmp_path, files).stdout


DOCS_FAULTS = [
    ({"README.md": "[x](missing.md)\n"}, "leads nowhere"),
    ({"README.md": "`make nothing`\n", "Makefile": "all:\n"}, "no make nothing"),
    ({"README.md": "see `src/base/none.h`\n"}, "no src/base/none.h"),
    ({"docs/decisions/0001-a.md": "", "docs/decisions/0001-b.md": ""}, "has the number of"),
]


@pytest.mark.parametrize("files, message", DOCS_FAULTS)
def test_docs_fault(tmp_path, files, message):
    result = run("check-docs", tmp_path, files)
    assert result.returncode == 1
    assert message in result.stdout


def test_docs_good(tmp_path):
    files = {"README.md": "[x](a.md#there) [y](https://example.org) `make all` `src/a`\n", "a.md": "", "src/a.c": "",
             "Makefile": "all:\n"}
    result = run("check-docs", tmp_path, files)
    assert result.returncode == 0, result.stdout
