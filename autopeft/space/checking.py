"""Checks a space against the vocabulary, before any backbone is known; collects all faults."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from autopeft.space.canonical import nearest
from autopeft.space.constraint_names import constraint_faults
from autopeft.space.constraints import parse_constraint
from autopeft.space.document import KEYS, OPTIONAL, Lines, Mark, locate
from autopeft.space.domains import Continuous, Grid, domain
from autopeft.space.grammar import GrammarError, Per, Subset, Values, parse_per, parse_values, whole_texts
from autopeft.space.placement import parse_layers
from autopeft.space.shape import units_of
from autopeft.space.vocabulary import Knob, MethodWords, Vocabulary

__all__ = ["check_space", "layers_of", "split_per", "targets_of"]

_ROLE = re.compile(r"\s*[a-z]+\s*")
_NAME = re.compile(r"[\w.-]+")
_OFF = re.compile(r"\boff\b")
#: What a value may be `per`, by the placement of its method; and that placement in words.
_UNITS = {"role": ("layer", "role", "group"), "layer": ("layer", "group"), "model": ()}
_PLACED = {"role": "role by role", "layer": "layer by layer", "model": "once in the whole model"}
_WITHOUT = f"`{{{OPTIONAL}: true}}` is for a method that configurations may be without"
#: Relative values are right here when they are right on some backbone; binding looks at the real one.
_SOME_SIZES = tuple(units_of(size, 4 * size) for size in (64, 8192, 768))


class _Checker:
    def __init__(self, vocabulary: Vocabulary, source: str, lines: Lines) -> None:
        self.vocabulary, self.source, self.lines = vocabulary, source, lines
        self.faults: list[tuple[Mark, str]] = []

    def fault(self, path: tuple[str, ...], message: str, item: int | None = None) -> None:
        mark = locate(self.lines, path if item is None else (*path, str(item)), self.source)
        self.faults.append((mark, f"{mark}: {'.'.join(path)}: {message}"))

    def mapping(self, path: tuple[str, ...], value: Any) -> Mapping[Any, Any]:
        if value is None:
            return {}
        if not isinstance(value, Mapping):
            self.fault(path, f"found {value!r}, expected a mapping")
            return {}
        return value

    def keys(self, path: tuple[str, ...], value: Mapping[Any, Any], known: Any) -> None:
        for key in value:
            if key not in known:
                self.fault((*path, str(key)), f"no such key{nearest(key, known)}")

    def space(self, data: Mapping[str, Any]) -> None:
        self.keys((), data, (*KEYS, "extends"))
        name = data.get("name")
        if name is not None and not (isinstance(name, str) and _NAME.fullmatch(name)):
            self.fault(("name",), f"found {name!r}, expected a name of letters, digits, `-`, `_` and `.`")
        if not data.get("modules") and not data.get("choose"):
            self.fault(("modules",), "missing, expected `modules` or `choose` with at least one method")
        self.layers(("layers",), data.get("layers", "all"))
        modules, choose = (
            self.section(section, self.mapping((section,), data.get(section))) for section in ("modules", "choose")
        )
        self.together(modules, choose, data)
        for section, known in self.vocabulary.sections.items():
            given = self.mapping((section,), data.get(section))
            self.keys((section,), given, known)
            for name, knob in known.items():
                if name in given:
                    path = (section, name)
                    self.values(path, knob, given[name])
                    self.there(path, knob, given)
                    self.beside(path, knob, given[name], modules, choose)
        self.constraints(data.get("constraints"), modules, choose)

    def section(self, section: str, methods: Mapping[Any, Any]) -> list[str]:
        known = []
        for name, knobs in methods.items():
            if name not in self.vocabulary.methods:
                self.fault((section, str(name)), f"no such method{nearest(name, self.vocabulary.methods)}")
            else:
                known.append(name)
                if isinstance(knobs, bool | str):
                    self.fault((section, name), f"found {knobs!r}, expected a mapping of knobs; {_WITHOUT}")
                    continue
                given = self.mapping((section, name), knobs)
                if knobs is None or isinstance(knobs, Mapping):
                    self.method((section, name), self.vocabulary.methods[name], given)
        return known

    def together(self, modules: list[str], choose: list[str], data: Mapping[str, Any]) -> None:
        for name in choose:
            if name in modules:
                self.fault(("choose", name), "stands in `modules` too; keep one")
        pairs = [("modules", name, other) for index, name in enumerate(modules) for other in modules[index + 1 :]]
        pairs += [("choose", name, other) for name in modules for other in choose]
        words = self.vocabulary.methods
        for section, name, other in pairs:
            if words[name].excluded([other]) or words[other].excluded([name]):
                self.fault((section, other), f"cannot share a backbone with {name}; put both under `choose`")
            elif words[name].alone or words[other].alone:
                shared = self.roles(words[name], data["modules"]) & self.roles(words[other], data[section])
                if shared:
                    self.fault(
                        (section, other),
                        f"would adapt the same matrices as {name} ({', '.join(sorted(shared))}), which cannot be "
                        "stacked; give them disjoint targets, or put both under `choose`",
                    )

    def roles(self, words: MethodWords, methods: Mapping[Any, Any]) -> set[str]:
        """Return the roles a method may adapt; none when it is not placed by role or its targets are wrong."""
        if not words.has_roles:
            return set()
        knobs = methods[words.name]
        given = knobs.get("targets") if isinstance(knobs, Mapping) else None
        try:
            return set(targets_of(words.by_name["targets"].default if given is None else given)[1])
        except GrammarError:
            return set()

    def method(self, path: tuple[str, ...], words: MethodWords, knobs: Mapping[Any, Any]) -> None:
        places_layers = () if words.placement == "model" else ("layers",)
        self.keys(path, knobs, (*places_layers, OPTIONAL, *words.by_name))
        if OPTIONAL in knobs:
            self.optional(path, words, knobs)
        if "layers" in knobs:
            self.layers((*path, "layers"), knobs["layers"])
        for knob in words.knobs:
            here = (*path, knob.name)
            if knob.name not in knobs:
                if knob.required and knob.range is None:
                    self.fault(path, f"{knob.name} is missing; it has no default")
            elif knob.kind == "roles":
                self.targets(here, knob, knobs[knob.name])
            else:
                self.values(here, knob, knobs[knob.name], words)

    def optional(self, path: tuple[str, ...], words: MethodWords, knobs: Mapping[Any, Any]) -> None:
        here, written = (*path, OPTIONAL), knobs[OPTIONAL]
        if not isinstance(written, bool):
            self.fault(here, f"found {written!r}, expected true or false")
        elif written and path[0] == "choose":
            self.fault(here, "found true, but of `choose` a configuration has exactly one; put it under `modules`")
        elif written and words.gate is not None and self.may_be_off(words.gate, knobs):
            self.fault(here, f"found true beside `off` of {words.gate.name}, which says the same; keep one")

    def may_be_off(self, gate: Knob, knobs: Mapping[Any, Any]) -> bool:
        written = knobs.get(gate.name, gate.default if gate.range is None else gate.range)
        try:
            found = _on_some_backbone(gate, split_per(gate, written)[1])
        except GrammarError:
            # Said of the knob.
            return False
        return isinstance(found, Grid) and 0 in found.values

    def values(self, path: tuple[str, ...], knob: Knob, written: Any, words: MethodWords | None = None) -> None:
        try:
            per, values = split_per(knob, written)
            if per is not None and not knob.placed:
                raise GrammarError("no `per`: this knob is the same everywhere")
            if per is not None and words is not None and per.unit not in _UNITS[words.placement]:
                raise GrammarError(f"`per` in another way: {words.name} is placed {_PLACED[words.placement]}")
            if _on_some_backbone(knob, values) == Grid((0,), ordered=True) and knob.gate:
                raise GrammarError("a value beside `off`, or the method left out")
        except GrammarError as error:
            hint = f"; {_WITHOUT}" if words is not None and not knob.gate and _says_off(written) else ""
            self.fault(path, f"found {written!r}, expected {error}{hint}")

    def beside(self, path: tuple[str, str], knob: Knob, written: Any, modules: list[str], choose: list[str]) -> None:
        """Look whether a knob of a section has only values that it cannot have beside any configuration's methods."""
        barred = sorted(set(knob.excludes) & set(modules))
        if not barred and choose and set(knob.excludes) >= set(choose):
            barred = choose
        try:
            found = _on_some_backbone(knob, split_per(knob, written)[1]) if barred else None
        except GrammarError:
            # Said already.
            return
        if isinstance(found, Grid) and set(found.values) != {knob.default}:
            self.fault(path, f"found {written!r}, expected {knob.default}: {barred[0]} excludes others")

    def there(self, path: tuple[str, str], knob: Knob, given: Mapping[Any, Any]) -> None:
        """Look whether a knob of a section that is there with words of another one can ever be."""
        if knob.given is None:
            return
        other, words = knob.given
        beside = self.vocabulary.shared[other]
        try:
            found = _on_some_backbone(beside, split_per(beside, given.get(other, beside.default))[1])
        except GrammarError:
            # Said of that one.
            return
        if isinstance(found, Grid) and not set(words) & set(found.values):
            wanted = f"{other} {' or '.join(words)}"
            self.fault(path, f"is there only with {wanted}; expected that beside it")

    def layers(self, path: tuple[str, ...], written: Any) -> None:
        try:
            layers_of(written)
        except GrammarError as error:
            self.fault(path, f"found {written!r}, expected {error}")

    def targets(self, path: tuple[str, ...], knob: Knob, written: Any) -> None:
        try:
            _, names = targets_of(written)
        except GrammarError as error:
            self.fault(path, f"found {written!r}, expected {error}")
            return
        for name in names:
            if name not in knob.choices:
                self.fault(path, f"found {name!r}{nearest(name, knob.choices)}")

    def constraints(self, written: Any, modules: list[str], choose: list[str]) -> None:
        if written is None:
            return
        if not isinstance(written, list):
            self.fault(("constraints",), f"found {written!r}, expected a list such as ['params <= 1%']")
            return
        methods = {name: self.vocabulary.methods[name] for name in (*modules, *choose)}
        for index, text in enumerate(written):
            if not isinstance(text, str):
                self.fault(("constraints",), f"found {text!r}, expected a text such as 'params <= 1%'", index)
                continue
            try:
                faults = constraint_faults(parse_constraint(text), self.vocabulary, methods, choose)
            except GrammarError as error:
                self.fault(("constraints",), f"found {text!r}, expected {error}", index)
                continue
            for fault in faults:
                self.fault(("constraints",), f"in {text!r} {fault}", index)


