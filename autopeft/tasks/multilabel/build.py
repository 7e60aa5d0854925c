"""From tables by split to a task of several labels: what is missing split off, labels numbered, all of it checked."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Mapping, Sequence

from autopeft.errors import DataError
from autopeft.tasks.intake import Intake, listed
from autopeft.tasks.known_labels import refuse_unknown
from autopeft.tasks.multilabel.cells import label_cells
from autopeft.tasks.multilabel.schema import Labels
from autopeft.tasks.multilabel.strata import strata
from autopeft.tasks.rows import MEND, check_columns, drop_unlabelled, labelled
from autopeft.tasks.spec import TaskSpec
from autopeft.tasks.splits import LEAST_ROWS, hold_out
from autopeft.tasks.tables import Table
from autopeft.tasks.task import POOL
from autopeft.tasks.texts import LabelledTexts

__all__ = ["read_labels"]

#: Of fewer rows in a held-out split the figures of a label say little.
_FEW = 8


def read_labels(
    spec: TaskSpec, tables: Mapping[str, Table]
) -> tuple[Labels, dict[str, LabelledTexts], tuple[str, ...], dict[str, Intake]]:
    """Make the splits of a task of tables.

    Args:
        spec: Where they come from, and which columns they are read by.
        tables: `train`, and `validation` and `test` where they are given; the others are split off `train`.

    Returns:
        The schema, the splits, notes, and the account of the rows by split.

    Raises:
        DataError: When labels are no names, or the data cannot carry a search.
    """
    columns = spec.text_columns
    label, name = spec.label_column, spec.short_name
    for table in tables.values():
        check_columns(table, [*columns, label], MEND)
    cells = label_cells(tables, label, spec.label_separator)
    parts, intake = {}, {}
    for split, table in tables.items():
        texts, sets, intake[split] = labelled(table, columns, label, cells.of)
        parts[split] = LabelledTexts(texts, sets)
    missing, unlabelled = drop_unlabelled(parts, intake, spec)
    notes = [*cells.notes, *unlabelled]
    pool = parts.pop(POOL, None)
    _check_labels(parts["train"], name)
    if missing:
        train = parts["train"]
        parts |= hold_out(train, train.texts, strata(train.texts, train.labels), missing, spec.seed)
        notes.append(
            f"{' and '.join(missing)} split off the training rows, stratified by each row's rarest label (seed "
            f"{spec.seed})"
        )
    counts = {split: _counted(part) for split, part in parts.items()}
    _check(parts, counts, name)
    labels = _order(counts["train"], tables["train"].classes.get(label))
    if pool is not None:
        refuse_unknown(_counted(pool), labels, name)
        parts[POOL] = pool
    number = {each: place for place, each in enumerate(labels)}
    splits = {
        split: LabelledTexts(
            tuple(part.texts), tuple(tuple(sorted(number[each] for each in found)) for found in part.labels)
        )
        for split, part in parts.items()
    }
    return Labels(tuple(labels), columns), splits, (*notes, *_rare(counts, labels)), intake


def _order(names: Collection[str], given: Sequence[str] | None) -> list[str]:
    """Return the labels that occur, as the source gives them, else by number, where all are numbers, or alphabet."""
    if given is not None:
        return [label for label in given if label in names]
    found = list(names)
    numbers = all(re.fullmatch(r"-?\d{1,40}", label) for label in found)
    return sorted(found, key=lambda label: (int(label), label)) if numbers else sorted(found)


def _check_labels(train: LabelledTexts, name: str) -> None:
    """Refuse training rows whose label column holds no labels that can be learned."""
    known = _counted(train)
    if not known:
        raise DataError(
            f"task {name}: none of the {len(train):,} training rows has a label; expected some that have. Is it the "
            "right label column?"
        )
    if len(known) < 2:
        raise DataError(
            f"task {name}: the label '{next(iter(known))}' is the only one of the training rows; expected at least two "
            "labels. Is it the right label column, joined by another separator than --label-separator says?"
        )
    if len(known) > len(train) / 2:
        raise DataError(
            f"task {name}: the label column has {len(known):,} different labels in {len(train):,} training rows, such "
            f"as {next(iter(known))[:60]!r}; expected a label to occur several times. Is it the right label column, "
            "joined by another separator than --label-separator says?"
        )


def _check(parts: Mapping[str, LabelledTexts], counts: Mapping[str, Counter[str]], name: str) -> None:
    """Refuse splits that are too small, or held out without labels or with labels that cannot be learned."""
    for split, least in LEAST_ROWS.items():
        part = parts[split]
        if len(part) < least:
            raise DataError(
                f"task {name}: {split} has {len(part)} usable row{'s' * (len(part) != 1)}, expected at least {least}; "
                "add rows, or give a larger file"
            )
    for split in ("validation", "test"):
        if not counts[split]:
            raise DataError(
                f"task {name}: none of the {len(parts[split]):,} {split} rows has a label; expected some that have. "
                "Add rows with labels"
            )
        unknown = sorted(counts[split].keys() - counts["train"].keys())
        if unknown:
            shown = listed([f"'{label}' ({counts[split][label]:,})" for label in unknown])
            raise DataError(
                f"task {name}: {split} has labels that train lacks: {shown}; train has {len(counts['train'])} labels. "
                f"Mend the labels, or leave the {split} file out to have it split off"
            )


def _counted(part: LabelledTexts) -> Counter[str]:
    return Counter(label for labels in part.labels for label in labels)


def _rare(counts: Mapping[str, Counter[str]], labels: Sequence[str]) -> list[str]:
    """Name the labels that few rows of a held-out split have: how well they are told is hardly measured there."""
    held_out = [split for split in ("validation", "test") if split in counts]
    found = [
        f"'{label}' ({', '.join(f'{split} {counts[split][label]}' for split in held_out)})"
        for label in labels
        if any(counts[split][label] < _FEW for split in held_out)
    ]
    if not found:
        return []
    each = "a label" if len(found) == 1 else f"{len(found)} labels"
    return [f"{each} with fewer than {_FEW} rows in a held-out split, hardly measured there: {listed(found, 20)}"]
