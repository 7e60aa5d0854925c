"""Data that is handed over in Python: kept in the cache as files, which workers and later runs read."""

from __future__ import annotations

import hashlib
import os
import shutil
import uuid
from pathlib import Path
from typing import Any

from autopeft.cache import cache_folder
from autopeft.errors import DataError

__all__ = ["as_named"]


def as_named(data: Any) -> str | None:
    """Return what names data: itself where it is a name or a path, else the folder in which its rows are kept.

    Args:
        data: A name, a path, a pandas `DataFrame`, or a `Dataset` or `DatasetDict` of the library datasets.

    Raises:
        DataError: It is none of these.
    """
    if data is None or isinstance(data, str | os.PathLike):
        return None if data is None else os.fspath(data)
    import datasets
    import pandas as pd

    if isinstance(data, pd.DataFrame):
        data = datasets.Dataset.from_pandas(data, preserve_index=False)
    if not isinstance(data, datasets.Dataset | datasets.DatasetDict):
        raise DataError(
            f"data: found {type(data).__name__}; expected a path, a name, a pandas DataFrame, or a Dataset or "
            "DatasetDict of datasets"
        )
    kept = cache_folder() / "data"
    kept.mkdir(parents=True, exist_ok=True)
    partial = kept / f"{uuid.uuid4().hex}.partial"
    try:
        data.save_to_disk(str(partial))
        folder = kept / _content(partial)
        if not folder.exists():
            partial.rename(folder)
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    return str(folder)


def _content(folder: Path) -> str:
    """Return a hash of the rows in a folder."""
    found = hashlib.sha256()
    for file in sorted(folder.rglob("*.arrow")):
        found.update(str(file.relative_to(folder)).encode())
        found.update(file.read_bytes())
    return found.hexdigest()[:16]
