"""Trials of tagging: a new head that tells the tag of each word at its first token."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np
import torch
from torch.nn.functional import cross_entropy
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from autopeft.backbones import Backbone, Tagger, load_tagger
from autopeft.tasks import IGNORED, Encoded, Task, grouped
from autopeft.tasks.tokens import Sentences, Tags, blank_before, encode_words, reads, words_as_read
from autopeft.trials.kind import Batch, Feed
from autopeft.trials.measured import Measured
from autopeft.trials.named_labels import NamedLabels
from autopeft.trials.predicting import parts_of
from autopeft.trials.prediction import Prediction, Ready
from autopeft.trials.script import Script
from autopeft.trials.setting import TrialSetting, choose_setting
from autopeft.trials.tokens.card import piping_code, tagging_code
from autopeft.trials.tokens.results import measured, scores
from autopeft.trials.tokens.told import WindowBatch, batch_of_windows, logits_of_tokens, told_of

__all__ = ["TokensTrials"]


class TokensTrials(NamedLabels):
    """Which tag each word of a sentence has; a sentence that is too long for a row has several."""

    does = "tags words"
    called = "tags"
    cut = "sentences read in windows of"
    each_token = True
    auto_class = "AutoModelForTokenClassification"
    pipeline = "token-classification"
    load_backbone = staticmethod(load_tagger)
    scripted = True
    schema: Tags

    def choose_setting(self, task: Task, tokenizer: Any, **asked: Any) -> tuple[TrialSetting, tuple[str, ...]]:
        """Choose a trial on sentences of a usual length; say how longer ones are read."""
        words = [*task.train.words]
        _, lengths, unreadable = words_as_read(words, tokenizer)
        sizes = np.array([each.sum() for each in lengths]) + tokenizer.num_special_tokens_to_add(pair=False)
        setting = choose_setting(task, tokenizer, lengths=sizes, **asked)
        return setting, tuple(_said(len(words), sizes, lengths, unreadable, setting.max_length))

    def model(self, backbone: Tagger, device: torch.device) -> PreTrainedModel:
        """Return the model with a new head, which is drawn from torch's global generator."""
        model = backbone.classifier(self.outputs, device=device)
        self.configure(model.config)
        return model

    def encode(self, split: Sentences, tokenizer: Any, max_length: int) -> Encoded:
        """Tokenise sentences; a row is a window of one."""
        return encode_words(split, tokenizer, max_length)

    def grouped(self, encoded: Encoded, batch_size: int, rng: np.random.Generator | None = None) -> list[np.ndarray]:
        """Choose which windows go together: to train, all of so many sentences; to measure, so many windows."""
        if rng is None:
            return grouped(encoded, batch_size)
        assert encoded.example is not None
        starts = np.searchsorted(encoded.example, np.arange(encoded.examples))
        whole = Encoded({"input_ids": [encoded.inputs["input_ids"][row] for row in starts]}, None)
        return [encoded.rows_of(group) for group in grouped(whole, batch_size, rng)]

    def collate(self, encoded: Encoded, group: np.ndarray, pad_id: int) -> WindowBatch:
        """Make the batch of some windows."""
        return batch_of_windows(encoded, group, pad_id)

    def terms(self, batch: Batch) -> int:
        """Return the number of words."""
        return int((batch["labels"] != IGNORED).sum())

    def loss(self, model: PreTrainedModel, batch: Batch, device: torch.device, precision: str) -> torch.Tensor:
        """Return the mean cross-entropy of the words of a batch."""
        logits = logits_of_tokens(model, batch, device, precision)
        labels = batch["labels"].to(device, non_blocking=True)
        return cross_entropy(logits.flatten(0, 1), labels.flatten(), ignore_index=IGNORED)

    def measure(
        self, model: PreTrainedModel, split: Sequence[tuple[np.ndarray, Batch]], precision: str, feed: Feed
    ) -> Measured:
        """Return the metrics and `loss`, and the result by type."""
        return measured(self.schema.labels, told_of(model, split, precision, feed))

    def example_scores(
        self, model: PreTrainedModel, split: Sequence[tuple[np.ndarray, Batch]], precision: str, feed: Feed, metric: str
    ) -> np.ndarray:
        """Return for each sentence a score, in their order; their mean is the metric."""
        return scores(metric, self.schema.labels, told_of(model, split, precision, feed))

    def settle_tokenizer(self, tokenizer: PreTrainedTokenizerBase) -> None:
        """Let a tokenizer of bytes read the first word of a text as the others, where it can be told to."""
        super().settle_tokenizer(tokenizer)
        split: Any = getattr(getattr(tokenizer, "backend_tokenizer", None), "pre_tokenizer", None)
        if getattr(split, "add_prefix_space", None) is False:
            split.add_prefix_space = True
            tokenizer.add_prefix_space = tokenizer.init_kwargs["add_prefix_space"] = True

    def own_loading(self) -> tuple[str, str]:
        """Return how the model is made with autopeft."""
        return "load_tagger", f"classifier({self.outputs})"

    def using_code(self, backbone: Backbone, task: Task, max_length: int, alone: bool) -> list[str]:
        """Return the lines that tag the words of two texts."""
        tokenizer = backbone.tokenizer()
        self.settle_tokenizer(tokenizer)
        return tagging_code(max_length, blank_before(tokenizer))

    def merged_code(self, backbone: Backbone, task: Task, max_length: int) -> list[str]:
        """Return the lines that use a pipeline."""
        return piping_code(backbone, self.schema.labels)

    def predict(
        self, ready: Ready, split: Sentences, **asked: Any
    ) -> tuple[Sequence[Prediction | None], tuple[str, ...]]:
        """Return the tags of the words of each sentence, and how many sentences were read in windows."""
        if not len(split):
            return [], ()
        encoded, parts = parts_of(self, ready, split, asked)
        told = told_of(ready.model, parts, ready.precision, lambda rows, longest: None)
        ends = np.cumsum([len(words) for words in split.words])
        found = [
            Prediction([self.schema.labels[tag] for tag in tags]) for tags in np.split(told.told, ends[:-1].tolist())
        ]
        assert encoded.example is not None
        long = int((np.bincount(encoded.example) > 1).sum())
        return found, (_in_windows(long, len(split), ready.max_length),) if long else ()

    def script(self, task: Task, tokenizer: Any, max_length: int) -> Script:
        """Return a script for rows of words with their tags."""
        rows = {
            name: partial(_rows, task.splits[name], self.schema.labels, tokenizer, max_length)
            for name in ("train", "validation")
        }
        settings = {"labels": list(self.schema.labels)}
        return Script(
            __package__ or "", settings, rows, "words as the tokenizer reads them, and the tags of those it tells"
        )


