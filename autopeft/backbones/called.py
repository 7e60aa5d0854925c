"""Whether a forward pass calls the modules that adapters are put into."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

import torch
from transformers import PreTrainedModel

from autopeft.backbones.anatomy import Anatomy

__all__ = ["roles_not_called"]


@torch.no_grad()
def roles_not_called(model: PreTrainedModel, anatomy: Anatomy, inputs: Mapping[str, torch.Tensor]) -> list[str]:
    """Return the roles in which adapters would do nothing, for the weights are used past their modules.

    Args:
        model: The model, on the meta device.
        anatomy: Its resolved anatomy.
        inputs: What it reads, there too.

    Returns:
        Those of which a module is never called; none where a forward pass cannot be tried without weights.
    """
    waiting = {anatomy.module(layer, role): role for layer in range(anatomy.count) for role in anatomy.present}
    handles = [
        model.get_submodule(name).register_forward_hook(partial(_forget, waiting, name)) for name in list(waiting)
    ]
    try:
        model.eval()(**inputs)
    except Exception:
        # Code of a model's own may fail in any way without weights; a trial will say what is wrong, if anything is.
        return []
    finally:
        for handle in handles:
            handle.remove()
    return list(dict.fromkeys(waiting.values()))


def _forget(waiting: dict[str, str], name: str, *_: object) -> None:
    waiting.pop(name, None)
