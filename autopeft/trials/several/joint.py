"""Trials of shared adapters on the mixture of several tasks, with a head for each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from copy import copy
from functools import cached_property
from itertools import pairwise
from typing import Any

import numpy as np
import torch
from torch.nn.functional import cross_entropy
from transformers import PreTrainedModel

from autopeft.backbones import Backbone
from autopeft.errors import AutopeftError
from autopeft.methods import TASK_IDS, listening, telling, told_apart
from autopeft.space import Configuration
from autopeft.tasks import Encoded, Task
from autopeft.tasks.several import SeveralSplit
from autopeft.trials.classification import ClassificationTrials
from autopeft.trials.kind import Batch
from autopeft.trials.measured import Measured
from autopeft.trials.named_labels import NamedLabels
from autopeft.trials.predicting import cut_texts
from autopeft.trials.predicting import parts_of as batches_of
from autopeft.trials.prediction import Prediction, Ready
from autopeft.trials.several.gains import figures_of, judge_of, scores_of
from autopeft.trials.several.kind import SeveralTrials
from autopeft.trials.text_kind import TextTrials, logits_of

__all__ = ["JointTrials"]


class JointTrials(SeveralTrials, NamedLabels, TextTrials):
    """One head with the labels of all tasks; an example is told by those of its own."""

    #: By what the loss of the examples of each task is multiplied.
    weights: Sequence[float] | None = None

    #: Whether adapters differ by task, for what a card says.
    _apart = False

    def check_reads(self, backbone: Any) -> None:
        """Check that a backbone reads what all tasks hold, and that one head can tell them."""
        super().check_reads(backbone)
        for kind, part in zip(self.kinds, self.schema.parts, strict=True):
            if type(kind) is not ClassificationTrials:
                raise AutopeftError(
                    f"tasks: {part.name} is of the kind {part.kind}, and shared adapters are trained on texts with one "
                    "label each; expected mixture: separate, or to leave it out"
                )

    @property
    def weighs(self) -> int:
        """Of how many tasks examples are trained on together."""
        return len(self.kinds)

    def weighed(self, training: Mapping[str, Any]) -> JointTrials:
        """Return trials with the weights of a configuration."""
        found = copy(self)
        found.weights = [float(training.get(f"weight_{number}", 1.0)) for number in range(1, len(self.kinds) + 1)]
        return found

    def adapted_by(self, configuration: Configuration) -> JointTrials:
        """Return trials that know whether the adapters of a configuration differ by task."""
        found = copy(self)
        found._apart = bool(told_apart(configuration.modules))
        return found

    @cached_property
    def _spans(self) -> list[tuple[int, int]]:
        """Of which outputs the labels of each task are, the last not among them."""
        ends = np.cumsum([0, *(len(part.schema.labels) for part in self.schema.parts)]).tolist()
        return list(pairwise(ends))

    @cached_property
    def _part_of(self) -> torch.Tensor:
        """Of which task each output is, int64 `[outputs]`."""
        counts = torch.tensor([len(part.schema.labels) for part in self.schema.parts])
        return torch.repeat_interleave(torch.arange(len(counts)), counts)

    def encode(self, split: SeveralSplit, tokenizer: Any, max_length: int) -> Encoded:  # type: ignore[override]
        """Tokenise the texts of all tasks; labels are numbers of outputs, and inputs hold the task of each text."""
        inputs: dict[str, list[list[int]]] = {TASK_IDS: [[number] for number in split.part.tolist()]}
        labels, cut = np.zeros(len(split), np.int64), 0.0
        for kind, (places, part), (first, _) in zip(self.kinds, split.divided(), self._spans, strict=True):
            if not len(places):
                continue
            encoded = kind.encode(part, tokenizer, max_length)
            for name, rows in encoded.inputs.items():
                held = inputs.setdefault(name, [[]] * len(split))
                for place, row in zip(places, rows, strict=True):
                    held[place] = row
            assert encoded.labels is not None
            labels[places] = encoded.labels + first
            cut += encoded.truncated * len(encoded)
        return Encoded(inputs, labels, cut / max(1, len(split)))

    def collate(self, encoded: Encoded, group: np.ndarray, pad_id: int) -> Batch:
        """Make the batch of some texts, with the task of each as a column."""
        batch = super().collate(encoded, group, pad_id)
        return {**batch, TASK_IDS: batch[TASK_IDS][:, :1]}

    def _masked(self, logits: torch.Tensor, part: torch.Tensor) -> torch.Tensor:
        """Return logits that are out of the question where they are of another task, `[n, outputs]`."""
        other = self._part_of.to(logits.device)[None, :] != part[:, None]
        return logits.masked_fill(other, -torch.inf)

    def loss_of(self, logits: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        """Return the mean cross-entropy among the labels of each example's task, weighed by the task."""
        part = self._part_of.to(labels.device)[labels]
        losses = cross_entropy(self._masked(logits, part), labels, reduction="none")
        if self.weights is None:
            return losses.mean()
        weights = torch.tensor(self.weights, dtype=losses.dtype, device=losses.device)
        return (losses * (weights / weights.mean())[part]).mean()

    def _divided(
        self, labels: torch.Tensor, logits: torch.Tensor
    ) -> list[tuple[torch.Tensor, torch.Tensor, np.ndarray]]:
        """Return for each task its labels, its logits and the places of its examples."""
        found = []
        for first, last in self._spans:
            mine = (labels >= first) & (labels < last)
            found.append((labels[mine] - first, logits[mine, first:last], np.flatnonzero(mine.numpy())))
        return found

    def measured(self, labels: torch.Tensor, logits: torch.Tensor) -> Measured:
        """Return what each task reaches, and the gains."""
        divided = list(zip(self.kinds, self._divided(labels, logits), strict=True))
        # At a rung few examples are looked at, none of some task perhaps.
        found = {
            number: kind.measured(truth, told).figures  # type: ignore[attr-defined]
            for number, (kind, (truth, told, _)) in enumerate(divided)
            if len(truth)
        }
        return Measured(figures_of(self.schema.parts, found, self.levels))

    def scores(self, metric: str, labels: torch.Tensor, logits: torch.Tensor) -> np.ndarray:
        """Return for each text what it has to do with the gains."""
        divided = self._divided(labels, logits)
        each = [
            judge_of(part).signed(kind.scores(part.metric, truth, told))  # type: ignore[attr-defined]
            for kind, part, (truth, told, _) in zip(self.kinds, self.schema.parts, divided, strict=True)
        ]
        return scores_of(metric, [places for _, _, places in divided], each, self.levels)

    def model(self, backbone: Backbone, device: torch.device) -> PreTrainedModel:
        """Return the model with a new head that has the labels of all tasks."""
        model = TextTrials.model(self, backbone, device)
        self.prepare(model)
        return model

    def prepare(self, model: PreTrainedModel) -> None:
        """Let a model take batches that name the task of each text, whether anything in it goes by that or not."""
        listening(model)

    def answered(self, model: Any, inputs: Mapping[str, torch.Tensor]) -> torch.Tensor:
        """Return the logits of a batch; what PEFT puts around a model may keep back the task of each text."""
        with telling(model, inputs[TASK_IDS]):
            return super().answered(model, inputs)

    def own_loading(self) -> tuple[str, str]:
        """Return how the model is made with autopeft."""
        return TextTrials.own_loading(self)

    def predictions(self, logits: torch.Tensor, how: Any) -> list[Prediction]:
        """Return nothing: of which task each text is must be known; see `predict`."""
        return []

    def predict(  # type: ignore[override]
        self, ready: Ready, split: SeveralSplit, **asked: Any
    ) -> tuple[Sequence[Prediction | None], tuple[str, ...]]:
        """Return the label of each text among those of its task, and how many texts were cut."""
        if not len(split):
            return [], ()
        encoded, parts = batches_of(self, ready, split, asked)
        _, logits = logits_of(ready.model, parts, ready.precision, lambda rows, longest: None)
        in_order = torch.empty_like(logits)
        in_order[torch.as_tensor(np.concatenate([rows for rows, _ in parts]), device=logits.device)] = logits
        found: list[Prediction | None] = [None] * len(split)
        for kind, (places, _), (first, last) in zip(self.kinds, split.divided(), self._spans, strict=True):
            told = kind.predictions(in_order[torch.from_numpy(places), first:last], ready.how)  # type: ignore[attr-defined]
            for place, one in zip(places, told, strict=True):
                found[place] = one
        return found, cut_texts(encoded, "texts", ready.max_length)

    def spoken(self) -> list[str]:
        """Return the lines that print the label of each text for a task."""
        spans = dict(zip(self.schema.names, self._spans, strict=True))
        return [
            f"spans = {spans!r}  # which outputs are of which task",
            f"first, last = spans[{self.schema.parts[0].name!r}]",
            "for text, probabilities in zip(texts, logits[:, first:last].softmax(dim=-1)):",
            "    best = int(probabilities.argmax())",
            "    print(text, config.id2label[first + best], float(probabilities[best]))",
        ]

    def using_code(self, backbone: Backbone, task: Task, max_length: int, alone: bool) -> list[str]:
        """Return the lines that let the model read two texts as the first task has them."""
        kind = self.kinds[0]
        assert isinstance(kind, ClassificationTrials)
        lines = kind.using_code(backbone, task, max_length, alone)
        lines = [*lines[: len(lines) - len(kind.spoken())], *self.spoken()]
        if not self._apart:
            return lines
        named = ", ".join(f"{number} {name}" for number, name in enumerate(self.schema.names))
        plain, told = "with torch.inference_mode():", "with torch.inference_mode(), telling(model, 0):"
        return [
            "from autopeft.methods import telling",
            *(f"{told}  # the task of all texts: {named}" if line == plain else line for line in lines),
        ]

    def merged_code(self, backbone: Backbone, task: Task, max_length: int) -> list[str]:
        """Return the lines that use the model as a plain one; a pipeline would choose among the labels of all tasks."""
        return [
            "import torch",
            f"from transformers import AutoConfig, {self.auto_class}, AutoTokenizer",
            "",
            'config = AutoConfig.from_pretrained(".")',
            'tokenizer = AutoTokenizer.from_pretrained(".")',
            f'model = {self.auto_class}.from_pretrained(".").eval()',
            *self.using_code(backbone, task, max_length, alone=False),
        ]
