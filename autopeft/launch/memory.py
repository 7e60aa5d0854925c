"""Refuse a backbone that fits nowhere, before its weights are loaded."""

from __future__ import annotations

from typing import get_args

from autopeft.backbones import Backbone, Quantization, loaded_bytes
from autopeft.errors import BackboneError
from autopeft.launch.places import Places
from autopeft.trials import TrialSetting, attention, pick_device

#: Times the activations of a model in 16 bits that a step may take at most: 32 bits, and adapters beside the model.
_TIMES_ACTIVATIONS = 4

#: Bytes of a trainable number: itself, its gradient and AdamW's two moments, in fp32.
_BYTES_OF_STATE = 16

__all__ = ["check_memory", "may_run_out"]


def check_memory(backbone: Backbone, places: Places, memory: int, models: int = 1) -> None:
    """Check that the weights fit into a worker's share of one device; what training adds comes on top.

    Args:
        backbone: The backbone; its weights are not loaded.
        places: Where trials run.
        memory: Bytes of a device, or of the machine.
        models: How many of it a worker holds: one for each task that has adapters of its own.

    Raises:
        BackboneError: They do not; says what they need and what would help.
    """
    needed, room = models * loaded_bytes(backbone.meta(), backbone.quantization), memory // places.sharing
    if needed <= room:
        return
    held = backbone.quantization or "fp32"
    of_each = f", one model for each of {models} tasks" if models > 1 else ""
    place = "free on a GPU" if places.devices else "of this machine"
    limit = f"{_gib(memory)} {place}" + (f", shared by {places.sharing} workers" if places.sharing > 1 else "")
    raise BackboneError(
        f"{backbone.name} takes {_gib(needed)} for its weights alone ({held}{of_each}), found {limit}; "
        f"expected {', or '.join(_remedies(backbone, places, needed, memory))}"
    )


def may_run_out(backbone: Backbone, setting: TrialSetting, params: int, room: int) -> bool:
    """Tell whether some configuration might not fit into memory, by a bound that none exceeds.

    The bound on a layer's activations is from Korthikanti et al. 2022, "Reducing Activation Recomputation in Large
    Transformer Models", section 4: tokens x (34 hidden + 5 heads x length) bytes in 16 bits, the second term only
    where attention keeps its weights. A decoder's logits come on top.

    Args:
        backbone: The backbone.
        setting: How trials train.
        params: The highest number of trainable parameters.
        room: Bytes a worker has.
    """
    shape, tokens = backbone.shape, setting.texts * setting.max_length
    model = backbone.meta()
    kept = attention(model, pick_device(), setting.precision, setting.max_length) == "eager"
    # The heads of pretrained models have 32 numbers or more.
    heads = shape.hidden // 32 if kept else 0
    activations = shape.layers * tokens * (34 * shape.hidden + 5 * heads * setting.max_length)
    logits = 2 * tokens * model.config.vocab_size if model.get_output_embeddings() is not None else 0
    weights = loaded_bytes(model, backbone.quantization)
    return weights + _BYTES_OF_STATE * params + _TIMES_ACTIVATIONS * (activations + logits) > room


def _remedies(backbone: Backbone, places: Places, needed: int, memory: int) -> list[str]:
    """Return what would make it fit, each as a user would do it."""
    fewer = memory // needed * max(1, places.devices)
    found = [f"--workers {fewer}"] if fewer else []
    if backbone.quantization is None:
        sizes = {each: loaded_bytes(backbone.meta(), each) for each in get_args(Quantization)}
        found += [
            f"--load-in-{each} ({_gib(size)})" for each, size in sizes.items() if size <= memory // places.sharing
        ]
    return [*found, f"a smaller --model, or a {'GPU' if places.devices else 'machine'} with more memory"]


def _gib(size: int) -> str:
    return f"{size / 2**30:.1f} GiB"
