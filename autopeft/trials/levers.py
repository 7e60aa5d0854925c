"""Which training examples a configuration learns from, and how often, as its section `data` says."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from autopeft.errors import ConfigurationError
from autopeft.levers import DIFFICULTY, FAIL_RATE, SELECT, Pool, resampled, scores_named
from autopeft.tasks import Task

__all__ = ["Levers", "check_levers"]


class Levers:
    """Chooses training examples.

    Args:
        task: The task, whose training rows hold beside what the kind reads what levers go by.
        drawn: The numbers of the examples of the training split that there are to choose from, rising.
        seed: Decides what is chosen at random.
    """

    def __init__(self, task: Task, drawn: NDArray[np.int64], seed: int) -> None:
        self._task = task
        self._drawn = drawn
        self._seed = seed

    def examples(self, data: Mapping[str, Any], pool: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return the examples that are learned from in one round, rising; some perhaps more than once.

        Args:
            data: The section of a configuration.
            pool: The examples to choose from, rising: numbers among those drawn.
        """
        selection, difficulty = SELECT.asked(data), DIFFICULTY.asked(data)
        chosen = pool
        if selection is not None:
            count = max(1, round(selection.knobs["share"] * len(pool)))
            rng = np.random.default_rng((self._seed, 2))
            scored = Pool(len(pool), self._scores(data, self._drawn[pool]))
            found = selection.word.choose(scored, count, selection.knobs, rng)
            chosen = pool[np.sort(found)]
        if difficulty is not None:
            failed = _failures(self._task, difficulty.knobs[FAIL_RATE])[self._drawn[chosen]]
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
        return list(self._task.kind.questions(self._task.train))


def check_levers(columns: Mapping[str, Sequence[str]], task: Task) -> None:
    """Check that the training rows of a task hold what levers go by.

    Args:
        columns: The columns that are named, by the knob of the data that names them.
        task: The task, which knows them.

    Raises:
        ConfigurationError: When they hold something else.
    """
    for column in columns.get(FAIL_RATE, ()):
        _failures(task, column)


def _failures(task: Task, column: str) -> NDArray[np.float64]:
    """Return the share of failed attempts at each training example, `[n]`."""
    found = np.empty(len(task.train))
    for number, value in enumerate(task.beside[column]):
        try:
            found[number] = float(value)
        except (TypeError, ValueError):
            found[number] = np.nan
        if not 0 <= found[number] <= 1:
            raise ConfigurationError(
                f"task {task.name}: the column '{column}' holds {value!r} in the training rows; `difficulty` goes by a "
                "share of failed attempts in each, from 0 to 1"
            )
    return found
