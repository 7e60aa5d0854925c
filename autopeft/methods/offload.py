"""Weights that wait on disk."""

from __future__ import annotations

import tempfile

import torch
from torch import Tensor

from autopeft.errors import AutopeftError

__all__ = ["fetched", "is_offloaded", "offload"]


def offload(tensor: Tensor) -> Tensor:
    """Return a tensor's values in a file that is mapped into memory, and gone when they are.

    It is read and written like any other, but takes no memory that the machine could not have back. The file is in
    the folder for temporary files, which `TMPDIR` names.

    Args:
        tensor: Of any shape and type; one that is not in the machine's memory, or on disk already, is returned as it
            is.

    Raises:
        AutopeftError: When there is no room for it.
    """
    if tensor.device.type != "cpu" or not tensor.numel() or is_offloaded(tensor):
        return tensor
    values = tensor.detach().contiguous()
    try:
        with tempfile.NamedTemporaryFile(prefix="autopeft-") as file:
            file.write(values.view(-1).view(torch.uint8).numpy().data)
            file.flush()
            # The mapping outlives the name of the file.
            mapped = torch.from_file(file.name, shared=True, size=values.numel(), dtype=values.dtype)
    except (OSError, RuntimeError) as error:
        reason = getattr(error, "strerror", None) or error
        raise AutopeftError(
            f"{tempfile.tempdir or 'TMPDIR'}: {reason}; the weights of what is trained itself wait there meanwhile; "
            "expected room for as many as train, or another folder by TMPDIR"
        ) from error
    return mapped.view(values.shape)


def fetched(tensor: Tensor) -> Tensor:
    """Return what `offload` put on disk in memory again, and anything else as it is."""
    # Or what trains later could not, where adapters are taken out in inference.
    with torch.inference_mode(False):
        return tensor.clone() if is_offloaded(tensor) else tensor


def is_offloaded(tensor: Tensor) -> bool:
    """Tell whether a tensor's values are on disk."""
    return tensor.device.type == "cpu" and tensor.untyped_storage().filename is not None
