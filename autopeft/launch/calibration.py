"""What is measured before the first trial: memory and pace of a few configurations."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from autopeft.costs import MemoryModel
from autopeft.errors import AutopeftError
from autopeft.methods import HEAD_ONLY
from autopeft.samplers import AffordablePoints
from autopeft.space import Configuration

__all__ = ["CALIBRATION", "Calibration", "to_measure"]

#: The study's user attribute that holds its calibration.
CALIBRATION = "calibration"

#: Random configurations among which those to measure are chosen.
_DRAWS = 256

#: Configurations measured: so many, and so many more for each method, but no more than the last.
_COUNT, _PER_METHOD, _MOST = 8, 2, 40

#: How far above the slowest configuration measured the scale of time reaches.
_MARGIN = 1.25

#: What the memory of a configuration is predicted from, see `autopeft.costs.memory_features`.
Features = Callable[[Configuration], Mapping[str, float]]


@dataclass(frozen=True)
class Calibration:
    """Measured steps, and what they tell of configurations that were not measured.

    Args:
        memory: The model of peak memory.
        head_step_seconds: Mean time of a step in a trial of the head alone; for a decoder, which has none, the time of
            a step of the fastest configuration measured.
        slowest: Time of a step of the slowest configuration measured, relative to the head alone, and a margin.
    """

    memory: MemoryModel
    head_step_seconds: float
    slowest: float

    @classmethod
    def of(
        cls,
        configurations: Sequence[Configuration],
        measured: Mapping[str, Any],
        features: Features,
        held: Callable[[Configuration], int],
    ) -> Calibration:
        """Learn from what a worker measured.

        Args:
            configurations: The configurations, the head alone first.
            measured: `steps`, for each the peak memory in bytes and the seconds of a step or None when it ran out of
                memory, and `head_step_seconds`.
            features: Returns what memory is predicted from.
            held: Bytes of what a configuration trains and of what the optimiser remembers of it.

        Raises:
            AutopeftError: When not even the head alone fits the memory.
        """
        known = [(each, step) for each, step in zip(configurations, measured["steps"], strict=True) if step is not None]
        if not known or known[0][0] != HEAD_ONLY:
            raise AutopeftError(
                "training the head alone runs out of memory; expected a smaller --batch-size or --max-length, "
                "a smaller model, or more memory"
            )
        memory = MemoryModel.fit(
            [features(each) for each, _ in known],
            [held(each) for each, _ in known],
            [step["peak"] for _, step in known],
        )
        seconds = [step["seconds"] for _, step in known]
        # A decoder has no head of its own to train.
        fastest = min(each for each in seconds if each > 0)
        return cls(memory, measured["head_step_seconds"] or fastest, _MARGIN * max(seconds) / (seconds[0] or fastest))

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON data."""
        return asdict(self)

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Calibration:
        """Return the calibration that `to_dict` wrote."""
        return cls(**{**data, "memory": MemoryModel(**data["memory"])})


def to_measure(points: AffordablePoints, features: Features, others: Sequence[Configuration]) -> list[Configuration]:
    """Choose the configurations to measure: the head alone, the others given, and points that differ the most.

    Each next one is the random affordable point farthest from those chosen, in the features that memory is
    predicted from.
    """
    rng = np.random.default_rng(0)
    chosen = [HEAD_ONLY, *others]
    pool = chosen + [points.draw(rng).configuration for _ in range(_DRAWS)]
    found = [features(each) for each in pool]
    names = sorted({name for each in found for name in each})
    table = np.array([[each.get(name, 0.0) for name in names] for each in found])
    table /= np.maximum(table.max(axis=0), 1.0)
    distances = np.linalg.norm(table[:, None] - table[None], axis=-1)
    places = list(range(len(chosen)))
    count = min(_COUNT + _PER_METHOD * (len(names) - 1), _MOST)
    while len(places) < count:
        nearest = distances[:, places].min(axis=1)
        farthest = int(nearest.argmax())
        if nearest[farthest] == 0.0:
            break
        places.append(farthest)
    return [pool[place] for place in places]
