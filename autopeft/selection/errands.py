"""What workers do once a search has ended: train, and measure what was trained, or what is kept of it."""

from __future__ import annotations

import shutil
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from autopeft.space import Configuration
from autopeft.trials import Outcome, TrialRunner
from autopeft.trials.faults import failure

__all__ = ["AT_RUNG", "Compress", "KeepTrial", "MeasureOnTest", "Train", "Trained", "TryRate"]

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
        folder: Where to write it, emptied before; from another machine of a cluster it comes back here.
        full: Whether the whole backbone trains.
    """

    configuration: str
    seed: int
    folder: Path
    full: bool

    folder_is: ClassVar[str] = "made"

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

    folder_is: ClassVar[str] = "read"

    def __call__(self, runner: TrialRunner) -> NDArray[np.float64]:
        """Do it with a worker's runner."""
        return runner.score(self.folder, "test")


@dataclass(frozen=True)
class KeepTrial:
    """Run a trial again as it was, and keep what was trained.

    Args:
        configuration: The configuration as text.
        seed: The seed of trials.
        folder: Where to write it, emptied before; from another machine of a cluster it comes back here.
    """

    configuration: str
    seed: int
    folder: Path

    folder_is: ClassVar[str] = "made"

    def __call__(self, runner: TrialRunner) -> dict[str, Any]:
        """Do it with a worker's runner; return the outcome as plain data."""
        if self.folder.is_dir():
            shutil.rmtree(self.folder)
        return runner.run(Configuration(self.configuration), self.seed, folder=self.folder).to_dict()


@dataclass(frozen=True)
class Compress:
    """Measure on validation what compression makes of a trial that was kept.

    Args:
        configuration: That of the trial as text, with what it says of compression.
        folder: Where the trial was kept.
    """

    configuration: str
    folder: Path

    folder_is: ClassVar[str] = "read"

    def __call__(self, runner: TrialRunner) -> tuple[dict[str, Any], int]:
        """Do it with a worker's runner; return the outcome as plain data, and the bytes of what is kept."""
        started = time.perf_counter()
        try:
            found, kept = runner.compressed(self.folder, Configuration(self.configuration))
        except Exception as error:
            return failure(error, None, time.perf_counter() - started, ()).to_dict(), 0
        accuracy = runner.task.judge.signed(found.figures[runner.task.metric])
        return Outcome("complete", accuracy, found.figures, seconds=time.perf_counter() - started).to_dict(), kept
