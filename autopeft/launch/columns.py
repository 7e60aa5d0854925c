"""What data levers go by: the data is read again with the columns that they name, and they are checked and said."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from autopeft.backbones import last_of_head
from autopeft.errors import ConfigurationError
from autopeft.launch.forms_said import forms_said
from autopeft.launch.groundwork import Groundwork
from autopeft.levers import CONTRASTIVE, column_knobs
from autopeft.tasks import load_task
from autopeft.trials import check_levers, kind_of

__all__ = ["with_columns"]


def with_columns(ground: Groundwork, *asked: Mapping[str, Sequence[str]]) -> Groundwork:
    """Return groundwork whose task knows what its training rows hold in the columns that levers go by.

    Its notes say what levers make of the rows.

    Args:
        ground: The groundwork.
        asked: What spaces or configurations ask for of the data in words, by the knob.

    Raises:
        AutopeftError: When there is no such column, it does not hold what the knob goes by, or the kind of task has no
            such lever.
    """
    words: dict[str, list[str]] = {}
    for each in asked:
        for knob, names in each.items():
            words[knob] = [*dict.fromkeys([*words.get(knob, ()), *names])]
    if not words:
        return ground
    beside = tuple(dict.fromkeys(name for names in column_knobs(words).values() for name in names))
    if beside:
        spec = replace(ground.task_spec, beside=beside)
        ground = replace(ground, task_spec=spec, task=kind_of(ground.task).fitted(load_task(spec), ground.backbone))
    check_levers(words, ground.task)
    if CONTRASTIVE.name in words and not last_of_head(ground.backbone.meta()):
        raise ConfigurationError(
            f"data.{CONTRASTIVE.name}: the head of {ground.backbone.name} has no linear layer at its end, of whose "
            "features some could be alike; leave it out, or choose another model"
        )
    return replace(ground, notes=(*ground.notes, *forms_said(words, ground)))
