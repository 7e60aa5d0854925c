"""Hand a configuration to the tools people train with: one file per target, and its line in `TARGETS`."""

from autopeft.exporting.exporting import TARGETS, export, refusal, target_named, unable
from autopeft.exporting.guide import Exported, Guide
from autopeft.exporting.job import ExportJob, Origin
from autopeft.exporting.shortfall import Shortfall
from autopeft.exporting.target import Target

__all__ = [
    "TARGETS",
    "ExportJob",
    "Exported",
    "Guide",
    "Origin",
    "Shortfall",
    "Target",
    "export",
    "refusal",
    "target_named",
    "unable",
]
