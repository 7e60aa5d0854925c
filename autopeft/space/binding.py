"""Binds a space to a backbone: sizes become numbers, roles and layers become bits and places."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from autopeft.errors import SpaceError
from autopeft.space.bound import BoundSpace
from autopeft.space.checking import layers_of, split_per, targets_of
from autopeft.space.document import OPTIONAL, Lines, locate
from autopeft.space.domains import Continuous, Grid, domain
from autopeft.space.encoding import EVERYWHERE
from autopeft.space.grammar import GrammarError, Per, Values
from autopeft.space.knob_plan import KnobPlan, Place
from autopeft.space.parameters import Parameter
from autopeft.space.placed import MethodPlan
from autopeft.space.placement import WHOLE, Cell
from autopeft.space.rule_binding import bind_rules
from autopeft.space.shape import ROLES, BackboneShape
from autopeft.space.vocabulary import Knob, MethodWords, Vocabulary

__all__ = ["bind"]


@dataclass
class _Binder:
    data: Mapping[str, Any]
    vocabulary: Vocabulary
    shape: BackboneShape
    source: str
    lines: Lines

    def __post_init__(self) -> None:
        self.parameters: dict[str, Parameter] = {}
        self.warnings: list[str] = []
        self.problems: list[str] = []
        self.units = self.shape.units

    def bind(self) -> tuple[list[MethodPlan], list[KnobPlan]]:
        chosen = list(self.data.get("choose") or ())
        if len(chosen) > 1:
            self.add(Parameter("choose", tuple(chosen), ordered=False))
        plans = []
        for section in ("modules", "choose"):
            for name, knobs in (self.data.get(section) or {}).items():
                choice = name if section == "choose" and len(chosen) > 1 else None
                plans.append(self.method((section, name), self.vocabulary.methods[name], knobs or {}, choice))
        return plans, [plan for section in self.vocabulary.sections for plan in self.shared(section)]

    def shared(self, section: str) -> list[KnobPlan]:
        """Return the plans of a section's knobs; one that can never be there has a single value."""
        given = self.data.get(section) or {}
        found: dict[str, KnobPlan] = {}
        for name, knob in self.vocabulary.sections[section].items():
            if knob.given is not None:
                other, words = knob.given
                values = found[other].domain
                if isinstance(values, Grid) and not set(words) & set(values.values):
                    knob = replace(knob, range=None)
            found[name] = self.knob(section, knob, given, [EVERYWHERE], (section,))
        return list(found.values())

    def method(
        self, path: tuple[str, ...], words: MethodWords, knobs: Mapping[str, Any], choice: str | None
    ) -> MethodPlan:
        present = self.bit(f"{words.name}.present") if knobs.get(OPTIONAL) else None
        own = "layers" in knobs
        layer_path = (*path, "layers") if own else ("layers",)
        bits, layers = layers_of(knobs["layers"] if own else self.data.get("layers", "all"))
        if words.placement == "model":
            bits, layers = False, [*WHOLE]
        layers = list(range(self.shape.layers)) if layers is None else self.inside(layer_path, layers)
        prefix = f"{words.name}.layer" if own else "layer"
        layer_bits = {layer: self.bit(f"{prefix}.{layer}") for layer in layers} if bits else {}
        role_bits, roles = self.roles(path, words, knobs)
        places = [Cell(layer, role) for layer in layers for role in roles]
        plans = [self.knob(words.name, knob, knobs, places, path) for knob in words.knobs if knob.kind != "roles"]
        return MethodPlan(
            words=words,
            choice=choice,
            present=present,
            shares_layers=bits and not own,
            layer_bits=layer_bits,
            role_bits=role_bits,
            knobs=tuple(sorted(plans, key=lambda plan: not plan.knob.gate)),
            places=tuple(Place(cell, layer_bits.get(cell.layer), role_bits.get(cell.role or "")) for cell in places),
        )

    def roles(
        self, path: tuple[str, ...], words: MethodWords, knobs: Mapping[str, Any]
    ) -> tuple[dict[str, str], list[str | None]]:
        if not words.has_roles:
            return {}, [None]
        knob = words.by_name["targets"]
        bits, names = targets_of(knobs.get("targets", knob.default))
        resolved = {name: self.shape.resolve(name) for name in names}
        where = f"{words.name}.targets"
        lacking = [name for name, role in resolved.items() if role is None]
        fused = [name for name, role in resolved.items() if role not in (None, name)]
        roles = [role for role in ROLES if role in resolved.values()]
        if lacking:
            self.warnings.append(f"{where}: the backbone has no {', '.join(lacking)}; left out")
        if fused:
            target = resolved[fused[0]]
            self.warnings.append(f"{where}: {', '.join(fused)} are one matrix here, {target}; it stands for them")
        if not roles:
            self.problem(
                (*path, "targets"),
                f"found {', '.join(names)}, but the backbone has only {', '.join(self.shape.roles)}",
            )
        return {role: self.bit(f"{where}.{role}") for role in roles} if bits else {}, list(roles)

    def knob(
        self,
        owner: str,
        knob: Knob,
        given: Mapping[str, Any],
        places: list[Cell],
        path: tuple[str, ...],
    ) -> KnobPlan:
        per, values = split_per(knob, given.get(knob.name, self.left_out(knob)))
        values_of = self.domain((*path, knob.name), knob, values)
        groups = self.groups(path, knob, per, places)
        self.above_matrix(f"{owner}.{knob.name}", knob, values_of, places)
        names = {cell: self.name(f"{owner}.{knob.name}", per, cell, values_of, groups) for cell in places}
        return KnobPlan(knob, values_of, names)

    def above_matrix(self, where: str, knob: Knob, values: Grid | Continuous, places: list[Cell]) -> None:
        """Warn of ranks that no matrix can have."""
        smallest = min(self.shape.hidden, self.shape.ffn)
        if knob.name == "rank" and knob.placed and isinstance(values, Grid) and places and places[0].role is not None:
            above = [value for value in values.values if value > smallest]
            if above:
                found = " to ".join(map(str, dict.fromkeys((above[0], above[-1]))))
                self.warnings.append(
                    f"{where}: {found} is above {smallest}, the smaller side of the matrices here; "
                    "such a rank adds parameters and nothing that they could express"
                )

    def left_out(self, knob: Knob) -> Any:
        """Return what a knob that the space does not mention is searched over."""
        everywhere = knob.name in (self.data.get("training") or {})
        return knob.default if knob.range is None or everywhere else knob.range

    def domain(self, path: tuple[str, ...], knob: Knob, values: Values) -> Grid | Continuous:
        try:
            return domain(knob, values, self.units)
        except GrammarError as error:
            sizes = f"hidden size {self.shape.hidden}, ffn size {self.shape.ffn}"
            self.problem(path, f"on this backbone ({sizes}) expected {error}")
            return Grid((0,), ordered=True)

    def groups(self, path: tuple[str, ...], knob: Knob, per: Per | None, places: list[Cell]) -> dict[int, int]:
        """Return the group of each layer that the method may take: adjacent layers, sizes as even as can be."""
        layers = sorted({cell.layer for cell in places})
        wanted = per.groups if per else 0
        if wanted > len(layers):
            where = f"{path[-1]}.{knob.name}"
            self.warnings.append(
                f"{where}: {wanted} layer groups over {len(layers)} layers; each is a group of its own"
            )
        count = min(wanted, len(layers))
        return {layer: index * count // len(layers) for index, layer in enumerate(layers)}

    def name(
        self, base: str, per: Per | None, cell: Cell, values: Grid | Continuous, groups: Mapping[int, int]
    ) -> str | None:
        if isinstance(values, Grid) and len(values.values) == 1:
            return None
        if per is None:
            name = base
        elif per.unit == "role":
            name = f"{base}.{cell.role}"
        elif per.unit == "layer":
            name = f"{base}.{cell.layer}"
        else:
            name = f"{base}.group{groups[cell.layer]}"
        if isinstance(values, Continuous):
            self.add(Parameter(name, None, low=values.low, high=values.high, log=values.log))
        else:
            shown = tuple(value if isinstance(value, int | float | str) else str(value) for value in values.values)
            self.add(Parameter(name, shown, ordered=values.ordered))
        return name

    def inside(self, path: tuple[str, ...], layers: list[int]) -> list[int]:
        beyond = [layer for layer in layers if layer >= self.shape.layers]
        if beyond:
            self.problem(path, f"found layer {beyond[-1]}, expected 0 to {self.shape.layers - 1}")
        return [layer for layer in layers if layer < self.shape.layers]

    def bit(self, name: str) -> str:
        self.add(Parameter(name, (0, 1)))
        return name

    def add(self, parameter: Parameter) -> None:
        self.parameters.setdefault(parameter.name, parameter)

    def problem(self, path: tuple[str, ...], message: str, item: int | None = None) -> None:
        mark = locate(self.lines, path if item is None else (*path, str(item)), self.source)
        self.problems.append(f"{mark}: {'.'.join(path)}: {message}")


def bind(
    name: str,
    data: Mapping[str, Any],
    vocabulary: Vocabulary,
    shape: BackboneShape,
    source: str,
    lines: Lines,
) -> BoundSpace:
    """Bind a checked space to a backbone.

    Raises:
        SpaceError: With everything this backbone cannot offer.
    """
    binder = _Binder(data, vocabulary, shape, source, lines)
    methods, shared = binder.bind()
    bound = bind_rules(data.get("constraints", ()), methods, shared, shape)
    for index, problem in bound.problems:
        binder.problem(("constraints",), problem, index)
    if binder.problems:
        raise SpaceError(binder.problems)
    return BoundSpace(
        name=name,
        vocabulary=vocabulary,
        shape=shape,
        parameters=tuple(binder.parameters.values()),
        warnings=(*binder.warnings, *bound.warnings),
        methods=tuple(methods),
        shared=tuple(shared),
        rules=tuple(bound.rules),
    )
