"""What trials of several tasks have of their own; for one task all of it is nothing."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar

from autopeft.space import Configuration
from autopeft.tasks import Task
from autopeft.trials.outcome import Outcome
from autopeft.trials.setting import TrialSetting

__all__ = ["Together"]


class Together:
    """How several tasks are one.

    Attributes:
        one_model: Whether what is trained is one model; else one for each of several tasks.
    """

    one_model: ClassVar[bool] = True

    def runner(self, backbone: Any, task: Task, setting: TrialSetting) -> Any:
        """Return what runs trials: a `TrialRunner`, or what does as one does."""
        from autopeft.trials.runner import TrialRunner

        return TrialRunner(backbone, task, setting)

    def each_of(self, task: Task, tokenizer: Any, setting: TrialSetting) -> list[tuple[Task, TrialSetting]]:
        """Return the tasks that adapters of their own are trained for, in a folder each, and how; none if they share.

        Args:
            task: All of them.
            tokenizer: The backbone's.
            setting: How trials of all of them train.
        """
        return []

    @property
    def levels(self) -> Sequence[float] | None:
        """Of several tasks what the untouched model of each reaches, where that is known."""
        return None

    @property
    def weighs(self) -> int:
        """Of how many tasks examples are trained on together, by weights; 0 where that is no mixture."""
        return 0

    def standing(self, task: Task, backbone: Any, setting: TrialSetting) -> Task:
        """Return a task that knows what its untouched model reaches on validation; where `relative`."""
        return task

    def weighed(self, training: Mapping[str, Any]) -> Any:
        """Return trials with the weights of tasks that a configuration's knobs of training say."""
        return self

    def adapted_by(self, configuration: Configuration) -> Any:
        """Return trials that know by what adapters a model is adapted, for what a card says of its use."""
        return self

    def ready(self, run: Callable[[Configuration, int], Outcome], seed: int) -> None:
        """Look, before the first trial, at what trials are held against.

        Args:
            run: Runs a trial of a configuration with a seed.
            seed: The seed.

        Raises:
            AutopeftError: When that cannot be measured.
        """
