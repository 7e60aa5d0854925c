"""The words a search space may use: methods and their knobs, handed in from the rooms above."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Literal

__all__ = ["ANY", "SECTIONS", "WORDY", "Knob", "MethodWords", "Vocabulary"]

#: Stands for all other methods among those that one excludes.
ANY = "*"

#: Where knobs are written that belong to no method: how to train, and what on.
SECTIONS = ("training", "data")

#: Kinds of knobs whose values are no numbers, and have no order.
WORDY = ("choice", "bool", "name", "text")


@dataclass(frozen=True)
class Knob:
    """One setting of a method, of training or of the data.

    Args:
        name: Its name in spaces and configurations.
        kind: `int`, `float`, `bool`, `choice` (one of `choices`), `name` (any word: what there is depends on data),
            `text` (whatever it says) or `roles` (a set of roles of the layer).
        help: One line for people.
        default: Value when a configuration, or a space without a `range` for it, leaves it out; None makes it
            required unless it is optional.
        range: What a space searches when it leaves the knob out, in the language of values; None: the default.
        optional: Whether it may have no value, which leaves it to the method.
        low: Smallest legal number, inclusive.
        high: Largest legal number, inclusive.
        choices: Legal words of a `choice` knob; legal roles of a `roles` knob.
        lacking: Those of its words that need what is not installed, with what that is and how to get it.
        placed: Whether its value may differ from layer to layer (and from role to role).
        gate: Whether `off` (or 0) removes the method from that place. Only placed int knobs gate.
        relative: Units a value may be written in: `d` (hidden size), `f` (ffn size), `w` (1 up to a hidden size of 576,
            and less beyond: how good learning rates fall), or `r` (multiples of the same method's gate knob at the same
            place).
        given: Another knob of its section, and those of its words with which alone this one is there.
        unsaid: Whether configurations leave it out where it has its default, as before it was there. Only words of
            training and of the data can be.
        excludes: Methods beside which it can only have its default.
    """

    name: str
    kind: Literal["int", "float", "bool", "choice", "name", "text", "roles"]
    help: str
    default: int | float | str | tuple[str, ...] | None = None
    range: str | None = None
    optional: bool = False
    low: float | None = None
    high: float | None = None
    choices: tuple[str, ...] = ()
    lacking: Mapping[str, str] = field(default_factory=dict, hash=False)
    placed: bool = False
    gate: bool = False
    relative: tuple[str, ...] = ()
    given: tuple[str, tuple[str, ...]] | None = None
    unsaid: bool = False
    excludes: tuple[str, ...] = ()

    def there(self, beside: Mapping[str, Any]) -> bool:
        """Tell whether it is there beside values of other knobs, see `given`."""
        return self.given is None or beside.get(self.given[0]) in self.given[1]

    @property
    def required(self) -> bool:
        """Whether a configuration must give it."""
        return self.default is None and not self.optional


@dataclass(frozen=True)
class MethodWords:
    """A method as the language sees it.

    Args:
        name: Its name in spaces and configurations.
        summary: One line for people.
        source: The paper it comes from.
        knobs: Its knobs; a `roles` knob, when there is one, is called `targets`.
        placement: Whether it is placed role by role in a layer, layer by layer, or once in the whole model.
        excludes: Names of methods that cannot share a backbone with it; `ANY` for all of them.
        alone: Whether a matrix that it adapts can have no other method placed by role.
    """

    name: str
    summary: str
    source: str
    knobs: tuple[Knob, ...]
    placement: Literal["role", "layer", "model"] = "role"
    excludes: frozenset[str] = frozenset()
    alone: bool = False

    @property
    def by_name(self) -> Mapping[str, Knob]:
        """The knobs by name."""
        return {knob.name: knob for knob in self.knobs}

    @property
    def gate(self) -> Knob | None:
        """The knob whose `off` removes the method from a place, if it has one."""
        return next((knob for knob in self.knobs if knob.gate), None)

    def excluded(self, others: Iterable[str]) -> set[str]:
        """Return which other methods cannot share a backbone with it."""
        return {name for name in others if name != self.name and (name in self.excludes or ANY in self.excludes)}

    @property
    def has_roles(self) -> bool:
        """Whether the method is placed role by role."""
        return self.placement == "role"


@dataclass(frozen=True)
class Vocabulary:
    """All methods and knobs beside them a space or configuration may name; methods may be added.

    Args:
        methods: The methods by name.
        training: Knobs of how to train, all names different from those of `data`.
        data: Knobs of what to train on.
    """

    methods: dict[str, MethodWords]
    training: Mapping[str, Knob]
    data: Mapping[str, Knob] = field(default_factory=dict)

    def __post_init__(self) -> None:
        both = self.training.keys() & self.data.keys()
        if both:
            raise ValueError(f"knobs of training and of the data at once: {', '.join(sorted(both))}")

    @cached_property
    def sections(self) -> Mapping[str, Mapping[str, Knob]]:
        """The knobs that belong to no method, by the section in which they are written."""
        return dict(zip(SECTIONS, (self.training, self.data), strict=True))

    @cached_property
    def shared(self) -> Mapping[str, Knob]:
        """The knobs of all sections by name."""
        return {name: knob for knobs in self.sections.values() for name, knob in knobs.items()}

    def section_of(self, name: str) -> str:
        """Return the section of a knob that belongs to no method."""
        return next(section for section, knobs in self.sections.items() if name in knobs)
