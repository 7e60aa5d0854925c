"""From what a person writes to a configuration's one canonical form."""

from __future__ import annotations

from collections.abc import Mapping
from difflib import get_close_matches
from typing import Any

from autopeft.errors import ConfigurationError, one_line
from autopeft.space.configuration import Configuration
from autopeft.space.placement import WHOLE, Cell, assemble, is_key, look_up, parse_layers, rename_role, specificity
from autopeft.space.quantity import check_value, settle
from autopeft.space.shape import ROLES, BackboneShape
from autopeft.space.vocabulary import Knob, MethodWords, Vocabulary
from autopeft.space.words import layers_in_words

__all__ = ["build", "canonical", "matters", "nearest"]


def canonical(data: Mapping[str, Any], vocabulary: Vocabulary, shape: BackboneShape) -> Configuration:
    """Check a configuration against a backbone and bring it into canonical form.

    `layers` may be left out or `all` (every layer), sizes may be relative (`d/8`, `2r`), placed knobs may be
    mappings with keys such as `0`, `0-5`, `q`, `0.q`.

    Raises:
        ConfigurationError: Listing every fault at once.
    """
    if not isinstance(data, Mapping):
        raise ConfigurationError(f"found {data!r}, expected a mapping with `modules` and `training`")
    faults: list[str] = []
    _unknown("", data, ("modules", *vocabulary.sections), faults)
    modules = data.get("modules") or {}
    placed: dict[str, dict[Cell, dict[str, Any]]] = {}
    if not isinstance(modules, Mapping):
        faults.append(f"modules: found {modules!r}, expected a mapping from methods to their knobs")
        modules = {}
    for name, knobs in modules.items():
        if name not in vocabulary.methods:
            faults.append(f"modules.{name}: no such method{nearest(name, vocabulary.methods)}")
        elif not isinstance(knobs, Mapping):
            faults.append(f"modules.{name}: found {knobs!r}, expected a mapping of knobs")
        else:
            placed[name] = _places(vocabulary.methods[name], knobs, shape, faults)
    for name in placed:
        for other in sorted(vocabulary.methods[name].excluded(placed)):
            faults.append(f"modules: {name} and {other} cannot share a backbone; leave one out")
    faults += _stacked(placed, vocabulary)
    settled: dict[str, Any] = {}
    for section, known in vocabulary.sections.items():
        settled |= _shared(section, data.get(section) or {}, known, shape, faults)
    faults += _excluded(placed, settled, vocabulary)
    if faults:
        raise ConfigurationError("\n".join(map(one_line, faults)))
    return build(placed, settled, vocabulary)


def build(
    placed: Mapping[str, Mapping[Cell, Mapping[str, Any]]],
    shared: Mapping[str, Any],
    vocabulary: Vocabulary,
) -> Configuration:
    """Write places and the knobs of all sections as a canonical configuration; without any place it is head only.

    A knob that does not matter is left out, and so is the default of one that is unsaid; the section `data` too, where
    nothing is said of it.
    """
    modules = {name: assemble(vocabulary.methods[name], places) for name, places in placed.items() if places}
    said = {
        name: shared[name]
        for name in matters(modules, shared, vocabulary)
        if not vocabulary.shared[name].unsaid or shared[name] != vocabulary.shared[name].default
    }
    sections = {
        section: {name: value for name, value in said.items() if name in known}
        for section, known in vocabulary.sections.items()
    }
    kept = {section: knobs for section, knobs in sections.items() if knobs or section == "training"}
    return Configuration.from_dict({"modules": modules, **kept})


def matters(modules: Mapping[str, Mapping[str, Any]], shared: Mapping[str, Any], vocabulary: Vocabulary) -> list[str]:
    """Return which knobs of the sections matter: those that not every method has of its own, and whose words are there.

    Beside methods that one excludes it has its default, whatever is given.
    """
    if not modules:
        return []
    known = vocabulary.shared
    barred = {name for name in shared if known[name].excludes and not modules.keys().isdisjoint(known[name].excludes)}
    free = {name: value for name, value in shared.items() if name not in barred} if barred else shared
    own = set.intersection(*(set(knobs) for knobs in modules.values()))
    # Asked of most of the knobs for every point that a search looks at.
    return [name for name in free if name not in own and (known[name].given is None or known[name].there(free))]


