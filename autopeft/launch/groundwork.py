"""What a plan names, made concrete: data, backbone, and how a trial trains; all that training needs but no search."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from autopeft.backbones import Backbone
from autopeft.errors import AutopeftError
from autopeft.launch.backbone import backbone_for
from autopeft.launch.plan import SearchPlan
from autopeft.methods import load_plugin
from autopeft.tasks import CausalTask, Task, TaskSpec, load_task
from autopeft.trials import TrialSetting, check_limits, choose_causal_setting, choose_setting, draw, kind_of

__all__ = ["Groundwork", "groundwork", "task_spec"]


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
    task: Task | CausalTask
    backbone: Backbone
    setting: TrialSetting
    notes: tuple[str, ...]


def groundwork(plan: SearchPlan) -> Groundwork:
    """Load what a plan names.

    Raises:
        AutopeftError: For whatever a user can mend, data that is not named among it; nothing has been written then.
    """
    plan = plan.naming_data().located()
    plugin = None if plan.plugin is None else load_plugin(plan.plugin)
    spec = task_spec(plan)
    task = load_task(spec)
    backbone = backbone_for(task, plan.model, plan.revision, plan.roles, plan.quantization, plan.trust_remote_code)
    setting, notes = _setting(plan, task, backbone)
    check_limits(backbone, task, setting)
    return Groundwork(plan, plugin, spec, task, backbone, setting, notes)


def _setting(plan: SearchPlan, task: Task | CausalTask, backbone: Backbone) -> tuple[TrialSetting, tuple[str, ...]]:
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
    if isinstance(task, CausalTask):
        tokenizer = backbone.tokenizer()
        setting, notes = choose_causal_setting(task, tokenizer, **asked, generate=plan.generate)
        _check_held_out(task, tokenizer, setting)
        return setting, notes
    if plan.generate is not None:
        raise AutopeftError(f"--generate is for decoders, but {task.name} is a task of classification; leave it out")
    return choose_setting(task, backbone.tokenizer(), **asked), ()


def _check_held_out(task: CausalTask, tokenizer: Any, setting: TrialSetting) -> None:
    """Look at the examples that models are measured on: what is wrong with them shall not come up in a worker.

    Raises:
        DataError: When one cannot be written, or nothing of them can be measured.
    """
    kind = kind_of(task)
    for examples in (draw(task, setting)[1], task.test):
        kind.encode(examples, tokenizer, setting.max_length)
        kind.probes(examples, tokenizer, setting)


def task_spec(plan: SearchPlan) -> TaskSpec:
    """Return where a plan's data is."""
    columns = ("text", "text2", "label", "messages", "prompt", "completion", "choices")
    fields = ("task", "kind", "data", *columns, "validation", "test", "metric", "seed")
    return TaskSpec.of(**plan.model_dump(include=set(fields)))
