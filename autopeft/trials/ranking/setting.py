"""How long and how a trial trains whose examples are queries."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, TypeVar

import numpy as np

from autopeft.tasks import Task, choose_max_length
from autopeft.trials.setting import TrialSetting, choose_setting

__all__ = ["LOOKED_AT", "Effort", "RankingSetting", "choose_ranking_setting"]

#: Queries that are looked at to tell how long texts are.
LOOKED_AT = 1000


@dataclass(frozen=True)
class Effort:
    """How much a trial may take.

    Args:
        tokens: So many it trains on, counting each epoch.
        epochs: Passes over its queries.
        examples: So many queries at least: fewer rank configurations badly.
        validation: So many queries at most are measured on.
        at_rungs: So many of them at least at rungs.
        batch_size: Queries a step; each has several documents, so that few fill a batch.
    """

    tokens: int
    epochs: float
    examples: int
    validation: int
    at_rungs: int
    batch_size: int


@dataclass(frozen=True)
class RankingSetting(TrialSetting):
    """A trial setting whose examples are queries.

    Args:
        at_rungs: So many validation queries are measured on at rungs, or a fourth of them if that is more.
    """

    at_rungs: int = 40

    @property
    def rung_examples(self) -> int:
        """Validation queries on which a trial is measured at rungs."""
        return min(self.validation_examples, max(self.at_rungs, self.validation_examples // 4))


Setting = TypeVar("Setting", bound=RankingSetting)


def choose_ranking_setting(
    made: type[Setting],
    task: Task,
    tokenizer: Any,
    lengths: np.ndarray,
    effort: Effort,
    own: Mapping[str, Any] | None = None,
    **asked: Any,
) -> tuple[Setting, str]:
    """Choose a short trial of queries that suits the data; what is given is kept.

    Args:
        made: What it is of.
        task: The data.
        tokenizer: The backbone's.
        lengths: Tokens of what is read of the first `LOOKED_AT` training queries, uncut.
        effort: How much a trial may take.
        own: Further settings.
        asked: As for `autopeft.trials.choose_setting`.

    Returns:
        The setting, and how long texts are, for people.

    Raises:
        AutopeftError: When a number is not positive.
    """
    if asked.get("max_length") is None:
        asked["max_length"] = min(choose_max_length(lengths), tokenizer.model_max_length)
    cut = np.minimum(lengths, asked["max_length"])
    if asked.get("epochs") is None:
        asked["epochs"] = effort.epochs
    if asked.get("examples") is None and asked["epochs"] > 0:
        # Sure to be a whole number of batches where there is data enough.
        queries = min(len(task.train), LOOKED_AT)
        affordable = effort.tokens / (asked["epochs"] * float(cut.sum()) / queries)
        asked["examples"] = max(round(affordable / effort.batch_size) * effort.batch_size, effort.examples)
    if asked.get("batch_size") is None:
        asked["batch_size"] = effort.batch_size
    found = asdict(choose_setting(task, tokenizer, lengths=lengths, **asked))
    found["validation_examples"] = min(len(task.validation), effort.validation)
    setting = made(**found, at_rungs=effort.at_rungs, **(own or {}))
    long = float((lengths > setting.max_length).mean())
    said = f"of {np.median(lengths):.0f} tokens (median) to {lengths.max()}; {long:.0%} are cut at {setting.max_length}"
    return setting, said
