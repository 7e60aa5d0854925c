"""From a front to a decision: picks by name."""

from autopeft.selection.picks import PICKS, knee, pick

__all__ = ["PICKS", "knee", "pick"]
