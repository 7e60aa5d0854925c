"""How much of a backbone a configuration leaves as it is."""

from __future__ import annotations

from transformers import PreTrainedModel

from autopeft.backbones import Anatomy
from autopeft.methods.builder import applied, is_adapted, plan
from autopeft.methods.context import CONTEXT
from autopeft.methods.pruning import PRUNING
from autopeft.space import Configuration

__all__ = ["adapted_depth", "decodes_stepwise", "frozen_depth", "stays_in_layers"]


def frozen_depth(configuration: Configuration, anatomy: Anatomy) -> int:
    """Return how many of the lowest layers compute the same for every text, whatever the adapters learn.

    Training and evaluation alike: it ends below layers in which training leaves tokens out.

    Args:
        configuration: What will be applied.
        anatomy: The resolved anatomy of the backbone.

    Returns:
        The index of the lowest layer that does not; 0 where something before the layers is adapted, padding has a say
        or the weights are pruned, the number of layers where nothing is adapted.
    """
    asked = CONTEXT.asked(configuration.training)
    dropping = () if asked is None else asked.word.dropping(anatomy.count, asked.knobs)
    return min(adapted_depth(configuration, anatomy), *dropping, anatomy.count)


def adapted_depth(configuration: Configuration, anatomy: Anatomy) -> int:
    """Return how many of the lowest layers no gradient goes through; arguments and special cases of `frozen_depth`."""
    if PRUNING.asked(configuration.training) is not None:
        return 0
    depths = [anatomy.count]
    for part in plan(configuration):
        for cell, knobs in part.cells.items():
            depths.append(0 if part.method.sees_padding(knobs) else max(cell.layer, 0))
    return min(depths)


def stays_in_layers(configuration: Configuration) -> bool:
    """Tell whether all adapters sit inside layers and treat the tokens of a text one by one, attention aside.

    Layers out of which the task head reads more than hidden states do more than that.
    """
    return all(
        cell.layer >= 0 and not part.method.sees_padding(knobs) and not part.method.reads_out
        for part in plan(configuration)
        for cell, knobs in part.cells.items()
    )


def decodes_stepwise(model: PreTrainedModel) -> bool:
    """Tell whether a decoder computes a token from the keys and values of those before."""
    return not is_adapted(model) or all(inserted.part.method.stepwise for inserted in applied(model).inserted)
