"""What of a text a training step goes through; a new way is a file and a line here."""

from __future__ import annotations

from autopeft.methods.context.dropper import Dropper
from autopeft.methods.context.lemo import Lemo
from autopeft.space.word_knobs import WordKnob

__all__ = ["CONTEXT", "Dropper", "Lemo"]

#: The knob of training that asks for less than all.
CONTEXT = WordKnob[Lemo](
    "context", "what of a text a training step goes through", {each.name: each for each in (Lemo(),)}, nothing="all"
)
