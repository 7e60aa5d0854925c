"""Low-rank updates beside LoRA."""

from __future__ import annotations

from autopeft.methods.peft_method import PeftMethod, rank
from autopeft.space.vocabulary import Knob

__all__ = ["LOW_RANK"]

#: Alpha relative to the rank, as PEFT takes it for these: a whole number.
_ALPHA = Knob("alpha", "int", "the product is scaled by alpha / r", default="1r", low=1, placed=True, relative=("r",))

LOW_RANK = (
    PeftMethod(
        "loha",
        "LOHA",
        "the Hadamard product of two low-rank products",
        "Hyeon-Woo et al. 2022, arXiv:2108.06098",
        knobs=(rank("1..16 by x2"), _ALPHA),
        fields={"rank": "r"},
        fixed={"use_effective_conv2d": False},
        quantizations=("8bit",),
    ),
    PeftMethod(
        "lokr",
        "LOKR",
        "a Kronecker product, one factor of low rank",
        "Yeh et al. 2023, arXiv:2309.14859",
        knobs=(rank(), _ALPHA),
        fields={"rank": "r"},
        fixed={"use_effective_conv2d": False},
        quantizations=("8bit",),
    ),
    PeftMethod(
        "hira",
        "HIRA",
        "a low-rank product times the frozen weight, element by element",
        "Huang et al. 2025, openreview.net/forum?id=TwJrTz9cRS",
        knobs=(rank(),),
        fields={"rank": "r"},
        quantizations=("4bit", "8bit"),
    ),
    PeftMethod(
        "delora",
        "DELORA",
        "normalised rank-one terms with one trained strength",
        "Bini et al. 2025, arXiv:2503.18225",
        knobs=(rank(),),
        fields={"rank": "r"},
        rates="1e-3..3e-2 log",
        compressible=False,
    ),
    PeftMethod(
        "gralora",
        "GRALORA",
        "a low-rank product for each block of the weight",
        "Jung et al. 2025, arXiv:2505.20355",
        knobs=(
            rank("2..32 by x2"),
            Knob(
                "alpha",
                "int",
                "the products are scaled by alpha / r",
                default="2r",
                low=1,
                placed=True,
                relative=("r",),
            ),
            Knob("gralora_k", "int", "blocks along each side", default=2, low=1),
        ),
        fields={"rank": "r"},
        quantizations=("4bit",),
    ),
    PeftMethod(
        "miss",
        "MISS",
        "one trained block of rows, shared along the inputs",
        "Kang and Yin 2024, arXiv:2409.15371",
        knobs=(rank("1..32 by x2"),),
        fields={"rank": "r"},
        quantizations=("4bit", "8bit"),
    ),
    PeftMethod(
        "peanut",
        "PEANUT",
        "a small network that turns the frozen weight into its own update",
        "Zhong et al. 2024, arXiv:2410.01870",
        knobs=(rank(),),
        fields={"rank": "r"},
    ),
    PeftMethod(
        "deft",
        "DEFT",
        "an update inside a trained low-rank projection of the frozen weight",
        "Decompositional Efficient Fine-Tuning, in PEFT 0.21",
        knobs=(rank(),),
        fields={"rank": "r"},
        start="close",
    ),
    PeftMethod(
        "glora",
        "GLORA",
        "trained scales and shifts of weight, input and bias",
        "Chavan et al. 2023, arXiv:2306.07967",
        knobs=(rank(),),
        fields={"rank": "r"},
    ),
    PeftMethod(
        "psoft",
        "PSOFT",
        "an orthogonal map inside the weight's principal subspace",
        "openreview.net/forum?id=FSHrinMArK",
        knobs=(
            rank("4..64 by x2"),
            Knob("alpha", "int", "scaled by alpha / r", default="1r", low=1, placed=True, relative=("r",)),
        ),
        fields={"rank": "r", "alpha": "psoft_alpha"},
        rates="1e-4..1e-1 log",
        start="close",
    ),
    PeftMethod(
        "adamss",
        "ADAMSS",
        "an update in clusters of the rows' principal subspace",
        "Adaptive Multi-Subspaces, in PEFT 0.21",
        knobs=(
            rank("8..128 by x2"),
            Knob("num_subspaces", "int", "clusters of rows", default=5, low=1, high=16),
            Knob("subspace_rank", "int", "rank in each cluster", default=1, low=1, high=1),
        ),
        fields={"rank": "r"},
        fixed={"use_dynamic_rank": False, "use_asa": False},
        count=lambda knobs, inputs, outputs: (
            min(knobs["num_subspaces"], outputs) * min(knobs["rank"], inputs, outputs) + outputs
        ),
        start="close",
        compressible=False,
    ),
    PeftMethod(
        "osf",
        "OSF",
        "the weight's own weak singular directions, kept apart from its strong ones",
        "Nayak et al. 2025, arXiv:2504.07097",
        knobs=(
            Knob(
                "effective_rank",
                "int",
                "strong singular directions that stay frozen",
                low=1,
                placed=True,
                gate=True,
                relative=("d",),
                range="d/4 | d/2 | 3d/4",
            ),
        ),
        rates="1e-5..1e-3 log",
        start="close",
        compressible=False,
        prunable=False,
    ),
)
