"""Convolutional adapters: the Conformer's convolution module in a bottleneck, as for audio spectrogram transformers."""

from __future__ import annotations

from typing import Any

import torch
from typing_extensions import override

from autopeft.backbones import Anatomy
from autopeft.methods.bottleneck_config import RATES, SIZE
from autopeft.methods.conv_adapter_layer import ConvAdapterConfig, ConvAdapterLayer, TrainedNorm
from autopeft.methods.method import Cells, Knobs, Method, Start, learning_rate, shared_knob
from autopeft.space.placement import Cell
from autopeft.space.vocabulary import Knob, MethodWords

__all__ = ["ConvAdapter"]

#: The role whose input goes into the sublayer that ends in a role.
_FIRST = {"o": "q", "down": "up"}


class ConvAdapter(Method):
    """A convolution along the tokens of a text or the patches of a picture, beside a sublayer or after it.

    Beside the sublayer it reads what goes into that, the normalised tensor where norms stand before sublayers, and adds
    to what comes out; after it, it reads and adds to its output. Either is before dropout, residual and norm, and
    nothing scales it. With it train the norms of the sublayers, as in the release, so that methods that train norms
    cannot stand beside it. A place has 3dr + r(k + 5) + d parameters, where r is the size and k the kernel, 2d more
    with a norm of its own, and those of the backbone's norms.

    The release's branch computes that norm of its own and reads past it, which `normed: false` does without the unused
    parameters; both its projections start at random (`start: random`), so that the model begins as another one. By
    default what it adds starts at zero, as in He et al.: the model is unchanged at step 0, and all of it learns.

    What it makes of a text depends on the padding within reach of the kernel and, in training mode, on the whole batch,
    or on the part of it that memory lets through at once. Evaluation goes by the running statistics of training, which
    are saved with the adapter and in checkpoints; steps by forward passes alone leave them as they were. A token sees
    those after it.
    """

    words = MethodWords(
        name="conv_adapter",
        summary="a convolution over tokens, in a bottleneck at the feed-forward (and the attention) sublayer",
        source="Cappellazzo et al. 2023, arXiv:2312.03694; Gulati et al. 2020, arXiv:2005.08100",
        knobs=(
            SIZE,
            Knob(
                "position",
                "choice",
                "ffn: at the feed-forward sublayer (Pfeiffer); both: at attention too (Houlsby)",
                default="ffn",
                choices=("ffn", "both"),
            ),
            Knob(
                "insertion",
                "choice",
                "parallel: it reads what goes into the sublayer; sequential: what comes out",
                default="parallel",
                choices=("parallel", "sequential"),
            ),
            Knob("kernel", "int", "how many tokens the convolution sees, an odd number", default=31, low=1),
            Knob(
                "norms",
                "choice",
                "own: the norms of its sublayers train too; all: with the highest layer's that behind the layers, too",
                default="own",
                choices=("none", "own", "all"),
            ),
            Knob(
                "normed",
                "bool",
                "whether what it reads goes through a norm of its own; the release reads past it",
                default=True,
            ),
            Knob(
                "start",
                "choice",
                "zero: it starts as nothing; random: all of it as torch starts convolutions",
                default="zero",
                choices=("zero", "random"),
            ),
            learning_rate(RATES),
        ),
        placement="layer",
        excludes=frozenset({"bitfit", "ln_tuning"}),
    )
    peft_type = "CONV_ADAPTER"
    order = 1
    layer_class = (ConvAdapterLayer, TrainedNorm)
    start: Start = "exact"
    mergeable = False
    quantizations = ("4bit", "8bit")
    ours = True
    stepwise = False
    # Running statistics are stored too, and are no change of anything.
    compressible = False

    @override
    def start_with(self, knobs: Knobs) -> Start:
        """Return `exact` with a start at zero, else `differs`."""
        return "exact" if knobs["start"] == "zero" else "differs"

    @override
    def sees_padding(self, knobs: Knobs) -> bool:
        """Return True: the convolution does."""
        return True

    @override
    def drops_beside(self, knobs: Knobs) -> bool:
        """Return whether no attention is followed, of whose tokens the neighbours would be missing."""
        return bool(knobs["position"] != "both")

    @override
    def modules(self, cell: Cell, knobs: Knobs, anatomy: Anatomy) -> tuple[str, ...]:
        """Return the last matrix of the sublayers, then those whose input it reads, and the norms that train."""
        read = _inputs(cell, knobs, anatomy).values()
        return tuple(dict.fromkeys((*_targets(cell, knobs, anatomy), *read, *_norms(cell, knobs, anatomy))))

    @override
    def peft_config(self, cells: Cells, anatomy: Anatomy) -> ConvAdapterConfig:
        """Return a config over full module names."""
        kernel = shared_knob(cells, "kernel")
        if kernel % 2 == 0:
            raise ValueError(f"a kernel of {kernel} tokens has none in its middle; expected an odd number")
        sizes: dict[str, int] = {}
        inputs: dict[str, str] = {}
        norms: set[str] = set()
        for cell, knobs in sorted(cells.items(), key=lambda item: item[0].layer):
            size: int = knobs["size"]
            sizes.update(dict.fromkeys(_targets(cell, knobs, anatomy), size))
            inputs.update(_inputs(cell, knobs, anatomy))
            norms.update(_norms(cell, knobs, anatomy))
        return ConvAdapterConfig(
            target_modules=sorted((*sizes, *norms)),
            size=next(iter(sizes.values())),
            size_pattern=sizes,
            kernel=kernel,
            start=shared_knob(cells, "start"),
            normed=shared_knob(cells, "normed"),
            input_modules=inputs,
            norm_modules=sorted(norms),
        )

    @override
    def training_state(self, tuner: Any) -> dict[str, torch.Tensor]:
        """Return the running statistics by name."""
        return {name: value for name, value in tuner.model.named_buffers() if f".{tuner.prefix}" in name}

    @override
    def resume(self, tuner: Any, state: Any) -> None:
        """Take the running statistics."""
        for name, value in self.training_state(tuner).items():
            value.copy_(state[name])


