"""Adapters folded into the weights: a plain model that needs neither PEFT nor autopeft."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from transformers import PreTrainedModel

from autopeft.backbones import quantization_of
from autopeft.errors import ConfigurationError
from autopeft.methods.builder import applied, plan
from autopeft.space import Configuration

__all__ = ["check_mergeable", "merge"]

#: Largest difference of logits, relative to the largest logit, that is rounding.
_CLOSE = 1e-3


def check_mergeable(configuration: Configuration) -> None:
    """Check, before anything is trained, that a configuration can be folded into the weights.

    Raises:
        ConfigurationError: Naming the methods that cannot.
    """
    stuck = sorted(
        {
            part.method.words.name
            for part in plan(configuration)
            if not all(map(part.method.merges, part.cells.values()))
        }
    )
    if stuck:
        raise ConfigurationError(
            f"{' and '.join(stuck)} cannot be folded into the backbone's weights; leave --merge out, or pick a "
            "configuration of methods that can, such as plain LoRA"
        )


@torch.no_grad()
def merge(model: PreTrainedModel, inputs: Mapping[str, torch.Tensor]) -> None:
    """Fold the adapters of a model into its weights, in place; it cannot be adapted or saved as adapters any more.

    Args:
        model: A model that `autopeft.methods.apply` adapted.
        inputs: A batch without labels, on whose logits the outcome is checked.

    Raises:
        ConfigurationError: When a method cannot be folded in, the weights are in few bits, or the merged model
            computes something else.
    """
    done = applied(model)
    check_mergeable(done.configuration)
    quantization = quantization_of(model)
    if quantization is not None:
        raise ConfigurationError(
            f"weights in {quantization} take no adapters in without loss; train without --load-in-{quantization} "
            "to merge, or leave --merge out"
        )
    model.eval()
    expected = model(**inputs).logits
    for inserted in done.inserted:
        inserted.tuner.merge_and_unload()
    difference = float((model(**inputs).logits - expected).abs().max())
    if not difference <= _CLOSE * max(1.0, float(expected.abs().max())):
        raise ConfigurationError(
            f"the merged model computes other logits, by up to {difference:.2g}: these methods sit in each other's "
            "way; leave --merge out"
        )
