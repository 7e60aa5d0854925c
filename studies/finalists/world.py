"""A world with known true accuracies, in which trainings are drawn: seeds have luck, examples are hard or easy."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.stats import norm

from autopeft.selection import power
from studies.finalists.tables import Table

__all__ = ["NOISE", "Noise", "World"]

#: What `studies.finalists.fit` found.
NOISE = Path(__file__).parent / "noise.json"

#: How much worse than at its best learning rate a reference is at 0.4 and 2.5 times it; see studies/icd10.
_OTHER_RATES = (0.055, 0.01)

#: What further references cost, as multiples of stock LoRA's cost, and by how much they are better than it, or worse,
#: at most.
_FURTHER = {"all-linear": 9.0, "low-rank": 1 / 8, "low-rank-all": 9 / 16}
_APART = 0.02

#: The model without adapters has less luck: only its head is drawn.
_LUCK_OF_HEAD = 0.3

#: Accuracies of 0 and 1 have no probit.
_CERTAIN = 0.002


@dataclass(frozen=True)
class Noise(power.Noise):
    """How trainings differ, and by how much luck does between configurations.

    Args:
        luck: Typical standard deviation between seeds of the level.
        luck_spread: Standard deviation of its logarithm between configurations.
    """

    luck_spread: float

    @classmethod
    def fitted(cls) -> Noise:
        """Return the noise fitted to recorded finalists."""
        return cls(**json.loads(NOISE.read_text(encoding="utf8"))["noise"])


class World:
    """Draws trainings of the configurations of a table, and of references at three learning rates each.

    The first reference is stock LoRA; how accurate the others are is drawn.

    Args:
        table: The true accuracies.
        noise: How trainings differ.
        rng: Draws everything.
    """

    def __init__(self, table: Table, noise: Noise, rng: np.random.Generator) -> None:
        costs, accuracies = [*table.costs], [*table.accuracies]
        self.references: dict[str, tuple[int, ...]] = {}
        for name, factor in {"stock-lora": 1.0, **_FURTHER}.items():
            best = accuracies[table.stock]
            rates = np.array([0.0, *_OTHER_RATES])
            known = [table.stock] if name == "stock-lora" else []
            if not known:
                best += rng.uniform(-_APART, _APART)
            new = rates[len(known) :]
            self.references[name] = (*known, *range(len(costs), len(costs) + len(new)))
            costs += [factor * table.costs[table.stock]] * len(new)
            accuracies += (best - new).tolist()
        self.costs = np.array(costs)
        self.accuracies = np.clip(accuracies, _CERTAIN, 1 - _CERTAIN)
        self.head = table.head
        self.untrained = table.untrained
        self.sizes = {"validation": table.validation, "test": table.test}
        self._rng = rng
        self._luck = noise.luck * np.exp(noise.luck_spread * rng.normal(size=len(self.costs)))
        self._luck[self.head] *= 0.0 if table.untrained else _LUCK_OF_HEAD
        self._level = norm.ppf(self.accuracies) * np.sqrt(1 + self._luck**2)
        self._noise = noise
        self._hard = {split: np.sqrt(noise.common) * rng.normal(size=size) for split, size in self.sizes.items()}
        self._own: dict[tuple[int, str], NDArray[np.float64]] = {}

    def train(self, index: int, seeds: int) -> dict[str, NDArray[np.float64]]:
        """Draw trainings of a configuration: right or wrong by split, `[seeds, examples]`."""
        level = self._level[index] + self._luck[index] * self._rng.normal(size=(seeds, 1))
        # What is not trained answers every time alike.
        each = 0.0 if self._fixed(index) else 1 - self._noise.common - self._noise.own
        scores = {}
        for split, size in self.sizes.items():
            rest = np.sqrt(each) * self._rng.normal(size=(seeds, size))
            scores[split] = (level + self._shared(index, split) + rest > 0).astype(float)
        return scores

    def on_validation(self, index: int) -> float:
        """Return what infinitely many seeds would reach on these validation examples."""
        each = 0.0 if self._fixed(index) else 1 - self._noise.common - self._noise.own
        spread = np.sqrt(each + self._luck[index] ** 2) or 1e-9
        return float(norm.cdf((self._level[index] + self._shared(index, "validation")) / spread).mean())

    def _fixed(self, index: int) -> bool:
        return self.untrained and index == self.head

    def _shared(self, index: int, split: str) -> NDArray[np.float64]:
        """Return how hard the examples of a split are for a configuration, whatever the seed."""
        if (index, split) not in self._own:
            share = 1 - self._noise.common if self._fixed(index) else self._noise.own
            self._own[index, split] = np.sqrt(share) * self._rng.normal(size=self.sizes[split])
        return self._hard[split] + self._own[index, split]
