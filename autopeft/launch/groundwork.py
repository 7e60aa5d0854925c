"""What a plan names, made concrete: data, backbone, and how a trial trains; all that training needs but no search."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

from autopeft.backbones import Backbone
from autopeft.errors import AutopeftError
from autopeft.launch.plan import SearchPlan
from autopeft.plugins import load_plugin
from autopeft.tasks import KINDS, Task, TaskSpec, load_task
from autopeft.trials import TrialSetting, check_limits, draw, kind_of

__all__ = ["DATA_FIELDS", "TASK_FIELDS", "Groundwork", "groundwork", "kind_settings", "task_spec"]

#: The settings of a search that say where the data is, `task` aside.
DATA_FIELDS = tuple(
    field.name
    for field in fields(TaskSpec)
    if field.name not in ("name", "dataset", "subset", "parts", "called", "beside")
)

#: What each of several tasks may be told.
TASK_FIELDS = ("called", "task", *(name for name in DATA_FIELDS if name not in ("mixture", "allow_code", "pool")))

#: Those that several tasks may share.
_OF_ALL = ("seed", "drop_duplicates", "metric", "mixture", "kind")


@dataclass(frozen=True)
class Groundwork:
    """What a plan names.

    Args:
        plan: The plan, with absolute paths.
        plugin: Hash of its file of further methods, which are known now.
        task_spec: Where the data is.
        task: The data.
        backbone: The pretrained model, without its weights.
        setting: How a trial trains.
        notes: Lines on that setting, for people.
    """

    plan: SearchPlan
    plugin: str | None
    task_spec: TaskSpec
    task: Task
    backbone: Backbone
    setting: TrialSetting
    notes: tuple[str, ...]


def groundwork(plan: SearchPlan, *, measures: bool = True) -> Groundwork:
    """Load what a plan names.

    Args:
        plan: The plan.
        measures: Whether models are to be measured, so that all must be there which that takes.

    Raises:
        AutopeftError: For whatever a user can mend, data that is not named among it; nothing has been written then.
    """
    plan = plan.naming_data().located()
    plugin = None if plan.plugin is None else load_plugin(plan.plugin)
    spec = task_spec(plan)
    task = load_task(spec)
    how = (plan.model, plan.revision, plan.roles, plan.quantization, plan.trust_remote_code)
    backbone = kind_of(task).load_backbone(*how)
    kind_of(task).check_reads(backbone)
    task = kind_of(task).fitted(task, backbone)
    setting, notes = _setting(plan, task, backbone, measures)
    check_limits(backbone, task, setting)
    return Groundwork(plan, plugin, spec, task, backbone, setting, notes)


def _setting(plan: SearchPlan, task: Task, backbone: Backbone, measures: bool) -> tuple[TrialSetting, tuple[str, ...]]:
    """Choose the setting of trials; return what there is to say of it too."""
    asked: dict[str, Any] = plan.model_dump(
        include={
            "examples",
            "epochs",
            "batch_size",
            "max_length",
            "precision",
            "gradient_checkpointing",
            "early_stopping",
            "fidelity",
        }
    )
    for name in kind_settings():
        value = getattr(plan, name, None)
        if name in task.kind.options:
            asked[name] = value
        elif value is not None:
            raise AutopeftError(
                f"--{name.replace('_', '-')} is not for a task of {task.kind.name}, as {task.name} is one; leave it out"
            )
    kind, tokenizer = kind_of(task), backbone.tokenizer()
    setting, notes = kind.choose_setting(task, tokenizer, **asked)
    held_out = (draw(task, setting)[1], task.test)
    kind.check_held_out(held_out, tokenizer, setting)
    if measures:
        kind.check_measured(held_out, tokenizer, setting)
    return setting, notes


def kind_settings() -> list[str]:
    """Return the settings of a search that only some kinds of task have, and that do not say where the data is."""
    options = {name for kind in KINDS.values() for name in kind.options}
    return sorted(options - {field.name for field in fields(TaskSpec)})


def task_spec(plan: SearchPlan) -> TaskSpec:
    """Return where a plan's data is."""
    named = plan.model_dump(include={"task", *DATA_FIELDS})
    if plan.tasks is None:
        if plan.mixture is not None:
            raise AutopeftError(
                f"mixture: {plan.mixture} is of several tasks; name them by --data again, or `tasks:`, or leave it out"
            )
        return TaskSpec.of(**named)
    other = [name for name, value in named.items() if value and name not in _OF_ALL]
    if other:
        named_twice = ", ".join(other)
        raise AutopeftError(
            f"tasks: each names its own data; leave {named_twice} out, or write it into each in the search's YAML"
        )
    shared = {name: named[name] for name in ("seed", "drop_duplicates")}
    parts = tuple(TaskSpec.of(**(shared | _checked(number, each))) for number, each in enumerate(plan.tasks, 1))
    return TaskSpec(
        parts=parts,
        mixture=plan.mixture,
        metric=plan.metric,
        kind=plan.kind,
        seed=plan.seed,
        drop_duplicates=plan.drop_duplicates,
    )


def _checked(number: int, named: Mapping[str, Any]) -> dict[str, Any]:
    """Return what names the data of one of several tasks, each setting of the form that a search's own has.

    Raises:
        AutopeftError: For what does not name data, or has another form.
    """
    unknown = [str(name) for name in named if name not in TASK_FIELDS]
    if unknown:
        raise AutopeftError(
            f"tasks: {', '.join(unknown)} of number {number} names no data; expected some of {', '.join(TASK_FIELDS)}"
        )
    called = named.get("called")
    if called is not None and not isinstance(called, str):
        raise AutopeftError(f"tasks: number {number} is called {called!r}; expected a name, in quotes if need be")
    plan = SearchPlan.of({name: each for name, each in named.items() if name != "called"}, f"tasks: number {number}")
    return {**plan.model_dump(include=plan.model_fields_set, exclude_none=True), "called": called}
