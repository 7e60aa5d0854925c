"""TRL's SFTTrainer for causal language models; nothing else here needs TRL."""

from __future__ import annotations

from typing import Any

from transformers import TrainingArguments
from trl import SFTConfig, SFTTrainer

from autopeft.methods import stays_in_layers
from autopeft.methods.builder import applied
from autopeft.training.trainer import Ours

__all__ = ["CausalTrainer", "sft_arguments"]


class CausalTrainer(Ours, SFTTrainer):
    """An SFTTrainer of examples that are tokens with labels already."""

    def _task_loss(self, model: Any, inputs: Any, return_outputs: bool, **kwargs: Any) -> Any:
        """Return TRL's loss; ours where a method has wrapped the model's forward, which TRL goes around."""
        own: Any = self.accelerator.unwrap_model(model)
        if stays_in_layers(applied(own).configuration):
            return super()._task_loss(model, inputs, return_outputs, **kwargs)
        return self.kind.loss(own, dict(inputs), own.device, self.precision)


def sft_arguments(arguments: TrainingArguments) -> SFTConfig:
    """Return arguments as an SFTTrainer takes them whose examples need no preparing."""
    given = {name: value for name, value in arguments.to_dict().items() if name in SFTConfig.__dataclass_fields__}
    return SFTConfig(**given, dataset_kwargs={"skip_prepare_dataset": True}, max_length=None)
