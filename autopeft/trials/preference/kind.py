"""Trials of preferences: a decoder learns by DPO which of two answers to give, held against its untouched self."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import torch
from transformers import GenerationConfig, PreTrainedModel

from autopeft.backbones import Backbone
from autopeft.methods import preference_learning_rate
from autopeft.methods.kind_knobs import BETA
from autopeft.space import BackboneShape, Configuration
from autopeft.tasks import Encoded, Task
from autopeft.tasks.preference import PairForm, Pairs, encode_pairs
from autopeft.trials.by_example import in_groups, in_parts
from autopeft.trials.causal import CausalTrials
from autopeft.trials.causal.kind import with_trl
from autopeft.trials.exam import VALIDATION_BATCHES
from autopeft.trials.kind import Batch, Feed
from autopeft.trials.measured import Measured
from autopeft.trials.prediction import Prediction, Ready
from autopeft.trials.preference.pairs import EncodedPairs, PairBatch, batch_of_pairs
from autopeft.trials.preference.rewards import beta_of, dpo_loss, gains, log_probabilities, rewarded
from autopeft.trials.preference.setting import PreferenceSetting, choose_preference_setting
from autopeft.trials.preference.written import as_written, preferring_of
from autopeft.trials.setting import TrialSetting
from autopeft.trials.writing import Preferring

if TYPE_CHECKING:
    from transformers import Trainer, TrainingArguments

__all__ = ["PreferenceTrials"]


class PreferenceTrials(CausalTrials):
    """Which of two answers is preferred: what a decoder writes beside that is as of one that learns to write."""

    does = "learns which of two answers to prefer"
    untouched = "untouched model, always 0.5"
    default_space = "preference"
    writes = False
    prefers = True
    scripted = False
    knobs: ClassVar[frozenset[str]] = frozenset({BETA.name})

    def __init__(self, schema: PairForm) -> None:
        super().__init__(schema.answering)
        self._form = schema

    @classmethod
    def stock_learning_rate(cls, shape: BackboneShape) -> float:
        """Return the peak learning rate of stock LoRA in trials on a backbone."""
        return preference_learning_rate(shape.hidden)

    def choose_setting(self, task: Task, tokenizer: Any, **asked: Any) -> tuple[PreferenceSetting, tuple[str, ...]]:  # type: ignore[override]
        """Choose a trial of so many tokens, and say what cutting does to the pairs."""
        return choose_preference_setting(task, tokenizer, **asked)

    def encode(self, split: Pairs, tokenizer: Any, max_length: int) -> EncodedPairs:  # type: ignore[override]
        """Tokenise a split, two rows a pair."""
        return EncodedPairs.of(encode_pairs(split, self._form, tokenizer, max_length))

    def with_reference(
        self, model: PreTrainedModel, encoded: Encoded, setting: TrialSetting, pad_id: int
    ) -> EncodedPairs:
        """Return pairs with the log-probability of each answer under the untouched model."""
        device = next(model.parameters()).device
        found = np.zeros(len(encoded), np.float32)
        # In the batches in which models are measured, so that an untouched one differs from itself by nothing.
        for rows in self.grouped(encoded, VALIDATION_BATCHES * setting.batch_size):
            batch = self.collate(encoded, rows, pad_id)
            with torch.inference_mode():
                found[rows] = log_probabilities(model, batch, device, setting.precision).cpu().numpy()
        return EncodedPairs.of(encoded, found)

    def grouped(self, encoded: Encoded, batch_size: int, rng: np.random.Generator | None = None) -> list[np.ndarray]:
        """Choose which pairs go together."""
        return in_groups(encoded, batch_size, rng)

    def collate(self, encoded: Encoded, group: np.ndarray, pad_id: int) -> PairBatch:
        """Make the batch of some pairs."""
        return batch_of_pairs(encoded, group, pad_id)

    def parted(self, encoded: Encoded, group: np.ndarray, at_once: int) -> list[np.ndarray]:
        """Divide a batch into parts of so many pairs."""
        return in_parts(encoded, group, at_once)

    def check_measured(self, splits: Sequence[Any], tokenizer: Any, setting: TrialSetting) -> None:
        """Check nothing: pairs are measured by what a model makes of both answers."""
        return

    def probes(self, split: Any, tokenizer: Any, setting: TrialSetting) -> list[Any]:
        """Measure nothing else."""
        return []

    def terms(self, batch: Batch) -> int:
        """Return the number of pairs."""
        return len(batch["labels"]) // 2

    def loss(self, model: PreTrainedModel, batch: Batch, device: torch.device, precision: str) -> torch.Tensor:
        """Return the mean DPO loss of the pairs of a batch."""
        return dpo_loss(gains(model, batch, device, precision), beta_of(model))

    def measure(
        self, model: PreTrainedModel, split: Sequence[tuple[np.ndarray, Batch]], precision: str, feed: Feed
    ) -> Measured:
        """Return the share of pairs that are ranked right, the mean margin of rewards, and the loss."""
        return Measured(rewarded(model, split, precision, feed).figures)

    def example_scores(
        self, model: PreTrainedModel, split: Sequence[tuple[np.ndarray, Batch]], precision: str, feed: Feed, metric: str
    ) -> np.ndarray:
        """Return for each pair whether it is ranked right."""
        return rewarded(model, split, precision, feed).right

    def trainer_class(self) -> type[Trainer]:
        """Return TRL's DPOTrainer."""
        trainer: type[Trainer] = with_trl(f"{__package__}.trainer").PreferenceTrainer
        return trainer

    def trainer_arguments(self, arguments: TrainingArguments) -> TrainingArguments:
        """Return arguments for pairs that need no preparing."""
        found: TrainingArguments = with_trl(f"{__package__}.trainer").dpo_arguments(arguments)
        return found

    def collator(self, encoded: Encoded, tokenizer: Any, pad_id: int) -> Callable[..., Batch]:  # type: ignore[override]
        """Return what makes a batch of pairs as TRL has it."""
        from autopeft.trials.trainer import batch_of_rows

        collate, as_trl = batch_of_rows(self, encoded, pad_id), with_trl(f"{__package__}.trainer").as_trl
        return lambda rows: as_trl(collate(rows))

    def write_beside(
        self,
        folder: Path,
        tokenizer: Any,
        task: Task,
        configuration: Configuration | None = None,
        generation: GenerationConfig | None = None,
    ) -> None:
        """Write how answers end, by the better ones."""
        super().write_beside(folder, tokenizer, as_written(task), configuration, generation)

    def use(self, task: Task, tokenizer: Any) -> dict[str, Any]:
        """Return how many tokens an answer has at most."""
        return super().use(as_written(task), tokenizer)

    def using_code(self, backbone: Backbone, task: Task, max_length: int, alone: bool) -> list[str]:
        """Return the lines that let the model answer two prompts."""
        return super().using_code(backbone, as_written(task), max_length, alone)

    def merged_code(self, backbone: Backbone, task: Task, max_length: int) -> list[str]:
        """Return the lines that use a pipeline."""
        return super().merged_code(backbone, as_written(task), max_length)

    def predict(  # type: ignore[override]
        self, ready: Ready, split: Pairs, **asked: Any
    ) -> tuple[Sequence[Prediction | None], tuple[str, ...]]:
        """Return the answers to prompts."""
        return super().predict(ready, split.better, **asked)

    def preferring(self, task: Task, tokenizer: Any, max_length: int) -> Preferring:
        """Return what is learned as pairs of texts."""
        return preferring_of(task, tokenizer, max_length)
