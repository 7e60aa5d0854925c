"""Read a data set through `datasets.load_dataset`: from the hub or the local cache."""

from __future__ import annotations

import os
import socket
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from urllib.parse import urlparse

from autopeft.errors import DataError
from autopeft.tasks.tables import Table, by_split, of_dataset

__all__ = ["read_dataset"]

_PROBE_SECONDS = 3.0


def read_dataset(name: str, subset: str | None, named: Collection[str]) -> dict[str, Table]:
    """Return the splits of a data set named for `datasets.load_dataset`, by our names for them.

    Args:
        name: Its name, OWNER/NAME on the hub.
        subset: The name of one of its subsets.
        named: Columns that the user names.

    Raises:
        DataError: When it cannot be reached or found, or has no training split.
    """
    import datasets
    from datasets.config import HF_CACHE_HOME

    try:
        with _without_retries(name) as offline:
            loaded = datasets.load_dataset(name, subset)
    except Exception as error:  # datasets raises errors of many libraries
        first = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        mend = (
            "the hub cannot be reached from here: give a local folder, or a file with data"
            if offline
            else "check the name on the hub (OWNER/NAME), the subset and your access"
        )
        raise DataError(f"data set '{name}' cannot be loaded ({first}); {mend}") from error
    parts = by_split(name, loaded)
    tables = {split: of_dataset(f"{name} ({split})", part, named) for split, part in parts.items()}
    # Files that its rows name are those that were fetched with it.
    return {split: replace(table, folders={"": Path(HF_CACHE_HOME)}) for split, table in tables.items()}


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
