"""What is exported: a configuration, how it was trained, and where it comes from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from autopeft.backbones import Backbone
from autopeft.space import Configuration
from autopeft.tasks import Task
from autopeft.trials import TrialKind, TrialSetting, Writing, kind_of
from autopeft.trials.writing import Preferring
from autopeft.version import __version__

__all__ = ["ExportJob", "Origin"]


@dataclass(frozen=True)
class Origin:
    """Which trial of a run a configuration comes from.

    Args:
        run: The run folder.
        trial: The trial's number.
        reached: What it reached on validation, in words; the mean over seeds of a finalist.
        words: The flags of `autopeft train` that name its model and data; None where only the run can name them.
    """

    run: Path
    trial: int
    reached: str
    words: Sequence[str] | None = ()


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
        origin: Where it comes from; None for a configuration of no run.
        found_at: Optimiser steps of the trainings that found its learning rate good; None where that is to stay.
        notes: What else there is to say of it.
    """

    configuration: Configuration
    backbone: Backbone
    task: Task
    setting: TrialSetting
    seed: int
    trained: Path | None = None
    origin: Origin | None = None
    found_at: int | None = None
    notes: tuple[str, ...] = ()

    @property
    def kind(self) -> TrialKind:
        """What trials of the task have of their own."""
        return kind_of(self.task)

    @cached_property
    def writing(self) -> Writing:
        """What is learned as text, of a task whose kind writes."""
        return self.kind.under(self.setting).writing(self.task, self.backbone.tokenizer(), self.setting.max_length)

    @cached_property
    def preferring(self) -> Preferring:
        """What is learned as pairs of texts, of a task whose kind prefers."""
        return self.kind.preferring(self.task, self.backbone.tokenizer(), self.setting.max_length)

    @property
    def came_from(self) -> str:
        """One line that says which version, run, trial and accuracy files come from."""
        by = f"autopeft {__version__}"
        if self.origin is None:
            return f"{by}, a configuration of no run"
        run = " ".join(str(self.origin.run).split())
        return f"{by}, trial {self.origin.trial} of {run}, {self.task.objective} {self.origin.reached}"
