"""What workers do for a selection: train, and measure what was trained."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from autopeft.space import Configuration
from autopeft.trials import TrialRunner
from autopeft.trials.faults import failure

__all__ = ["AT_RUNG", "MeasureOnTest", "Train", "Trained", "TryRate"]

#: The rung, as a share of the steps, up to which a learning rate is tried.
AT_RUNG = 1 / 4


@dataclass(frozen=True)
class Trained:
    """How a training ended.

    Args:
        validation: Its scores on validation, `[examples]`; None when it failed.
        seconds: How long it took.
        message: What went wrong.
    """

    validation: NDArray[np.float64] | None
    seconds: float
    message: str = ""


@dataclass(frozen=True)
class Train:
    """Train a configuration to its end, keep it, and measure what was kept on validation.

    Args:
        configuration: The configuration as text.
        seed: The seed.
        folder: Where to write it, emptied before; on storage that all machines of a cluster share.
        full: Whether the whole backbone trains.
    """

    configuration: str
    seed: int
    folder: Path
    full: bool

    def __call__(self, runner: TrialRunner) -> Trained:
        """Do it with a worker's runner."""
        if self.folder.is_dir():
            shutil.rmtree(self.folder)
        outcome = runner.run(
            Configuration(self.configuration), self.seed, folder=self.folder, full=self.full, brief=True
        )
        if outcome.status != "complete":
            return Trained(None, outcome.seconds, f"{outcome.status}: {outcome.message}")
        try:
            return Trained(runner.score(self.folder, "validation"), outcome.seconds)
        except Exception as error:
            # The training looked at a part of validation only: what it did not see may be too long, or not finite.
            outcome = failure(error, None, outcome.seconds, ())
            return Trained(None, outcome.seconds, f"{outcome.status}: {outcome.message}")


@dataclass(frozen=True)
class TryRate:
    """Train a configuration up to a rung, and measure it there on validation.

    Args:
        configuration: The configuration as text.
        seed: The seed.
        full: Whether the whole backbone trains.
    """

    configuration: str
    seed: int
    full: bool

    def __call__(self, runner: TrialRunner) -> tuple[float | None, str]:
        """Do it with a worker's runner; return what it reached, or None and what went wrong."""
        outcome = runner.run(Configuration(self.configuration), self.seed, full=self.full, until=AT_RUNG)
        return outcome.accuracy, f"{outcome.status}: {outcome.message}"


@dataclass(frozen=True)
class MeasureOnTest:
    """Measure what was kept on test.

    Args:
        folder: Where it is.
    """

    folder: Path

    def __call__(self, runner: TrialRunner) -> NDArray[np.float64]:
        """Do it with a worker's runner."""
        return runner.score(self.folder, "test")
