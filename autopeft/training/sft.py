"""TRL's SFTTrainer for causal language models; nothing else here needs TRL."""

from __future__ import annotations

from typing import Any

from transformers import PreTrainedModel, TrainingArguments
from trl import SFTConfig, SFTTrainer

from autopeft.methods import stays_in_layers
from autopeft.methods.builder import applied
from autopeft.training.trainer import Ours

__all__ = ["CausalTrainer", "causal_trainer"]


class CausalTrainer(Ours, SFTTrainer):
    """An SFTTrainer of examples that are tokens with labels already."""

    def _task_loss(self, model: Any, inputs: Any, return_outputs: bool, **kwargs: Any) -> Any:
        """Return TRL's loss; ours where a method has wrapped the model's forward, which TRL goes around."""
        own: Any = self.accelerator.unwrap_model(model)
        if stays_in_layers(applied(own).configuration):
            return super()._task_loss(model, inputs, return_outputs, **kwargs)
        return self.kind.loss(own, dict(inputs), own.device, self.precision)


def causal_trainer(model: PreTrainedModel, arguments: TrainingArguments, **given: Any) -> CausalTrainer:
    """Return the SFTTrainer of a model whose examples need no preparing; what else it takes is handed on."""
    known = {name: value for name, value in arguments.to_dict().items() if name in SFTConfig.__dataclass_fields__}
    config = SFTConfig(**known, dataset_kwargs={"skip_prepare_dataset": True}, max_length=None)
    return CausalTrainer(model, config, **given)
