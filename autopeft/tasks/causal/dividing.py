"""Split examples off that answer prompts, those of equal prompts together, and see that each split has enough."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping
from typing import TypeVar

from autopeft.errors import DataError
from autopeft.tasks.intake import Intake
from autopeft.tasks.spec import TaskSpec
from autopeft.tasks.splits import LEAST_ROWS, held_out_rows
from autopeft.tasks.task import Split

__all__ = ["divided", "refuse_empty"]

S = TypeVar("S", bound=Split)

#: So many examples are enough for all splits, where they can be split.
_ENOUGH = sum(LEAST_ROWS.values())


def divided(
    spec: TaskSpec, given: Mapping[str, S], intake: Mapping[str, Intake], asked: Callable[[S], list[Hashable]]
) -> tuple[dict[str, S], tuple[str, ...]]:
    """Split off `train` what is missing.

    Args:
        spec: Where the examples come from.
        given: `train`, and `validation` and `test` where there are some.
        intake: The account of the rows by split.
        asked: Returns the prompt of each example: those with equal ones stay together.

    Returns:
        All splits, and notes.

    Raises:
        DataError: When a split has too few.
    """
    parts = dict(given)
    missing = [split for split in ("validation", "test") if split not in parts]
    notes: tuple[str, ...] = ()
    if missing:
        train = parts["train"]
        rows = held_out_rows(asked(train), [""] * len(train), missing, spec.seed)
        parts |= {split: train.take(chosen) for split, chosen in rows.items()}
        notes = (f"{' and '.join(missing)} split off the training rows (seed {spec.seed})",)
    for split, least in LEAST_ROWS.items():
        if len(parts[split]) < least:
            account = intake.get(split, intake["train"])
            dropped = f", for {account.dropped} of {account.rows} rows were dropped" if account.dropped else ""
            prompts = [prompt for part in parts.values() for prompt in asked(part)]
            why, mend = (missing and _alike(prompts)) or (dropped, "add rows, or give a larger file")
            raise DataError(
                f"task {spec.short_name}: {split} has {len(parts[split])} examples, expected at least {least}{why}; "
                f"{mend}"
            )
    return parts, notes


def refuse_empty(account: Intake, expected: str) -> None:
    """Refuse a source of which no row is left.

    Args:
        account: What became of its rows.
        expected: What form they should have.

    Raises:
        DataError: With the reasons.
    """
    if account.used:
        return
    why = "; ".join(f"{reason} in {len(left):,}" for reason, left in account.drops.items())
    raise DataError(
        f"'{account.source}' has {account.rows:,} rows, and none that can be learned from: {why}; expected {expected}"
    )


def _alike(prompts: list[Hashable]) -> tuple[str, str] | None:
    """Say that there are too few different prompts to split off some, and what to do; None where there are enough."""
    different = len(set(prompts))
    if len(prompts) < _ENOUGH or different == len(prompts):
        return None
    return (
        f", for the {len(prompts)} examples have {different} different prompt{'s' * (different != 1)}, and those with "
        "equal prompts stay in one split",
        "add examples with other prompts, or give the splits as files, by --validation and --test",
    )