def _rows(
    split: Sentences, labels: Sequence[str], tokenizer: Any, max_length: int
) -> Iterator[Mapping[str, Sequence[str | None]]]:
    """Yield windows as rows of `tokens` and `tags`: the tag of each word, none of what is there to be read only."""
    read = reads(split.words, tokenizer, max_length)
    for number, window in read.parts():
        tags = split.tags[number]
        yield {
            "tokens": read.words[number][window.start : window.stop],
            "tags": [
                labels[tags[place]] if window.first <= place < window.end else None
                for place in range(window.start, window.stop)
            ],
        }


def _said(
    count: int, sizes: np.ndarray, lengths: Sequence[np.ndarray], unreadable: int, max_length: int
) -> Iterator[str]:
    """Say what is done to sentences and words that cannot be read as they are."""
    long = int((sizes > max_length).sum())
    if long:
        yield _in_windows(long, count, max_length)
    room = max_length - int(sizes[0] - lengths[0].sum())
    cut = sum(int((each > room).sum()) for each in lengths)
    if cut:
        yield f"{cut:,} words are longer than {room} tokens alone, and cut there"
    if unreadable:
        yield f"{unreadable:,} words of which the tokenizer makes nothing are read as its unknown token"


def _in_windows(long: int, count: int, max_length: int) -> str:
    return (
        f"{long:,} of {count:,} sentences are longer than {max_length} tokens, and read in windows that overlap: "
        "each word is told once"
    )
