"""The recorded runs, unpacked where a test can use them."""

from __future__ import annotations

import tarfile
from pathlib import Path

import pytest

#: The folder they were made in, which their files name.
_MADE_IN = "/recorded"
_ARCHIVE = Path(__file__).parent / "made-by-4fde206.tar.xz"


@pytest.fixture
def recorded(tmp_path: Path) -> Path:
    """Return a fresh copy of the folder; it keeps its name, by which the task of a `train.csv` is called."""
    folder = tmp_path / "recorded"
    with tarfile.open(_ARCHIVE) as pack:
        pack.extractall(folder, filter="data")
    for path in folder.rglob("*"):
        if path.suffix in (".yaml", ".json", ".jsonl") and _MADE_IN in (text := path.read_text(encoding="utf8")):
            path.write_text(text.replace(_MADE_IN, str(folder)), encoding="utf8")
    return folder
