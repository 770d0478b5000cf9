"""The stage of the end-to-end tests, for what can only be measured on the release build."""

import importlib.util
import pathlib

E2E = pathlib.Path(__file__).resolve().parents[1] / "e2e"


def load(path):
    spec = importlib.util.spec_from_file_location(f"e2e_{path.stem}", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


fixtures = load(E2E / "conftest.py")
directory, dns, library = fixtures.directory, fixtures.dns, fixtures.library
