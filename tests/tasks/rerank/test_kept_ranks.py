"""What BM25 found is kept, and found anew where what was kept is damaged."""

import numpy as np
import pytest

from autopeft.tasks.ranking.bm25 import first_documents

DOCUMENTS = {"a": "good film", "b": "bad film", "c": "short story"}


@pytest.mark.parametrize("content", [b"", b"to do", b"\x93NUMPY\x01\x00", "other"])
def test_a_damaged_file_is_made_anew(content, tmp_path, monkeypatch):
    monkeypatch.setenv("AUTOPEFT_CACHE", str(tmp_path))
    found = first_documents(DOCUMENTS, ["good film", "story"], 2)
    [kept] = (tmp_path / "bm25").iterdir()
    whole = kept.read_bytes()
    if content == "other":
        np.save(kept, np.array(["x", "y"]))
    else:
        kept.write_bytes(content)
    assert first_documents(DOCUMENTS, ["good film", "story"], 2) == found
    assert kept.read_bytes() == whole
