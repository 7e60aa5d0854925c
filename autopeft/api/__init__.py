"""What the command line does, as calls."""

from autopeft.api.fusing import fuse, open_fused
from autopeft.api.giving import export, report
from autopeft.api.searching import search, select
from autopeft.api.using import evaluate, predict, train

__all__ = ["evaluate", "export", "fuse", "open_fused", "predict", "report", "search", "select", "train"]
