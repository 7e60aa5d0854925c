"""The labels of data by the numbers that something trained knows them by."""

from __future__ import annotations

from collections.abc import Sequence

from autopeft.errors import DataError
from autopeft.tasks.intake import listed

__all__ = ["numbers_among"]


def numbers_among(known: Sequence[str], labels: Sequence[str], name: str, called: str = "labels") -> list[int]:
    """Return for each label its number among those that are known.

    Args:
        known: The labels of what was trained.
        labels: The labels of the data.
        name: What the task is called.
        called: What labels are called.

    Raises:
        DataError: When one is not known, in words that follow the name of what was trained.
    """
    others = [f"'{label}'" for label in labels if label not in known]
    if others:
        raise DataError(
            f"do not know {listed(others)}, {called} of {name}; they know {listed([repr(label) for label in known])}. "
            f"Name the column of their {called} by --label"
        )
    return [known.index(label) for label in labels]
