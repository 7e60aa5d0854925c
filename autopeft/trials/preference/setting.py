"""How long and how a trial of preferences trains."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from autopeft.errors import AutopeftError
from autopeft.tasks import Task, choose_max_length
from autopeft.tasks.causal.survey import controls_in
from autopeft.tasks.intake import listed
from autopeft.tasks.preference import PairTokens, cut_pairs, pair_tokens
from autopeft.trials.causal.setting import LONGEST_DEFAULT, spent
from autopeft.trials.hardware import resolve_precision
from autopeft.trials.setting import Fidelity, TrialSetting

__all__ = ["PreferenceSetting", "choose_preference_setting"]

#: Pairs a step: eight texts.
_BATCH_SIZE = 4
#: A pair is told rightly or not: with fewer of them the share of right ones says little.
_MOST_VALIDATION = 200
_LEAST_AT_RUNGS = 50


@dataclass(frozen=True)
class PreferenceSetting(TrialSetting):
    """A trial setting whose examples are pairs of texts."""

    @property
    def texts(self) -> int:
        """Texts a step."""
        return 2 * self.batch_size

    @property
    def rung_examples(self) -> int:
        """Validation pairs on which a trial is measured at rungs."""
        return min(self.validation_examples, max(_LEAST_AT_RUNGS, self.validation_examples // 4))


def choose_preference_setting(
    task: Task,
    tokenizer: Any,
    *,
    examples: int | None = None,
    epochs: float | None = None,
    batch_size: int | None = None,
    max_length: int | None = None,
    precision: str = "auto",
    gradient_checkpointing: bool = False,
    early_stopping: bool = True,
    fidelity: Fidelity = "steps",
) -> tuple[PreferenceSetting, tuple[str, ...]]:
    """Choose a short trial that suits the data; what is given is kept.

    Args:
        task: The data.
        tokenizer: The backbone's.
        examples: Training pairs, at most those the task has.
        epochs: Passes over them.
        batch_size: Pairs a step.
        max_length: Tokens at which prompt and answer are cut.
        precision: `bf16`, `fp32` or `auto`.
        gradient_checkpointing: Whether to compute layers again for the backward pass, to save memory.
        early_stopping: Whether to measure trials on the way and stop the hopeless ones.
        fidelity: What a trial has less of on the way: `steps` or `examples`.

    Returns:
        The setting, and lines that tell people how long the texts are, what is cut, and why the trial is as it is.

    Raises:
        AutopeftError: When a number is not positive or does not fit the model, or the precision is unknown.
        DataError: When no pair is left to tell apart.
    """
    found = pair_tokens(task.train, task.schema, tokenizer)
    lengths = np.array([len(ids) for pair in found for ids in (pair.chosen, pair.rejected)])
    limit = tokenizer.model_max_length
    if max_length is None:
        max_length = min(choose_max_length(lengths, LONGEST_DEFAULT), limit)
    elif max_length > limit:
        raise AutopeftError(
            f"max_length is {max_length}, but the model reads at most {limit} tokens; give less by --max-length"
        )
    cut = cut_pairs(found, max_length)
    dropped = f", {cut.dropped} pairs left out that do not differ before" if cut.dropped else ""
    notes = [
        f"prompts with an answer of {np.median(lengths):.0f} tokens (median) to {lengths.max()}; cut at {max_length}: "
        f"{cut.truncated:.1%} of the training texts truncated{dropped}",
        *_odd(task, found, tokenizer),
    ]
    examples, epochs, said = spent(2 * float(cut.lengths.mean()), len(task.train), examples, epochs)
    setting = PreferenceSetting(
        examples=examples,
        validation_examples=min(len(task.validation), _MOST_VALIDATION),
        epochs=epochs,
        batch_size=_BATCH_SIZE if batch_size is None else batch_size,
        max_length=max_length,
        precision=resolve_precision(precision),
        gradient_checkpointing=gradient_checkpointing,
        early_stopping=early_stopping,
        fidelity=fidelity,
    )
    return setting, (*notes, *said)


def _odd(task: Task, found: Sequence[PairTokens], tokenizer: Any) -> list[str]:
    """Say what of the training pairs the model does not read as it stands there."""
    texts = [pair.prompt + pair.chosen + pair.rejected for pair in task.train.pairs]
    controls = [each for each in controls_in(texts, tokenizer) if each]
    lines = []
    if controls:
        named = listed(sorted(set().union(*controls)))
        lines.append(f"control tokens of the model in texts, read as such ({named}): {len(controls):,} training pairs")
    unwritten = sorted(set().union(*(pair.unwritten for pair in found)))
    if unwritten:
        named = ", ".join(f"'{key}'" for key in unwritten)
        lines.append(f"left out, for the chat template of this model does not write it: {named}")
    return lines
