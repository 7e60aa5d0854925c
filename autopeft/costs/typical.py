"""What a method costs in the middle of its ranges, for its line in the listing."""

from __future__ import annotations

from typing import Any

from autopeft.backbones import Backbone
from autopeft.costs.costs import Costs
from autopeft.errors import ConfigurationError
from autopeft.methods import VOCABULARY
from autopeft.space import Configuration, canonical
from autopeft.space.checking import split_per
from autopeft.space.domains import Continuous, domain
from autopeft.space.shape import BackboneShape
from autopeft.space.vocabulary import Knob

__all__ = ["typical", "typical_costs"]


def typical(name: str, shape: BackboneShape) -> Configuration:
    """Return a configuration with one method in every layer: the middle of its size's range, its other defaults.

    Args:
        name: Name of the method.
        shape: The backbone.
    """
    sized = [knob for knob in VOCABULARY.methods[name].knobs if knob.required and knob.kind != "roles"]
    return canonical({"modules": {name: {knob.name: _middle(knob, shape) for knob in sized}}}, VOCABULARY, shape)


def typical_costs(name: str, costs: Costs, backbone: Backbone) -> dict[str, Any] | None:
    """Return the `configuration` that `typical` makes, in words, with its `params`, `bytes` and `flops`.

    Args:
        name: Name of the method.
        costs: What counts on the backbone.
        backbone: The backbone.

    Returns:
        Plain data; None for what PEFT cannot put into this backbone.
    """
    configuration = typical(name, backbone.shape)
    try:
        counted = {
            "params": costs.params(configuration),
            "bytes": costs.bytes(configuration),
            "flops": costs.flops(configuration),
        }
    except ConfigurationError:
        return None
    return {"configuration": configuration.describe().partition(", lr ")[0], **counted}


def _middle(knob: Knob, shape: BackboneShape) -> Any:
    values = domain(knob, split_per(knob, knob.range)[1], shape.units)
    if isinstance(values, Continuous):
        return values.low
    present = [value for value in values.values if value]
    return present[len(present) // 2]
