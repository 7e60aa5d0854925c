"""A search space on a backbone: flat parameters, and the way between them and configurations."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from autopeft.errors import ConfigurationError
from autopeft.space.canonical import build
from autopeft.space.configuration import Configuration
from autopeft.space.parameters import Parameter
from autopeft.space.placed import KnobPlan, MethodPlan
from autopeft.space.placement import Cell, cells
from autopeft.space.shape import BackboneShape
from autopeft.space.vocabulary import Vocabulary

if TYPE_CHECKING:
    from optuna.distributions import BaseDistribution
    from optuna.trial import BaseTrial

__all__ = ["BoundSpace"]

Params = Mapping[str, Any]

_SPREADS = (0.05, 0.2)


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
        training: Its training knobs.
    """

    name: str
    vocabulary: Vocabulary
    shape: BackboneShape
    parameters: tuple[Parameter, ...]
    warnings: tuple[str, ...]
    methods: tuple[MethodPlan, ...]
    training: tuple[KnobPlan, ...]

    @cached_property
    def size(self) -> int | None:
        """Number of points (some may be the same configuration); None when a parameter is continuous."""
        sizes = [parameter.size for parameter in self.parameters]
        return None if None in sizes else math.prod(size for size in sizes if size is not None)

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
        where = Cell(-1, None)
        training = {plan.knob.name: plan.value(params, where, None) for plan in self.training}
        return build(placed, training, self.vocabulary)

    def encode(self, configuration: Configuration) -> dict[str, Any]:
        """Return the parameters of a canonical configuration; `decode` gives it back.

        Raises:
            ConfigurationError: When it is not in the space.
        """
        for params in self._candidates(configuration):
            if self.decode(params) == configuration:
                return params
        raise ConfigurationError(
            f"not in the space {self.name!r} on this backbone: {configuration.describe()}; "
            f"{self._misfit(configuration)}"
        )

    def contains(self, configuration: Configuration) -> bool:
        """Tell whether a canonical configuration is a point of the space."""
        try:
            self.encode(configuration)
        except ConfigurationError:
            return False
        return True

    def active(self, params: Params) -> frozenset[str]:
        """Return the names of the parameters that matter at a point."""
        found = {"choose"} & self._by_name.keys()
        for method in self.methods:
            found |= method.active(params)
        if any(method.cells(params) for method in self.methods):
            found |= {name for plan in self.training for name in plan.names.values() if name}
        return frozenset(found)

    def sample(self, rng: np.random.Generator) -> dict[str, Any]:
        """Draw a point, uniform in each parameter, in its canonical encoding."""
        drawn = {parameter.name: parameter.at(rng.random()) for parameter in self.parameters}
        return self.encode(self.decode(drawn))

    def unit(self, params: Params) -> np.ndarray:
        """Return a point as an array of shape `(parameters,)` with values from 0 to 1."""
        return np.array([parameter.unit(params[parameter.name]) for parameter in self.parameters])

    def from_unit(self, array: np.ndarray) -> dict[str, Any]:
        """Return the point nearest to an array of shape `(parameters,)`; the inverse of `unit`."""
        return {
            parameter.name: parameter.snap(float(value))
            for parameter, value in zip(self.parameters, array, strict=True)
        }

    def neighbours(self, params: Params, rng: np.random.Generator) -> list[dict[str, Any]]:
        """Return the points one step away in one parameter that matters, in canonical encoding, each once.

        An ordered grid steps to both sides and jumps once at random, a bit flips, a word changes to each
        other word, a number moves by Gaussian steps of several sizes.
        """
        here = self.decode(params)
        active = self.active(params)
        found: dict[Configuration, None] = {}
        for parameter in self.parameters:
            if parameter.name in active:
                for value in _moves(parameter, params[parameter.name], rng):
                    found.setdefault(self.decode({**params, parameter.name: value}))
        found.pop(here, None)
        return [self.encode(configuration) for configuration in found]

    def _misfit(self, configuration: Configuration) -> str:
        """Say what of a configuration the space does not have."""
        methods = {method.words.name: method for method in self.methods}
        for name, places in cells(configuration, self.vocabulary).items():
            misfit = methods[name].misfit(places) if name in methods else f"the space has no {name}"
            if misfit:
                return misfit
        for plan in self.training:
            value = configuration.training.get(plan.knob.name)
            if value is not None and plan.params_for(value, None) is None:
                return f"training.{plan.knob.name} is never {value:g}"
        return "the space has each of its values, but not in these layers, roles and methods together"

    @cached_property
    def _by_name(self) -> dict[str, Parameter]:
        return {parameter.name: parameter for parameter in self.parameters}

    @cached_property
    def _distributions(self) -> dict[str, BaseDistribution]:
        return {parameter.name: parameter.distribution() for parameter in self.parameters}

    @cached_property
    def _defaults(self) -> dict[str, Any]:
        """The encoding of nothing at all: every gate off that can be, every bit set."""
        params = {parameter.name: parameter.default() for parameter in self.parameters}
        for method in self.methods:
            params |= dict.fromkeys((*method.layer_bits.values(), *method.role_bits.values()), 1)
            if method.gate is not None and method.gate.off is not None:
                params |= {name: method.gate.off for name in method.gate.names.values() if name}
        return params

    def _candidates(self, configuration: Configuration) -> Iterator[dict[str, Any]]:
        """Yield encodings that may give the configuration, the preferred one first."""
        placed = cells(configuration, self.vocabulary)
        choices = [method for method in self.methods if method.choice is not None]
        named = [method for method in choices if method.words.name in placed]
        options: list[MethodPlan | None] = [*(named or choices)]
        for chosen in options or [None]:
            for absent_closed in (False, True):
                params = self._encode(configuration, placed, chosen, absent_closed)
                if params is None:
                    return
                yield params

    def _encode(
        self,
        configuration: Configuration,
        placed: Mapping[str, Mapping[Cell, Mapping[str, Any]]],
        chosen: MethodPlan | None,
        absent_closed: bool,
    ) -> dict[str, Any] | None:
        params = dict(self._defaults)
        if chosen is not None:
            params["choose"] = chosen.choice
        shared = [method for method in self.methods if method.shares_layers]
        occupied = {cell.layer for method in shared for cell in placed.get(method.words.name, ())}
        for method in self.methods:
            here = placed.get(method.words.name, {})
            found = method.encode(here)
            if found is None:
                return None
            layers = {cell.layer for cell in here}
            _set_bits(params, method.layer_bits, occupied if method.shares_layers else layers, absent_closed)
            _set_bits(params, method.role_bits, {cell.role for cell in here}, absent_closed)
            if here and method.gate is not None:
                # A layer or role that bits have closed remembers no `off`: opening it again shall matter.
                gates = method.gate.names
                open_gates = {gates[place.cell] for place in method.places if place.open(params)}
                params |= dict.fromkeys(filter(None, set(gates.values()) - open_gates), method.gate.on)
            params |= found
        for plan in self.training:
            name = plan.names[Cell(-1, None)]
            if name is not None and plan.knob.name in configuration.training:
                value = plan.params_for(configuration.training[plan.knob.name], None)
                if value is None:
                    return None
                params[name] = value
        return params


def _set_bits(params: dict[str, Any], bits: Mapping[Any, str], used: Iterable[Any], absent_closed: bool) -> None:
    used = set(used)
    if used or absent_closed:
        params |= {name: int(key in used) for key, name in bits.items()}


def _moves(parameter: Parameter, value: Any, rng: np.random.Generator) -> list[Any]:
    if parameter.values is None:
        here = parameter.unit(value)
        steps = [sign * abs(rng.normal(0.0, spread)) for spread in _SPREADS for sign in (-1, 1)]
        return [parameter.at(min(max(here + step, 0.0), 1.0)) for step in steps]
    if not parameter.ordered:
        return [other for other in parameter.values if other != value]
    last = len(parameter.values) - 1
    moves = {step for step in (value - 1, value + 1) if 0 <= step <= last}
    return [*sorted(moves), int(rng.integers(0, last + 1))]
