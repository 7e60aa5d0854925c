"""What a trial is measured on, the same for all: everything at its end, less at rungs."""

from __future__ import annotations

from typing import Any

import numpy as np
from transformers import PreTrainedModel

from autopeft.tasks import Encoded, pad_id_of
from autopeft.trials.kind import Feed, TrialKind
from autopeft.trials.measured import Measured
from autopeft.trials.setting import TrialSetting

__all__ = ["VALIDATION_BATCHES", "Exam"]

#: Validation batches hold this many times a training batch: nothing is kept for a backward pass.
VALIDATION_BATCHES = 2

#: Examples of a rehearsal to which a model writes answers.
_FEW = 4


class Exam:
    """Measures models on the validation examples of a setting.

    Args:
        kind: What the task is.
        validation: The examples.
        encoded: The examples as tokens.
        tokenizer: The backbone's.
        setting: How many are looked at where, batches, precision.
        metric: What trials are judged by.
        rng: Draws those that rungs look at, and those that models answer.
    """

    def __init__(
        self,
        kind: TrialKind,
        validation: Any,
        encoded: Encoded,
        tokenizer: Any,
        setting: TrialSetting,
        metric: str,
        rng: np.random.Generator,
    ) -> None:
        self._kind, self._setting, self._metric = kind, setting, metric
        pad_id, size = pad_id_of(tokenizer), VALIDATION_BATCHES * setting.batch_size
        self._whole = [(rows, kind.collate(encoded, rows, pad_id)) for rows in kind.grouped(encoded, size)]
        glance = encoded.some(rng, setting.rung_examples)
        self._glance = [
            (glance[rows], kind.collate(encoded, glance[rows], pad_id))
            for rows in kind.grouped(encoded.take(glance), size)
        ]
        self._probes = kind.probes(validation.take(rng.permutation(len(validation))), tokenizer, setting)

    def rehearse(self, model: PreTrainedModel) -> None:
        """Measure a model as at a trial's end, but a few answers and choices only, which take long.

        Args:
            model: The model, in eval mode, none of its layers left out.

        Raises:
            DivergedError: When a logit is not finite.
        """
        self._kind.measure(model, self._whole, self._setting.precision, lambda rows, length: None)
        for probe in self._probes:
            probe.scores(model, self._setting.precision, _FEW)

    def __call__(self, model: PreTrainedModel, feed: Feed, *, whole: bool) -> Measured:
        """Measure every metric of a model, and `loss`; at a rung, on fewer examples, those that it is judged by.

        Args:
            model: The model, in eval mode.
            feed: Called before each forward pass over the examples.
            whole: Whether the trial is at its end.

        Raises:
            DivergedError: When a logit is not finite.
        """
        setting = self._setting
        found = self._kind.measure(model, self._whole if whole else self._glance, setting.precision, feed)
        for probe in self._probes:
            if whole or self._metric in probe.metrics:
                most = setting.validation_examples if whole else setting.rung_examples
                scores = probe.scores(model, setting.precision, most)
                found.figures.update({name: float(values.mean()) for name, values in scores.items()})
        return found
