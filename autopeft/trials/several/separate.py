"""Trials of several tasks with adapters of its own for each: one fine-tune after the other."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from autopeft.errors import ConfigurationError
from autopeft.tasks import Encoded, Task
from autopeft.trials.draw import draw
from autopeft.trials.measured import Measured
from autopeft.trials.setting import TrialSetting
from autopeft.trials.several.kind import SeveralTrials, parts_of

__all__ = ["SeparateTrials"]


class SeparateTrials(SeveralTrials):
    """The same configuration, trained on each task by itself."""

    one_model = False

    def each_of(self, task: Task, tokenizer: Any, setting: TrialSetting) -> list[tuple[Task, TrialSetting]]:
        """Return the tasks, cut at one length; each trains on as many examples as are its among those drawn of all."""
        train, validation = draw(task, setting)
        found = []
        shares = zip(self.kinds, parts_of(task), train.divided(), validation.divided(), strict=True)
        for kind, part, (mine, _), (seen, _) in shares:
            chosen, _ = kind.choose_setting(
                part,
                tokenizer,
                examples=len(mine),
                epochs=setting.epochs,
                batch_size=setting.batch_size,
                precision=setting.precision,
                gradient_checkpointing=setting.gradient_checkpointing,
                early_stopping=False,
            )
            alike = replace(chosen, max_length=setting.max_length, seed=setting.seed)
            found.append((part, replace(alike, validation_examples=len(seen))))
        return found

    def choose_setting(self, task: Task, tokenizer: Any, **asked: Any) -> tuple[TrialSetting, tuple[str, ...]]:
        """Choose a trial whose fine-tunes, one a task, are together as long as one of the mixture; without rungs."""
        setting, notes = super().choose_setting(task, tokenizer, **asked)
        if not setting.early_stopping:
            return setting, notes
        said = "trials are not stopped early: how a configuration does on all tasks is known at their end"
        return replace(setting, early_stopping=False), (*notes, said)

    def runner(self, backbone: Any, task: Task, setting: TrialSetting) -> Any:
        """Return what runs one fine-tune after the other."""
        from autopeft.trials.several.runner import SeveralRunner

        return SeveralRunner(backbone, task, setting)

    def encode(self, split: Any, tokenizer: Any, max_length: int) -> Encoded:
        """Refuse: each task is read by itself."""
        raise ConfigurationError(f"{', '.join(self.schema.names)} are read one by one")

    def loss(self, model: Any, batch: Any, device: Any, precision: str) -> Any:
        """Refuse likewise."""
        raise self._one_by_one()

    def measure(self, model: Any, split: Any, precision: str, feed: Any) -> Measured:
        """Refuse likewise."""
        raise self._one_by_one()

    def example_scores(self, model: Any, split: Any, precision: str, feed: Any, metric: str) -> Any:
        """Refuse likewise."""
        raise self._one_by_one()

    def using_code(self, backbone: Any, task: Task, max_length: int, alone: bool) -> list[str]:
        """Refuse likewise: each has a card of its own."""
        raise self._one_by_one()

    def merged_code(self, backbone: Any, task: Task, max_length: int) -> list[str]:
        """Refuse likewise."""
        raise self._one_by_one()

    def _one_by_one(self) -> ConfigurationError:
        return ConfigurationError(
            f"{', '.join(self.schema.names)} have adapters of their own; name the folder of one of them"
        )
