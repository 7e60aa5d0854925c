"""IncreLoRA: low-rank products whose ranks grow while they train, where they matter most."""

from autopeft.methods.increlora.config import IncreLoraConfig, IncreLoraTuner
from autopeft.methods.increlora.method import IncreLora

__all__ = ["IncreLora", "IncreLoraConfig", "IncreLoraTuner"]
