"""LoRA runs of many decoders, each model a search of its own: rank and learning rate, few trials."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from autopeft.space import Configuration
from autopeft.space.parameters import Parameter
from studies.arena.benchmarks import Benchmark, Best, Nearest, Row
from studies.arena.flat_space import FlatSpace
from studies.arena.stepped import usual
from studies.decoders.widths import curves, fit

__all__ = ["PREFIX", "models", "tinker"]

#: Begins the names of the benchmarks.
PREFIX = "tinker/"

#: A model with fewer runs is no search.
_LEAST_ROWS = 16

#: Alpha of all runs, whatever the rank.
_ALPHA = 32

#: Learning rates of the ladder: what people begin with, and a higher one.
_RATES = (3e-4, 1e-3)


class _Steps(FlatSpace):
    """Rank and a learning rate that is a multiple of what is usual at that rank, after all other models."""

    def __init__(self, name: str, ranks: tuple[int, ...], rates: tuple[float, float], exponent: float) -> None:
        self._ranks = ranks
        self._ends = rates
        self._exponent = exponent
        steps = [rate / self._usual(place) for rate in rates for place in range(len(ranks))]
        rate = Parameter("learning_rate", low=min(steps), high=max(steps), log=True)
        super().__init__(name, [Parameter("rank", ranks), rate])

    def decode(self, params: Mapping[str, Any]) -> Configuration:
        rate = min(max(params["learning_rate"] * self._usual(params["rank"]), self._ends[0]), self._ends[1])
        return super().decode({**params, "learning_rate": rate})

    def encode(self, configuration: Configuration) -> dict[str, Any]:
        params = super().encode(configuration)
        return {**params, "learning_rate": params["learning_rate"] / self._usual(params["rank"])}

    def _usual(self, place: int) -> float:
        rank = self._ranks[place]
        return usual(rank, _ALPHA / rank, self._exponent)


@cache
def models(file: Path) -> Mapping[str, Mapping[tuple[int, float], list[float]]]:
    """Return the losses of the models that have enough runs, by rank and learning rate; none without the file."""
    found: dict[str, dict[tuple[int, float], list[float]]] = defaultdict(lambda: defaultdict(list))
    for line in file.read_text(encoding="utf8").splitlines() if file.is_file() else ():
        run = json.loads(line)
        found[run["model"]][run["rank"], run["learning_rate"]].append(run["test_nll"])
    return {model: runs for model, runs in found.items() if sum(map(len, runs.values())) >= _LEAST_ROWS}


def tinker(file: Path, model: str) -> Benchmark:
    """Return the search of a model, over (log10 of the rank, minus the loss on test); repeats are averaged.

    Args:
        file: The recorded runs.
        model: One of `models`.
    """
    runs = models(file)[model]
    ranks = tuple(sorted({rank for rank, _ in runs}))
    rates = min(rate for _, rate in runs), max(rate for _, rate in runs)
    plain = FlatSpace(
        model, [Parameter("rank", ranks), Parameter("learning_rate", low=rates[0], high=rates[1], log=True)]
    )

    def cost(configuration: Configuration) -> int:
        return ranks[int(configuration.training["rank"])]

    rows = [
        Row(plain.decode({"rank": ranks.index(rank), "learning_rate": rate}), rank, -sum(losses) / len(losses))
        for (rank, rate), losses in runs.items()
    ]
    scale = {"limit": ranks[-1], "reference": min(row.accuracy for row in rows), "cheapest": ranks[0]}
    best = Best.of([row.cost for row in rows], [row.accuracy for row in rows], **scale)
    exponent = float(fit([each for each in curves() if each.model != model])[2])
    return Benchmark(
        PREFIX + model,
        plain,
        cost,
        # Nearest is by rates themselves, so that both ways of proposing are answered alike.
        Nearest(plain, cost, rows),
        {},
        (len(rows) + 1) // 2,
        lambda: best,
        stepped=_Steps(model, ranks, rates, exponent),
        ladders={"ladder": [plain.decode({"rank": p, "learning_rate": r}) for r in _RATES for p in range(len(ranks))]},
        **scale,
    )
