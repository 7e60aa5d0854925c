"""Whether weights of several tasks have something to weigh."""

from __future__ import annotations

from autopeft.errors import ConfigurationError
from autopeft.methods.weights import weights_beyond
from autopeft.space import SearchSpace
from autopeft.tasks import Task
from autopeft.trials import kind_of

__all__ = ["check_weights"]


def check_weights(space: SearchSpace, task: Task) -> None:
    """Check that a space has weights only of tasks that are trained together.

    Raises:
        ConfigurationError: When none are, or fewer.
    """
    weighed = kind_of(task).weighs
    beyond = weights_beyond(space.to_dict().get("training") or {}, weighed)
    if beyond:
        held = f"{weighed} tasks are trained together" if weighed else "nothing is trained on a mixture of tasks here"
        raise ConfigurationError(f"space {space.name!r}: training.{beyond[0]}: {held}; leave it out")
