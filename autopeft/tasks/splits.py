"""Split examples for the user: stratified, equal texts kept together."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Sequence
from typing import TypeVar

import numpy as np

from autopeft.tasks.task import Split

__all__ = ["HELD_OUT", "HELD_OUT_CAPS", "HELD_OUT_SHARE", "LEAST_ROWS", "held_out_rows", "held_out_share", "hold_out"]

S = TypeVar("S", bound=Split)

#: The splits that trials do not train on.
HELD_OUT = ("validation", "test")

#: With fewer rows a split cannot be fitted or measured on.
LEAST_ROWS = {"train": 16, "validation": 8, "test": 8}

#: Share of the rows that each of validation and test gets, at least.
HELD_OUT_SHARE = 0.1

#: More rows than these sharpen the figures little and cost time in every trial.
HELD_OUT_CAPS = {"validation": 1000, "test": 2000}

#: A trial on texts of a word or two trains on so many; on longer ones it trains on fewer.
_MOST_OF_A_TRIAL = 4200

#: Fewer rows than this say nothing, so a small data set gives up a larger share.
_HELD_OUT_LEAST = 20


def hold_out(
    examples: S, texts: Sequence[Hashable], strata: Sequence[str], names: list[str], seed: int
) -> dict[str, S]:
    """Split off some examples of each stratum.

    Equal texts are kept on one side, whatever their strata. A stratum with a single text stays in `train`.

    Args:
        examples: All examples.
        texts: What is kept on one side where it is equal, example by example.
        strata: Of what each is taken a like share, example by example: its label, say.
        names: The splits to take off: `validation`, `test` or both.
        seed: Seed of the draw.

    Returns:
        `train` and the splits named; each keeps the order of the rows.
    """
    rows = held_out_rows(texts, strata, names, seed)
    return {name: examples.take(indices) for name, indices in rows.items()}


def held_out_rows(
    texts: Sequence[Hashable], labels: Sequence[str], names: Sequence[str], seed: int
) -> dict[str, list[int]]:
    """Choose the rows that `hold_out` splits off.

    Args:
        texts: What is kept on one side where it is equal, row by row.
        labels: The label of each row.
        names: The splits to take off: `validation`, `test` or both.
        seed: Seed of the draw.

    Returns:
        Rising numbers of rows of `train` and the splits named.
    """
    groups: dict[Hashable, list[int]] = defaultdict(list)
    for index, text in enumerate(texts):
        groups[text].append(index)
    by_label: dict[str, list[list[int]]] = defaultdict(list)
    for rows in groups.values():
        by_label[labels[rows[0]]].append(rows)

    share = {name: held_out_share(len(groups), name) for name in names}
    rng = np.random.default_rng(seed)
    taken: dict[str, list[int]] = {name: [] for name in ("train", *names)}
    # What rounding owes each split is carried from rare labels to common ones, so that the totals hold.
    owed = dict.fromkeys(names, 0.0)
    for label in sorted(by_label, key=lambda name: (len(by_label[name]), name)):
        members = by_label[label]
        order = [members[i] for i in rng.permutation(len(members))]
        for name in names:
            owed[name] += share[name] * len(members)
            count = max(0, min(round(owed[name]), len(order) - 1))
            if count == 0 and len(members) > len(names) and len(by_label) <= share[name] * len(groups):
                count = 1
            owed[name] -= count
            taken[name] += [index for rows in order[:count] for index in rows]
            order = order[count:]
        taken["train"] += [index for rows in order for index in rows]
    return {name: sorted(indices) for name, indices in taken.items()}


def held_out_share(total: int, name: str) -> float:
    """Return the share of `total` examples that a split gets which is taken off them.

    Test tells finalists apart, and is read at the end only: it gets more where a trial has enough to train on without.
    """
    wanted = min(max(HELD_OUT_SHARE * total, _HELD_OUT_LEAST), HELD_OUT_CAPS[name], total / 4)
    if name == "test":
        spare = total - _MOST_OF_A_TRIAL - held_out_share(total, "validation") * total
        wanted = max(wanted, min(spare, HELD_OUT_CAPS[name], total / 4))
    return wanted / total
