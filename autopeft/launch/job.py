"""What a worker needs to run trials: plain data that crosses process borders, nothing else does."""

from __future__ import annotations

import time
from collections.abc import Generator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from autopeft.space import Configuration
from autopeft.tasks import TaskSpec
from autopeft.trials import TrialSetting

__all__ = ["WorkerJob"]


@dataclass(frozen=True)
class WorkerJob:
    """Where the backbone and data are and how a trial is run.

    Args:
        model: What `load_backbone` takes.
        revision: Revision of a hub model.
        roles: YAML file mapping roles, for an unknown architecture.
        plugin: Python file that registers further methods.
        task: Where the data is.
        setting: How a trial is run.
        seed: Seed of every trial: all see the same head, batches and order.
        trial_seconds: Time limit of one trial.
    """

    model: str | None
    revision: str | None
    roles: Path | None
    plugin: Path | None
    task: TaskSpec
    setting: TrialSetting
    seed: int
    trial_seconds: float | None

    def runner(self) -> Any:
        """Load the backbone and tokenise the data, once a worker."""
        from autopeft.launch.backbone import backbone_for
        from autopeft.methods import load_plugin
        from autopeft.tasks import load_task
        from autopeft.trials import TrialRunner, use_threads

        use_threads(1)
        if self.plugin is not None:
            load_plugin(self.plugin)
        task = load_task(self.task)
        backbone = backbone_for(task, self.model, self.revision, self.roles)
        return TrialRunner(backbone, task, self.setting)

    def start(self, runner: Any, configuration: Configuration) -> Generator[dict[str, float], None, dict[str, Any]]:
        """Begin one trial: yields a point of its curve at each rung, returns its outcome, both plain data."""
        deadline = None if self.trial_seconds is None else time.time() + self.trial_seconds
        outcome = yield from runner.start(configuration, self.seed, deadline)
        return outcome.to_dict()
