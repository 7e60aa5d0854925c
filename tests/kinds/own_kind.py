"""A kind of task from outside, with data, batches, loss, Trainer and a metric of its own: which of two texts is better.

An example is two texts, which go through the model side by side; the metric is a correlation, no mean over examples.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import torch
from torch.nn.functional import softplus

from autopeft.errors import DataError
from autopeft.tasks import Encoded, LabelledTexts, Metric, Sample, TaskKind, encode
from autopeft.tasks.intake import Ledger
from autopeft.tasks.overview import lengths_of
from autopeft.trials import Measured, TrialKind, choose_setting, register_kind
from autopeft.trials.example_scores import pseudo_values
from autopeft.trials.hardware import autocast
from autopeft.trials.trainer import KindTrainer


@dataclass(frozen=True)
class Columns:
    better: str = "better"
    worse: str = "worse"


@dataclass(frozen=True)
class Pairs:
    pairs: tuple

    def __len__(self):
        return len(self.pairs)

    def take(self, indices):
        return Pairs(tuple(self.pairs[int(i)] for i in indices))


class Preference(TaskKind):
    name = "duel"
    summary = "which of two texts is the better one"
    layout = "rows of a better and a worse text"
    samples = (Sample("pairs.jsonl", '{"better": "good", "worse": "bad"}\n'),)
    metrics: ClassVar = {
        "margin": Metric(worst=-1.0, unit="pair", mean=False),
        "wrong": Metric(worst=1.0, direction="minimize"),
    }
    schema = Columns

    def recognise(self, source):
        return "pairs of texts" if {"better", "worse"} <= set(source.columns) else None

    def load(self, source):
        parts, intake = {}, {}
        for split, table in source.tables.items():
            ledger = Ledger(table, ("better", "worse"))
            parts[split] = [(str(row["better"]), str(row["worse"])) for _, row in table.rows]
            intake[split] = ledger.close()
        rows = parts["train"]
        if len(rows) < 32:
            raise DataError(f"'{source.name}' has {len(rows)} pairs; expected 32 or more")
        held = len(rows) // 4
        splits = {"train": rows[2 * held :], "validation": rows[:held], "test": rows[held : 2 * held]}
        return self.task(
            source.spec.short_name,
            Columns(),
            {name: Pairs(tuple(found)) for name, found in splits.items()},
            source.spec.metric,
            ("validation and test split off the training rows",),
            intake,
        )

    def digested(self, task):
        for name, split in task.splits.items():
            yield json.dumps([name, split.pairs]).encode()

    def describe(self, task):
        return ["pairs of texts"]

    def overview(self, task, tokenizer):
        return {
            "lengths": lengths_of([len(better) + len(worse) for better, worse in task.train.pairs], "characters"),
            "examples": [{"text": pair, "label": "first"} for pair in task.train.pairs[:3]],
        }

    def inputs(self, split):
        return split.pairs

    def nothing(self, schema):
        return Pairs(())


class PreferenceTrainer(KindTrainer):
    """Counts its batches, each of whole pairs."""

    batches = 0

    def compute_loss(self, model, inputs, return_outputs=False, **kwargs):
        type(self).batches += 1
        assert len(inputs["input_ids"]) % 2 == 0
        return super().compute_loss(model, inputs, return_outputs, **kwargs)


class PreferenceTrials(TrialKind):
    does = "prefers texts"
    untouched = "head alone"
    auto_class = "AutoModelForSequenceClassification"
    pipeline = "text-classification"

    def choose_setting(self, task, tokenizer, **asked):
        lengths = np.array([len(tokenizer(" ".join(pair))["input_ids"]) for pair in task.train.pairs])
        return choose_setting(task, tokenizer, lengths=lengths, **asked), ("each example is two texts",)

    def model(self, backbone, device):
        return backbone.classifier(1, device=device)

    def configure(self, config):
        config.num_labels = 1

    def encode(self, split, tokenizer, max_length):
        texts = [text for pair in split.pairs for text in pair]
        found = encode(LabelledTexts(texts, [0] * len(texts)), tokenizer, max_length)
        return Encoded(found.inputs, found.labels, found.truncated, example=np.repeat(np.arange(len(split)), 2))

    def grouped(self, encoded, batch_size, rng=None):
        order = np.arange(encoded.examples) if rng is None else rng.permutation(encoded.examples)
        return [encoded.rows_of(order[at : at + batch_size]) for at in range(0, len(order), batch_size)]

    def parted(self, encoded, group, at_once):
        pairs = np.asarray(group).reshape(-1, 2)
        return [part.ravel() for part in np.array_split(pairs, max(1, -(-len(group) // max(2, at_once)))) if len(part)]

    def terms(self, batch):
        return len(batch["labels"]) // 2

    def _margins(self, model, batch, device, precision):
        inputs = {name: value.to(device) for name, value in batch.items() if name != "labels"}
        with autocast(device, precision):
            scores = model(**inputs).logits.float().squeeze(-1)
        return scores[0::2] - scores[1::2]

    def loss(self, model, batch, device, precision):
        return softplus(-self._margins(model, batch, device, precision)).mean()

    @torch.inference_mode()
    def _all(self, model, split, precision, feed):
        device = next(model.parameters()).device
        found = np.zeros(sum(len(rows) for rows, _ in split) // 2)
        for rows, batch in split:
            feed(rows, batch["input_ids"].shape[1])
            found[rows[0::2] // 2] = self._margins(model, batch, device, precision).cpu().numpy()
        return found

    def measure(self, model, split, precision, feed):
        margins = self._all(model, split, precision, feed)
        loss = float(np.logaddexp(0, -margins).mean())
        return Measured({"margin": margin(margins), "wrong": float((margins <= 0).mean()), "loss": loss})

    def example_scores(self, model, split, precision, feed, metric):
        margins = self._all(model, split, precision, feed)
        if metric == "wrong":
            return (margins <= 0).astype(float)
        without = np.array([margin(np.delete(margins, place)) for place in range(len(margins))])
        return pseudo_values(margin(margins), without)

    def trainer_class(self):
        return PreferenceTrainer

    def own_loading(self):
        return "load_backbone", "classifier(1)"

    def using_code(self, backbone, task, max_length, alone):
        return ['print(model(**tokenizer(["A text."], return_tensors="pt")).logits)']

    def merged_code(self, backbone, task, max_length):
        return ["from transformers import pipeline", "", 'score = pipeline("text-classification", model=".")']


def margin(margins: Any) -> float:
    """Return the mean margin in units of its own spread, squeezed into -1..1."""
    return float(np.tanh(margins.mean() / (margins.std() + 1e-9)))


register_kind(Preference(), PreferenceTrials)
