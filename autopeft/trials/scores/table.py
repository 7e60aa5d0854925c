"""Which scores there are, for what kinds of task, and how they are computed."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from autopeft.backbones import Backbone
from autopeft.errors import BackboneError, ConfigurationError
from autopeft.levers import Score
from autopeft.levers.influence import EFFORT, INFLUENCE
from autopeft.levers.transport import TRANSPORT, transport_scores
from autopeft.tasks import Task
from autopeft.trials.kinds import kind_of
from autopeft.trials.scores.effort import effort_of
from autopeft.trials.scores.embedding import embedded
from autopeft.trials.scores.reading import Reading
from autopeft.trials.scores.surrogate import influence_of
from autopeft.trials.setting import TrialSetting

__all__ = ["check_scores", "score_rows"]


#: Where there are no rows to choose from but those of the task.
_OWN_TARGET = (
    "select: optimal_transport chooses among the training rows, and they are its target too: near are those that are "
    "most like the others"
)


class _Rows(Reading):
    """Rows that are embedded once, for whatever goes by that."""

    @cached_property
    def vectors(self) -> NDArray[np.float64]:
        return embedded(self)


@dataclass(frozen=True)
class _Computed:
    """A score.

    Args:
        select: The word of `select` that goes by it.
        lacks: Says what a task or a backbone lacks for it; empty where it lacks nothing.
        of: Computes it of the rows to be scored, given the knobs it depends on: float64 `[scored]`.
        note: What people should know of it where there is no pool.
    """

    select: str
    lacks: Callable[[Task, Backbone], str]
    of: Callable[[_Rows, Mapping[str, Any]], NDArray[np.float64]]
    note: str = ""


def _transport(rows: _Rows, knobs: Mapping[str, Any]) -> NDArray[np.float64]:
    own, scored = rows.vectors[rows.own], rows.vectors[rows.scored]
    target = own if rows.pooled else None
    return transport_scores(scored, float(knobs["epsilon"]), np.random.default_rng(rows.seed), target)


def _no_rows(task: Task, backbone: Backbone) -> str:
    return "" if task.kind.of_rows else f"examples of {task.kind.name} are no rows by themselves"


def _no_head(task: Task, backbone: Backbone) -> str:
    kind = kind_of(task)
    if not kind.has_head:
        return f"a model that {kind.does} has no head to be trained as the surrogate"
    if kind.loss_of_logits is None or not backbone.anatomy.head:
        return f"a model that {kind.does} has no last layer that answers a whole row"
    return _no_rows(task, backbone)


SCORES: Mapping[str, _Computed] = {
    TRANSPORT: _Computed("optimal_transport", _no_rows, _transport, _OWN_TARGET),
    INFLUENCE: _Computed("influence", _no_head, lambda rows, knobs: influence_of(rows)),
    EFFORT: _Computed("influence", _no_head, lambda rows, knobs: effort_of(rows)),
}


def check_scores(scores: Sequence[Score], task: Task, backbone: Backbone) -> tuple[str, ...]:
    """Check that scores can be computed of the training rows of a task; return what people should know of them.

    Raises:
        ConfigurationError: When one cannot.
    """
    for score in scores:
        lacking = SCORES[score.name].lacks(task, backbone)
        if lacking:
            raise ConfigurationError(
                f"task {task.name}: data.select: {SCORES[score.name].select} lets a model score each training row, but "
                f"{lacking}; leave that word out of the space"
            )
    notes = (SCORES[score.name].note for score in scores if task.pool is None)
    return tuple(dict.fromkeys(filter(None, notes)))


def score_rows(
    backbone: Backbone, task: Task, setting: TrialSetting, seed: int, scores: Iterable[Score]
) -> dict[str, dict[int, float]]:
    """Compute scores of the pool, or where there is none of the training examples that a setting draws.

    Validation and test have no part in them.

    Args:
        backbone: The pretrained model.
        task: The data.
        setting: How trials train, and so the head where one is trained.
        seed: The seed.
        scores: Which.

    Raises:
        AutopeftError: When they cannot be computed.
    """
    rows = _Rows(backbone, task, setting, seed)
    found: dict[str, dict[int, float]] = {}
    for score in scores:
        values = SCORES[score.name].of(rows, dict(score.knobs))
        if not np.isfinite(values).all():
            raise BackboneError(
                f"{backbone.name}: the {score.text} of training rows is not finite; expected --precision fp32, or "
                f"another --model, or a search without `select: {SCORES[score.name].select}`"
            )
        found[score.text] = dict(zip(rows.numbers[rows.scored].tolist(), values.tolist(), strict=True))
    return found
