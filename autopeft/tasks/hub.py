"""Read a data set through `datasets.load_dataset`: from the hub, the local cache or a local folder."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlparse

from autopeft.errors import DataError
from autopeft.tasks.build import build_task
from autopeft.tasks.metrics import USUAL
from autopeft.tasks.rows import Examples, clean, pick
from autopeft.tasks.spec import TaskSpec
from autopeft.tasks.task import Task

__all__ = ["dataset_task", "load_parts"]

#: What publishers call the splits.
_SPLIT_NAMES = {
    "train": ("train", "training"),
    "validation": ("validation", "valid", "dev", "val"),
    "test": ("test",),
}

_PROBE_SECONDS = 3.0


def load_parts(spec: TaskSpec) -> dict[str, Any]:
    """Return the splits of a data set named for `datasets.load_dataset`, by our names for them.

    Raises:
        DataError: When it cannot be reached or found, or has no training split.
    """
    import datasets

    name = str(spec.dataset)
    try:
        with _without_retries(name) as offline:
            loaded = datasets.load_dataset(name, spec.subset)
    except Exception as error:  # datasets raises errors of many libraries
        first = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        mend = (
            "the hub cannot be reached from here: give a local folder, or a file with data"
            if offline
            else "check the name on the hub (OWNER/NAME), the subset and your access"
        )
        raise DataError(f"data set '{name}' cannot be loaded ({first}); {mend}") from error
    parts = {
        split: loaded[found]
        for split, aliases in _SPLIT_NAMES.items()
        if (found := next((alias for alias in aliases if alias in loaded), None))
    }
    if "train" not in parts:
        raise DataError(f"data set '{name}' has no split 'train'; found: {', '.join(loaded)}")
    return parts


def dataset_task(spec: TaskSpec, parts: Mapping[str, Any]) -> Task:
    """Return the classification task of the splits that `load_parts` found.

    Raises:
        DataError: When its data cannot carry a search.
    """
    columns = [spec.text_column, *([spec.text2] if spec.text2 else []), spec.label_column]
    examples: dict[str, Examples] = {}
    label_order = None
    for split, part in parts.items():
        rows = pick(_head(part), columns, f"{spec.dataset} ({split})", known=part.column_names)
        names = getattr(part.features[spec.label_column], "names", None)
        rows = [tuple(row) for row in zip(*(part[column] for column in columns), strict=True)]
        if names is not None:
            label_order = [str(label) for label in names]
            # Hidden test labels are published as -1.
            rows = [(*row[:-1], names[row[-1]] if row[-1] is not None and row[-1] >= 0 else None) for row in rows]
        cleaned = clean(rows)
        if len(cleaned) or split == "train":
            examples[split] = cleaned
    return build_task(spec.short_name, spec.metric or USUAL, examples, seed=spec.seed, label_order=label_order)


def _head(part: Any) -> list[dict[str, Any]]:
    """Return the first row, enough to check the columns."""
    return list(part.select(range(min(1, len(part)))))


@contextmanager
def _without_retries(name: str) -> Iterator[bool]:
    """Switch hub access off while the hub is out of reach (else 25 s of retries); yield whether it is."""
    from huggingface_hub import constants

    if Path(name).exists() or constants.HF_HUB_OFFLINE or _reachable(constants.ENDPOINT):
        yield constants.HF_HUB_OFFLINE
        return
    import datasets

    constants.HF_HUB_OFFLINE = datasets.config.HF_HUB_OFFLINE = True
    try:
        yield True
    finally:
        constants.HF_HUB_OFFLINE = datasets.config.HF_HUB_OFFLINE = False


def _reachable(endpoint: str) -> bool:
    """Tell whether a connection to the hub can be opened; behind a proxy it is taken to be."""
    if any(os.environ.get(key) for key in ("HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy")):
        return True
    url = urlparse(endpoint)
    port = url.port or (443 if url.scheme == "https" else 80)
    try:
        socket.create_connection((str(url.hostname), port), timeout=_PROBE_SECONDS).close()
    except OSError:
        return False
    return True
