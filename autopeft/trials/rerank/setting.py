"""How long and how a trial of re-ranking trains."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from autopeft.errors import AutopeftError
from autopeft.tasks import Task, choose_max_length, token_lengths
from autopeft.trials.rerank.losses import LOSSES
from autopeft.trials.setting import TrialSetting, choose_setting

__all__ = ["OF_DECODERS", "USUAL", "Effort", "RerankSetting", "choose_rerank_setting"]

#: A query has several documents, so that few fill a batch.
_BATCH_SIZE = 4
#: Queries that are looked at to tell how long pairs are.
_LOOKED_AT = 1000


@dataclass(frozen=True)
class Effort:
    """How much a trial may take.

    Args:
        tokens: So many it trains on, counting each epoch.
        epochs: Passes over its queries.
        examples: So many queries at least: fewer rank configurations badly.
        validation: So many queries at most are measured on.
        at_rungs: So many of them at least at rungs.
    """

    tokens: int
    epochs: float
    examples: int
    validation: int
    at_rungs: int


#: A search of 24 trials of a model of 20M parameters with finalists is meant to fit in 40 minutes of two cores
#: (studies/scifact-rerank).
USUAL = Effort(250_000, 3.0, 64, 200, 40)

#: Eight trials of a model of 135M parameters are meant to fit in 45 minutes of two cores (studies/scifact-smollm2).
OF_DECODERS = Effort(20_000, 1.0, 32, 48, 12)


@dataclass(frozen=True)
class RerankSetting(TrialSetting):
    """A trial setting whose examples are queries.

    Args:
        loss: What is trained: a name of `LOSSES`.
        at_rungs: So many validation queries are measured on at rungs, or a fourth of them if that is more.
    """

    loss: str = next(iter(LOSSES))
    at_rungs: int = USUAL.at_rungs

    @property
    def rung_examples(self) -> int:
        """Validation queries on which a trial is measured at rungs."""
        return min(self.validation_examples, max(self.at_rungs, self.validation_examples // 4))


def choose_rerank_setting(
    task: Task,
    tokenizer: Any,
    *,
    loss: str | None = None,
    losses: Sequence[str] = tuple(LOSSES),
    beside: int = 0,
    effort: Effort = USUAL,
    **asked: Any,
) -> tuple[RerankSetting, tuple[str, ...]]:
    """Choose a short trial that suits the data; what is given is kept.

    Args:
        task: The data.
        tokenizer: The backbone's.
        loss: What is trained; the first of `losses` when left out.
        losses: What may be trained.
        effort: How much a trial may take.
        beside: Tokens that each pair has beside those of its texts.
        asked: As for `autopeft.trials.choose_setting`.

    Returns:
        The setting, and lines on it for people.

    Raises:
        AutopeftError: When a number is not positive, or there is no such loss.
    """
    if loss is not None and loss not in losses:
        among = f"one of {', '.join(losses)}" if len(losses) > 1 else f"{losses[0]}, as decoders are trained"
        raise AutopeftError(f"--loss: found {loss!r}; expected {among}")
    some = task.train.take(range(min(len(task.train), _LOOKED_AT)))
    lengths = token_lengths(some.labelled(), tokenizer) + beside
    if asked.get("max_length") is None:
        asked["max_length"] = min(choose_max_length(lengths), tokenizer.model_max_length)
    cut = np.minimum(lengths, asked["max_length"])
    if asked.get("epochs") is None:
        asked["epochs"] = effort.epochs
    if asked.get("examples") is None and asked["epochs"] > 0:
        # Sure to be a whole number of batches where there is data enough.
        affordable = effort.tokens / (asked["epochs"] * float(cut.sum()) / len(some))
        asked["examples"] = max(round(affordable / _BATCH_SIZE) * _BATCH_SIZE, effort.examples)
    if asked.get("batch_size") is None:
        asked["batch_size"] = _BATCH_SIZE
    found = choose_setting(task, tokenizer, lengths=lengths, **asked)
    own = {
        "validation_examples": min(len(task.validation), effort.validation),
        "loss": loss or losses[0],
        "at_rungs": effort.at_rungs,
    }
    setting = RerankSetting(**asdict(found) | own)
    long = float((lengths > setting.max_length).mean())
    return setting, (
        f"examples are queries, each with all its documents; trained on the {setting.loss} loss",
        f"pairs of {np.median(lengths):.0f} tokens (median) to {lengths.max()}; {long:.0%} are cut at "
        f"{setting.max_length}",
    )
