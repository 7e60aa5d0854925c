"""From examples by split to a task: what is missing split off, labels numbered, all of it checked."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from autopeft.errors import DataError
from autopeft.tasks.rows import Examples
from autopeft.tasks.splits import hold_out
from autopeft.tasks.task import Split, Task

__all__ = ["LEAST_ROWS", "build_task"]

#: With fewer rows a split cannot be fitted or measured on.
LEAST_ROWS = {"train": 16, "validation": 8, "test": 8}


def build_task(
    name: str,
    metric: str,
    examples: Mapping[str, Examples],
    *,
    seed: int = 0,
    label_order: Sequence[str] | None = None,
) -> Task:
    """Make a task of examples.

    Args:
        name: The task's name.
        metric: A name of `METRICS`.
        examples: `train`, and `validation` and `test` where they are given; the others are split off `train`.
        seed: Seed of that split.
        label_order: All label names in order, when the source fixes it; else they are sorted.

    Raises:
        DataError: When the data cannot carry a search.
    """
    notes = [
        f"{part.dropped} {split} row{'s' * (part.dropped != 1)} with an empty text or label dropped"
        for split, part in examples.items()
        if part.dropped
    ]
    missing = [split for split in ("validation", "test") if split not in examples]
    parts = dict(examples)
    if missing:
        _check_labels(parts["train"], name)
        parts |= hold_out(parts["train"], missing, seed)
        notes.append(f"{' and '.join(missing)} split off the training rows, stratified by label (seed {seed})")
    labels = _order(parts["train"], label_order)
    _check(parts, labels, name)
    notes += _overlaps(parts)
    number = {label: index for index, label in enumerate(labels)}
    splits = {
        split: Split(tuple(part.texts), tuple(number[label] for label in part.names)) for split, part in parts.items()
    }
    pair = isinstance(parts["train"].texts[0], tuple)
    return Task(name, tuple(labels), metric, pair, splits["train"], splits["validation"], splits["test"], tuple(notes))


def _order(train: Examples, label_order: Sequence[str] | None) -> list[str]:
    """Return the labels that occur, as fixed by the source, else by number or alphabet."""
    present = set(train.names)
    if label_order is not None:
        return [label for label in label_order if label in present]
    numbers = all(label.lstrip("-").isdecimal() for label in present)
    return sorted(present, key=lambda label: (int(label), label)) if numbers else sorted(present)


def _check_labels(train: Examples, name: str) -> None:
    """Refuse training rows whose label column is no set of classes."""
    counts = Counter(train.names)
    if len(counts) == 1:
        raise DataError(
            f"task {name}: all {len(train)} training rows have the label '{next(iter(counts))}'; "
            "expected at least two labels. Is it the right label column?"
        )
    if len(counts) > 1 and len(counts) > len(train) / 2:
        raise DataError(
            f"task {name}: the label column has {len(counts)} different values in {len(train)} training "
            "rows; expected a class to occur several times. Is it the right label column?"
        )


def _check(parts: Mapping[str, Examples], labels: Sequence[str], name: str) -> None:
    """Refuse splits that are too small, of one class, or with labels that cannot be learned."""
    for split, least in LEAST_ROWS.items():
        part = parts[split]
        if len(part) < least:
            raise DataError(
                f"task {name}: {split} has {len(part)} usable row{'s' * (len(part) != 1)}, "
                f"expected at least {least}; add rows, or give a larger file"
            )
    _check_labels(parts["train"], name)
    for split in ("validation", "test"):
        counts = Counter(parts[split].names)
        unknown = sorted(set(counts) - set(labels))
        if unknown:
            shown = ", ".join(f"'{label}'" for label in unknown[:5]) + (", ..." if len(unknown) > 5 else "")
            raise DataError(
                f"task {name}: {split} has labels that train lacks: {shown}; train has {len(labels)} labels "
                f"('{labels[0]}' ... '{labels[-1]}'). Mend the labels, or leave the {split} file out "
                "to have it split off"
            )
        if len(counts) == 1:
            raise DataError(
                f"task {name}: all {len(parts[split])} {split} rows have the label '{next(iter(counts))}'; "
                f"expected at least two labels. Shuffle the rows, or leave the {split} file out "
                "to have it split off"
            )


def _overlaps(parts: Mapping[str, Examples]) -> list[str]:
    """Say how many validation and test texts also stand in train (only possible in given files)."""
    seen = set(parts["train"].texts)
    notes = []
    for split in ("validation", "test"):
        both = sum(text in seen for text in parts[split].texts)
        if both:
            notes.append(f"{both} of {len(parts[split])} {split} texts also stand in train")
    return notes
