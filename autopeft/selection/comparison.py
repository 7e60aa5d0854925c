"""How finalists stand to what people use, by what all of them reached on test."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from autopeft.methods import TITLES
from autopeft.selection.contenders import Contender
from autopeft.selection.finalists_file import Against, Interval
from autopeft.selection.statistics import Difference, Estimates
from autopeft.selection.verdict import Compared, Reference

__all__ = ["Comparison", "compare"]


@dataclass(frozen=True)
class Comparison:
    """Finalists beside the references, each by its place.

    Args:
        best: The reference that is the best on validation, which verdicts are against.
        head: The untouched model or the head alone; None where it could not be measured.
        cheapest: Of the references that are shown to be as good the one of the lowest cost.
        reference: The best one, for sentences.
        compared: The others beside it, for sentences.
        against: How each stands to every reference that it is not itself, by their names.
        differences: All differences that hold together: of everyone to references and to the untouched model.
    """

    best: int
    head: int | None
    cheapest: int
    reference: Reference
    compared: Mapping[int, Compared]
    against: Sequence[Mapping[str, Against]]
    differences: Mapping[tuple[int, int], Difference]


def compare(
    finalists: Sequence[Contender], names: Sequence[str], validation: Estimates, test: Estimates, margin: float
) -> Comparison:
    """Compare finalists with the references among them.

    Args:
        finalists: At least one of them a reference.
        names: The costs that are objectives.
        validation: What finalists reached on validation, which says what the best reference is.
        test: What they reached on test.
        margin: By how much worse than a reference is as good as it, as a fraction.
    """
    everyone = range(len(finalists))
    references = [place for place in everyone if finalists[place].baseline in TITLES]
    head = next((place for place in everyone if finalists[place].baseline == "head"), None)
    beside = [*references, *([] if head is None else [head])]
    differences = test.differences([(i, j) for i in everyone for j in beside if i != j])
    best = max(references, key=lambda place: validation.means[place])
    as_good = [j for j in references if j == best or differences[j, best].above(-margin)]
    cheapest = min(as_good, key=lambda place: finalists[place].costs)
    gains = [None if head in (None, place) else differences[place, head] for place in everyone]
    untouched = "the untouched model" if head is not None and finalists[head].fixed else "the head alone"
    return Comparison(
        best,
        head,
        cheapest,
        Reference(_title(finalists[best]), untouched, gains[best], margin, _title(finalists[cheapest])),
        {
            place: Compared(
                each.role.replace("trial-", "trial "),
                differences[place, best],
                _shares(names, each.costs, finalists[cheapest].costs),
                gains[place],
            )
            for place, each in enumerate(finalists)
            if place != best
        },
        [
            {finalists[j].role: _against(differences[place, j], margin) for j in references if j != place}
            for place in everyone
        ],
        differences,
    )


def _around(difference: Difference) -> Interval:
    """Return the interval of a difference."""
    mean, margin = difference.mean, difference.margin
    return Interval(mean=mean, low=mean - margin, high=mean + margin)


def _against(difference: Difference, margin: float) -> Against:
    as_good = difference.above(-margin)
    return Against(difference=_around(difference), as_good=as_good, probability=difference.probability)


def _title(contender: Contender) -> str:
    return TITLES[str(contender.baseline)]


def _shares(names: Sequence[str], costs: Sequence[float], of: Sequence[float]) -> dict[str, float]:
    """Return costs as multiples of others; infinite where those are 0, and nothing where both are or one is unknown."""
    found = {}
    for name, cost, other in zip(names, costs, of, strict=True):
        if np.isfinite(cost) and (cost or other):
            found[name] = cost / other if other else np.inf
    return found
