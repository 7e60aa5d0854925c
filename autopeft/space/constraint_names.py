"""Checks the names and kinds in a constraint against the methods of a space, before any backbone is known."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from autopeft.space.canonical import nearest
from autopeft.space.constraint_tree import Arithmetic, Comparison, KnobOf, Node, Number, Present, Word, walk
from autopeft.space.vocabulary import WORDY, Knob, MethodWords, Vocabulary

__all__ = ["constraint_faults"]


def constraint_faults(
    node: Node, vocabulary: Vocabulary, methods: Mapping[str, MethodWords], choose: Collection[str]
) -> list[str]:
    """Return what is wrong with a constraint, each as found and expected.

    Args:
        node: The constraint.
        vocabulary: All methods there are.
        methods: The methods of the space.
        choose: Those of them of which a configuration has exactly one.
    """
    return list(dict.fromkeys(_Names(vocabulary, methods, choose).faults(node)))


@dataclass
class _Names:
    vocabulary: Vocabulary
    methods: Mapping[str, MethodWords]
    choose: Collection[str]

    def faults(self, node: Node) -> list[str]:
        found: list[str] = []
        for part in walk(node):
            if isinstance(part, Present):
                found += self.method(part.method)
            elif isinstance(part, KnobOf):
                found += self.knob_of(part)
        return found or [fault for part in walk(node) if isinstance(part, Comparison) for fault in self.kinds(part)]

    def method(self, name: str) -> list[str]:
        if name in self.methods:
            return []
        if name in self.vocabulary.methods:
            return [f"found {name!r}, which is not in this space{nearest(name, self.methods)}"]
        return [f"found {name!r}, no such method{nearest(name, self.methods)}"]

    def knob_of(self, part: KnobOf) -> list[str]:
        shown = f"{part.method}.{part.knob}"
        if part.method in self.vocabulary.sections:
            known = list(self.vocabulary.sections[part.method])
            if part.knob not in known:
                return [f"found {shown!r}, no such knob{nearest(part.knob, known)}"]
            return [f"found a place for {shown!r}, expected none: it is the same everywhere"] if _placed(part) else []
        if part.method not in self.methods:
            return self.method(part.method)
        words = self.methods[part.method]
        known = [knob.name for knob in words.knobs if knob.kind != "roles"]
        if part.knob not in known:
            return [f"found {shown!r}, no such knob{nearest(part.knob, known)}"]
        if not _placed(part):
            return []
        if not words.by_name[part.knob].placed:
            return [f"found a place for {shown!r}, expected none: it is the same everywhere"]
        if words.placement == "model":
            return [f"found a place for {shown!r}, expected none: {part.method} is placed once in the whole model"]
        return self.role(part, words)

    def role(self, part: KnobOf, words: MethodWords) -> list[str]:
        if part.role is None:
            return []
        if not words.has_roles:
            return [f"found `of {part.role}`, expected `of layer 3`: {part.method} is placed layer by layer"]
        roles = words.by_name["targets"].choices
        return [] if part.role in roles else [f"found the role {part.role!r}{nearest(part.role, roles)}"]

    def kinds(self, part: Comparison) -> list[str]:
        """Return why two sides cannot be compared; all names are known to be right."""
        knobs = [below for below in walk(part) if isinstance(below, KnobOf)]
        if not knobs:
            return ["found a comparison without a knob, expected one such as `lora.rank <= 8`"]
        rivals = sorted({knob.method for knob in knobs} & set(self.choose))
        if len(rivals) > 1:
            return [f"found {' and '.join(rivals)} compared, expected methods that a configuration has together"]
        sides = (part.left, part.right)
        wordy = [side for side in sides if isinstance(side, KnobOf) and self.knob(side).kind in WORDY]
        inside = [below for side in sides if isinstance(side, Arithmetic) for below in walk(side)]
        for below in inside:
            if isinstance(below, Word):
                return [f"found {below.text!r} in a sum or product, expected a number or a knob"]
            if isinstance(below, KnobOf) and self.knob(below).kind in WORDY:
                return [f"found {below.method}.{below.knob} in a sum or product, expected a knob with numbers"]
        if wordy and part.sign not in ("==", "!="):
            return [f"found {part.sign!r} with {wordy[0].method}.{wordy[0].knob}, expected == or !="]
        return [fault for one, other in (sides, sides[::-1]) for fault in self.side(one, other)]

    def side(self, one: Node, other: Node) -> list[str]:
        """Return why `other` is no value of the knob `one`."""
        if not isinstance(one, KnobOf):
            return []
        knob = self.knob(one)
        shown = f"{one.method}.{one.knob}"
        if knob.kind not in WORDY:
            if isinstance(other, Word):
                return [f"found {other.text!r} beside {shown}, expected a number"]
            return []
        if isinstance(other, Word) and knob.kind == "name":
            return []
        choices = ("true", "false") if knob.kind == "bool" else knob.choices
        if isinstance(other, Word):
            return (
                [] if other.text in choices else [f"found {other.text!r} beside {shown}{nearest(other.text, choices)}"]
            )
        if isinstance(other, KnobOf) and self.knob(other).kind in WORDY:
            return []
        shown_other = other.text if isinstance(other, Number) else "a number"
        return [f"found {shown_other} beside {shown}, expected one of {', '.join(choices)}"]

    def knob(self, part: KnobOf) -> Knob:
        if part.method in self.vocabulary.sections:
            return self.vocabulary.sections[part.method][part.knob]
        return self.methods[part.method].by_name[part.knob]


def _placed(part: KnobOf) -> bool:
    return part.role is not None or part.layer is not None
