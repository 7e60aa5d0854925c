"""The labels of data by the numbers that something trained knows them by."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from autopeft.errors import DataError
from autopeft.tasks.intake import listed

__all__ = ["numbers_among", "refuse_unknown"]


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


def refuse_unknown(counts: Mapping[str, int], labels: Sequence[str], name: str) -> None:
    """Refuse a pool with labels that the training rows lack.

    Args:
        counts: How often each of its labels is there.
        labels: Those of the training rows.
        name: What the task is called.

    Raises:
        DataError: Naming them.
    """
    unknown = sorted(set(counts) - set(labels))
    if unknown:
        shown = listed([f"'{label}' ({counts[label]:,})" for label in unknown])
        raise DataError(
            f"task {name}: the pool has labels that train lacks: {shown}; train has {len(labels)} labels. Mend the "
            "labels, or leave such rows out of the file that --pool names"
        )
