"""The card of a full fine-tune, and that of its merged model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from autopeft.backbones import Backbone
from autopeft.saved import Card, loading_code, merged_code, rows_in_words
from autopeft.space import Configuration
from autopeft.tasks import Task
from autopeft.training.result import FineTuned
from autopeft.trials import TrialSetting, kind_of

__all__ = ["card_of"]


def card_of(
    configuration: Configuration,
    backbone: Backbone,
    task: Task,
    setting: TrialSetting,
    seed: int,
    found: FineTuned,
    origin: str = "",
    *,
    merged: bool = False,
    remarks: Sequence[str] = (),
) -> Card:
    """Return the card of what was trained; arguments as `fine_tune` took and gave them.

    Args:
        merged: Whether it is that of the merged model.
        remarks: Further lines.
    """
    uncounted = "; the task head not counted" if kind_of(task).has_head else ""
    judged = _judged(found.validation, task.metric)
    folded = "The adapters are folded into the weights: neither PEFT nor autopeft is needed. " if merged else ""
    training = (
        f"{folded}{found.params:,} trainable parameters ({found.params / backbone.num_parameters:.2g} of the "
        f"backbone{uncounted}), trained on {rows_in_words(configuration, task)} for {setting.epochs:g} epochs in "
        f"batches of {setting.batch_size}, {setting.precision}, seed {seed}. Of {found.steps:,} steps the state after "
        f"{found.best_step:,} was the best on validation."
    )
    code = (
        merged_code(backbone, task, setting.max_length)
        if merged
        else loading_code(configuration, backbone, task, setting.max_length)
    )
    return Card(
        configuration,
        backbone,
        task,
        f"{origin + '; ' if origin else ''}fine-tuned, {judged} on validation",
        training,
        code,
        {"validation": found.validation, "test": found.test},
        ("Validation chose among states of this training; test did not.", *remarks),
    )


def _judged(figures: Mapping[str, float], metric: str) -> str:
    return f"{metric.replace('_', ' ')} {figures[metric]:.4f}"
