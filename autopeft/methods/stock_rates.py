"""Learning rates of stock LoRA in short trainings."""

from __future__ import annotations

from autopeft.space.shape import rate_unit

__all__ = ["STOCK_LEARNING_RATE", "decoder_learning_rate", "preference_learning_rate"]

#: Peak learning rate of stock LoRA. Trials are short, so it is higher than for a full fine-tune: the best of 5e-4,
#: 1e-3, 2e-3 and 4e-3 on the default job (studies/icd10), so that nobody beats stock LoRA by its learning rate alone.
STOCK_LEARNING_RATE = 4e-3

#: The same for SmolLM2-135M, whose states are 576 wide: the best of five from 2.5e-4 to 4e-3 (studies/decoders).
_DECODER_LEARNING_RATE = 4e-3

#: The same where answers are learned to be preferred (DPO), on the pairs of studies/preference: the best of six from
#: 1e-4 to 1e-2 in 24 steps, and of three from 5e-4 to 2e-3 in 50. At 4e-3 the loss ended above the untouched model's.
_PREFERENCE_LEARNING_RATE = 2e-3


def decoder_learning_rate(hidden: int) -> float:
    """Return the peak learning rate of stock LoRA on a decoder: that of SmolLM2-135M, lower for wider ones.

    Args:
        hidden: Width of the hidden states.
    """
    return _suited(_DECODER_LEARNING_RATE, hidden)


def preference_learning_rate(hidden: int) -> float:
    """Return the peak learning rate of stock LoRA on a decoder that learns preferences; see `decoder_learning_rate`."""
    return _suited(_PREFERENCE_LEARNING_RATE, hidden)


def _suited(rate: float, hidden: int) -> float:
    return float(f"{rate * rate_unit(hidden):.2g}")
