"""What a search will take, from a few steps that are measured before it: seconds and memory."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

import numpy as np

from autopeft.costs import REFUSED
from autopeft.launch.places import places_of
from autopeft.launch.preparation import Preparation
from autopeft.samplers import AffordablePoints
from autopeft.space import Configuration
from autopeft.trials import Outcome, TrialSetting, out_of_memory
from autopeft.trials.setting import RUNGS

__all__ = ["Forecast", "Reach", "forecast"]

#: Configurations within the budget that are drawn to find the dearest one.
_DRAWS = 256


@dataclass(frozen=True)
class Reach:
    """What a configuration takes of memory.

    Args:
        name: What it is called.
        configuration: The configuration.
        params: Its trainable parameters.
        peak: Bytes at the peak of a step on the longest texts, the model's weights included; None where they ran out.
    """

    name: str
    configuration: Configuration
    params: int
    peak: int | None


@dataclass(frozen=True)
class Forecast:
    """What was measured, and what follows from it.

    Args:
        reaches: Memory of stock LoRA and of the dearest configuration that was found.
        step: Seconds of a training step of stock LoRA.
        trial: Seconds of a whole trial of stock LoRA.
        start: Seconds until a worker has loaded model and data.
        search: Seconds of all trials, were each as long; early stopping makes it less, dear configurations more.
        workers: Trials at once.
        room: Bytes that a worker has.
    """

    reaches: tuple[Reach, ...]
    step: float
    trial: float
    start: float
    search: float
    workers: int
    room: int

    def several(self, trainings: int) -> float:
        """Return the seconds that so many whole trainings take."""
        return trainings * self.trial / self.workers


def forecast(prepared: Preparation) -> Forecast:
    """Measure the first steps of stock LoRA, and steps of the dearest configuration; nothing is written.

    Raises:
        AutopeftError: When the backbone cannot be loaded, or the steps fail for what a user can mend.
        RuntimeError: When they fail for another reason.
    """
    began = time.perf_counter()
    runner = prepared.job.runner()
    start = time.perf_counter() - began
    seed = prepared.job.seed
    dearest = _dearest(prepared)
    stock = prepared.stock
    named = {"stock LoRA": stock} | ({} if dearest == stock else {"the dearest configuration": dearest})
    reaches = []
    for name, each in named.items():
        reaches.append(Reach(name, each, prepared.costs.params(each), _peak(runner, each, seed)))
    outcome = runner.run(stock, seed, until=RUNGS[0], brief=True)
    if outcome.status != "complete":
        raise RuntimeError(f"stock LoRA: {outcome.message or outcome.status}\n{outcome.detail}")
    trial = _whole(outcome, prepared.setting)
    places = places_of(prepared.plan)
    workers = places.workers
    rounds = -(-prepared.plan.trials // workers)
    return Forecast(
        tuple(reaches),
        float(outcome.curve[-1]["step_seconds"]),
        trial,
        start,
        start + rounds * trial,
        workers,
        places.memory() // places.sharing,
    )


def _whole(outcome: Outcome, setting: TrialSetting) -> float:
    """Return the seconds of a whole trial, of which the first rung was measured."""
    point = outcome.curve[-1]
    training = point["step_seconds"] * point["step"]
    # At rungs fewer examples are measured than at the end.
    checks = max(0.0, point["busy"] - training)
    ends = setting.validation_examples / setting.rung_examples
    steps = sum(stage.steps for stage in setting.stages)
    rungs = len(setting.rungs) if setting.early_stopping else 0
    return float(point["seconds"] - point["busy"] + point["step_seconds"] * steps + checks * (rungs + ends))


def _peak(runner: Any, configuration: Configuration, seed: int) -> int | None:
    try:
        peak: int = runner.profile(configuration, seed).peak
        return peak
    except Exception as error:
        if not out_of_memory(error):
            raise
        return None


def _dearest(prepared: Preparation) -> Configuration:
    """Return the configuration with the most parameters of those drawn within the budget."""
    price, limit = prepared.prices.price, prepared.scale.limit
    points = AffordablePoints(prepared.space, price, limit)
    rng = np.random.default_rng(0)
    found = [points.cheapest.configuration, *(points.draw(rng).configuration for _ in range(_DRAWS))]
    within = [each for each in found if price(each) not in (REFUSED, 0)] or found
    return max(within, key=prepared.costs.params)
