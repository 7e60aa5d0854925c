"""What the untouched backbone makes of each training row: one vector."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray

from autopeft.trials.hardware import autocast
from autopeft.trials.scores.reading import Reading
from autopeft.trials.skipping import output_of

__all__ = ["embedded"]


@torch.no_grad()
def embedded(reading: Reading) -> NDArray[np.float64]:
    """Return the mean of the top layer over the tokens of each example, `[examples, hidden]`."""
    model, anatomy = reading.model, reading.anatomy
    norm = model.get_submodule(anatomy.last_norm) if anatomy.last_norm else torch.nn.Identity()
    found: list[torch.Tensor] = [torch.empty(0)] * len(reading.encoded)
    for rows, batch in reading.batches():
        inputs = {name: value for name, value in batch.items() if name != "labels"}
        with autocast(reading.device, reading.precision):
            hidden = norm(output_of(model, anatomy, anatomy.count - 1, inputs)[0]).double()
        mask = inputs.get("attention_mask")
        # That of sounds may count samples, of which a layer sees fewer.
        if mask is None or mask.shape != hidden.shape[:2]:
            mask = torch.ones(hidden.shape[:2], device=hidden.device)
        means = (hidden * mask[..., None]).sum(1) / mask.sum(1, keepdim=True)
        for row, vector in zip(rows, means.cpu(), strict=True):
            found[row] = vector
    vectors: NDArray[np.float64] = torch.stack(found).numpy()
    return _of_examples(vectors, reading.encoded.example)


def _of_examples(vectors: NDArray[np.float64], example: NDArray[np.int64] | None) -> NDArray[np.float64]:
    """Return the mean over the rows of each example."""
    if example is None:
        return vectors
    sums = np.zeros((int(example[-1]) + 1, vectors.shape[1]))
    np.add.at(sums, example, vectors)
    return sums / np.bincount(example)[:, None]
