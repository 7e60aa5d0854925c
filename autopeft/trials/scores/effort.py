"""How much a fresh adapter would be moved by each training row alone."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray

from autopeft.methods import VOCABULARY, adapter_parameters
from autopeft.space import BackboneShape, Configuration, canonical
from autopeft.trials.scores.reading import Reading

__all__ = ["effort_of", "last_value"]


def last_value(shape: BackboneShape) -> Configuration:
    """Return LoRA of rank 8 and alpha 16 on the values of the last layer, or on the matrix that makes them too."""
    lora = {"rank": 8, "alpha": 16, "targets": ["v"], "layers": [shape.layers - 1]}
    return canonical({"modules": {"lora": lora}}, VOCABULARY, shape)


def effort_of(reading: Reading) -> NDArray[np.float64]:
    """Return the norm of the gradient of the loss of each example to be scored by that LoRA's B, which is 0, `[n]`."""
    found = np.zeros(len(reading.scored))
    with reading.with_head(last_value(reading.shape)) as model:
        [tensor] = [each for name, each in adapter_parameters(model).items() if ".lora_B." in name]
        for place, example in enumerate(reading.scored):
            batch = reading.batch(reading.encoded.rows_of(np.array([example])))
            loss = reading.kind.loss(model, batch, reading.device, reading.precision)
            [gradient] = torch.autograd.grad(loss, tensor)
            found[place] = float(gradient.double().norm())
    return found
