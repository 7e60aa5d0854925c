"""Memory that runs out for real."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import torch

from autopeft.tasks import LabelledTexts, Task
from autopeft.tasks.classification import Classes, Classification
from autopeft.testing.models import TEXTS
from autopeft.testing.tasks import task_of
from autopeft.trials import TrialKind, TrialRunner
from autopeft.trials.hardware import release_memory
from autopeft.trials.kind import Batch

__all__ = ["long_texts", "scarce"]


def long_texts() -> Task:
    """Return a task of texts as long as tiny models read."""
    words = " ".join(TEXTS).split()
    texts = [" ".join(words[index % 7 :] * 3) for index in range(64)]
    return task_of(Classification(), Classes(("good", "bad")), LabelledTexts(texts, [index % 2 for index in range(64)]))


@contextmanager
def scarce(runner: TrialRunner, left: int) -> Iterator[None]:
    """Leave about so many bytes of a card to what runs inside; a processor only pretends that half a batch is enough.

    Args:
        runner: What runs.
        left: Bytes beyond what is taken.
    """
    if runner.device.type == "cpu":
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(
                type(runner._kind), "loss", _refusing(type(runner._kind).loss, runner.setting.batch_size // 2)
            )
            yield
        return
    release_memory(runner.device)
    free, _ = torch.cuda.mem_get_info(runner.device)
    filling = torch.empty(max(0, free - left), dtype=torch.uint8, device=runner.device)
    try:
        yield
    finally:
        del filling
        release_memory(runner.device)


def _refusing(loss: Callable[..., torch.Tensor], most: int) -> Callable[..., torch.Tensor]:
    def found(kind: TrialKind, model: Any, batch: Batch, *others: Any) -> torch.Tensor:
        if len(batch["labels"]) > most:
            raise torch.OutOfMemoryError("pretended")
        return loss(kind, model, batch, *others)

    return found
