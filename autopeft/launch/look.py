"""What a search would read of the data that a plan names, without training."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from autopeft.launch.groundwork import groundwork, task_spec
from autopeft.launch.plan import SearchPlan
from autopeft.plugins import load_plugin
from autopeft.tasks import load_task, overview
from autopeft.trials import kind_of

__all__ = ["Look", "look"]


@dataclass(frozen=True)
class Look:
    """What there is to see.

    Args:
        lines: What `autopeft search` would print of the data, and of its trials where a model is named.
        data: The same and more, as JSON data; see `autopeft.tasks.overview`.
    """

    lines: list[str]
    data: dict[str, Any]


def look(plan: SearchPlan) -> Look:
    """Read data as a search would; with a model, through its tokenizer.

    Raises:
        AutopeftError: For whatever keeps a search from reading it.
    """
    plan = plan.naming_data()
    if plan.model is None:
        if plan.plugin is not None:
            load_plugin(plan.plugin)
        task = load_task(task_spec(plan.located()))
        hint = "name a model by --model to see lengths in tokens, what is cut, and what decoders learn"
        return Look([*task.describe(), hint], overview(task))
    ground = groundwork(plan, measures=False)
    found = overview(ground.task, ground.backbone.tokenizer())
    trial = [*ground.setting.describe(kind_of(ground.task).cut), *ground.notes]
    return Look([*ground.task.describe(), *trial], {"model": ground.backbone.name, **found, "trial": trial})
