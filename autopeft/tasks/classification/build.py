"""From tables by split to a task of classification: what is missing split off, labels numbered, all of it checked."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Hashable, Mapping, Sequence

from autopeft.errors import DataError
from autopeft.tasks.classification.examples import Examples, examples_of
from autopeft.tasks.classification.schema import Classes
from autopeft.tasks.intake import Intake, listed
from autopeft.tasks.known_labels import refuse_unknown
from autopeft.tasks.rows import drop_unlabelled
from autopeft.tasks.spec import TaskSpec
from autopeft.tasks.splits import LEAST_ROWS, hold_out
from autopeft.tasks.tables import Table
from autopeft.tasks.task import POOL
from autopeft.tasks.texts import LabelledTexts, Text

__all__ = ["read_classes"]

_RARE = "add rows of it, merge it into another label, or leave it out"


def read_classes(
    spec: TaskSpec, tables: Mapping[str, Table], *, asked: bool, same: Callable[[Text], Hashable] = lambda text: text
) -> tuple[Classes, dict[str, LabelledTexts], tuple[str, ...], dict[str, Intake]]:
    """Make the splits of a task of tables.

    Args:
        spec: Where they come from, and which columns they are read by.
        tables: `train`, and `validation` and `test` where they are given; the others are split off `train`.
        asked: Whether the user has said that the labels are classes.
        same: What is equal of texts that stay on one side of what is split off.

    Returns:
        The schema, the splits, notes, and the account of the rows by split.

    Raises:
        DataError: When the data cannot carry a search.
    """
    name = spec.short_name
    texts = [*spec.text_columns]
    parts, intake, names = examples_of(tables, texts, spec.label_column, asked=asked)
    missing, unlabelled = drop_unlabelled(parts, intake, spec)
    notes = [*names.notes, *unlabelled]
    pool = parts.pop(POOL, None)
    if missing:
        _check_labels(parts["train"], name)
        together = list(map(same, parts["train"].texts))
        parts |= hold_out(parts["train"], together, parts["train"].names, missing, spec.seed)
        notes.append(f"{' and '.join(missing)} split off the training rows, stratified by label (seed {spec.seed})")
    labels = _order(parts["train"], tables["train"].classes.get(spec.label_column))
    _check(parts, labels, name, missing)
    notes += _rare(parts, labels)
    if pool is not None:
        refuse_unknown(Counter(pool.names), labels, name)
        parts[POOL] = pool
    number = {label: index for index, label in enumerate(labels)}
    splits = {
        split: LabelledTexts(tuple(part.texts), tuple(number[label] for label in part.names))
        for split, part in parts.items()
    }
    return Classes(tuple(labels), tuple(texts)), splits, tuple(notes), intake


def _order(train: Examples, label_order: Sequence[str] | None) -> list[str]:
    """Return the labels that occur, as fixed by the source, else by number or alphabet."""
    present = set(train.names)
    if label_order is not None:
        return [label for label in label_order if label in present]
    numbers = all(re.fullmatch(r"-?\d{1,40}", label) for label in present)
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


def _check(parts: Mapping[str, Examples], labels: Sequence[str], name: str, split_off: Sequence[str]) -> None:
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
            shown = listed([f"'{label}' ({_rows(counts[label])})" for label in unknown])
            raise DataError(
                f"task {name}: {split} has labels that train lacks: {shown}; train has {len(labels)} labels "
                f"('{labels[0]}' ... '{labels[-1]}'). Mend the labels, or leave the {split} file out "
                "to have it split off"
            )
        if len(counts) == 1:
            only = next(iter(counts))
            if split in split_off:
                whole = Counter(label for part in parts.values() for label in part.names)
                others = [f"'{label}' ({_rows(whole[label])})" for label in labels if label != only]
                raise DataError(
                    f"task {name}: too few rows of {listed(others)} for each split to have one beside '{only}'; {_RARE}"
                )
            raise DataError(
                f"task {name}: all {len(parts[split])} {split} rows have the label '{only}'; "
                f"expected at least two labels. Shuffle the rows, or leave the {split} file out "
                "to have it split off"
            )


def _rare(parts: Mapping[str, Examples], labels: Sequence[str]) -> list[str]:
    """Name the labels that a held-out split lacks: how well they are told is not measured there."""
    counts = {split: Counter(part.names) for split, part in parts.items()}
    found = [
        f"'{label}' ({', '.join(f'{split} {counts[split][label]}' for split in parts)})"
        for label in labels
        if not all(counts[split][label] for split in parts)
    ]
    if not found:
        return []
    each = "a label" if len(found) == 1 else f"{len(found)} labels"
    return [f"{each} without a row in each split, learned but not measured there: {listed(found)}; {_RARE}"]


def _rows(count: int) -> str:
    return f"{count:,} row{'s' * (count != 1)}"
