"""Methods whose matrices share parameters or random projections.

VeRA's shared matrices are frozen, so its places cost what each costs alone.
"""

from __future__ import annotations

from typing_extensions import override

from autopeft.methods.method import Knobs
from autopeft.methods.peft_method import PeftMethod, rank
from autopeft.space.vocabulary import Knob

__all__ = ["SHARED"]


class _Lily(PeftMethod):
    @override
    def sees_padding(self, knobs: Knobs) -> bool:
        """Return True: PEFT's router looks at the mean over all tokens."""
        return True


SHARED = (
    PeftMethod(
        "vera",
        "VERA",
        "trained scales around random matrices that all places share",
        "Kopiczko et al. 2023, arXiv:2310.11454",
        knobs=(rank("16..256 by x2", placed=False),),
        fields={"rank": "r"},
        rates="1e-3..1e-1 log",
        quantizations=("4bit", "8bit"),
        compressible=False,
    ),
    PeftMethod(
        "pvera",
        "PVERA",
        "VeRA that samples its inner activations while it trains",
        "arXiv:2512.07703",
        knobs=(rank("16..256 by x2", placed=False),),
        fields={"rank": "r"},
        fixed={"sample_at_inference": False},
        rates="1e-3..1e-1 log",
        quantizations=("4bit", "8bit"),
        compressible=False,
    ),
    PeftMethod(
        "randlora",
        "RANDLORA",
        "a full-rank update as a trained mix of random low-rank matrices",
        "Albert et al. 2025, arXiv:2502.00987",
        knobs=(rank("4..64 by x2", placed=False),),
        fields={"rank": "r"},
        joint=True,
        quantizations=("4bit", "8bit"),
        compressible=False,
    ),
    PeftMethod(
        "vblora",
        "VBLORA",
        "low-rank matrices composed of vectors from one trained bank",
        "Li et al. 2024, arXiv:2405.15179",
        knobs=(
            rank("1..8 by x2", placed=False),
            Knob("num_vectors", "int", "vectors in the bank", default=64, low=2),
            Knob("vector_length", "int", "their length; a divisor of the matrices' sizes", default=32, low=1),
        ),
        fields={"rank": "r"},
        fixed={"save_only_topk_weights": False},
        rates="1e-3..1e-2 log",
        joint=True,
        start="differs",
        quantizations=("4bit", "8bit"),
    ),
    PeftMethod(
        "unilora",
        "UNILORA",
        "all low-rank matrices as random projections of one trained vector",
        "arXiv:2506.00799",
        knobs=(
            Knob("theta_d_length", "int", "length of the trained vector", default=256, range="64..4096 by x4", low=1),
            Knob("rank", "int", "rank r of the products", default=4, low=1),
        ),
        fields={"rank": "r"},
        rates="1e-3..3e-2 log",
        joint=True,
        shared=lambda knobs: knobs["theta_d_length"],
        start="differs",
    ),
    _Lily(
        "lily",
        "LILY",
        "low-rank products whose outer matrices are shared and mixed by a router",
        "Zhong et al. 2024, arXiv:2407.09946",
        knobs=(
            rank("4..32 by x2", placed=False),
            Knob("num_B", "int", "shared outer matrices", default=2, low=2),
            Knob("stride_A", "int", "adjacent layers that share an inner matrix", default=1, low=1),
        ),
        fields={"rank": "r"},
        joint=True,
        mergeable=False,
        quantizations=("4bit", "8bit"),
    ),
    PeftMethod(
        "tinylora",
        "TINYLORA",
        "a few trained numbers, projected into the singular directions of the weight",
        "arXiv:2602.04118",
        knobs=(
            Knob("u", "int", "trained numbers of a matrix", default=64, range="1..64 by x2", low=1),
            Knob("rank", "int", "singular directions", default=2, low=1),
        ),
        fields={"rank": "r"},
        rates="1e-3..1e-1 log",
        joint=True,
        start="differs",
        compressible=False,
    ),
    PeftMethod(
        "frod",
        "FROD",
        "sparse coefficients in a basis that the layers of a role share",
        "FRoD, in PEFT 0.21",
        knobs=(
            Knob(
                "sparse_rate",
                "float",
                "share of the coefficients that are trained",
                default=0.01,
                range="1e-3..5e-2 log",
                low=1e-6,
                high=1.0,
            ),
        ),
        fixed={"runtime_offload_base_weight": False, "progressbar": False},
        rates="1e-3..3e-2 log",
        count=lambda knobs, inputs, outputs: (
            max(1, min(int(inputs * inputs * knobs["sparse_rate"]), inputs * (inputs - 1))) + inputs
        ),
        start="close",
        compressible=False,
        prunable=False,
    ),
)
