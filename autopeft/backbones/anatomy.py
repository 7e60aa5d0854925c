"""Where the roles of a transformer layer are found in a model: full module names, layer by layer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from autopeft.errors import BackboneError
from autopeft.space.shape import ROLES

__all__ = ["REQUIRED_ROLES", "Anatomy"]

#: Roles every backbone must have; a fused `qkv` stands for the first three.
REQUIRED_ROLES = ("q", "k", "v", "o", "up", "down")


@dataclass(frozen=True)
class Anatomy:
    """Names the layers of a backbone and the weight matrices in each of them.

    Args:
        layers: Dotted name of the list of layers, e.g. `encoder.layer`; inside the bare model, or inside the
            model with its task head once resolved (`bert.encoder.layer`).
        roles: Dotted name inside a layer for each role, e.g. `{"q": "attention.self.query", ...}`. Roles given
            the same module are fused in it, and the first of them stands for all.
        attention: Dotted name inside a layer of the module that computes the attention.
        sublayer_norms: Dotted name inside a layer of the norm of the sublayer that ends in a role, `o` or `down`; empty
            where it is not known, or where blocks are no plain sums.
        norms_after: Whether these norms stand behind the sum of a sublayer and the residual stream, as BERT's do; else
            they stand before the sublayer and read the stream.
        last_norm: Dotted name of the norm behind all layers, inside the bare model, or inside the model with its task
            head once resolved; empty where there is none, or where it is not known.
        count: Number of layers; filled in when the anatomy is resolved against a model.
        transposed: Whether weights are stored as (inputs, outputs), as GPT-2's `Conv1D` does; filled in
            likewise.
        attention_open: Whether transformers' attention interface, in its sdpa form, reaches the attention; filled
            in likewise.
        layer_norms: Full names of the normalisation modules, layer by layer; filled in likewise.
        layer_biased: Full names of the modules that own a `bias`, layer by layer; filled in likewise.
        layer_weighted: Full names of the modules that own parameters, layer by layer; filled in likewise.
        outside: Full names of the modules outside the layers and the task head that own parameters, none of them inside
            another; filled in likewise.
        embedding: Full name of the embedding of the input tokens, empty for a model that reads no tokens;
            filled in likewise.
        output: Full name of the module that makes logits of tokens, empty for a model that has none; filled in
            likewise.
        tokenizer: Where the tokenizer of the backbone is, as transformers finds it; empty for a model that reads no
            text, and where it is not known.
        head: Full name of the linear layer of the task head that makes the logits of an input, empty for a model that
            has none; filled in likewise.
    """

    layers: str
    roles: Mapping[str, str]
    attention: str
    sublayer_norms: Mapping[str, str] = field(default_factory=dict)
    norms_after: bool = False
    last_norm: str = ""
    count: int = 0
    transposed: bool = False
    attention_open: bool = True
    layer_norms: tuple[tuple[str, ...], ...] = ()
    layer_biased: tuple[tuple[str, ...], ...] = ()
    layer_weighted: tuple[tuple[str, ...], ...] = ()
    outside: tuple[str, ...] = ()
    embedding: str = ""
    output: str = ""
    head: str = ""
    tokenizer: str = ""

    def __post_init__(self) -> None:
        unknown = sorted(set(self.roles) - set(ROLES))
        if unknown:
            raise BackboneError(f"unknown roles {', '.join(unknown)}; roles are {', '.join(ROLES)}")

    @classmethod
    def from_file(cls, path: str | Path) -> Anatomy:
        """Read an anatomy from a YAML file with the keys `layers`, `attention` and `roles`.

        Raises:
            BackboneError: The file cannot be read or has other keys.
        """
        try:
            data: Any = yaml.safe_load(Path(path).read_text(encoding="utf-8"))
        except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
            said = error.strerror if isinstance(error, OSError) else " ".join(str(error).split())
            raise BackboneError(
                f"cannot read the roles file {path}: {said}; expected YAML with the keys layers, attention and roles"
            ) from error
        if not isinstance(data, dict) or set(data) != {"layers", "attention", "roles"}:
            found = ", ".join(map(str, data)) if isinstance(data, dict) else type(data).__name__
            raise BackboneError(f"{path}: found {found}; expected the keys layers, attention and roles")
        if not isinstance(data["roles"], dict):
            raise BackboneError(f"{path}: roles: expected a mapping of role to module name")
        roles = {str(role): str(name) for role, name in data["roles"].items()}
        unknown = sorted(set(roles) - set(ROLES))
        if unknown:
            raise BackboneError(f"{path}: roles: found {', '.join(unknown)}; expected some of {', '.join(ROLES)}")
        return cls(layers=str(data["layers"]), roles=roles, attention=str(data["attention"]))

    @property
    def present(self) -> tuple[str, ...]:
        """The roles with a matrix of their own, in the order of `ROLES`."""
        return tuple(role for role in ROLES if role in self.roles and role not in self.aliases)

    @property
    def aliases(self) -> dict[str, str]:
        """Roles that a fused matrix stands for, such as `{"gate": "up"}`, with the role that carries them."""
        fused = dict.fromkeys(("q", "k", "v"), "qkv") if "qkv" in self.roles else {}
        carriers: dict[str, str] = {}
        for role in ROLES:
            if role in self.roles and role not in fused:
                carrier = carriers.setdefault(self.roles[role], role)
                if carrier != role:
                    fused[role] = carrier
        return fused

    @property
    def missing(self) -> tuple[str, ...]:
        """Required roles that are neither present nor part of a fused matrix."""
        return tuple(role for role in REQUIRED_ROLES if role not in self.roles and role not in self.aliases)

    def layer(self, index: int) -> str:
        """Return the full name of layer `index`, counted from 0."""
        return f"{self.layers}.{index}"

    def module(self, index: int, role: str) -> str:
        """Return the full name of the module that plays `role` in layer `index`.

        Raises:
            BackboneError: The backbone has no such role.
        """
        name = self.roles.get(self.aliases.get(role, role))
        if name is None:
            raise BackboneError(f"role {role} not found; this backbone has {', '.join(self.present)}")
        return f"{self.layer(index)}.{name}"

    def attention_module(self, index: int) -> str:
        """Return the full name of the module that computes the attention of layer `index`.

        Raises:
            BackboneError: Nothing can be put into this attention.
        """
        if not self.attention_open:
            raise BackboneError(
                "this backbone computes attention without transformers' attention interface: prefixes cannot be "
                "put into it, nor can queries; choose other methods"
            )
        return f"{self.layer(index)}.{self.attention}"

    def sum_norm(self, index: int, role: str) -> tuple[str, str] | None:
        """Return the norm of the sublayer that ends in `role`, and the module whose input the residual stream is.

        Full names, in layer `index`; None where the norm is not known.
        """
        name = self.sublayer_norms.get(role)
        if name is None:
            return None
        norm = f"{self.layer(index)}.{name}"
        first = {"o": "q", "down": "up"}[role]
        return norm, self.module(index, first) if self.norms_after else norm

    def norms(self, index: int) -> tuple[str, ...]:
        """Return the full names of the normalisation modules in layer `index` of a resolved anatomy."""
        return self.layer_norms[index]

    def biased(self, index: int) -> tuple[str, ...]:
        """Return the full names of the modules in layer `index` that own a `bias`, norms among them."""
        return self.layer_biased[index]

    def weighted(self, index: int) -> tuple[str, ...]:
        """Return the full names of the modules in layer `index` that own parameters."""
        return self.layer_weighted[index]
