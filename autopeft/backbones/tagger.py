"""A pretrained model with a new head that tells something of every token."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from transformers import MODEL_FOR_TOKEN_CLASSIFICATION_MAPPING, AutoModelForTokenClassification

from autopeft.backbones.anatomy import Anatomy
from autopeft.backbones.backbone import Backbone, roles_of
from autopeft.backbones.modalities import MODALITIES, Modality
from autopeft.backbones.quantization import Quantization
from autopeft.backbones.source import find_source
from autopeft.errors import BackboneError

__all__ = ["Tagger", "load_tagger"]


class Tagger(Backbone):
    """A backbone whose head answers every token with one row of logits."""

    def _reads(self) -> Modality:
        known = type(self.config) in MODEL_FOR_TOKEN_CLASSIFICATION_MAPPING
        if not known and not self._brings(AutoModelForTokenClassification):
            raise BackboneError(
                f"{self.name}: {self.config.model_type!r} models have no token classification head in transformers, "
                "but the data has a tag for each word; choose another model"
            )
        return MODALITIES["text"]

    @property
    def _task_class(self) -> Any:
        return AutoModelForTokenClassification


def load_tagger(
    model: str | None = None,
    revision: str | None = None,
    roles: Anatomy | Path | None = None,
    quantization: Quantization | None = None,
    trust_remote_code: bool = False,
) -> Tagger:
    """Load what is needed to know a pretrained model that is to tag words; arguments as for `load_backbone`.

    Raises:
        BackboneError: The model cannot be found, read or understood, has no such head, or needs code of its own that is
            not trusted.
    """
    return Tagger(find_source(model, revision), revision, roles_of(roles), quantization, trust_remote_code)
