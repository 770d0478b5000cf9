"""The manual page and the example speak of every key that the table of the configuration has."""

import pathlib
import re

TOP = pathlib.Path(__file__).resolve().parents[2]


def keys():
    source = "".join(path.read_text() for path in sorted((TOP / "src" / "app").glob("config*.c")) if "_test" not in path.name)
    return sorted(set(re.findall(r'\.name = "([a-z_]+)"', source)) - {"listener", "stub", "network", "server", "delay"})


def test_there_are_keys():
    assert len(keys()) > 30


def test_the_manual_page_has_every_key():
    page = (TOP / "docs" / "man" / "letterhead.yaml.5").read_text()
    assert [k for k in keys() if not re.search(rf"\b{k}\b", page)] == []


def test_the_example_has_every_key():
    example = (TOP / "dist" / "letterhead.yaml").read_text()
    assert [k for k in keys() if not re.search(rf"\b{k}:", example)] == []
