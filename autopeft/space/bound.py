"""A search space on a backbone: flat parameters, and the way between them and configurations."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from autopeft.errors import ConfigurationError
from autopeft.space.canonical import build, matters
from autopeft.space.configuration import Configuration
from autopeft.space.encoding import EVERYWHERE, Encoder, Rows
from autopeft.space.knob_plan import KnobPlan, Params
from autopeft.space.moves import moves
from autopeft.space.parameters import Parameter
from autopeft.space.placed import MethodPlan
from autopeft.space.placement import Cell, assemble, cells
from autopeft.space.rules import Rule
from autopeft.space.shape import BackboneShape
from autopeft.space.vocabulary import Vocabulary

if TYPE_CHECKING:
    from optuna.distributions import BaseDistribution
    from optuna.trial import BaseTrial

__all__ = ["BoundSpace"]

#: Draws after which constraints that forbid all of them are called too tight.
_DRAWS = 2_000


class _Settled(NamedTuple):
    params: dict[str, Any]
    rows: Rows
    shared: dict[str, Any]


@dataclass(frozen=True)
class BoundSpace:
    """A search space on a backbone.

    Every parameter always has a value. Where a parameter does not matter (its method is off, its layer is
    closed) `encode` gives it its default, so that one configuration has one encoding.

    Args:
        name: Name of the space.
        vocabulary: The methods and knobs it speaks of.
        shape: The backbone.
        parameters: What varies, in a fixed order.
        warnings: What the backbone cannot offer, in words.
        methods: Its methods.
        shared: Its knobs of training and of the data.
        rules: Its constraints, budgets aside.
    """

    name: str
    vocabulary: Vocabulary
    shape: BackboneShape
    parameters: tuple[Parameter, ...]
    warnings: tuple[str, ...]
    methods: tuple[MethodPlan, ...]
    shared: tuple[KnobPlan, ...]
    rules: tuple[Rule, ...] = ()

    @cached_property
    def size(self) -> int | None:
        """Number of points (some may be the same configuration); None when a parameter is continuous."""
        sizes = [parameter.size for parameter in self.parameters]
        return None if None in sizes else math.prod(size for size in sizes if size is not None)

    @property
    def defaults(self) -> dict[str, Any]:
        """The encoding of nothing at all: every gate off that can be, every bit set."""
        return dict(self._encoder.defaults)

    def distributions(self) -> dict[str, BaseDistribution]:
        """Return the Optuna distributions of all parameters."""
        return dict(self._distributions)

    def suggest(self, trial: BaseTrial) -> Configuration:
        """Let an Optuna trial suggest every parameter; return the configuration they give."""
        params = {parameter.name: parameter.suggest(trial) for parameter in self.parameters}
        return self.decode(params)

    def decode(self, params: Params) -> Configuration:
        """Return the configuration that parameters give, in canonical form."""
        placed = {method.words.name: method.cells(params) for method in self.methods}
        return build(placed, self._shared_values(params), self.vocabulary)

    def encode(self, configuration: Configuration) -> dict[str, Any]:
        """Return the one encoding of a canonical configuration; `decode` gives it back.

        Raises:
            ConfigurationError: When it is not in the space, or a constraint forbids it.
        """
        params = self._encode(configuration)
        if params is None:
            raise ConfigurationError(
                f"not in the space {self.name!r} on this backbone: {configuration.describe()}; "
                f"{self._misfit(configuration)}"
            )
        broken = self._broken_by(configuration)
        if broken:
            raise ConfigurationError(
                f"forbidden in the space {self.name!r}: {configuration.describe()}; "
                f"expected a configuration that keeps {' and '.join(map(repr, broken))}"
            )
        return params

    def contains(self, configuration: Configuration) -> bool:
        """Tell whether a canonical configuration is a point of the space that its constraints allow."""
        try:
            self.encode(configuration)
        except ConfigurationError:
            return False
        return True

    def allows(self, configuration: Configuration) -> bool:
        """Tell whether a canonical configuration keeps the constraints; budgets are not the space's to judge."""
        return not self._broken_by(configuration)

    def canonical(self, params: Params) -> dict[str, Any]:
        """Return the one encoding of the configuration at a point, whether constraints allow it or not."""
        return self._settle(params).params

    def active(self, params: Params) -> frozenset[str]:
        """Return the names of the parameters that matter at a point."""
        found = {"choose"} & self._encoder.defaults.keys()
        for method in self.methods:
            found |= method.active(params)
        matter = self._matter(params, self._encoder.rows(params))
        for plan in self.shared:
            if plan.knob.name in matter:
                found |= {name for name in plan.names.values() if name}
        return frozenset(found)

    def sample(self, rng: np.random.Generator) -> dict[str, Any]:
        """Draw a point that the constraints allow, uniform in each parameter, in its canonical encoding.

        Raises:
            ConfigurationError: When the constraints allow next to none.
        """
        refusals: Counter[str] = Counter()
        for _ in range(_DRAWS):
            drawn = self._settle({parameter.name: parameter.at(rng.random()) for parameter in self.parameters})
            broken = self._broken(drawn)
            if not broken:
                return drawn.params
            refusals.update(broken)
        shares = ", ".join(f"{text!r} by {count / _DRAWS:.0%}" for text, count in refusals.most_common())
        raise ConfigurationError(
            f"the constraints of the space {self.name!r} leave next to nothing: {_DRAWS:,} random configurations were "
            f"all forbidden, {shares}; widen these constraints, or narrow the values so that most keep them"
        )

    def unit(self, params: Params) -> np.ndarray:
        """Return a point as an array of shape `(parameters,)` with values from 0 to 1."""
        return np.array([parameter.unit(params[parameter.name]) for parameter in self.parameters])

    def from_unit(self, array: np.ndarray) -> dict[str, Any]:
        """Return the point nearest to an array of shape `(parameters,)`; the inverse of `unit`."""
        return {
            parameter.name: parameter.snap(float(value))
            for parameter, value in zip(self.parameters, array, strict=True)
        }

    def neighbours(self, params: Params, rng: np.random.Generator) -> Iterator[dict[str, Any]]:
        """Yield the allowed points one step away in one parameter that matters, in canonical encoding, each once.

        They come in random order, each made when it is asked for: in a wide space most never are. An ordered grid
        steps to both sides and jumps once at random, a bit flips, a word changes to each other word, a number moves by
        Gaussian steps of several sizes.
        """
        active = self.active(params)
        steps = [
            (parameter.name, value)
            for parameter in self.parameters
            if parameter.name in active
            for value in moves(parameter, params[parameter.name], rng)
        ]
        met = {tuple(self.canonical(params).values())}
        for index in rng.permutation(len(steps)):
            name, value = steps[index]
            near = self._settle({**params, name: value})
            key = tuple(near.params.values())
            if key not in met:
                met.add(key)
                if not self._broken(near):
                    yield near.params

    def _settle(self, params: Params) -> _Settled:
        rows = self._encoder.rows(params)
        shared = self._shared(params, rows)
        encoded = self._encoder.encode(rows, shared)
        assert encoded is not None, "every point has an encoding"
        return _Settled(encoded, rows, shared)

    def _encode(self, configuration: Configuration) -> dict[str, Any] | None:
        placed = cells(configuration, self.vocabulary)
        if not placed.keys() <= {method.words.name for method in self.methods}:
            return None
        rows = []
        for method in self.methods:
            found = method.rows_of(placed.get(method.words.name, {}))
            if found is None:
                return None
            rows.append(found)
        params = self._encoder.encode(rows, configuration.shared)
        return params if params is not None and self.decode(params) == configuration else None

    def _shared(self, params: Params, rows: Rows) -> dict[str, Any]:
        """Return the knobs of training and of the data that the configuration at a point has."""
        return build(self._first(rows), self._shared_values(params), self.vocabulary).shared

    def _matter(self, params: Params, rows: Rows) -> list[str]:
        """Return the shared knobs that matter at a point, of which the configuration may leave some unsaid."""
        first = self._first(rows)
        modules = {name: assemble(self.vocabulary.methods[name], places) for name, places in first.items()}
        return matters(modules, self._shared_values(params), self.vocabulary)

    def _shared_values(self, params: Params) -> dict[str, Any]:
        searched = {plan.knob.name: plan.value(params, EVERYWHERE, None) for plan in self._searched}
        return {**self._shared_defaults, **searched}

    def _first(self, rows: Rows) -> dict[str, dict[Cell, Any]]:
        """Return one place of each method: which shared knobs there are depends on what is the same at all."""
        return {
            method.words.name: dict([next(iter(here[0].cells.items()))])
            for method, here in zip(self.methods, rows, strict=True)
            if here
        }

    def _broken(self, settled: _Settled) -> list[str]:
        """Return the constraints that a point breaks."""
        if not self.rules:
            return []
        placed = {
            method.words.name: {cell: values for row in here for cell, values in row.cells.items()}
            for method, here in zip(self.methods, settled.rows, strict=True)
        }
        return [rule.text for rule in self.rules if not rule.allows(placed, self._said(settled.shared))]

    def _broken_by(self, configuration: Configuration) -> list[str]:
        if not self.rules:
            return []
        placed = cells(configuration, self.vocabulary)
        return [rule.text for rule in self.rules if not rule.allows(placed, self._said(configuration.shared))]

    def _said(self, shared: Mapping[str, Any]) -> dict[str, Any]:
        """Return shared knobs with those that a configuration leaves unsaid: constraints compare these too."""
        return {plan.knob.name: plan.knob.default for plan in self.shared if plan.knob.unsaid} | dict(shared)

    def _misfit(self, configuration: Configuration) -> str:
        """Say what of a configuration the space does not have."""
        methods = {method.words.name: method for method in self.methods}
        for name, places in cells(configuration, self.vocabulary).items():
            misfit = methods[name].misfit(places) if name in methods else f"the space has no {name}"
            if misfit:
                return misfit
        shared = configuration.shared
        for plan in self.shared:
            value = shared.get(plan.knob.name, plan.knob.default if plan.knob.unsaid else None)
            if value is not None and not plan.options(value, None):
                where = f"{self.vocabulary.section_of(plan.knob.name)}.{plan.knob.name}"
                return f"{where} is never {value if isinstance(value, str) else format(value, 'g')}"
        return "the space has each of its values, but not in these layers, roles and methods together"

    @cached_property
    def _distributions(self) -> dict[str, BaseDistribution]:
        return {parameter.name: parameter.distribution() for parameter in self.parameters}

    @cached_property
    def _searched(self) -> tuple[KnobPlan, ...]:
        """The shared knobs that have more than a single value; there are many, and few of them are searched."""
        return tuple(plan for plan in self.shared if plan.names[EVERYWHERE] is not None)

    @cached_property
    def _shared_defaults(self) -> dict[str, Any]:
        """The single values of the others, in the place of all of them."""
        return {
            plan.knob.name: None if plan.names[EVERYWHERE] is not None else plan.value({}, EVERYWHERE, None)
            for plan in self.shared
        }

    @cached_property
    def _encoder(self) -> Encoder:
        return Encoder(self.parameters, self.methods, self.shared)
