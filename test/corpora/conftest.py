"""Fixtures for tests that compare `letterhead inspect` with the corpora.

The corpora are data from strangers and no part of the repository: $LETTERHEAD_CORPORA, then
$LETTERHEAD_SHARED/corpora, then ../shared/corpora beside the source tree. The binary is
$LETTERHEAD_BIN, else the release build's. Where either is missing the tests say so and are skipped;
a LETTERHEAD_BIN that leads nowhere is an error.
"""
import os
import pathlib
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

import corpus  # noqa: E402


@pytest.fixture(scope="session")
def inspect():
    """Runs `letterhead inspect` with the given words; see corpus.Inspect."""
    if not corpus.BINARY.is_file():
        assert "LETTERHEAD_BIN" not in os.environ, f"there is no {corpus.BINARY}"
        pytest.skip(f"letterhead is not built ({corpus.BINARY})")
    return corpus.Inspect(corpus.BINARY)
