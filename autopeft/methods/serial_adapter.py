"""Serial bottleneck adapters, of Houlsby, of Pfeiffer and of AutoPEFT."""

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

    With its own residual it starts as nothing, for what it adds starts at zero, unless both matrices start at random.
    Without, the model starts as one without these sublayers: only the residual around them is left.

    AutoPEFT's reads the block's sum through the block's norm: LN(f + x + U ReLU(D LN(f + x) + b) + c) is the output of
    BERT's blocks, with f the sublayer's output and x the residual stream. Of decoders, whose norms stand before the
    sublayers, it reads the sum through the norm of the same sublayer. f is what comes before dropout and without a
    parallel adapter's share, so that the two add up.
    """

    words = MethodWords(
        name="serial_adapter",
        summary="a bottleneck after the feed-forward (and the attention) sublayer",
        source="Houlsby et al. 2019, arXiv:1902.00751; Pfeiffer et al. 2020, arXiv:2005.00247; "
        "Zhou et al. 2024, arXiv:2301.12132",
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
            Knob("residual", "bool", "whether the output it follows is kept beside its own, or replaced", default=True),
            Knob(
                "reads",
                "choice",
                "output: that of the sublayer; norm: its sum with the residual stream, through its norm (AutoPEFT)",
                default="output",
                choices=("output", "norm"),
            ),
            Knob(
                "start",
                "choice",
                "zero: it starts as nothing; normal: both matrices from N(0, 0.02) (AutoPEFT)",
                default="zero",
                choices=("zero", "normal"),
            ),
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
        """Return `exact` with the residual and a start at zero, else `differs`."""
        return "exact" if knobs["residual"] and knobs["start"] == "zero" else "differs"

    @override
    def drops_beside(self, knobs: Knobs) -> bool:
        """Return whether it does not add the residual stream, of all tokens, to what an attention makes of some."""
        return knobs["position"] != "both" or knobs["reads"] != "norm"

    @override
    def modules(self, cell: Cell, knobs: Knobs, anatomy: Anatomy) -> tuple[str, ...]:
        """Return the last matrix of the sublayers it follows, then the norms and what else it reads from."""
        targets = _targets(cell, knobs, anatomy)
        if knobs["reads"] == "output":
            return tuple(targets)
        read = (name for role in targets.values() for name in anatomy.sum_norm(cell.layer, role) or ())
        return (*targets, *dict.fromkeys(read))

    @override
    def peft_config(self, cells: Cells, anatomy: Anatomy) -> SerialAdapterConfig:
        """Return a config over full module names."""
        sizes: dict[str, int] = {}
        norms: dict[str, str] = {}
        streams: dict[str, str] = {}
        for cell, knobs in sorted(cells.items(), key=lambda item: item[0].layer):
            for name, role in _targets(cell, knobs, anatomy).items():
                sizes[name] = knobs["size"]
                if knobs["reads"] == "norm":
                    found = anatomy.sum_norm(cell.layer, role)
                    if found is None:
                        raise ValueError(
                            "reads: norm needs the norm of every sublayer, which is not known of this architecture or "
                            "does not read a plain sum; expected reads: output"
                        )
                    norms[name], streams[name] = found
        names = sorted(sizes)
        return SerialAdapterConfig(
            target_modules=names,
            size=sizes[names[0]],
            size_pattern={name: sizes[name] for name in names},
            scale=shared_knob(cells, "scale"),
            activation=shared_knob(cells, "activation"),
            residual=shared_knob(cells, "residual"),
            start=shared_knob(cells, "start"),
            norm_modules=norms,
            stream_modules=streams,
            **{knob.name: shared_knob(cells, knob.name) for knob in FORM},
        )


def _targets(cell: Cell, knobs: Knobs, anatomy: Anatomy) -> dict[str, str]:
    """Return the full names of the matrices whose output it follows, with their roles."""
    roles = ("o", "down") if knobs["position"] == "both" else ("down",)
    return {anatomy.module(cell.layer, role): role for role in roles}
