"""A bottlenecked path beside the layers, which connects what is trained inside them (IAA)."""

from __future__ import annotations

from typing_extensions import override

from autopeft.backbones import Anatomy
from autopeft.methods.aside_layer import AsideConfig, AsideLayer
from autopeft.methods.bottleneck_config import ACTIVATIONS, SIZE
from autopeft.methods.method import Cells, Knobs, Method, Start, learning_rate, shared_knob
from autopeft.space.placement import Cell
from autopeft.space.vocabulary import Knob, MethodWords

__all__ = ["Aside"]


class Aside(Method):
    """The aside part of IAA, a reconstruction: of the source only an abstract and notes could be read.

    Beside the layers that it is placed in goes a state a, 0 at first. With h the output of such a layer, it becomes
    a + U act(D (h + a) + b) + c, and s times the new a is added to h: behind each of these layers, or behind the
    highest of them only. So gradients reach the lowest step without going back through the frozen layers. U and both
    biases start at zero, so that the model is unchanged at step 0; a place has 2dr + r + d parameters, where r is the
    size.

    The inside part is another method in the same configuration: an adapter, a prefix, LoRA or none.
    """

    words = MethodWords(
        name="aside",
        summary="a bottlenecked path beside the layers, added to what comes out of them",
        source="Ma et al. 2022, arXiv:2208.09847 (reconstructed)",
        knobs=(
            SIZE,
            Knob("scale", "float", "factor of what is added to the layers' output", default=1.0, low=1e-6),
            Knob(
                "inject",
                "choice",
                "every: added behind every layer it is placed in; last: behind the highest of them",
                default="every",
                choices=("every", "last"),
            ),
            Knob("activation", "choice", "its nonlinearity", default="relu", choices=tuple(ACTIVATIONS)),
            learning_rate("1e-4..1e-2 log"),
        ),
        placement="layer",
        # ShadowPEFT goes beside whole layers too, and takes their places.
        excludes=frozenset({"shadow"}),
    )
    peft_type = "ASIDE"
    # Wraps whole layers, so what is inside must have its adapters already.
    order = 5
    layer_class = AsideLayer
    start: Start = "exact"
    mergeable = False
    quantizations = ("4bit", "8bit")
    ours = True
    # What goes on beside the layers would not be suppressed with what is added to them.
    suppressible = False

    @override
    def modules(self, cell: Cell, knobs: Knobs, anatomy: Anatomy) -> tuple[str, ...]:
        """Return the layer."""
        return (anatomy.layer(cell.layer),)

    @override
    def peft_config(self, cells: Cells, anatomy: Anatomy) -> AsideConfig:
        """Return a config over full module names."""
        layers = {cell.layer: knobs["size"] for cell, knobs in sorted(cells.items(), key=lambda item: item[0].layer)}
        sizes = {anatomy.layer(layer): size for layer, size in layers.items()}
        return AsideConfig(
            target_modules=sorted(sizes),
            order=list(sizes),
            size=next(iter(sizes.values())),
            size_pattern=sizes,
            scale=shared_knob(cells, "scale"),
            inject=shared_knob(cells, "inject"),
            activation=shared_knob(cells, "activation"),
            input_modules={anatomy.layer(layer): anatomy.module(layer, "up") for layer in layers},
        )
