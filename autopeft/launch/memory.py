"""Refuse a backbone that fits nowhere, before its weights are loaded."""

from __future__ import annotations

from typing import get_args

from autopeft.backbones import Backbone, Quantization, loaded_bytes
from autopeft.errors import BackboneError
from autopeft.launch.places import Places

__all__ = ["check_memory"]


def check_memory(backbone: Backbone, places: Places, memory: int) -> None:
    """Check that the weights fit into a worker's share of one device; what training adds comes on top.

    Args:
        backbone: The backbone; its weights are not loaded.
        places: Where trials run.
        memory: Bytes of a device, or of the machine.

    Raises:
        BackboneError: They do not; says what they need and what would help.
    """
    needed, room = loaded_bytes(backbone.meta(), backbone.quantization), memory // places.sharing
    if needed <= room:
        return
    held = backbone.quantization or "fp32"
    place = "free on a GPU" if places.devices else "of this machine"
    limit = f"{_gib(memory)} {place}" + (f", shared by {places.sharing} workers" if places.sharing > 1 else "")
    raise BackboneError(
        f"{backbone.name} takes {_gib(needed)} for its weights alone ({held}), found {limit}; "
        f"expected {', or '.join(_remedies(backbone, places, needed, memory))}"
    )


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
