"""Trained scalars at chosen positions, of the weight or of its spectrum."""

from __future__ import annotations

from autopeft.methods.peft_method import PeftMethod, rank
from autopeft.space.vocabulary import Knob

__all__ = ["SPARSE"]


def _frequencies(range: str) -> Knob:
    return Knob(
        "n_frequency",
        "int",
        "trained coefficients",
        default=256,
        range=range,
        low=1,
        placed=True,
        gate=True,
        relative=("d",),
    )


SPARSE = (
    PeftMethod(
        "shira",
        "SHIRA",
        "scalars at random positions of the weight, as many as LoRA of this rank has",
        "Bhardwaj et al. 2024, arXiv:2406.13175",
        knobs=(rank("1..16 by x2"),),
        fields={"rank": "r"},
        fixed={"random_seed": 0},
        count=lambda knobs, inputs, outputs: (
            knobs["rank"] * (inputs + outputs) if knobs["rank"] * (inputs + outputs) < inputs * outputs else None
        ),
    ),
    PeftMethod(
        "supertuning",
        "SUPERTUNING",
        "scalars at the positions of the largest weights",
        "arXiv:2607.09287",
        knobs=(
            Knob(
                "sparsity",
                "float",
                "share of the weights that stay frozen",
                default=0.99,
                low=0.0,
                high=0.99999,
                range="0.9 | 0.99 | 0.999 | 0.9999",
            ),
        ),
        fixed={"r": None, "lora_alpha": None, "save_precomputed_indices": True},
    ),
    PeftMethod(
        "fourierft",
        "FOURIERFT",
        "trained coefficients of the update's Fourier spectrum",
        "Gao et al. 2024, arXiv:2405.03003",
        knobs=(_frequencies("64..2048 by x2"),),
        fixed={"init_weights": True, "random_loc_seed": 777},
        rates="1e-3..1e-1 log",
        quantizations=("4bit", "8bit"),
    ),
    PeftMethod(
        "waveft",
        "WAVEFT",
        "trained coefficients of the update's wavelet spectrum",
        "WaveFT, in PEFT 0.21",
        knobs=(_frequencies("64..2048 by x2"),),
        fixed={"proportional_parameters": False, "random_loc_seed": 777},
        rates="1e-3..1e-1 log",
        quantizations=("4bit", "8bit"),
    ),
)
