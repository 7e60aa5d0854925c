"""Several PEFT configs in one model."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from peft import PeftModel

from autopeft.backbones import Anatomy, head_parameters
from autopeft.exporting.rebuilt import Rebuilt, Tensors
from autopeft.methods.builder import Inserted, inject_targets
from autopeft.methods.prompts import prompt_of
from autopeft.methods.tensors import PLACED, copy_into, restore

__all__ = ["inserted_parts"]


def inserted_parts(inserted: Sequence[Inserted], model: Any, anatomy: Anatomy, source: Path) -> Rebuilt:
    """Describe a model that parts were put into.

    Args:
        inserted: The parts.
        model: The model.
        anatomy: The resolved anatomy of its backbone.
        source: The files they were built of, for messages.
    """

    def load(tensors: Tensors) -> None:
        for part, own in zip(inserted, tensors, strict=True):
            if isinstance(part.tuner, PeftModel):
                prompt_of(part.tuner).load_state_dict(own)
            else:
                added, head = restore(part, anatomy, own, source), head_parameters(model)
                copy_into(added, {PLACED + name: head[name].detach() for name in map(_in_model, added)}, source)

    return Rebuilt(
        model,
        frozenset(name for each in inserted for name in inject_targets(each.part, anatomy)),
        sum(parameter.numel() for each in inserted for parameter in each.parameters),
        load,
    )


def _in_model(stored: str) -> str:
    """Return the name in the model of a tensor that is stored of its head."""
    return stored.removeprefix(PLACED)
