"""By how much each of several tasks counts where shared adapters are trained on all of them: knobs of training."""

from __future__ import annotations

from collections.abc import Iterable

from autopeft.space.vocabulary import Knob

__all__ = ["WEIGHTS", "weights_beyond"]

#: So many tasks can be weighed.
_MOST = 8

#: Weights by the order of tasks; what counts is how they stand to each other.
WEIGHTS: tuple[Knob, ...] = tuple(
    Knob(
        f"weight_{number}",
        "float",
        f"how much an example of task {number} of several counts, mixture: joint",
        default=1.0,
        low=1e-3,
        high=1e3,
        unsaid=True,
    )
    for number in range(1, _MOST + 1)
)


def weights_beyond(names: Iterable[str], count: int) -> list[str]:
    """Return the names that are of weights of more tasks than there are."""
    asked = set(names)
    return [knob.name for knob in WEIGHTS[count:] if knob.name in asked]
