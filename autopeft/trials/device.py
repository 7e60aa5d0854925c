"""What the hardware offers: device, precision, threads."""

from __future__ import annotations

import torch

__all__ = ["best_device", "resolve_precision", "use_threads"]


def best_device() -> torch.device:
    """Return the GPU when there is one, else the CPU."""
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def resolve_precision(precision: str) -> str:
    """Turn `auto` into `bf16` where the hardware computes in it natively, else into `fp32`.

    bf16 means autocast: weights stay in fp32. A CPU without native support would emulate it, slower than fp32.
    """
    if precision != "auto":
        return precision
    if torch.cuda.is_available():
        native = torch.cuda.is_bf16_supported(including_emulation=False)
    else:
        native = torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported()
    return "bf16" if native else "fp32"


def use_threads(count: int) -> None:
    """Let torch use this many threads in this process; a worker of several uses one."""
    torch.set_num_threads(count)
