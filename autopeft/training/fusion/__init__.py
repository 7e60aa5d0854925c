"""Logits fusion (Fan et al. 2024, "On Giant's Shoulders"): what training moved in a small decoder moves a large one."""

from autopeft.training.fusion.fuse import FusedRow, FusionGround, fuse, fusion_ground
from autopeft.training.fusion.fused import Fused
from autopeft.training.fusion.opening import OpenedFused, open_fused, trained_pick

__all__ = ["Fused", "FusedRow", "FusionGround", "OpenedFused", "fuse", "fusion_ground", "open_fused", "trained_pick"]
