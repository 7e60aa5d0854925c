"""The configurations every search is compared with."""

from __future__ import annotations

from autopeft.methods.registry import VOCABULARY
from autopeft.space import Configuration
from autopeft.space.canonical import canonical
from autopeft.space.shape import BackboneShape

__all__ = ["HEAD_ONLY", "STOCK_LEARNING_RATE", "STOCK_LEARNING_RATE_OF_DECODERS", "stock_lora"]

#: Peak learning rate of stock LoRA. Trials are short, so it is higher than for a full fine-tune: the best of 5e-4,
#: 1e-3, 2e-3 and 4e-3 on the default job (studies/icd10), so that nobody beats stock LoRA by its learning rate alone.
STOCK_LEARNING_RATE = 4e-3

#: The same for decoders: ten times what their full fine-tuning takes at most in trials, as Schulman et al. 2025 ("LoRA
#: Without Regret") found for language models; studies/decoders has the command that measures it.
STOCK_LEARNING_RATE_OF_DECODERS = 1e-3

#: No adapters at all: only the task head is trained.
HEAD_ONLY = Configuration.from_dict({"modules": {}, "training": {}})


def stock_lora(shape: BackboneShape, learning_rate: float) -> Configuration:
    """Return the LoRA that people use: r=8 and alpha=16 on q and v of every layer.

    Args:
        shape: The backbone; where query, key and value are one matrix, that matrix is adapted.
        learning_rate: Peak learning rate of the adapters.
    """
    lora = {"rank": 8, "alpha": 16.0, "targets": ["q", "v"], "layers": "all"}
    return canonical({"modules": {"lora": lora}, "training": {"learning_rate": learning_rate}}, VOCABULARY, shape)
