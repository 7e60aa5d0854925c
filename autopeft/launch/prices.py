"""What configurations cost in the objectives of a study."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from autopeft.backbones import Anatomy
from autopeft.costs import Costs, memory_features
from autopeft.errors import AutopeftError
from autopeft.launch.calibration import Calibration
from autopeft.launch.target import Refuses, nothing
from autopeft.samplers import AffordablePoints, CostAxis
from autopeft.space import BoundSpace, Configuration

__all__ = ["Prices"]

#: What to hold against accuracy instead, where a cost is not above 0.
_INSTEAD = {"flops": "leave it out of --objectives, or take forward, which counts the backbone too"}

#: Affordable configurations whose costs tell the range of an objective.
_DRAWS = 256


@dataclass(frozen=True)
class Prices:
    """Costs of configurations, by the names of objectives.

    Args:
        names: The costs that are objectives.
        costs: The exact costs.
        anatomy: The resolved anatomy of the backbone.
        calibration: What was measured before the first trial; None when no objective or budget needs it.
        memory_limit: Bytes that predicted memory may not exceed.
        refuses: Says why a configuration shall not be proposed.
        pooled: Whether rows are selected from a pool.
    """

    names: tuple[str, ...]
    costs: Costs
    anatomy: Anatomy
    calibration: Calibration | None = None
    memory_limit: int | None = None
    refuses: Refuses = nothing
    pooled: bool = False

    @property
    def needs_calibration(self) -> bool:
        """Whether steps must be measured before the first trial."""
        return self.memory_limit is not None or not {"memory", "time"}.isdisjoint(self.names)

    def axes(self, ranges: Mapping[str, Sequence[float]]) -> list[CostAxis]:
        """Return the costs as a sampler takes them; none for trainable parameters alone.

        Args:
            ranges: The lowest and the highest value of each.
        """
        return [CostAxis(name, low, high, self.known(name)) for name, (low, high) in ranges.items()]

    def price(self, configuration: Configuration) -> int:
        """Return the trainable parameters; more than any budget for what is refused, not built or does not fit."""
        if self.refuses(configuration):
            return sys.maxsize
        if self.memory_limit is not None and self.memory(configuration) > self.memory_limit:
            return sys.maxsize
        return self.costs.price(configuration)

    def features(self, configuration: Configuration) -> dict[str, float]:
        """Return what the memory of a configuration is predicted from."""
        return memory_features(configuration, self.anatomy, self.pooled)

    def memory(self, configuration: Configuration) -> float:
        """Return the predicted peak memory of training, in bytes."""
        assert self.calibration is not None, "memory needs a calibration"
        return self.calibration.memory.predict(
            self.features(configuration),
            self.costs.held(configuration) if self.costs.price(configuration, 0) else 0,
        )

    def known(self, name: str) -> Callable[[Configuration], float] | None:
        """Return the function that computes a cost without training; None when it is measured."""
        known: Mapping[str, Callable[[Configuration], float]] = {
            "params": self.costs.params,
            "active": self.costs.active,
            "bytes": self.costs.bytes,
            "flops": self.costs.flops,
            "forward": self.costs.forward,
            "nonzero": self.costs.nonzero,
            "memory": self.memory,
        }
        return known.get(name)

    def of(self, configuration: Configuration, outcome: Mapping[str, Any]) -> tuple[float, ...] | None:
        """Return the costs of a trial in the order of the objectives; None when one was not measured.

        Args:
            configuration: What was trained.
            outcome: What the trial brought back, or a point of its curve.
        """
        found = []
        for name in self.names:
            known = self.known(name)
            value = self._time(outcome) if known is None else float(known(configuration))
            if value is None:
                return None
            found.append(value)
        return tuple(found)

    def ranges(self, space: BoundSpace, limit: int, others: Sequence[Configuration]) -> dict[str, tuple[float, float]]:
        """Return the lowest non-zero and the highest value of each cost, to score fronts by.

        None for trainable parameters alone, which a study's scale knows.

        Args:
            space: The space.
            limit: The highest number of trainable parameters.
            others: Configurations outside the space that count as well.

        Raises:
            AutopeftError: When a cost is 0 everywhere.
        """
        if self.names == ("params",):
            return {}
        points = AffordablePoints(space, self.price, limit)
        rng = np.random.default_rng(0)
        drawn = [points.cheapest.configuration, *(points.draw(rng).configuration for _ in range(_DRAWS)), *others]
        found = {}
        for name in self.names:
            known = self.known(name)
            if name == "params":
                found[name] = (float(points.cheapest.cost), float(limit))
            elif known is None:
                assert self.calibration is not None, "time needs a calibration"
                found[name] = (1.0, self.calibration.slowest)
            else:
                every = [float(known(each)) for each in drawn]
                if min(every) < 0:
                    mend = _INSTEAD.get(name, "leave it out of --objectives")
                    raise AutopeftError(
                        f"objective {name}: configurations of the space {space.name!r} cost less than 0, and fronts "
                        f"are of logarithms of costs; {mend}"
                    )
                values = [value for value in every if value > 0]
                if not values:
                    raise AutopeftError(
                        f"objective {name}: none of {len(drawn)} configurations of the space {space.name!r} costs more "
                        "than 0; "
                        f"expected a cost that differs; {_INSTEAD.get(name, 'leave it out of --objectives')}"
                    )
                found[name] = (min(values), max(values))
        return found

    def _time(self, outcome: Mapping[str, Any]) -> float | None:
        assert self.calibration is not None, "time needs a calibration"
        seconds = outcome.get("step_seconds")
        return None if seconds is None else float(seconds) / self.calibration.head_step_seconds
