"""What BM25 ranks first for a query (Robertson and Zaragoza 2009, "The Probabilistic Relevance Framework")."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from contextlib import suppress
from importlib.metadata import version
from pathlib import Path
from types import ModuleType

import numpy as np
from numpy.typing import NDArray

from autopeft.cache import cache_folder
from autopeft.errors import AutopeftError, DataError
from autopeft.whole_file import whole_file

__all__ = ["first_documents"]

#: Words are not stemmed and none is left out: nothing is assumed of the language.
_HOW = {"k1": 1.5, "b": 0.75, "method": "lucene"}


def first_documents(documents: Mapping[str, str], queries: Sequence[str], count: int) -> list[list[str]]:
    """Return for each query the names of the documents that BM25 ranks first, of those that share a word with it.

    What was found is kept in the cache folder, under a hash of all that it depends on.

    Args:
        documents: Texts by name.
        queries: Texts.
        count: How many documents, at most; equal scores are ordered by name.

    Raises:
        DataError: When bm25s is not installed, or no document has a word.
    """
    bm25s = _bm25s()
    names = sorted(documents)
    kept = cache_folder() / "bm25" / f"{_key(documents, names, queries, count)}.npy"
    found = _read(kept, len(queries))
    if found is None:
        found = _ranked(bm25s, [documents[name] for name in names], queries, count)
        _write(kept, found)
    return [[names[place] for place in places if place >= 0] for places in found.tolist()]


def _bm25s() -> ModuleType:
    try:
        import bm25s
    except ModuleNotFoundError as error:
        raise DataError(
            f"documents are ranked by bm25s ({error.name} is not installed): run `pip install 'autopeft[ranking]'`"
        ) from None
    return bm25s


def _key(documents: Mapping[str, str], names: Sequence[str], queries: Sequence[str], count: int) -> str:
    digest = hashlib.sha256(json.dumps([_HOW, version("bm25s"), count, len(names)]).encode())
    for text in (*(each for name in names for each in (name, documents[name])), *queries):
        digest.update(json.dumps(text).encode())
    return digest.hexdigest()[:32]


def _ranked(bm25s: ModuleType, texts: Sequence[str], queries: Sequence[str], count: int) -> NDArray[np.int32]:
    """Return the places of the documents of each query, `[queries, count]`, filled up with -1."""
    words = bm25s.tokenize(list(texts), stopwords=None, show_progress=False)
    if not words.vocab or not any(len(each) for each in words.ids):
        raise DataError("none of the documents has a word of two letters or more, so that BM25 finds nothing")
    index = bm25s.BM25(**_HOW)
    index.index(words, show_progress=False)
    known = index.vocab_dict
    asked = bm25s.tokenize(list(queries), stopwords=None, return_ids=False, show_progress=False)
    found = np.full((len(queries), min(count, len(texts))), -1, np.int32)
    for row, tokens in zip(found, asked, strict=True):
        those = [token for token in tokens if token in known]
        if not those:
            continue
        scores = index.get_scores(those)
        # A stable order: bm25s' own choice of the first depends on how numpy partitions equal scores.
        best = np.argsort(-scores, kind="stable")[: len(row)]
        best = best[scores[best] > 0]
        row[: len(best)] = best
    return found


def _read(file: Path, rows: int) -> NDArray[np.int32] | None:
    try:
        found: NDArray[np.int32] = np.load(file, allow_pickle=False)
    except (OSError, ValueError, EOFError):
        return None
    return found if found.dtype == np.int32 and found.ndim == 2 and len(found) == rows else None


def _write(file: Path, found: NDArray[np.int32]) -> None:
    """Write a file; a full or read-only disk costs time, not the task."""
    with suppress(OSError, AutopeftError):
        file.parent.mkdir(parents=True, exist_ok=True)
        with whole_file(file) as partial, partial.open("wb") as out:
            np.save(out, found)
