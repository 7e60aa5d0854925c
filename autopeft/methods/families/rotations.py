"""Orthogonal and circulant maps of the frozen weight."""

from __future__ import annotations

from autopeft.methods.peft_method import PeftMethod, rank
from autopeft.space.vocabulary import Knob

__all__ = ["ROTATIONS"]


def _block(name: str, range: str, default: str | int | None = None) -> Knob:
    return Knob(
        name,
        "int",
        "size of the blocks; a divisor of the matrix's sizes",
        default=default,
        range=range,
        low=1,
        placed=True,
        gate=True,
        relative=("d",),
    )


ROTATIONS = (
    PeftMethod(
        "oft",
        "OFT",
        "a block-diagonal orthogonal map of the inputs",
        "Qiu et al. 2023, arXiv:2306.07280",
        knobs=(_block("block_size", "4 | 8 | 16 | 32"),),
        fields={"block_size": "oft_block_size"},
        fixed={"r": 0},
        start="close",
        quantizations=("4bit", "8bit"),
    ),
    PeftMethod(
        "boft",
        "BOFT",
        "an orthogonal map in blocks with scaled outputs",
        "Liu et al. 2023, arXiv:2311.06243",
        knobs=(_block("block_size", "4 | 8 | 16"),),
        fields={"block_size": "boft_block_size"},
        # Without its CUDA kernel PEFT takes one factor whatever is asked for; so that a configuration is what it
        # says on every machine, it is always one.
        fixed={"boft_block_num": 0, "boft_n_butterfly_factor": 1},
        count=lambda knobs, inputs, outputs: (
            inputs * knobs["block_size"] + outputs if inputs % knobs["block_size"] == 0 else None
        ),
        start="close",
        quantizations=("4bit", "8bit"),
    ),
    PeftMethod(
        "hra",
        "HRA",
        "a chain of r Householder reflections of the inputs",
        "Yuan et al. 2024, arXiv:2405.17484",
        knobs=(rank("2..32 by x2"),),
        fields={"rank": "r"},
        start="close",
        # A reflection in a vector of zeros is none.
        compressible=False,
    ),
    PeftMethod(
        "road",
        "ROAD",
        "rotations and scales of pairs of outputs",
        "Liao and Monz 2024, arXiv:2409.00119",
        knobs=(
            Knob(
                "variant",
                "choice",
                "how many parameters a pair has",
                default="road_1",
                choices=("road_1", "road_2", "road_4"),
            ),
            Knob("group_size", "int", "outputs in a group; a divisor of their number", default=16, low=2),
        ),
        rates="1e-3..1e-1 log",
        start="close",
        quantizations=("4bit", "8bit"),
    ),
    PeftMethod(
        "c3a",
        "C3A",
        "circular convolutions of blocks of the inputs",
        "Chen et al. 2024, arXiv:2407.19342",
        knobs=(
            _block("block_size", "d/16 | d/8 | d/4 | d/2"),
            Knob(
                "init_weights",
                "choice",
                "how kernels start",
                default="xavier_uniform",
                choices=("gaussian", "kaiming_uniform", "xavier_uniform"),
            ),
        ),
        rates="1e-3..1e-1 log",
        start="differs",
        quantizations=("4bit",),
    ),
)
