"""How long and how a trial of a causal language model trains."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from autopeft.errors import AutopeftError
from autopeft.tasks import IGNORED, Encoded, Task, choose_max_length
from autopeft.tasks.causal import ANSWER_METRICS, cut_causal, describe, end_share, survey
from autopeft.trials.hardware import resolve_precision
from autopeft.trials.setting import Fidelity, TrialSetting

__all__ = ["COMPLETIONS", "EVERYTHING", "LONGEST_DEFAULT", "CausalSetting", "choose_causal_setting", "spent"]

#: What the loss covers: what is answered, or prompts too.
COMPLETIONS, EVERYTHING = "completions", "everything"


#: Tokens a trial trains on, counting each epoch: twelve trials of a model of 135M parameters then fit in half an hour
#: of two cores (studies/smollm2-gsm8k).
_TOKENS = 25_000
#: Fewer examples rank configurations badly.
_LEAST_EXAMPLES = 64
#: Small data sets are passed over more often; large ones are not even seen once.
_MOST_EPOCHS = 20
#: An example holds many tokens, so that few fill a batch and few are enough to measure on.
_BATCH_SIZE = 4
_MOST_VALIDATION = 64
_LEAST_AT_RUNGS = 16
#: Largest maximum length that is chosen unless one is asked for: memory grows with it.
LONGEST_DEFAULT = 512


@dataclass(frozen=True)
class CausalSetting(TrialSetting):
    """A trial setting whose rungs look at fewer examples: each holds many learned tokens.

    Args:
        generate: Validation examples to which a model writes answers, at the end of a trial, and at rungs where they
            are what it is judged by.
        loss: What the loss of training covers; trials are measured on completions in any case.
    """

    unsaid: ClassVar[tuple[str, ...]] = ("loss",)

    generate: int = 0
    loss: str = COMPLETIONS

    @property
    def rung_examples(self) -> int:
        """Validation examples on which a trial is measured at rungs."""
        return min(self.validation_examples, max(_LEAST_AT_RUNGS, self.validation_examples // 4))


def choose_causal_setting(
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
    generate: int | None = None,
    loss: str | None = None,
) -> tuple[CausalSetting, tuple[str, ...]]:
    """Choose a short trial that suits the data; what is given is kept.

    Args:
        task: The data.
        tokenizer: The backbone's.
        examples: Training examples, at most those the task has.
        epochs: Passes over them.
        batch_size: Examples a step.
        max_length: Tokens at which examples are cut.
        precision: `bf16`, `fp32` or `auto`.
        gradient_checkpointing: Whether to compute layers again for the backward pass, to save memory.
        early_stopping: Whether to measure trials on the way and stop the hopeless ones.
        fidelity: What a trial has less of on the way: `steps` or `examples`.
        generate: Validation examples to write answers to, at most those a trial is measured on; none of them when
            left out, unless the task's metric looks at answers.
        loss: `completions` or `everything`; the first when left out.

    Returns:
        The setting, and lines that tell people how long the examples are, what is cut, what of them cannot be learned,
        and why the trial is as it is.

    Raises:
        AutopeftError: When a number is not positive or does not fit the model, or the precision is unknown.
        DataError: When nothing is left to learn, or most examples teach little but to stop.
    """
    found = [survey(name, split, task.schema, tokenizer) for name, split in task.splits.items()]
    for each in found:
        each.check()
    whole = found[0].encoded
    limit = tokenizer.model_max_length
    if max_length is None:
        max_length = min(choose_max_length(whole.lengths, LONGEST_DEFAULT), limit)
    elif max_length > limit:
        raise AutopeftError(
            f"max_length is {max_length}, but the model reads at most {limit} tokens; give less by --max-length"
        )
    cut = cut_causal(whole, max_length)
    notes = [_lengths(whole, cut, max_length), _ends(cut, tokenizer), *describe(found)]
    examples, epochs, said = spent(float(cut.lengths.mean()), len(task.train), examples, epochs)
    notes += said
    loss, said = _loss(loss, task)
    notes += said
    validation = min(len(task.validation), _MOST_VALIDATION)
    if generate is None:
        generate = validation if task.metric in ANSWER_METRICS else 0
    elif generate and task.schema.plain:
        raise AutopeftError(f"{task.schema.describe()}, has no prompts to write answers to; leave --generate out")
    elif not generate and task.metric in ANSWER_METRICS:
        raise AutopeftError(f"the metric {task.metric} needs generated answers; expected --generate 1 or more")
    setting = CausalSetting(
        examples=examples,
        validation_examples=validation,
        epochs=epochs,
        batch_size=_BATCH_SIZE if batch_size is None else batch_size,
        max_length=max_length,
        precision=resolve_precision(precision),
        gradient_checkpointing=gradient_checkpointing,
        early_stopping=early_stopping,
        fidelity=fidelity,
        generate=min(generate, validation),
        loss=loss,
    )
    return setting, tuple(notes)


def _loss(asked: str | None, task: Task) -> tuple[str, tuple[str, ...]]:
    """Return what the loss covers, and a line on it where it is not the usual."""
    if asked not in (None, COMPLETIONS, EVERYTHING):
        raise AutopeftError(f"--loss: found {asked!r}; expected {COMPLETIONS} or {EVERYTHING} for a decoder")
    if asked == COMPLETIONS and task.schema.plain:
        raise AutopeftError(f"--loss {asked}: {task.schema.describe()}; leave it out")
    if asked == EVERYTHING and not task.schema.plain:
        return EVERYTHING, ("trained on prompts too (--loss everything), and measured on what is answered",)
    return asked or COMPLETIONS, ()


def spent(
    tokens: float, available: int, examples: int | None, epochs: float | None
) -> tuple[int, float, tuple[str, ...]]:
    """Choose how many examples a trial of a decoder trains on, and how often; what is given is kept.

    Args:
        tokens: How many an example has on average.
        available: Training examples there are.
        examples: Those that are asked for.
        epochs: Passes over them that are asked for.

    Returns:
        Examples, epochs, and lines on them for people.
    """
    affordable = _TOKENS / tokens
    chosen = examples is None and epochs is None
    if examples is None:
        examples = max(round(affordable / (epochs or 1)), _LEAST_EXAMPLES)
    examples = min(examples, available)
    if epochs is None:
        epochs = min(max(1, math.floor(affordable / examples)), _MOST_EPOCHS) if chosen else 1
    if not chosen:
        return examples, float(epochs), ()
    seen = round(tokens * examples * epochs, -3)
    note = f"so many examples that a trial trains on about {seen:,.0f} tokens; --examples and --epochs set them"
    return examples, float(epochs), (note,)


def _ends(cut: Encoded, tokenizer: Any) -> str:
    """Say how much of a token accuracy is owed to what is easy."""
    return f"{end_share(cut, tokenizer):.0%} of the learned tokens end a text or a turn, which is easy to foretell"


def _lengths(whole: Encoded, cut: Encoded, max_length: int) -> str:
    """Say how long examples are, and what cutting them does."""
    learned = sum(label != IGNORED for labels in cut.inputs["labels"] for label in labels) / cut.lengths.sum()
    dropped = f", {cut.dropped} left out with nothing to learn" if cut.dropped else ""
    return (
        f"examples of {np.median(whole.lengths):.0f} tokens (median) to {whole.lengths.max()}; cut at {max_length}: "
        f"{cut.truncated:.1%} of the training examples truncated{dropped}; {learned:.0%} of the tokens are learned"
    )
