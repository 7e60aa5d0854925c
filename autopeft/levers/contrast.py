"""A further term of the loss that draws examples of one label together."""

from __future__ import annotations

from dataclasses import dataclass

from autopeft.space.vocabulary import Knob
from autopeft.space.word_knobs import Way, WordKnob

__all__ = ["CONTRASTIVE"]


@dataclass(frozen=True)
class Supervised:
    """Supervised contrastive learning; what it computes is `autopeft.trials.contrast.supervised`."""

    name: str = "supervised"
    source: str = "Khosla et al. 2020, arXiv:2004.11362, L_out"
    summary: str = "draws what the head reads of examples of one label together, and of others apart"
    knobs: tuple[Knob, ...] = (
        Knob("weight", "float", "by what the term is multiplied", 0.5, range="0.1..1 log", low=0.0, high=100.0),
        Knob("temperature", "float", "by what cosines are divided", 0.3, range="0.1..0.5", low=0.01, high=10.0),
    )


#: What is added to the loss of a batch.
CONTRASTIVE: WordKnob[Way] = WordKnob(
    "contrastive",
    "a further term of the loss, over the examples of a batch",
    {each.name: each for each in (Supervised(),)},
    section="data",
)
