"""Which training examples a configuration learns from, and how often, as its section `data` says."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from autopeft.errors import ConfigurationError
from autopeft.levers import (
    AUGMENT,
    COLUMN,
    CONTRASTIVE,
    DIFFICULTY,
    FAIL_RATE,
    SELECT,
    Pool,
    column_knobs,
    resampled,
    scores_named,
)
from autopeft.tasks import Task, texts_beside
from autopeft.trials.kinds import kind_of

__all__ = ["Levers", "check_levers", "pooled"]


class Levers:
    """Chooses training examples.

    Args:
        task: The task, whose training rows hold beside what the kind reads what levers go by.
        drawn: The numbers of the examples that there are, rising: of the training split, and perhaps of the pool.
        seed: Decides what is chosen at random.
    """

    def __init__(self, task: Task, drawn: NDArray[np.int64], seed: int) -> None:
        self._task = task
        self._drawn = drawn
        self._seed = seed

    def examples(self, data: Mapping[str, Any], own: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return the examples that are learned from in one round, rising; some perhaps more than once.

        They are chosen from the task's pool, beside the training examples; where there is none, from these.

        Args:
            data: The section of a configuration.
            own: Examples of the training split, rising: numbers among those drawn.
        """
        selection, difficulty = SELECT.asked(data), DIFFICULTY.asked(data)
        chosen = own
        if selection is not None:
            beside = pooled(data, self._task)
            pool = np.flatnonzero(self._drawn >= len(self._task.train)) if beside else own
            if not len(pool):
                raise ConfigurationError("the cut leaves nothing to learn in any row of the pool; raise --max-length")
            count = max(1, round(selection.knobs["share"] * len(pool)))
            rng = np.random.default_rng((self._seed, 2))
            scored = Pool(len(pool), self._scores(data, self._drawn[pool]))
            found = pool[np.sort(selection.word.choose(scored, count, selection.knobs, rng))]
            chosen = np.concatenate([own, found]) if beside else found
        if difficulty is not None:
            column = difficulty.knobs.get(FAIL_RATE)
            failed = np.zeros(len(chosen))
            if column is not None:
                failed = _failures(self._task, column)[self._drawn[chosen]]
            asked = [self._questions[number] for number in self._drawn[chosen]]
            chosen = chosen[resampled(asked, failed, difficulty)]
        return chosen

    def _scores(self, data: Mapping[str, Any], numbers: NDArray[np.int64]) -> dict[str, NDArray[np.float64]]:
        """Return the scores of some training examples that a configuration goes by, by name."""
        found = {}
        for score in scores_named(data):
            known = self._task.scores.get(score.text, {})
            if any(number not in known for number in numbers.tolist()):
                raise ConfigurationError(
                    f"task {self._task.name}: the {score.text} of training rows, which `select` goes by, is not known; "
                    "expected it among the `scores` of the task, as `autopeft.trials.scores.score_rows` computes them"
                )
            found[score.name] = np.array([known[number] for number in numbers.tolist()])
        return found

    @cached_property
    def _questions(self) -> Sequence[Hashable]:
        return list(self._task.kind.questions(self._task.learnable))


def pooled(data: Mapping[str, Any], task: Task) -> bool:
    """Tell whether a configuration, by its section of the data, learns from rows of a task's pool."""
    return task.pool is not None and SELECT.asked(data) is not None


def check_levers(asked: Mapping[str, Sequence[str]], task: Task) -> None:
    """Check that a task has what the levers that may be pulled go by.

    Args:
        asked: What is asked for in words, by the knob of the data (`autopeft.levers.words_of`).
        task: The task, which knows the columns among them.

    Raises:
        AutopeftError: When its training rows hold something else, or its kind has no such lever.
    """
    for column in asked.get(FAIL_RATE, ()):
        if not task.kind.of_rows:
            raise ConfigurationError(_unfit(task, FAIL_RATE, "examples are not rows, each with a share of its own"))
        _failures(task, column)
    if asked.get(COLUMN.name) and not task.kind.replaced:
        raise ConfigurationError(_unfit(task, COLUMN.name, "nothing in an example is text that another may stand for"))
    kind = kind_of(task)
    for word in asked.get(AUGMENT.name, ()):
        if AUGMENT.words[word].rewrites and task.kind.texts(task.train.take(())) is None:
            raise ConfigurationError(_unfit(task, f"{AUGMENT.name} {word}", "other words may change what is told"))
        if not AUGMENT.words[word].rewrites and not kind.mixes:
            raise ConfigurationError(_unfit(task, f"{AUGMENT.name} {word}", "answers cannot be mixed"))
    for word in asked.get(CONTRASTIVE.name, ()):
        if not kind.contrasts:
            raise ConfigurationError(_unfit(task, f"{CONTRASTIVE.name} {word}", "examples have no single label each"))
    for knob, columns in column_knobs(asked).items():
        for column in columns if knob != FAIL_RATE else ():
            if not any(cell is not None for cell in texts_beside(task, column)):
                raise ConfigurationError(
                    f"task {task.name}: the column '{column}' is empty in all training rows; name another by "
                    f"data.{knob}, or leave that out"
                )


def _unfit(task: Task, lever: str, why: str) -> str:
    return f"data.{lever}: there is no such lever for the task {task.name} ({task.kind.name}): {why}; leave it out"


def _failures(task: Task, column: str) -> NDArray[np.float64]:
    """Return the share of failed attempts at each example of `learnable`, `[n]`."""
    found = np.empty(len(task.beside[column]))
    for number, value in enumerate(task.beside[column]):
        try:
            found[number] = float(value)
        except (TypeError, ValueError):
            found[number] = np.nan
    wrong = np.flatnonzero(~((found >= 0) & (found <= 1)))
    if len(wrong):
        raise ConfigurationError(
            f"task {task.name}: the column '{column}' holds {task.beside[column][wrong[0]]!r}, and no share of failed "
            f"attempts from 0 to 1, by which `difficulty` goes, in {len(wrong):,} of {len(found):,} training rows; "
            "fill it in, leave such rows out, or name another column by data.fail_rate"
        )
    return found
