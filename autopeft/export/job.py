"""What is exported: a configuration, and how it was trained."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from autopeft.backbones import Backbone
from autopeft.space import Configuration
from autopeft.tasks import CausalTask, Task
from autopeft.trials import TrialSetting

__all__ = ["ExportJob"]


@dataclass(frozen=True)
class ExportJob:
    """What a target is handed.

    Args:
        configuration: What to build.
        backbone: The backbone it was searched on.
        task: The data it was searched on; `test` is not touched.
        setting: How it was trained: epochs, batches, schedule, precision.
        seed: The seed it was trained with.
        trained: Folder of its trained adapters and head, as `autopeft.methods.save` writes it, where there is one.
    """

    configuration: Configuration
    backbone: Backbone
    task: Task | CausalTask
    setting: TrialSetting
    seed: int
    trained: Path | None = None

    @property
    def causal(self) -> bool:
        """Whether text is generated; else it is classified."""
        return isinstance(self.task, CausalTask)

    @property
    def causal_task(self) -> CausalTask:
        """The task of a job that generates text."""
        assert isinstance(self.task, CausalTask), "targets for decoders are handed nothing else"
        return self.task
