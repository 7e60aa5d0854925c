"""How long and how a trial trains: the same for every trial of a study."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from typing import Any, ClassVar, Literal

import numpy as np

from autopeft.errors import AutopeftError
from autopeft.tasks import Task, choose_max_length, token_lengths

__all__ = ["MOST_VALIDATION", "RUNGS", "Fidelity", "TrialSetting", "choose_setting", "steps_of"]

#: Tokens a trial trains on, counting each epoch: about 20 s of one core on a model of 20M parameters.
_TOKENS = 50_000
_EPOCHS = 3
#: Fewer examples rank configurations badly, whatever the length of the texts.
_LEAST_EXAMPLES = 1000
#: Small data sets are passed over more often, to give adapters steps enough to move.
_LEAST_STEPS = 120
_MOST_EPOCHS = 20
#: Validation rows beyond these cost time in every trial; the standard error is under 1.6 points at 1,000.
MOST_VALIDATION = 1000


#: Fewer validation examples at a rung say too little.
_LEAST_AT_RUNGS = 200

#: Shares of its steps, or of its examples, at which a trial is measured on the way.
RUNGS = (1 / 16, 1 / 8, 1 / 4, 1 / 2)

Fidelity = Literal["steps", "examples"]


@dataclass(frozen=True)
class TrialSetting:
    """How a trial trains; plain data.

    Args:
        examples: Training examples, drawn once by `seed`: the same in every trial.
        validation_examples: Validation examples, drawn likewise.
        epochs: Passes over them.
        batch_size: Examples a step.
        max_length: Tokens at which texts are cut.
        precision: `bf16` or `fp32`.
        head_learning_rate: Peak learning rate of the task head, the same in every trial; a configuration
            brings that of its adapters.
        warmup: Share of the steps in which learning rates rise; after it they fall to 0, both linearly.
        weight_decay: AdamW's.
        gradient_checkpointing: Whether layers are computed again for the backward pass, to save memory; not where
            a prompt goes in front of the text.
        early_stopping: Whether trials are measured at rungs, and stopped where the front is out of reach.
        fidelity: What a rung has less of: `steps`, looked at while the trial goes on, or `examples`, each rung a whole
            fine-tune on a part of them, within the next part.
        seed: Draws the examples; what else is random follows the seed of the trial.
    """

    #: Settings that are not recorded where they have their default, as before they were there.
    unsaid: ClassVar[tuple[str, ...]] = ()

    examples: int
    validation_examples: int
    epochs: float = float(_EPOCHS)
    batch_size: int = 32
    max_length: int = 128
    precision: str = "fp32"
    head_learning_rate: float = 1e-2
    warmup: float = 0.06
    weight_decay: float = 0.0
    gradient_checkpointing: bool = False
    early_stopping: bool = True
    fidelity: Fidelity = "steps"
    seed: int = 0

    def __post_init__(self) -> None:
        for name in ("examples", "validation_examples", "epochs", "batch_size", "max_length"):
            if getattr(self, name) <= 0:
                raise AutopeftError(f"{name} of a trial is {getattr(self, name)}; expected more than 0")

    @property
    def steps(self) -> int:
        """Optimiser steps of a trial."""
        return steps_of(self.examples, self.epochs, self.batch_size)

    @property
    def texts(self) -> int:
        """Texts a step: more than examples, where an example is several."""
        return self.batch_size

    @property
    def rungs(self) -> tuple[int, ...]:
        """Steps after which a trial is measured, the last one not among them."""
        if not self.early_stopping:
            return ()
        if self.fidelity == "examples":
            return tuple(stage.steps for stage in self.stages[:-1])
        steps = {round(share * self.steps) for share in RUNGS}
        return tuple(sorted(step for step in steps if 0 < step < self.steps))

    def step_at(self, share: float) -> int:
        """Return the step of a rung, one of `RUNGS`; the last step where the trial is too short to have that."""
        step = round(share * self.steps)
        return step if step in self.rungs else self.steps

    @property
    def stages(self) -> tuple[TrialSetting, ...]:
        """The fine-tunes that a trial consists of, the one on all examples last."""
        if not self.early_stopping or self.fidelity == "steps":
            return (self,)
        whole = replace(self, early_stopping=False)
        parts = [replace(whole, examples=math.ceil(share * self.examples)) for share in RUNGS]
        # Where a part is less than a batch, several may have the same steps; the largest of them says most.
        by_steps = {stage.steps: stage for stage in (*parts, whole)}
        return tuple(by_steps.values())

    @property
    def rung_examples(self) -> int:
        """Validation examples on which a trial is measured at rungs: a look at each would cost as much as training."""
        return min(self.validation_examples, max(_LEAST_AT_RUNGS, self.validation_examples // 4))

    def describe(self, cut: str) -> list[str]:
        """Return lines that tell people what each trial will do.

        Args:
            cut: What is done to what is longer than so many tokens: `TrialKind.cut`.
        """
        return [
            f"{self.examples} training examples, {self.epochs:g} epochs of batches of "
            f"{self.batch_size} ({self.steps} steps), {cut} {self.max_length} tokens, {self.precision}",
            f"measured on {self.validation_examples} validation examples at the end"
            + (f", on {self.rung_examples} of them {self._where()}" if self.rungs else ""),
        ]

    def _where(self) -> str:
        if self.fidelity == "steps":
            return f"after {', '.join(map(str, self.rungs))} steps"
        counts = ", ".join(str(stage.examples) for stage in self.stages[:-1])
        return f"after fine-tunes on {counts} examples first"

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON data, as it is read again."""
        found: dict[str, Any] = json.loads(json.dumps(asdict(self)))
        usual = {field.name for field in fields(self) if getattr(self, field.name) == field.default}
        return {name: value for name, value in found.items() if name not in usual.intersection(self.unsaid)}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> TrialSetting:
        """Return the setting that `to_dict` wrote."""
        return cls(**data)