def nearest(name: Any, known: Any) -> str:
    """Return `; did you mean ...?` with the nearest known name, or what is known."""
    close = get_close_matches(str(name), list(known), n=1)
    return f"; did you mean {close[0]!r}?" if close else f"; expected one of {', '.join(known)}"


def _places(
    words: MethodWords, knobs: Mapping[str, Any], shape: BackboneShape, faults: list[str]
) -> dict[Cell, dict[str, Any]]:
    where = f"modules.{words.name}"
    before = len(faults)
    places_layers = () if words.placement == "model" else ("layers",)
    _unknown(f"{where}.", knobs, (*places_layers, *words.by_name), faults)
    layers = [*WHOLE]
    if words.placement != "model":
        layers = _layers(where, knobs.get("layers", "all"), shape, faults)
    roles = _roles(where, words, knobs, shape, faults)
    places: dict[Cell, dict[str, Any]] = {}
    for knob in words.knobs:
        if knob.kind != "roles" and knob.name not in knobs and knob.required:
            faults.append(f"{where}.{knob.name}: missing, expected {_kind(knob)}")
        _check_keys(f"{where}.{knob.name}", knob, knobs.get(knob.name), faults)
    if len(faults) > before:
        return {}
    everywhere = [Cell(layer, role) for layer in layers for role in roles]
    knobs = {
        name: _match_keys(f"{where}.{name}", value, everywhere, shape, faults) if isinstance(value, Mapping) else value
        for name, value in knobs.items()
    }
    units = dict(shape.units)
    ordered = sorted((knob for knob in words.knobs if knob.kind != "roles"), key=lambda knob: not knob.gate)
    for cell in everywhere:
        values: dict[str, Any] = {}
        for knob in ordered:
            written = knobs.get(knob.name, knob.default)
            if isinstance(written, Mapping):
                found = look_up(written, cell)
                written = 0 if found is None and knob.gate else knob.default if found is None else found
            value = settle(knob, written, units)
            expected = _kind(knob) if value is None else check_value(knob, value)
            if expected and not (written is None and knob.optional):
                fault = f"{where}.{knob.name}: found {written!r}, expected {expected}"
                if fault not in faults:
                    faults.append(fault)
                break
            if knob.gate:
                if value == 0:
                    break
                units = units | {"r": value}
            values[knob.name] = value
        else:
            places[cell] = values
    return places


def _stacked(placed: Mapping[str, Mapping[Cell, Any]], vocabulary: Vocabulary) -> list[str]:
    """Say which methods adapt the same matrix though one of them must be alone there."""
    names = [name for name in placed if vocabulary.methods[name].has_roles]
    faults = []
    for index, name in enumerate(names):
        for other in names[index + 1 :]:
            same = sorted(placed[name].keys() & placed[other].keys())
            if same and (vocabulary.methods[name].alone or vocabulary.methods[other].alone):
                where = f"{same[0].role} of layer {same[0].layer}"
                faults.append(f"modules: {name} and {other} cannot both adapt {where}; give them disjoint targets")
    return faults


def _excluded(placed: Mapping[str, Any], shared: Mapping[str, Any], vocabulary: Vocabulary) -> list[str]:
    """Say which values of knobs of the sections cannot be beside which methods."""
    return [
        f"{section}.{name}: found {shared[name]} with {method}, beside which it can only be {knob.default}"
        for section, known in vocabulary.sections.items()
        for name, knob in known.items()
        for method in sorted(placed.keys() & set(knob.excludes))
        if shared[name] != knob.default
    ]


def _layers(where: str, value: Any, shape: BackboneShape, faults: list[str]) -> list[int]:
    if value == "all":
        return list(range(shape.layers))
    items = value if isinstance(value, list | tuple) else str(value).split(",")
    found: set[int] = set()
    for item in items:
        layers = None if isinstance(item, bool) else parse_layers(str(item))
        if layers is None:
            faults.append(f"{where}.layers: found {item!r}, expected `all` or layers such as [0, 1] or 0-5")
            return []
        found.update(layers)
    beyond = sorted(layer for layer in found if layer >= shape.layers)
    if beyond:
        faults.append(
            f"{where}.layers: found layer {beyond[-1]}, expected 0 to {shape.layers - 1}: "
            f"the backbone has {shape.layers} layers"
        )
    return sorted(found)


