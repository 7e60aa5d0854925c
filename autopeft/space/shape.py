"""What a search space needs to know of a backbone: its sizes and which roles it has."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

__all__ = ["ROLES", "BackboneShape", "rate_unit", "units_of"]

#: Roles of the weight matrices of a transformer layer, in the order in which they are applied and written.
#: `qkv` is the one matrix of architectures that fuse query, key and value (GPT-2).
ROLES = ("q", "k", "v", "qkv", "o", "up", "gate", "down")


#: Up to this width good learning rates are the same; beyond it they fall by this exponent. How it does on recorded runs
#: of wide decoders is in studies/decoders.
_WIDTH, _WIDTH_EXPONENT = 576, 0.78


def rate_unit(hidden: float) -> float:
    """Return by how much good learning rates of LoRA are lower on a model of some width: 1 up to 576, less beyond.

    The exponent was found on Llamas by Schulman et al. 2025 ("LoRA Without Regret").

    Args:
        hidden: Width of the hidden states.
    """
    return min(1.0, (_WIDTH / hidden) ** _WIDTH_EXPONENT)


def units_of(hidden: float, ffn: float) -> Mapping[str, float]:
    """Return what the units are that values may be written in: `d`, `f`, and `w`, which is `rate_unit`."""
    return {"d": float(hidden), "f": float(ffn), "w": rate_unit(hidden)}


@dataclass(frozen=True)
class BackboneShape:
    """The sizes and roles of a backbone, free of torch.

    Args:
        layers: Number of transformer layers.
        hidden: Hidden size `d`.
        ffn: Inner size `f` of the feed-forward network.
        roles: The roles each layer has, in the order of `ROLES`.
        aliases: Roles that a fused matrix stands for, e.g. `{"q": "qkv", "k": "qkv", "v": "qkv"}`.
    """

    layers: int
    hidden: int
    ffn: int
    roles: tuple[str, ...]
    aliases: Mapping[str, str] = field(default_factory=dict)

    @property
    def units(self) -> Mapping[str, float]:
        """What the units are here that values may be written in."""
        return units_of(self.hidden, self.ffn)

    def resolve(self, role: str) -> str | None:
        """Return the role that carries `role` on this backbone, or None when it has none."""
        role = self.aliases.get(role, role)
        return role if role in self.roles else None
