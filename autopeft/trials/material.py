"""What trials learn from: the training rows of a setting as tokens, in the form that a configuration asks for."""

from __future__ import annotations

import json
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property, partial
from itertools import chain
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from autopeft.errors import ConfigurationError
from autopeft.levers import AUGMENT, COLUMN, Rows, inputs_changed
from autopeft.tasks import Encoded, Task, texts_beside
from autopeft.trials.kind import Feed, TrialKind
from autopeft.trials.levers import Levers, pooled

__all__ = ["Learned", "Material"]

#: Forms of the training rows that are kept between trials beside their own.
_KEPT = 2


class Learned(NamedTuple):
    """What one fine-tune learns from.

    Args:
        encoded: Training examples, in their own form or another.
        examples: Numbers of those that are learned from in one round, perhaps more than once, int64.
    """

    encoded: Encoded
    examples: NDArray[np.int64]

    @property
    def rows(self) -> NDArray[np.int64]:
        """The rows of these examples, int64."""
        return self.encoded.rows_of(self.examples)

    @property
    def taken(self) -> Encoded:
        """The rows that are learned from."""
        return self.encoded.take(self.rows)

    def feeding(self, feed: Feed) -> Feed:
        """Return what to call with rows that are numbered within `taken`, where `feed` knows all by their numbers."""
        rows = self.rows
        return lambda chosen, longest: feed(rows[chosen], longest)


class _Rows(NamedTuple):
    """Examples that may be learned from, in their own form, and their numbers among those of `Task.learnable`."""

    encoded: Encoded
    numbers: NDArray[np.int64]


class Material:
    """The training rows that trials draw on.

    Args:
        kind: What the task is.
        task: The task; nothing but its training split and its pool is read.
        drawn: The numbers of the training examples that there are, rising.
        encode: Makes tokens of examples, with what else they are learned by.
        max_length: Tokens after which an example is cut.
        seed: Decides which examples come first, and all that levers leave to chance.
    """

    def __init__(
        self,
        kind: TrialKind,
        task: Task,
        drawn: NDArray[np.int64],
        encode: Callable[[Any], Encoded],
        max_length: int,
        seed: int,
    ) -> None:
        self._kind, self._task, self._encode = kind, task, encode
        self._max_length, self._seed = max_length, seed
        self._drawn = drawn
        self._own = self._rows(drawn)
        self._order = np.random.default_rng((seed, 1)).permutation(self.train.examples)
        self._forms: OrderedDict[str, Encoded] = OrderedDict()
        self._texts: dict[tuple[bool, str | None], Rows] = {}

    @property
    def train(self) -> Encoded:
        """The training rows in their own form."""
        return self._own.encoded

    def learned(self, data: Mapping[str, Any], count: int | None = None) -> Learned:
        """Return what a configuration learns from.

        Args:
            data: Its section of the data.
            count: Of how many of the examples; of all when left out.

        Raises:
            ConfigurationError: When the cut leaves nothing of them to be learned in the form that is asked for.
        """
        rows, form = self._rows_for(data), self.form(data)
        chosen = Levers(self._task, rows.numbers, self._seed).examples(data, np.sort(self._order[:count]))
        if form is rows.encoded:
            return Learned(form, chosen)
        there = np.arange(form.examples) if form.kept is None else form.kept
        copies = -(-int(there[-1] + 1) // len(rows.numbers))
        wanted = np.concatenate([chosen + copy * len(rows.numbers) for copy in range(copies)])
        places = np.searchsorted(there, wanted).clip(max=len(there) - 1)
        found = places[there[places] == wanted]
        if not len(found):
            raise ConfigurationError(f"cut at {self._max_length} tokens nothing is left to learn; raise --max-length")
        return Learned(form, found)

    def longest(self, data: Mapping[str, Any], count: int) -> tuple[Learned, int]:
        """Return the longest examples that a configuration learns from, so many at most, and how many those are."""
        form = self.form(data)
        rows, found = form.longest(count)
        return Learned(form, rows if form.example is None else np.unique(form.example[rows])), found

    def form(self, data: Mapping[str, Any]) -> Encoded:
        """Return all rows in the form that a configuration asks for, their further forms behind them."""
        rows, changes = self._rows_for(data), inputs_changed(data)
        if not changes:
            return rows.encoded
        key = json.dumps([rows is self._own, changes], sort_keys=True)
        if key not in self._forms:
            self._forms[key] = self._encoded(self._changed(data, rows))
        self._forms.move_to_end(key)
        while len(self._forms) > _KEPT:
            self._forms.popitem(last=False)
        return self._forms[key]

    def _encoded(self, split: Any) -> Encoded:
        return self._kind.to_train(self._encode(split))

    def _rows_for(self, data: Mapping[str, Any]) -> _Rows:
        """Return the rows that a configuration may learn from: those of the pool too, where it selects some."""
        return self._with_pool if pooled(data, self._task) else self._own

    @cached_property
    def _with_pool(self) -> _Rows:
        return self._rows(np.concatenate([self._drawn, np.asarray(self._task.pooled, np.int64)]))

    def _rows(self, numbers: NDArray[np.int64]) -> _Rows:
        encoded = self._encoded(self._task.learnable.take(numbers))
        return _Rows(encoded, numbers if encoded.kept is None else numbers[encoded.kept])

    def _changed(self, data: Mapping[str, Any], rows: _Rows) -> Any:
        """Return examples with what another column says, and then their further forms."""
        kind, split = self._task.kind, self._task.learnable.take(rows.numbers)
        column, asked = data.get(COLUMN.name), AUGMENT.asked(data)
        cells = partial(self._cells, rows.numbers)
        if column is not None:
            split = kind.with_column(split, cells(column))
        texts = kind.texts(split) if asked is not None else None
        if asked is None or texts is None:
            return split
        key = rows is self._own, column
        if key not in self._texts:
            self._texts[key] = Rows(texts, rows.numbers.tolist(), cells, self._seed, kind.labels_in(split))
        copies = asked.word.copies(self._texts[key], asked.knobs)
        times = np.tile(np.arange(len(split)), 1 + len(copies))
        return kind.with_texts(split.take(times), [*texts, *chain.from_iterable(copies)])

    def _cells(self, numbers: NDArray[np.int64], column: str) -> Sequence[str | None]:
        cells = texts_beside(self._task, column)
        return [cells[number] for number in numbers]