def check_space(data: Mapping[str, Any], vocabulary: Vocabulary, source: str, lines: Lines) -> list[str]:
    """Return all faults of a space's data in the order of the file, one line each; inherited ones last."""
    checker = _Checker(vocabulary, source, lines)
    checker.space(data)
    in_order = sorted(checker.faults, key=lambda fault: (fault[0].source != source, fault[0]))
    return [message for _, message in in_order]


def _on_some_backbone(knob: Knob, values: Values) -> Grid | Continuous:
    for sizes in _SOME_SIZES[:-1]:
        try:
            return domain(knob, values, sizes)
        except GrammarError:
            continue
    return domain(knob, values, _SOME_SIZES[-1])


def _says_off(written: Any) -> bool:
    return written is False or (isinstance(written, str) and bool(_OFF.search(written)))


def split_per(knob: Knob, written: Any) -> tuple[Per | None, Values]:
    """Read the values of a knob, given plainly or as `{per: ..., values: ...}`.

    Raises:
        GrammarError: Saying what was expected.
    """
    if knob.kind == "text":
        return None, whole_texts(written)
    if not isinstance(written, Mapping):
        return None, parse_values(written)
    if set(written) != {"per", "values"}:
        raise GrammarError("values, or a mapping with exactly `per` and `values`")
    return parse_per(written["per"]), parse_values(written["values"])


