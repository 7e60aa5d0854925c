"""Whether knobs of training have something to say about a task: weights of several, and those of some kinds."""

from __future__ import annotations

from collections.abc import Iterable

from autopeft.errors import ConfigurationError
from autopeft.methods.kind_knobs import KIND_KNOBS, unknown_to
from autopeft.methods.weights import weights_beyond
from autopeft.tasks import Task
from autopeft.trials import TRIALS, kind_of

__all__ = ["check_training"]


def check_training(training: Iterable[str], task: Task, where: str) -> None:
    """Check that knobs of training weigh only tasks that are trained together, and are of the task's kind.

    Args:
        training: Their names.
        task: What is trained on.
        where: Whose they are, for the message.

    Raises:
        ConfigurationError: When some say nothing about the task.
    """
    names, kind = list(training), kind_of(task)
    beyond = weights_beyond(names, kind.weighs)
    if beyond:
        together = f"{kind.weighs} tasks are trained together"
        held = together if kind.weighs else "nothing is trained on a mixture of tasks here"
        raise ConfigurationError(f"{where}: training.{beyond[0]}: {held}; leave it out")
    for name in unknown_to(names, kind.knobs):
        having = " or ".join(other for other, trials in TRIALS.items() if name in trials.knobs)
        raise ConfigurationError(
            f"{where}: training.{name}: {KIND_KNOBS[name].help}; it is for tasks of {having}, and {task.name} is one "
            f"of {task.kind.name}: leave it out"
        )
