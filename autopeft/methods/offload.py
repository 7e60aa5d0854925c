"""Weights that wait on disk."""

from __future__ import annotations

import tempfile

import torch
from torch import Tensor

from autopeft.errors import AutopeftError

__all__ = ["offload"]


def offload(tensor: Tensor) -> Tensor:
    """Return a copy of a tensor that takes no memory: a file mapped into it, which is gone when the copy is.

    The file is in the machine's folder for temporary files, which `TMPDIR` names. It can be read like any tensor on
    the CPU.

    Args:
        tensor: Of any shape and type, on any device; one on the meta device is returned as it is.

    Raises:
        AutopeftError: When there is no room for it.
    """
    if tensor.is_meta or not tensor.numel():
        return tensor
    values = tensor.detach().cpu().contiguous()
    try:
        with tempfile.NamedTemporaryFile(prefix="autopeft-") as file:
            file.write(values.view(-1).view(torch.uint8).numpy().data)
            file.flush()
            # The mapping outlives the name of the file.
            mapped = torch.from_file(file.name, shared=True, size=values.numel(), dtype=values.dtype)
    except OSError as error:
        raise AutopeftError(
            f"{tempfile.tempdir or 'TMPDIR'}: {error.strerror or error}; first weights wait there while their copies train; "
            "expected room for as many as train, or another folder by TMPDIR"
        ) from error
    return mapped.view(values.shape)
