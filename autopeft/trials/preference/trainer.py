"""TRL's DPOTrainer for preferences; nothing else here needs TRL."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from transformers import TrainingArguments
from trl import DPOConfig, DPOTrainer

from autopeft.methods import stays_in_layers
from autopeft.methods.builder import applied
from autopeft.tasks import IGNORED
from autopeft.trials.preference.pairs import PairBatch
from autopeft.trials.preference.rewards import beta_of

if TYPE_CHECKING:
    from autopeft.trials.kind import Batch, TrialKind

__all__ = ["PreferenceTrainer", "as_trl", "dpo_arguments"]

#: Where TRL looks for what the reference says of the better answers, and of the worse ones.
_REFERENCE = ("ref_chosen_logps", "ref_rejected_logps")


class PreferenceTrainer(DPOTrainer):
    """A DPOTrainer of pairs that are tokens already, the untouched model's word on each with them.

    Attributes:
        kind: The kind of the task.
        precision: `bf16` or `fp32`.
    """

    kind: TrialKind
    precision: str

    def __init__(self, model: Any, *args: Any, **kwargs: Any) -> None:
        super().__init__(model, *args, **kwargs)
        self.beta = beta_of(model)

    def compute_loss(self, model: Any, inputs: Any, return_outputs: bool = False, **kwargs: Any) -> Any:
        """Return TRL's loss; ours where a method has wrapped the model's forward, which TRL goes around."""
        own: Any = self.accelerator.unwrap_model(model)
        if stays_in_layers(applied(own).configuration):
            return super().compute_loss(model, inputs, return_outputs=return_outputs, **kwargs)
        return self.kind.loss(own, _as_ours(inputs), own.device, self.precision)

    def _prepare_dataset(self, dataset: Any, *args: Any, **kwargs: Any) -> Any:
        return dataset

    def _precompute_ref_logps(self, dataset: Any, *args: Any, **kwargs: Any) -> Any:
        return dataset

    def _remove_unused_columns(self, dataset: Any, description: str | None = None) -> Any:
        return dataset


def dpo_arguments(arguments: TrainingArguments) -> DPOConfig:
    """Return the arguments of a DPOTrainer whose pairs need no preparing, and adapters keep their dropout."""
    known = {name: value for name, value in arguments.to_dict().items() if name in DPOConfig.__dataclass_fields__}
    return DPOConfig(**known, precompute_ref_log_probs=True, disable_dropout=False, max_length=None)


def as_trl(batch: Batch) -> Batch:
    """Return a batch of pairs as TRL has it: all better answers, then all worse ones.

    Args:
        batch: Pairs one after the other, each with its reference.
    """
    assert isinstance(batch, PairBatch)
    assert batch.reference is not None
    found = {name: torch.cat([value[0::2], value[1::2]]) for name, value in batch.items()}
    found["completion_mask"] = (found.pop("labels") != IGNORED).long()
    return {**found, **dict(zip(_REFERENCE, (batch.reference[0::2], batch.reference[1::2]), strict=True))}


def _as_ours(inputs: Batch) -> PairBatch:
    """Return a batch of TRL's as trials have it."""
    mask = inputs["completion_mask"]
    found = {
        "input_ids": inputs["input_ids"],
        "attention_mask": inputs["attention_mask"],
        "labels": inputs["input_ids"].masked_fill(mask == 0, IGNORED),
    }
    batch = PairBatch({name: _in_turn(*value.chunk(2)) for name, value in found.items()})
    batch.reference = _in_turn(*(inputs[name] for name in _REFERENCE))
    return batch


def _in_turn(better: torch.Tensor, worse: torch.Tensor) -> torch.Tensor:
    return torch.stack([better, worse], dim=1).flatten(0, 1)
