"""TRL's SFTTrainer for causal language models; nothing else here needs TRL."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from transformers import TrainingArguments
from trl import SFTConfig, SFTTrainer

from autopeft.methods import stays_in_layers
from autopeft.methods.builder import applied

if TYPE_CHECKING:
    from autopeft.trials.kind import TrialKind

__all__ = ["CausalTrainer", "sft_arguments"]


class CausalTrainer(SFTTrainer):
    """An SFTTrainer of examples that are tokens with labels already.

    Attributes:
        kind: The kind of the task.
        precision: `bf16` or `fp32`.
    """

    kind: TrialKind
    precision: str

    def compute_loss(self, model: Any, inputs: Any, return_outputs: bool = False, **kwargs: Any) -> Any:
        """Return TRL's loss; ours where a method has wrapped the model's forward, which TRL goes around."""
        own: Any = self.accelerator.unwrap_model(model)
        if stays_in_layers(applied(own).configuration):
            return super().compute_loss(model, inputs, return_outputs=return_outputs, **kwargs)
        return self.kind.loss(own, dict(inputs), own.device, self.precision)


def sft_arguments(arguments: TrainingArguments) -> SFTConfig:
    """Return the arguments of an SFTTrainer whose examples need no preparing."""
    known = {name: value for name, value in arguments.to_dict().items() if name in SFTConfig.__dataclass_fields__}
    return SFTConfig(**known, dataset_kwargs={"skip_prepare_dataset": True}, max_length=None)
