"""What a search space needs to know of a backbone: its sizes and which roles it has."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

__all__ = ["ROLES", "BackboneShape"]

#: Roles of the weight matrices of a transformer layer, in the order in which they are applied and written.
#: `qkv` is the one matrix of architectures that fuse query, key and value (GPT-2).
ROLES = ("q", "k", "v", "qkv", "o", "up", "gate", "down")


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

    def resolve(self, role: str) -> str | None:
        """Return the role that carries `role` on this backbone, or None when it has none."""
        role = self.aliases.get(role, role)
        return role if role in self.roles else None
