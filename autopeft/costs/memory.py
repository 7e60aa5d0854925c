"""Peak training memory, predicted from a few configurations whose memory was measured."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import nnls

from autopeft.backbones import Anatomy
from autopeft.levers import SELECT, inputs_changed
from autopeft.methods.builder import plan
from autopeft.methods.context import CONTEXT
from autopeft.methods.depth import adapted_depth
from autopeft.methods.forward_only import forward_only_of
from autopeft.space import Configuration

__all__ = ["MemoryModel", "memory_features"]

#: Share of a column's size by which the fit is held towards 0, so that what was hardly measured weighs little.
_RIDGE = 1e-3


def memory_features(configuration: Configuration, anatomy: Anatomy, pooled: bool = False) -> dict[str, float]:
    """Return what the activations of a training step grow with.

    Args:
        configuration: The configuration.
        anatomy: The resolved anatomy of the backbone.
        pooled: Whether rows are selected from a pool, which are of lengths of their own.

    Returns:
        The number of `layers` that are differentiated, and the number of places of each method; neither where steps are
        made by forward passes alone. Where training leaves something out of layers, what there is of them instead, so
        that it is measured apart; places are counted in full, which is more than they take. Where data levers change
        what is read, and so how long it is, these layers once more by what changes it, and 1 for the lower layers,
        which are computed then.
    """
    changed = inputs_changed(configuration.data)
    if pooled and SELECT.asked(configuration.data) is not None:
        changed = {**changed, "pool": "pool"}
    form = "form " + " ".join(sorted(value for value in changed.values() if isinstance(value, str)))
    if forward_only_of(configuration.training) is not None:
        return {"layers": 0.0, "forward_only": 1.0, **({form: 1.0} if changed else {})}
    layers = range(adapted_depth(configuration, anatomy), anatomy.count)
    found, asked = {"layers": float(len(layers))}, CONTEXT.asked(configuration.training)
    if asked is not None:
        kept = asked.word.kept_of(layers, anatomy.count, asked.knobs)
        found = {f"{asked.word.name} {name}": value for name, value in kept.items()}
    if changed:
        found |= {f"{form}, layers": float(len(layers)), form: 1.0}
    for part in plan(configuration):
        name = part.method.words.name
        found[name] = found.get(name, 0.0) + len(part.cells)
    return found


@dataclass(frozen=True)
class MemoryModel:
    """Predicts peak training memory: what trains has its known size, activations are linear in `memory_features`.

    Args:
        weights: Bytes for each feature, and `base` for a step that trains the head alone.
        typical_error: Median of the relative errors on the measured configurations, each predicted from the others.
        largest_error: The largest of them.
    """

    weights: Mapping[str, float]
    typical_error: float
    largest_error: float

    @classmethod
    def fit(cls, features: Sequence[Mapping[str, float]], held: Sequence[int], peaks: Sequence[float]) -> MemoryModel:
        """Fit non-negative weights to measured peaks.

        Args:
            features: Of each measured configuration.
            held: Bytes of what it trains and of what the optimiser remembers of that.
            peaks: Its peak memory in bytes.
        """
        names = ["base", *sorted({name for each in features for name in each})]
        table = _table(features, names)
        measured = np.asarray(peaks, dtype=np.float64)
        rest = measured - np.asarray(held, dtype=np.float64)
        errors = []
        for left_out in range(len(measured)):
            others = np.arange(len(measured)) != left_out
            missed = table[left_out] @ _solve(table[others], rest[others]) - rest[left_out]
            errors.append(abs(missed) / measured[left_out])
        weights = dict(zip(names, _solve(table, rest).tolist(), strict=True))
        return cls(weights, float(np.median(errors)), float(np.max(errors)))

    def predict(self, features: Mapping[str, float], held: int) -> float:
        """Return the peak in bytes; the activations of a method that was never measured count for nothing."""
        activations = sum(self.weights.get(name, 0.0) * value for name, value in features.items())
        return self.weights["base"] + held + activations


def _table(features: Sequence[Mapping[str, float]], names: Sequence[str]) -> NDArray[np.float64]:
    rows: list[list[float]] = [[1.0 if name == "base" else each.get(name, 0.0) for name in names] for each in features]
    return np.asarray(rows, dtype=np.float64)


def _solve(table: NDArray[np.float64], measured: NDArray[np.float64]) -> NDArray[np.float64]:
    """Fit non-negative weights, by relative error, each column counted in its largest value."""
    size = np.maximum(table.max(axis=0), 1.0)
    held = np.vstack([table / size / measured[:, None], _RIDGE * np.eye(len(size)) / measured.mean()])
    found, _ = nnls(held, np.concatenate([np.ones(len(measured)), np.zeros(len(size))]))
    return found / size
