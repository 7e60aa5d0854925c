"""How long and how a trial of re-ranking trains."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from autopeft.errors import AutopeftError
from autopeft.tasks import Task, token_lengths
from autopeft.trials.ranking.setting import LOOKED_AT, Effort, RankingSetting, choose_ranking_setting
from autopeft.trials.rerank.losses import LOSSES

__all__ = ["OF_DECODERS", "USUAL", "RerankSetting", "choose_rerank_setting"]

#: A search of 24 trials of a model of 20M parameters with finalists is meant to fit in 40 minutes of two cores
#: (studies/scifact-rerank).
USUAL = Effort(250_000, 3.0, 64, 200, 40, 4)

#: Eight trials of a model of 135M parameters are meant to fit in 45 minutes of two cores (studies/scifact-smollm2).
OF_DECODERS = Effort(20_000, 1.0, 32, 48, 12, 4)


@dataclass(frozen=True)
class RerankSetting(RankingSetting):
    """A trial setting whose examples are queries.

    Args:
        loss: What is trained: a name of `LOSSES`.
    """

    loss: str = next(iter(LOSSES))


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
        beside: Tokens that each pair has beside those of its texts.
        effort: How much a trial may take.
        asked: As for `autopeft.trials.choose_setting`.

    Returns:
        The setting, and lines on it for people.

    Raises:
        AutopeftError: When a number is not positive, or there is no such loss.
    """
    if loss is not None and loss not in losses:
        among = f"one of {', '.join(losses)}" if len(losses) > 1 else f"{losses[0]}, as decoders are trained"
        raise AutopeftError(f"--loss: found {loss!r}; expected {among}")
    some = task.train.take(range(min(len(task.train), LOOKED_AT)))
    lengths = token_lengths(some.labelled(), tokenizer) + beside
    own = {"loss": loss or losses[0]}
    setting, said = choose_ranking_setting(RerankSetting, task, tokenizer, lengths, effort, own, **asked)
    return setting, (
        f"examples are queries, each with all its documents; trained on the {setting.loss} loss",
        f"pairs {said}",
    )
