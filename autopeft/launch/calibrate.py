"""Measure before the first trial what predicted and relative costs need, once for each study."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import optuna

from autopeft.errors import BudgetError
from autopeft.launch.calibration import CALIBRATION, Calibration, to_measure
from autopeft.launch.prices import Prices
from autopeft.samplers import AffordablePoints
from autopeft.space import BoundSpace, Configuration

__all__ = ["calibrated"]

#: Affordable configurations that are looked at for one that fits the memory.
_DRAWS = 64


def calibrated(
    prices: Prices,
    study: optuna.Study,
    space: BoundSpace,
    limit: int,
    stock: Configuration,
    measure: Callable[[Sequence[Configuration]], dict[str, Any]],
    say: Callable[[str], None],
) -> Prices:
    """Return prices that know all their costs; what was measured is recorded with the study.

    Args:
        prices: The costs of the study.
        study: The study.
        space: Its space.
        limit: The highest number of trainable parameters.
        stock: Stock LoRA on the backbone, measured as well.
        measure: Measures configurations; see `WorkerJob.profile`.
        say: Tells the user.

    Raises:
        AutopeftError: When steps cannot be measured, or nothing fits the memory.
    """
    if not prices.needs_calibration:
        return prices
    points = AffordablePoints(space, prices.costs.price, limit)
    recorded = study.user_attrs.get(CALIBRATION)
    if recorded is not None:
        known = replace(prices, calibration=Calibration.from_dict(recorded))
    else:
        known = replace(prices, calibration=_measured(prices, study, points, stock, measure, say))
    if known.memory_limit is not None:
        _check_some_fit(known, points, known.memory_limit)
    return known


def _measured(
    prices: Prices,
    study: optuna.Study,
    points: AffordablePoints,
    stock: Configuration,
    measure: Callable[[Sequence[Configuration]], dict[str, Any]],
    say: Callable[[str], None],
) -> Calibration:
    configurations = to_measure(points, prices.features, [stock])
    say(f"measuring steps of {len(configurations)} configurations, to predict the others")
    calibration = Calibration.of(configurations, measure(configurations), prices.features, prices.costs.held)
    study.set_user_attr(CALIBRATION, calibration.to_dict())
    memory = calibration.memory
    say(
        f"peak memory is predicted with an error of {memory.typical_error:.1%} (median) and "
        f"{memory.largest_error:.1%} (largest) over those measured"
    )
    return calibration


def _check_some_fit(prices: Prices, points: AffordablePoints, limit: int) -> None:
    rng = np.random.default_rng(0)
    drawn = [points.cheapest.configuration, *(points.draw(rng).configuration for _ in range(_DRAWS))]
    least = min(map(prices.memory, drawn))
    if least > limit:
        raise BudgetError(
            f"the memory allowed is {limit / 2**20:,.0f} MiB, but of {len(drawn)} configurations the least needs "
            f"{least / 2**20:,.0f} MiB to train, as predicted; expected at least that, a smaller --batch-size or "
            "--max-length, or --gradient-checkpointing"
        )