def _roles(
    where: str, words: MethodWords, knobs: Mapping[str, Any], shape: BackboneShape, faults: list[str]
) -> list[str | None]:
    if not words.has_roles:
        return [None]
    knob = words.by_name["targets"]
    value = knobs.get("targets", knob.default)
    items = value.split(",") if isinstance(value, str) else value
    if not isinstance(items, list | tuple):
        faults.append(f"{where}.targets: found {value!r}, expected a list of {', '.join(knob.choices)}")
        return []
    found: set[str] = set()
    for item in (str(item).strip() for item in items):
        role = shape.resolve(item)
        if item not in knob.choices:
            faults.append(f"{where}.targets: found {item!r}{nearest(item, knob.choices)}")
        elif role is None:
            faults.append(f"{where}.targets: the backbone has no {item!r}; expected some of {', '.join(shape.roles)}")
        else:
            found.add(role)
    return [role for role in ROLES if role in found]


def _shared(
    section: str, given: Any, known: Mapping[str, Knob], shape: BackboneShape, faults: list[str]
) -> dict[str, Any]:
    if not isinstance(given, Mapping):
        faults.append(f"{section}: found {given!r}, expected a mapping")
        return {name: knob.default for name, knob in known.items()}
    _unknown(f"{section}.", given, tuple(known), faults)
    settled: dict[str, Any] = {}
    for name, knob in known.items():
        written = given.get(name, knob.default)
        value = settle(knob, written, shape.units)
        expected = _kind(knob) if value is None else check_value(knob, value)
        if expected:
            faults.append(f"{section}.{name}: found {written!r}, expected {expected}")
        settled[name] = value
    for name, knob in known.items():
        if name in given and knob.given is not None and not knob.there(settled):
            other, words = knob.given
            faults.append(
                f"{section}.{name}: found {given[name]!r} with {other} {settled[other]}, where there is no such "
                f"knob; expected {other} {' or '.join(words)} beside it"
            )
    return settled


def _check_keys(where: str, knob: Knob, value: Any, faults: list[str]) -> None:
    if not isinstance(value, Mapping):
        return
    if not knob.placed:
        faults.append(f"{where}: found a mapping, expected one value: it cannot differ from place to place")
        return
    for key in value:
        if not is_key(key):
            faults.append(f"{where}: found the key {key!r}, expected a layer, a role or both: 0, 0-5, q, 0.q")


def _match_keys(
    where: str, value: Mapping[Any, Any], everywhere: list[Cell], shape: BackboneShape, faults: list[str]
) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, item in value.items():
        name = rename_role(key, shape)
        if found.setdefault(name, item) != item:
            faults.append(f"{where}: found {item!r} for {key!r}, expected {found[name]!r}: both keys are {name} here")
        if everywhere and not any(specificity(name, cell) for cell in everywhere):
            roles = [role for role in dict.fromkeys(cell.role for cell in everywhere) if role]
            layers = layers_in_words(sorted({cell.layer for cell in everywhere}))
            expected = f"layers {layers}" + (f" and targets {', '.join(roles)}" if roles else "")
            faults.append(f"{where}: found the key {key!r}, where the method is not; expected {expected}")
    return found


def _unknown(where: str, data: Mapping[str, Any], known: tuple[str, ...], faults: list[str]) -> None:
    for key in data:
        if key not in known:
            faults.append(f"{where}{key}: no such key{nearest(key, known)}")


def _kind(knob: Knob) -> str:
    if knob.kind == "choice":
        return f"one of {', '.join(knob.choices)}"
    if knob.kind == "bool":
        return "true or false"
    if knob.kind == "name":
        return "a name"
    if knob.kind == "text":
        return "a text"
    units = "".join(f" or a multiple such as 2{unit}" for unit in knob.relative[:1])
    off = " or off" if knob.gate else ""
    return f"{'a whole number' if knob.kind == 'int' else 'a number'}{units}{off}"
