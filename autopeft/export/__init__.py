"""Hand a configuration to the tools people train with: one file per target, and its line in `TARGETS`."""

from autopeft.export.exporting import TARGETS, export, refusal, target_named, unable
from autopeft.export.guide import Exported, Guide
from autopeft.export.job import ExportJob, Origin
from autopeft.export.shortfall import Shortfall
from autopeft.export.target import Target

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
