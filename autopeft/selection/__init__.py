"""From a front to a decision: picks by name, and what became of them."""

from autopeft.selection.picks import PICKS, knee, pick
from autopeft.selection.trained import Choice, choice_of

__all__ = ["PICKS", "Choice", "choice_of", "knee", "pick"]
