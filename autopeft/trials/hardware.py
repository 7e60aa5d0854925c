"""Which device, which precision, how many threads."""

from __future__ import annotations

import ctypes
import sys
from contextlib import AbstractContextManager
from typing import Literal

import torch
from transformers import PreTrainedModel

from autopeft.errors import AutopeftError

__all__ = ["attention", "autocast", "pick_device", "release_memory", "resolve_precision", "use_threads"]

#: Longest texts (in tokens) for which plain attention beats torch's fused one in bf16 on a CPU: the fused
#: backward is slow there (measured: 1.4x a step at 32 to 128 tokens, even at 256).
_PLAIN_ATTENTION = 128


def use_threads(count: int) -> None:
    """Let torch compute with this many threads in this process; re-used workers keep another's count otherwise."""
    torch.set_num_threads(count)


def pick_device() -> torch.device:
    """Return the first GPU this process sees, else the CPU."""
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def resolve_precision(precision: str = "auto") -> Literal["bf16", "fp32"]:
    """Return the precision to train in.

    Args:
        precision: `bf16`, `fp32`, or `auto`: bf16 where the GPU, or else the CPU, computes it natively.

    Raises:
        AutopeftError: When it is another word.
    """
    if precision == "auto":
        return "bf16" if _native_bf16() else "fp32"
    if precision == "bf16":
        return "bf16"
    if precision == "fp32":
        return "fp32"
    raise AutopeftError(f"unknown precision '{precision}'; expected auto, bf16 or fp32")


def _native_bf16() -> bool:
    if torch.cuda.is_available():
        return torch.cuda.is_bf16_supported(including_emulation=False)
    # torch has no public name for these; on other processors, and releases without them, fp32 is right.
    checks = ("_is_avx512_bf16_supported", "_is_amx_tile_supported")
    return any(getattr(torch.cpu, check, bool)() for check in checks)


def release_memory(device: torch.device) -> None:
    """Give back what nothing holds any more: to the driver of a GPU, and to the system."""
    if device.type == "cuda":
        torch.cuda.empty_cache()
    if sys.platform == "linux":
        # Between blocks still in use glibc keeps what was freed; over hundreds of trials a worker would grow by half.
        trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
        if trim is not None:
            trim(0)


def autocast(device: torch.device, precision: str) -> AbstractContextManager[object]:
    """Return the context in which a model's forward pass runs."""
    return torch.autocast(device.type, torch.bfloat16, enabled=precision == "bf16")


def attention(model: PreTrainedModel, device: torch.device, precision: str, max_length: int) -> str:
    """Return the faster of transformers' attention implementations that a model has, `eager` or `sdpa`."""
    plain = device.type == "cpu" and precision == "bf16" and max_length <= _PLAIN_ATTENTION
    # Some models, Gemma 2 for one, have only the plain one.
    return "eager" if plain or not model._supports_sdpa else "sdpa"