def layers_of(written: Any) -> tuple[bool, list[int] | None]:
    """Read `layers`: whether each has its bit, and which layers are meant (None: all).

    Raises:
        GrammarError: Saying what was expected.
    """
    if written in ("all", "subset"):
        return written == "subset", None
    among = isinstance(written, str) and written.startswith("subset of")
    items = written.removeprefix("subset of").split(",") if among else written
    items = items if isinstance(items, list) else str(items).split(",")
    found: set[int] = set()
    for item in items:
        layers = None if isinstance(item, bool) else parse_layers(str(item))
        if layers is None:
            raise GrammarError("`all`, `subset`, `subset of 0-5`, or layers such as [0, 1, 2] or 0-5")
        found.update(layers)
    if not found:
        raise GrammarError("at least one layer")
    return among, sorted(found)


def targets_of(written: Any) -> tuple[bool, tuple[str, ...]]:
    """Read `targets`: whether each role has its bit, and the roles.

    Raises:
        GrammarError: Saying what was expected.
    """
    if isinstance(written, str) and written.startswith("subset of"):
        choices = parse_values(written).choices
        if len(choices) == 1 and isinstance(choices[0], Subset):
            return True, choices[0].names
    names = written.split(",") if isinstance(written, str) else written
    if not isinstance(names, list | tuple) or not names or not all(_ROLE.fullmatch(str(name)) for name in names):
        raise GrammarError("`subset of q, v` or a list of roles such as [q, v]")
    return False, tuple(str(name).strip() for name in names)
