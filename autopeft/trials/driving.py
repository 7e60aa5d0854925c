"""Drive a trial from rung to rung."""

from __future__ import annotations

from collections.abc import Callable, Generator

from autopeft.trials.outcome import Outcome

__all__ = ["Point", "Trial", "driven"]

Point = dict[str, float]

#: A trial under way: yields a point of its curve at each rung, returns its outcome.
Trial = Generator[Point, None, Outcome]


def driven(trial: Trial, go_on: Callable[[Point], bool]) -> Outcome:
    """Drive a trial to its end.

    Args:
        trial: The trial; it is closed afterwards.
        go_on: Asked at each rung with the point of the curve; False ends the trial as `stopped`.
    """
    curve = []
    try:
        while True:
            curve.append(next(trial))
            last = curve[-1]
            if not go_on(last):
                return Outcome(
                    "stopped",
                    seconds=last["seconds"],
                    busy=last["busy"],
                    step_seconds=last["step_seconds"],
                    curve=tuple(curve),
                )
    except StopIteration as end:
        outcome: Outcome = end.value
        return outcome
    finally:
        trial.close()
