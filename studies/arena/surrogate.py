"""Models of accuracy fitted to recorded runs: extremely randomised trees, unlike any sampler's own model."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Sequence
from typing import TypeVar

import numpy as np
from sklearn.ensemble import ExtraTreesRegressor
from sklearn.model_selection import KFold, cross_val_predict

from autopeft.methods import VOCABULARY
from autopeft.space import Configuration, cells

__all__ = ["Trees", "agreeing", "fit_quality", "noise_of", "placement"]

_SIZES = {"lora": "rank", "serial_adapter": "size", "parallel_adapter": "size", "prefix": "length"}
#: A run so far below its twin has collapsed, or was another one.
_CONTRADICTED = 0.1

_ROLES = ("q", "k", "v", "o", "up", "down")

Key = TypeVar("Key", bound=Hashable)
Describe = Callable[[Configuration], np.ndarray]


def placement(configuration: Configuration, layers: int, cost: int) -> np.ndarray:
    """Describe a configuration of the recorded spaces by where it has how much.

    Args:
        configuration: The configuration.
        layers: Layers of the backbone.
        cost: Its cost.

    Returns:
        log2 sizes by method and layer, roles of LoRA, its scale, log10 of learning rate and cost.
    """
    placed = cells(configuration, VOCABULARY)
    sizes = np.zeros((len(_SIZES), layers))
    for row, (method, knob) in enumerate(_SIZES.items()):
        for cell, knobs in placed.get(method, {}).items():
            sizes[row, cell.layer] = np.log2(1 + knobs[knob])
    lora = placed.get("lora", {})
    roles = [any(cell.role == role for cell in lora) for role in _ROLES]
    scale = max((knobs["alpha"] / knobs["rank"] for knobs in lora.values()), default=0.0)
    rate = configuration.training.get("learning_rate")
    logs = [np.log10(rate) if rate else -4.0, np.log10(1 + cost)]
    return np.concatenate([sizes.ravel(), roles, [scale], logs])


def _trees() -> ExtraTreesRegressor:
    return ExtraTreesRegressor(200, min_samples_leaf=2, max_features=0.5, random_state=0)


class Trees:
    """A model of accuracy.

    Args:
        describe: Turns a configuration into numbers.
        configurations: What was trained.
        accuracies: What came out.
    """

    def __init__(
        self, describe: Describe, configurations: Sequence[Configuration], accuracies: Sequence[float]
    ) -> None:
        self._describe = describe
        self._trees = _trees().fit(np.array([describe(each) for each in configurations]), accuracies)

    def __call__(self, configurations: Sequence[Configuration]) -> np.ndarray:
        """Return the mean accuracies of configurations, shape `(n,)`."""
        return self._trees.predict(np.array([self._describe(each) for each in configurations]))


def agreeing(runs: Iterable[tuple[Key, float]]) -> list[tuple[Key, float]]:
    """Return the runs that are not far below another of the same configuration, of (configuration, accuracy) pairs."""
    groups: dict[Key, list[float]] = defaultdict(list)
    for configuration, accuracy in runs:
        groups[configuration].append(accuracy)
    return [
        (configuration, accuracy)
        for configuration, group in groups.items()
        for accuracy in group
        if accuracy > max(group) - _CONTRADICTED
    ]


def noise_of(runs: Iterable[tuple[Hashable, float]]) -> float:
    """Return the standard deviation between runs of the same configuration, of (configuration, accuracy) pairs."""
    groups: dict[Hashable, list[float]] = defaultdict(list)
    for configuration, accuracy in runs:
        groups[configuration].append(accuracy)
    repeated = [np.var(group, ddof=1) for group in groups.values() if len(group) > 1]
    return float(np.sqrt(np.mean(repeated))) if repeated else 0.0


def fit_quality(describe: Describe, configurations: Sequence[Configuration], accuracies: Sequence[float]) -> float:
    """Return the rank correlation of accuracies with what models fitted without them predict, in ten folds."""
    from scipy.stats import spearmanr

    x = np.array([describe(each) for each in configurations])
    folds = KFold(10, shuffle=True, random_state=0)
    return float(spearmanr(accuracies, cross_val_predict(_trees(), x, accuracies, cv=folds)).statistic)
