"""Prunings of the frozen weights; a new one is a file and a line here."""

from __future__ import annotations

from autopeft.methods.pruning.heads import DroppedHeads
from autopeft.methods.pruning.matrices import Heads, Matrix, heads_of, matrices_of
from autopeft.methods.pruning.pruner import Pruner
from autopeft.methods.pruning.pruning import Pruning, Saved
from autopeft.methods.pruning.unstructured import Unstructured
from autopeft.space.word_knobs import WordKnob

__all__ = ["PRUNING", "Heads", "Matrix", "Pruner", "Pruning", "Saved", "heads_of", "matrices_of"]

#: The knob of training that asks for one.
PRUNING = WordKnob[Pruning](
    "pruning",
    "what of the frozen weights becomes 0 on the way",
    {each.name: each for each in (Unstructured(), DroppedHeads())},
)
