"""Several PEFT configs in one model."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from peft import PeftModel

from autopeft.backbones import Anatomy
from autopeft.export.rebuilt import Rebuilt, Tensors
from autopeft.methods.builder import Inserted, inject_targets
from autopeft.methods.prompts import prompt_of
from autopeft.methods.tensors import restore

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
                restore(part, anatomy, own, source)

    return Rebuilt(
        model,
        frozenset(name for each in inserted for name in inject_targets(each.part, anatomy)),
        sum(parameter.numel() for each in inserted for parameter in each.parameters),
        load,
    )
