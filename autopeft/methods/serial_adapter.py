"""Serial bottleneck adapters, of Houlsby and of Pfeiffer."""

from __future__ import annotations

from typing_extensions import override

from autopeft.backbones import Anatomy
from autopeft.methods.bottleneck import SerialAdapterLayer
from autopeft.methods.bottleneck_config import ACTIVATIONS, FORM, RATES, SIZE, SerialAdapterConfig
from autopeft.methods.method import Cells, Knobs, Method, Start, learning_rate, shared_knob
from autopeft.space.placement import Cell
from autopeft.space.vocabulary import Knob, MethodWords

__all__ = ["SerialAdapter"]


class SerialAdapter(Method):
    """A bottleneck that rewrites the output of a sublayer, before its dropout, residual and norm.

    With its own residual it starts as nothing, whatever the other knobs, for what it adds starts at zero. Without,
    the model starts as one without these sublayers: only the residual around them is left.
    """

    words = MethodWords(
        name="serial_adapter",
        summary="a bottleneck after the feed-forward (and the attention) sublayer",
        source="Houlsby et al. 2019, arXiv:1902.00751; Pfeiffer et al. 2020, arXiv:2005.00247",
        knobs=(
            SIZE,
            Knob("scale", "float", "factor of what the adapter adds", default=1.0, low=1e-6),
            Knob(
                "position",
                "choice",
                "ffn: after the feed-forward sublayer (Pfeiffer); both: after attention too (Houlsby)",
                default="ffn",
                choices=("ffn", "both"),
            ),
            Knob("activation", "choice", "its nonlinearity", default="relu", choices=tuple(ACTIVATIONS)),
            *FORM,
            Knob("residual", "bool", "whether its input is added to its output, or replaced by it", default=True),
            learning_rate(RATES),
        ),
        placement="layer",
    )
    peft_type = "SERIAL_ADAPTER"
    # Outermost: it reads the output of the sublayer with all other adapters in it.
    order = 2
    layer_class = SerialAdapterLayer
    start: Start = "exact"
    mergeable = False
    ours = True
    quantizations = ("4bit", "8bit")

    @override
    def start_with(self, knobs: Knobs) -> Start:
        """Return `exact` with the residual, `differs` without."""
        return "exact" if knobs["residual"] else "differs"

    @override
    def modules(self, cell: Cell, knobs: Knobs, anatomy: Anatomy) -> tuple[str, ...]:
        """Return the last matrix of the sublayers it follows."""
        roles = ("o", "down") if knobs["position"] == "both" else ("down",)
        return tuple(anatomy.module(cell.layer, role) for role in roles)

    @override
    def peft_config(self, cells: Cells, anatomy: Anatomy) -> SerialAdapterConfig:
        """Return a config over full module names."""
        sizes = {name: knobs["size"] for cell, knobs in cells.items() for name in self.modules(cell, knobs, anatomy)}
        names = sorted(sizes)
        return SerialAdapterConfig(
            target_modules=names,
            size=sizes[names[0]],
            size_pattern={name: sizes[name] for name in names},
            scale=shared_knob(cells, "scale"),
            activation=shared_knob(cells, "activation"),
            residual=shared_knob(cells, "residual"),
            **{knob.name: shared_knob(cells, knob.name) for knob in FORM},
        )
