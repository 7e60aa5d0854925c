"""What trials of several tasks have in common, however these are trained."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import cached_property
from typing import Any, ClassVar

import numpy as np
import torch

from autopeft.errors import AutopeftError
from autopeft.methods import HEAD_ONLY
from autopeft.space import Configuration
from autopeft.tasks import Task
from autopeft.tasks.several import JOINT, Several, SeveralSchema, SeveralSplit
from autopeft.trials.draw import draw
from autopeft.trials.kind import TrialKind
from autopeft.trials.outcome import Outcome
from autopeft.trials.setting import MOST_VALIDATION, TrialSetting
from autopeft.trials.several.gains import judge_of

__all__ = ["SeveralTrials", "parts_of"]

#: Training examples of each task that a trial has at least.
_LEAST = 8


def parts_of(task: Task) -> list[Task]:
    """Return the tasks that one of several holds."""
    kind = task.kind
    assert isinstance(kind, Several)
    return kind.parts_of(task)


class SeveralTrials(TrialKind):
    """One configuration for several tasks.

    Attributes:
        untouched: What the baseline without adapters is called.
    """

    does = "does several tasks"
    schema: SeveralSchema
    auto_class: ClassVar[str] = "AutoModelForSequenceClassification"
    pipeline: ClassVar[str] = "text-classification"

    #: What the untouched models of this setting reach.
    _levels: Sequence[float] | None = None

    @classmethod
    def reading(cls, schema: Any) -> type[TrialKind]:
        """Return the class of trials with shared adapters, or with adapters of their own for each task."""
        from autopeft.trials.several.joint import JointTrials
        from autopeft.trials.several.separate import SeparateTrials

        return JointTrials if schema.mixture == JOINT else SeparateTrials

    @cached_property
    def kinds(self) -> tuple[TrialKind, ...]:
        """Trials of each task."""
        from autopeft.trials.kinds import TRIALS

        found = []
        for part in self.schema.parts:
            kind = TRIALS[part.kind].reading(part.schema)(part.schema)
            kind.metric = part.metric
            found.append(kind)
        return tuple(found)

    def check_reads(self, backbone: Any) -> None:
        """Check that a backbone reads what all tasks hold, and can be given a head for each."""
        for kind, part in zip(self.kinds, self.schema.parts, strict=True):
            if kind.load_backbone is not self.load_backbone:
                raise AutopeftError(
                    f"tasks: {part.name} is of the kind {part.kind}, which is trained on models with other heads than "
                    "new ones for whole inputs; search for it by itself"
                )
            kind.check_reads(backbone)

    def fitted(self, task: Task, backbone: Any) -> Task:
        """Return a task each of whose parts is as it is put to a backbone."""
        fitted = [kind.fitted(part, backbone) for kind, part in zip(self.kinds, parts_of(task), strict=True)]
        held = tuple(replace(part, schema=each.schema) for part, each in zip(task.schema.parts, fitted, strict=True))
        return replace(task, schema=replace(task.schema, parts=held))

    def choose_setting(self, task: Task, tokenizer: Any, **asked: Any) -> tuple[TrialSetting, tuple[str, ...]]:
        """Choose a trial that is as long as one of each task is on average, on examples of all of them."""
        examples = asked.pop("examples", None)
        pairs = list(zip(self.kinds, parts_of(task), strict=True))
        chosen = [kind.choose_setting(part, tokenizer, examples=None, **asked) for kind, part in pairs]
        settings = [setting for setting, _ in chosen]
        usual = round(float(np.mean([setting.examples for setting in settings])))
        setting = TrialSetting(
            examples=min(examples or usual, len(task.train)),
            validation_examples=min(len(task.validation), MOST_VALIDATION),
            epochs=float(np.median([setting.epochs for setting in settings])),
            batch_size=settings[0].batch_size,
            max_length=max(setting.max_length for setting in settings),
            precision=settings[0].precision,
            gradient_checkpointing=settings[0].gradient_checkpointing,
            early_stopping=settings[0].early_stopping,
            fidelity=settings[0].fidelity,
        )
        notes = [f"{part.name}: {line}" for (_, part), (_, lines) in zip(pairs, chosen, strict=True) for line in lines]
        return setting, (_shares(task, setting), *notes)

    def check_held_out(self, splits: Sequence[SeveralSplit], tokenizer: Any, setting: TrialSetting) -> None:
        """Look at what models are measured on, task by task."""
        for split in splits:
            for kind, part, (places, held) in zip(self.kinds, self.schema.parts, split.divided(), strict=True):
                if len(places) < 2:
                    raise AutopeftError(
                        f"tasks: {len(places)} of {len(split):,} examples that models are measured on are of "
                        f"{part.name}; expected several of each task"
                    )
                kind.check_held_out([held], tokenizer, setting)

    @property
    def levels(self) -> Sequence[float] | None:
        """What the untouched model of each task reaches on validation, more being better."""
        return self._levels or self.schema.levels or None

    def standing(self, task: Task, backbone: Any, setting: TrialSetting) -> Task:
        """Return a task that knows what untouched models reach, which are trained if need be."""
        if self.schema.levels:
            return task
        runner = self.runner(backbone, task, replace(setting, examples=min(setting.examples, len(task.train))))
        return replace(task, schema=replace(task.schema, levels=tuple(runner.levels)))

    def ready(self, run: Callable[[Configuration, int], Outcome], seed: int) -> None:
        """Measure what untouched models reach, where that is not known."""
        if self.levels is not None:
            return
        untouched = run(HEAD_ONLY, seed)
        if untouched.accuracy is None:
            raise AutopeftError(f"the untouched model cannot be measured: {untouched.message}")
        self._levels = [
            float(judge_of(part).signed(untouched.metrics[f"{part.name}: {part.metric}"])) for part in self.schema.parts
        ]

    def own_loading(self) -> tuple[str, str]:
        """Return how the model is made with autopeft."""
        return self.kinds[0].own_loading()

    def model(self, backbone: Any, device: torch.device) -> Any:
        """Return a model of the first task, for what looks at a backbone alone."""
        return self.kinds[0].model(backbone, device)


def _shares(task: Task, setting: TrialSetting) -> str:
    """Say how many of the examples of a trial are of each task.

    Raises:
        AutopeftError: When one has too few to learn anything from.
    """
    names = task.schema.names
    counts = [len(places) for places, _ in draw(task, setting)[0].divided()]
    for name, count in zip(names, counts, strict=True):
        if count < _LEAST:
            raise AutopeftError(
                f"tasks: {count} of the {setting.examples:,} training examples of a trial are of {name}, expected at "
                f"least {_LEAST}; raise --examples, or leave {name} out"
            )
    each = ", ".join(f"{count:,} of {name}" for name, count in zip(names, counts, strict=True))
    return f"trained on {each}"
