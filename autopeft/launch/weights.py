"""Whether weights of several tasks have something to weigh."""

from __future__ import annotations

from collections.abc import Iterable

from autopeft.errors import ConfigurationError
from autopeft.methods.weights import weights_beyond
from autopeft.tasks import Task
from autopeft.trials import kind_of

__all__ = ["check_weights"]


def check_weights(training: Iterable[str], task: Task, where: str) -> None:
    """Check that knobs of training weigh only tasks that are trained together.

    Args:
        training: Their names.
        task: What is trained on.
        where: Whose they are, for the message.

    Raises:
        ConfigurationError: When none are, or fewer.
    """
    weighed = kind_of(task).weighs
    beyond = weights_beyond(training, weighed)
    if beyond:
        held = f"{weighed} tasks are trained together" if weighed else "nothing is trained on a mixture of tasks here"
        raise ConfigurationError(f"{where}: training.{beyond[0]}: {held}; leave it out")
