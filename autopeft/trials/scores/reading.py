"""The training rows of a trial and the model that reads them, as scores are computed of them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import torch
from numpy.typing import NDArray
from transformers import PreTrainedModel

from autopeft.backbones import Backbone, head_parameters
from autopeft.errors import RunError
from autopeft.methods import HEAD_ONLY, apply, remove
from autopeft.space import Configuration
from autopeft.tasks import Task, pad_id_of
from autopeft.trials.draw import drawn
from autopeft.trials.kind import Batch
from autopeft.trials.kinds import kind_of
from autopeft.trials.saved import saved
from autopeft.trials.setting import TrialSetting

__all__ = ["Reading"]

#: Rows that go through a model together when nothing is trained.
_TOGETHER = 32


class Reading:
    """Reads the training rows that a setting draws, and the pool, as they are measured, not as they are learned.

    Args:
        backbone: The pretrained model.
        task: The data.
        setting: How trials train.
        seed: Seeds the head that is trained, and what else is random.

    Attributes:
        kind: What the task is.
        anatomy: That of the model.
        shape: Likewise.
        encoded: The rows.
        numbers: Those of their examples among the task's `learnable`, rising.
        pooled: Whether there is a pool.
        own: Which of these examples are of the training split: bool `[examples]`.
        model: The model, in eval mode.
        device: Where it is.
        precision: `bf16` or `fp32`.
        seed: The seed.
    """

    def __init__(self, backbone: Backbone, task: Task, setting: TrialSetting, seed: int) -> None:
        self.kind = kind_of(task).under(setting)
        self.anatomy, self.shape = backbone.anatomy, backbone.shape
        self._runner = self.kind.runner(backbone, task, replace(setting, early_stopping=False))
        self.model: PreTrainedModel = self._runner.model.eval()
        self.device: torch.device = self._runner.device
        self.precision, self.seed = setting.precision, seed
        tokenizer, (pool, _) = backbone.tokenizer(), drawn(task, setting)
        self._pad_id = pad_id_of(tokenizer)
        self.pooled = task.pool is not None
        numbers = np.concatenate([pool, np.asarray(task.pooled, np.int64)])
        self.encoded = self.kind.encode(task.learnable.take(numbers), tokenizer, setting.max_length)
        self.numbers: NDArray[np.int64] = numbers if self.encoded.kept is None else numbers[self.encoded.kept]
        self.own: NDArray[np.bool_] = self.numbers < len(task.train)

    @property
    def scored(self) -> NDArray[np.int64]:
        """The examples that are chosen among: those of the pool, or of the training split where there is none."""
        return np.flatnonzero(~self.own if self.pooled else self.own)

    def batch(self, rows: NDArray[np.int64]) -> Batch:
        """Return some rows as the model reads them, on its device, with `labels`."""
        batch = self.kind.collate(self.encoded, rows, self._pad_id)
        return {name: value.to(self.device) for name, value in batch.items()}

    def batches(self) -> Iterator[tuple[NDArray[np.int64], Batch]]:
        """Yield all rows, so many together, each time with their numbers."""
        for rows in self.kind.grouped(self.encoded, _TOGETHER):
            yield rows, self.batch(rows)

    @contextmanager
    def with_head(self, configuration: Configuration = HEAD_ONLY) -> Iterator[PreTrainedModel]:
        """Put fresh adapters of a configuration beside the head that was trained; yield the model.

        Raises:
            RunError: When the head cannot be trained.
        """
        trained = self._head
        apply(configuration, self.model, self.anatomy, seed=self.seed)
        try:
            with torch.no_grad():
                for name, parameter in head_parameters(self.model).items():
                    parameter.copy_(trained[name])
            yield self.model.eval()
        finally:
            remove(self.model)

    @cached_property
    def _head(self) -> dict[str, torch.Tensor]:
        """The head as a trial without adapters trains it."""
        with TemporaryDirectory(prefix="autopeft-") as place:
            folder = Path(place) / "head"
            outcome = self._runner.run(HEAD_ONLY, self.seed, folder=folder, brief=True)
            if outcome.status != "complete":
                raise RunError(
                    f"the head that rows are to be scored by cannot be trained: {outcome.status}: {outcome.message}; "
                    "search without `select: influence`"
                )
            with saved(self.model, self.anatomy, folder, self.kind.settles):
                return {name: each.detach().clone() for name, each in head_parameters(self.model).items()}
