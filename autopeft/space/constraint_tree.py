"""What a constraint says, as a tree."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from math import ceil

__all__ = [
    "Arithmetic",
    "Budget",
    "Comparison",
    "KnobOf",
    "Logic",
    "Name",
    "Node",
    "Not",
    "Number",
    "Present",
    "Size",
    "Word",
    "walk",
]


_HAIR = Decimal("1e-20")


@dataclass(frozen=True)
class Number:
    """A number; `text` is how it was written."""

    value: float
    text: str


@dataclass(frozen=True)
class Size:
    """A size of the backbone: `d` or `f`."""

    unit: str


@dataclass(frozen=True)
class Word:
    """A value of a knob that is no number."""

    text: str


@dataclass(frozen=True)
class KnobOf:
    """The value of a knob, everywhere or at named places.

    Args:
        method: Its method, or the section that it is of: `training` or `data`.
        knob: Its name.
        role: The role that is meant; None for all.
        layer: The layer that is meant; None for all.
        same: Whether the knob cannot differ from place to place.
    """

    method: str
    knob: str
    role: str | None = None
    layer: int | None = None
    same: bool = False


@dataclass(frozen=True)
class Arithmetic:
    """Two amounts joined by `+`, `-`, `*` or `/`."""

    sign: str
    left: Node
    right: Node


@dataclass(frozen=True)
class Comparison:
    """Two amounts compared by `<=`, `<`, `>=`, `>`, `==` or `!=`."""

    sign: str
    left: Node
    right: Node


@dataclass(frozen=True)
class Present:
    """Whether a configuration has a method."""

    method: str


@dataclass(frozen=True)
class Not:
    """The opposite of a condition."""

    inner: Node


@dataclass(frozen=True)
class Logic:
    """Two conditions joined by `and`, `or` or `=>`."""

    sign: str
    left: Node
    right: Node


@dataclass(frozen=True)
class Budget:
    """A limit on the trainable parameters.

    Args:
        sign: `<=` or `<`.
        limit: The limit.
    """

    sign: str
    limit: Number

    @property
    def at_most(self) -> str:
        """The largest amount or share allowed, as `--budget` is written."""
        text = self.limit.text.replace(" ", "")
        if "%" in text:
            share = Decimal(text.rstrip("%"))
            # No backbone has so many parameters that the difference allows one more or one less.
            return f"{share - _HAIR if self.sign == '<' else share:f}%"
        return str(ceil(self.limit.value) - 1 if self.sign == "<" else int(self.limit.value))


@dataclass(frozen=True)
class Name:
    """A name of which only what stands around it tells whether it is a method, a word or a size."""

    text: str


Node = Number | Size | Word | KnobOf | Arithmetic | Comparison | Present | Not | Logic | Budget | Name


def walk(node: Node) -> Iterator[Node]:
    """Yield a node and all below it."""
    yield node
    if isinstance(node, Not):
        yield from walk(node.inner)
    elif isinstance(node, Arithmetic | Comparison | Logic):
        yield from walk(node.left)
        yield from walk(node.right)