def _targets(cell: Cell, knobs: Knobs, anatomy: Anatomy) -> dict[str, str]:
    """Return the full names of the matrices to whose output it adds, with their roles."""
    roles = ("o", "down") if knobs["position"] == "both" else ("down",)
    return {anatomy.module(cell.layer, role): role for role in roles}


def _inputs(cell: Cell, knobs: Knobs, anatomy: Anatomy) -> dict[str, str]:
    """Return the modules whose input it reads beside the sublayers, by the last matrix of these."""
    if knobs["insertion"] == "sequential":
        return {}
    return {name: anatomy.module(cell.layer, _FIRST[role]) for name, role in _targets(cell, knobs, anatomy).items()}


def _norms(cell: Cell, knobs: Knobs, anatomy: Anatomy) -> list[str]:
    """Return the full names of the norms that train with it.

    Raises:
        ValueError: They are not known of this architecture.
    """
    if knobs["norms"] == "none":
        return []
    norms = [anatomy.sublayer_norms.get(role) for role in _targets(cell, knobs, anatomy).values()]
    own = [f"{anatomy.layer(cell.layer)}.{norm}" for norm in norms if norm is not None]
    if len(own) < len(norms):
        raise ValueError("the norm of every sublayer is not known of this architecture; expected norms: none")
    # Where norms stand behind sublayers, that of the highest layer is the last.
    if knobs["norms"] == "own" or anatomy.norms_after or cell.layer < anatomy.count - 1:
        return own
    if not anatomy.last_norm:
        raise ValueError("the norm behind the layers is not known of this architecture; expected norms: own")
    return [*own, anatomy.last_norm]
