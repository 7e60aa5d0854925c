"""A pretrained decoder as a causal language model: its own language-modelling head, and no task head."""

from __future__ import annotations

from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from transformers import MODEL_FOR_CAUSAL_LM_MAPPING, MODEL_FOR_MASKED_LM_MAPPING, AutoModelForCausalLM

from autopeft.backbones.anatomy import Anatomy
from autopeft.backbones.backbone import Backbone, roles_of
from autopeft.backbones.gguf import SMOLLM2
from autopeft.backbones.modalities import MODALITIES, Modality
from autopeft.backbones.quantization import Quantization
from autopeft.backbones.source import find_source
from autopeft.errors import BackboneError

if TYPE_CHECKING:
    from transformers import PreTrainedModel

__all__ = ["Decoder", "NoDecoderError", "load_decoder"]


class NoDecoderError(BackboneError):
    """A model was not trained to go on with text."""


class Decoder(Backbone):
    """A backbone whose language-modelling head belongs to it: frozen, and counted with it."""

    @cached_property
    def num_parameters(self) -> int:
        """Number of parameters of the language model; embeddings that are also its head count once."""
        return sum(parameter.numel() for parameter in self.meta().parameters())

    def language_model(self, dtype: torch.dtype = torch.float32, device: torch.device | None = None) -> PreTrainedModel:
        """Return the model with its weights and its language-modelling head, which is never quantised.

        Args:
            dtype: Type of the weights that are not quantised.
            device: Where; the CPU when left out. A quantised model stays where it was loaded.

        Returns:
            The model in eval mode.

        Raises:
            BackboneError: The weights cannot be loaded, or are not all there.
        """
        return self._pretrained(dtype, device)

    def _head_modules(self) -> set[str]:
        meta = self.meta()
        return {name for name, module in meta.named_modules() if module is meta.get_output_embeddings()}

    def _reads(self) -> Modality:
        kind = type(self.config)
        # transformers lists encoders here too, whose heads are trained to fill masks, not to go on.
        encoder = kind in MODEL_FOR_MASKED_LM_MAPPING and not getattr(self.config, "is_decoder", False)
        if (kind not in MODEL_FOR_CAUSAL_LM_MAPPING and not self._brings(AutoModelForCausalLM)) or encoder:
            raise NoDecoderError(
                f"{self.name}: {self.config.model_type!r} models do not generate text, but the data is text to "
                f"generate; choose a decoder such as `--model {SMOLLM2}`, or name the columns of a classification "
                "task by --text and --label"
            )
        return MODALITIES["text"]

    @property
    def _task_class(self) -> Any:
        return AutoModelForCausalLM

    def _task_config(self, num_labels: int) -> dict[str, Any]:
        return {}


def load_decoder(
    model: str | None = None,
    revision: str | None = None,
    roles: Anatomy | Path | None = None,
    quantization: Quantization | None = None,
    trust_remote_code: bool = False,
) -> Decoder:
    """Load what is needed to know a pretrained decoder; arguments as for `load_backbone`.

    Raises:
        BackboneError: The model cannot be found, read or understood, is no decoder, or needs code of its own that is
            not trusted.
    """
    return Decoder(find_source(model, revision), revision, roles_of(roles), quantization, trust_remote_code)
