"""Trials of causal language models: the head is the backbone's, and each learned token has a label."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch.nn.functional import cross_entropy
from transformers import PreTrainedModel

from autopeft.backbones import Decoder
from autopeft.errors import DataError
from autopeft.tasks import IGNORED, CausalSplit, Encoded, encode_causal
from autopeft.tasks.causal import Format, ask, offer
from autopeft.trials.answering import Answering
from autopeft.trials.causal_setting import CausalSetting
from autopeft.trials.choosing import Choosing
from autopeft.trials.cross_entropy import lean_cross_entropy
from autopeft.trials.example_scores import scores_of_counts
from autopeft.trials.faults import DivergedError
from autopeft.trials.kind import Batch, Feed, Measured
from autopeft.trials.learned import learned_logits
from autopeft.trials.probe import Probe
from autopeft.trials.setting import TrialSetting

__all__ = ["CausalLM"]


class CausalLM:
    """What trials of causal language models have of their own.

    Args:
        form: What form the examples have.
    """

    each_token = True

    def __init__(self, form: Format) -> None:
        self._form = form

    def model(self, backbone: Decoder, device: torch.device) -> PreTrainedModel:
        """Return the language model."""
        return backbone.language_model(device=device)

    def encode(self, split: CausalSplit, tokenizer: Any, max_length: int) -> Encoded:
        """Tokenise a split."""
        return encode_causal(split, self._form, tokenizer, max_length)

    def probes(self, split: CausalSplit, tokenizer: Any, setting: TrialSetting) -> list[Probe]:
        """Return what lets a model choose, where the data has choices, and answer, where that is asked for."""
        assert isinstance(setting, CausalSetting)
        found: list[Probe] = []
        if self._form.choices:
            fitting = [
                (choices, example[-1].content)
                for choices, example in zip(offer(split, self._form, tokenizer), split.examples, strict=True)
                if max(len(each.prompt) + len(each.completion) for each in choices) <= setting.max_length
            ]
            if not fitting:
                raise DataError(
                    f"none of the {len(split)} questions to be measured on fits into {setting.max_length} tokens with "
                    "its choices; raise --max-length"
                )
            questions, right = zip(*fitting, strict=True)
            found.append(Choosing(questions, right, tokenizer, 2 * setting.batch_size))
        if setting.generate:
            answerable = (each for each in ask(split, self._form, tokenizer) if each.completion)
            asked = [each for each in answerable if 0 < len(each.prompt) < setting.max_length]
            if not asked:
                raise DataError(
                    f"none of the {len(split)} examples to be measured on has a prompt of 1 to "
                    f"{setting.max_length - 1} tokens; raise --max-length, or leave --generate out"
                )
            found.append(Answering(asked[: setting.generate], self._form, tokenizer))
        return found

    def terms(self, batch: Batch) -> int:
        """Return the number of learned tokens."""
        return int((batch["labels"][:, 1:] != IGNORED).sum())

    def loss(self, model: PreTrainedModel, batch: Batch, device: torch.device, precision: str) -> torch.Tensor:
        """Return the mean cross-entropy of the learned tokens of a batch."""
        return lean_cross_entropy(*learned_logits(model, batch, device, precision))

    @torch.inference_mode()
    def measure(
        self, model: PreTrainedModel, split: Sequence[tuple[np.ndarray, Batch]], precision: str, feed: Feed
    ) -> Measured:
        """Return token accuracy, loss and perplexity over all learned tokens, the right text before each of them."""
        device = next(model.parameters()).device
        # right tokens, summed cross-entropy, tokens
        sums = torch.zeros(3, dtype=torch.float64, device=device)
        for rows, batch in split:
            feed(rows, batch["input_ids"].shape[1])
            logits, targets = learned_logits(model, batch, device, precision)
            right = (logits.argmax(dim=1) == targets).sum()
            loss = cross_entropy(logits.float(), targets, reduction="sum")
            sums += torch.stack([right.double(), loss.double(), torch.tensor(float(len(targets)), device=device)])
        right, loss, count = sums.tolist()
        if not math.isfinite(loss):
            raise DivergedError("the logits on validation are not finite")
        loss /= count
        perplexity = math.exp(loss) if loss < math.log(np.finfo(float).max) else math.inf
        return Measured({"token_accuracy": right / count, "loss": loss, "perplexity": perplexity})

    @torch.inference_mode()
    def example_scores(
        self, model: PreTrainedModel, split: Sequence[tuple[np.ndarray, Batch]], precision: str, feed: Feed, metric: str
    ) -> np.ndarray:
        """Return for each example its part in the token accuracy, in the order of the rows."""
        device = next(model.parameters()).device
        right, count = (np.zeros(sum(len(rows) for rows, _ in split)) for _ in range(2))
        for rows, batch in split:
            feed(rows, batch["input_ids"].shape[1])
            logits, targets = learned_logits(model, batch, device, precision)
            if not torch.isfinite(logits).all():
                raise DivergedError("the logits are not finite")
            example, _ = torch.nonzero(batch["labels"][:, 1:] != IGNORED, as_tuple=True)
            hits = (logits.argmax(dim=1) == targets).double().cpu()
            right[rows] = np.bincount(example.numpy(), hits.numpy(), len(rows))
            count[rows] = np.bincount(example.numpy(), minlength=len(rows))
        return scores_of_counts(right, count)
