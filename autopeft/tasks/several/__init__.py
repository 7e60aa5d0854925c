"""Several tasks in one study: one configuration for all of them."""

from autopeft.tasks.several.kind import Several
from autopeft.tasks.several.schema import JOINT, MIXTURES, SEPARATE, Part, SeveralSchema
from autopeft.tasks.several.split import SeveralSplit

__all__ = ["JOINT", "MIXTURES", "SEPARATE", "Part", "Several", "SeveralSchema", "SeveralSplit"]
