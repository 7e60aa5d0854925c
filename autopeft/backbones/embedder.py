"""A pretrained model without any head, whose answers to the tokens of a text become a vector."""

from __future__ import annotations

import json
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from transformers import MODEL_FOR_CAUSAL_LM_MAPPING, MODEL_FOR_MASKED_LM_MAPPING, MODEL_MAPPING, AutoModel
from transformers.utils import cached_file

from autopeft.backbones.anatomy import Anatomy
from autopeft.backbones.backbone import Backbone, roles_of
from autopeft.backbones.modalities import MODALITIES, Modality
from autopeft.backbones.quantization import Quantization
from autopeft.backbones.source import find_source
from autopeft.errors import BackboneError

if TYPE_CHECKING:
    from transformers import PreTrainedModel

__all__ = ["Embedder", "load_embedder"]

#: What sentence-transformers calls pooling that we have, in its files of today and of yesterday.
_POOLINGS = {"mean": "mean", "cls": "first", "lasttoken": "last"}

#: Under which names prompts are found, by what they are for.
_PROMPTS = {"query": ("query",), "document": ("document", "passage", "corpus")}


class Embedder(Backbone):
    """A backbone as it is, of which every parameter is pretrained."""

    def embedder(self, dtype: torch.dtype = torch.float32, device: torch.device | None = None) -> PreTrainedModel:
        """Return the model with its weights.

        Args:
            dtype: Type of the weights that are not quantised.
            device: Where; the CPU when left out. A quantised model stays where it was loaded.

        Returns:
            The model in eval mode.

        Raises:
            BackboneError: The weights cannot be loaded, or are not all there.
        """
        return self._pretrained(dtype, device)

    @cached_property
    def pooling(self) -> str:
        """What it makes of a text: `mean`, `first` or `last`.

        As sentence-transformers' files beside it say; without such files `last` of a decoder, else `mean`.

        Raises:
            BackboneError: The files say something else.
        """
        said = self._beside("1_Pooling/config.json")
        given = said.get("pooling_mode")
        modes = _modes(said) if given is None else list(map(str, given)) if isinstance(given, list) else [str(given)]
        if said and (len(modes) != 1 or modes[0] not in _POOLINGS):
            raise BackboneError(
                f"{self.name}: its 1_Pooling/config.json asks for {' and '.join(map(str, modes)) or 'nothing'}; "
                f"expected one of {', '.join(_POOLINGS)}, or another by --pooling"
            )
        others = [*self._further_modules(), *(["prompts left out"] if said.get("include_prompt") is False else [])]
        if others:
            raise BackboneError(
                f"{self.name}: its files ask for more than a model and pooling: {' and '.join(others)}, which is not "
                "trained here; choose another model, or leave it out by naming --pooling"
            )
        if said:
            return _POOLINGS[modes[0]]
        kind = type(self.config)
        decodes = kind in MODEL_FOR_CAUSAL_LM_MAPPING and kind not in MODEL_FOR_MASKED_LM_MAPPING
        return "last" if decodes else "mean"

    @cached_property
    def prompts(self) -> dict[str, str]:
        """What stands before queries and documents, by `query` and `document`, as files beside it say."""
        said = self._beside("config_sentence_transformers.json").get("prompts") or {}
        named = {use: next((said[name] for name in names if said.get(name)), "") for use, names in _PROMPTS.items()}
        return {use: prompt for use, prompt in named.items() if prompt}

    def _further_modules(self) -> list[str]:
        """Return what sentence-transformers puts behind model, pooling and normalisation."""
        types = [str(each.get("type", "")).rpartition(".")[2] for each in self._json_beside("modules.json") or []]
        return [each for each in types if each not in ("Transformer", "Pooling", "Normalize")]

    def _beside(self, name: str) -> dict[str, Any]:
        """Return the object that a JSON file beside the weights holds; an empty one where there is none."""
        said = self._json_beside(name)
        return said if isinstance(said, dict) else {}

    def _json_beside(self, name: str) -> Any:
        """Return what a JSON file beside the weights holds; None where there is none."""
        found = cached_file(
            self.path,
            name,
            revision=self.revision or "main",
            local_files_only=self._source.local or self._source.offline,
            _raise_exceptions_for_missing_entries=False,
            _raise_exceptions_for_connection_errors=False,
            _raise_exceptions_for_gated_repo=False,
        )
        if found is None:
            return None
        try:
            return json.loads(Path(found).read_text(encoding="utf8"))
        except (OSError, ValueError) as error:
            raise BackboneError(f"{self.name}: cannot read its {name}: {error}") from error

    def _head_modules(self) -> set[str]:
        return set()

    def _reads(self) -> Modality:
        if type(self.config) not in MODEL_MAPPING and not self._brings(AutoModel):
            raise BackboneError(f"{self.name}: {self.config.model_type!r} models are none that transformers knows")
        return MODALITIES["text"]

    @property
    def _task_class(self) -> Any:
        return AutoModel

    def _task_config(self, num_labels: int) -> dict[str, Any]:
        return {}


def _modes(said: dict[str, Any]) -> list[str]:
    """Return what older files ask for: a switch for each."""
    switches = [name for name, value in said.items() if name.startswith("pooling_mode_") and value is True]
    return [name.removeprefix("pooling_mode_").removesuffix("_token").removesuffix("_tokens") for name in switches]


def load_embedder(
    model: str | None = None,
    revision: str | None = None,
    roles: Anatomy | Path | None = None,
    quantization: Quantization | None = None,
    trust_remote_code: bool = False,
) -> Embedder:
    """Load what is needed to know a pretrained model of which vectors are made; arguments as for `load_backbone`.

    Raises:
        BackboneError: The model cannot be found, read or understood, or needs code of its own that is not trusted.
    """
    return Embedder(find_source(model, revision), revision, roles_of(roles), quantization, trust_remote_code)