def choose_setting(
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
    least: int = 0,
    lengths: np.ndarray | None = None,
    limit: int | None = None,
) -> TrialSetting:
    """Choose a short trial that suits texts of which something is told; what is given is kept.

    Args:
        task: The data.
        tokenizer: The backbone's.
        examples: Training examples, at most those the task has.
        epochs: Passes over them.
        batch_size: Examples a step.
        max_length: Tokens at which texts are cut.
        precision: `bf16`, `fp32` or `auto`.
        gradient_checkpointing: Whether to compute layers again for the backward pass, to save memory.
        early_stopping: Whether to measure trials on the way and stop the hopeless ones.
        fidelity: What a trial has less of on the way: `steps` or `examples`.
        least: So many examples its kind of task needs at least.
        lengths: Tokens of each training example, uncut; those of its texts when left out.
        limit: Tokens that the model reads at most; what its tokenizer says when left out.

    Raises:
        AutopeftError: When a number is not positive, or the precision unknown.
    """
    from autopeft.trials.hardware import resolve_precision

    lengths = token_lengths(task.train, tokenizer) if lengths is None else lengths
    limit = limit or getattr(tokenizer, "model_max_length", None) or max_length or 0
    if max_length is None:
        max_length = min(choose_max_length(lengths), limit)
    elif max_length > limit:
        raise AutopeftError(
            f"max_length is {max_length}, but the model reads at most {limit} tokens; give less by --max-length"
        )
    batch_size = 32 if batch_size is None else batch_size
    if examples is None:
        mean = float(np.minimum(lengths, max_length).mean())
        affordable = round(_TOKENS / ((epochs or _EPOCHS) * mean), -2)
        examples = max(int(affordable), _LEAST_EXAMPLES, least)
    examples = min(examples, len(task.train))
    if epochs is None:
        needed = math.ceil(_LEAST_STEPS * batch_size / max(1, examples))
        epochs = float(min(max(_EPOCHS, needed), _MOST_EPOCHS))
    return TrialSetting(
        examples=examples,
        validation_examples=min(len(task.validation), MOST_VALIDATION),
        epochs=float(epochs),
        batch_size=batch_size,
        max_length=max_length,
        precision=resolve_precision(precision),
        gradient_checkpointing=gradient_checkpointing,
        early_stopping=early_stopping,
        fidelity=fidelity,
    )


def steps_of(examples: int, epochs: float, batch_size: int) -> int:
    """Return the optimiser steps of a training.

    Args:
        examples: Training examples.
        epochs: Passes over them.
        batch_size: Examples a step.
    """
    return max(1, round(epochs * math.ceil(examples / batch_size)))
