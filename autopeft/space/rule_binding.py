"""Binds the constraints of a space to a backbone, and says which of them do nothing there, or leave nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from autopeft.space.constraint_tree import Budget, KnobOf, Node, walk
from autopeft.space.constraints import parse_constraint
from autopeft.space.knob_plan import KnobPlan
from autopeft.space.placed import MethodPlan
from autopeft.space.rules import Rule, empty_comparisons, on_backbone
from autopeft.space.shape import BackboneShape
from autopeft.space.verdicts import Verdicts

__all__ = ["FORBIDS_ALL", "FORBIDS_NOTHING", "LEAVES_NOTHING", "BoundRules", "bind_rules"]

#: What is said of constraints by which nothing is decided.
FORBIDS_NOTHING = "it forbids nothing: all that the space has keeps it; leave it out, or narrow it"
FORBIDS_ALL = "nothing that the space has keeps it where it says something; all of that is forbidden"
LEAVES_NOTHING = "expected one that some configuration keeps: no value that the space has does"


@dataclass
class BoundRules:
    """The constraints of a space on a backbone.

    Args:
        rules: Those that configurations must keep; budgets are not among them.
        warnings: Those that say nothing there, in words.
        problems: Those that cannot be meant, each with its index among the constraints.
    """

    rules: list[Rule] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    problems: list[tuple[int, str]] = field(default_factory=list)


def bind_rules(
    texts: Sequence[str], methods: Sequence[MethodPlan], shared: Sequence[KnobPlan], shape: BackboneShape
) -> BoundRules:
    """Bind checked constraints to a backbone.

    Args:
        texts: All constraints of the space.
        methods: The methods of the space on the backbone.
        shared: Its knobs of training and of the data.
        shape: The backbone.
    """
    bound = BoundRules()
    words = {plan.words.name: plan.words for plan in methods}
    verdicts = Verdicts(methods, shared)
    places = {plan.words.name: [place.cell for place in plan.places] for plan in methods}
    for index, text in enumerate(texts):
        node = parse_constraint(text)
        if isinstance(node, Budget):
            continue
        beyond = [part for part in walk(node) if isinstance(part, KnobOf) and (part.layer or 0) >= shape.layers]
        if beyond:
            found = f"found layer {beyond[0].layer} in {text!r}"
            bound.problems.append((index, f"{found}, expected 0 to {shape.layers - 1}"))
            continue
        rule = Rule(text, on_backbone(node, words, shape))
        bound.rules.append(rule)
        reasons = _fused(node, shape)
        if empty_comparisons(rule.node, places):
            reasons.append(_why_empty(node, shape))
        else:
            verdict = verdicts.of(rule.node)
            if verdict == {False}:
                bound.problems.append((index, f"found {text!r}, {LEAVES_NOTHING}"))
            elif True not in verdict:
                reasons.append(FORBIDS_ALL)
            elif False not in verdict:
                reasons.append(FORBIDS_NOTHING)
        bound.warnings += [f"constraint {text!r}: {reason}" for reason in reasons]
    return bound


def _fused(node: Node, shape: BackboneShape) -> list[str]:
    roles = dict.fromkeys(part.role for part in walk(node) if isinstance(part, KnobOf) and part.role)
    fused = [role for role in roles if shape.resolve(role) not in (None, role)]
    if not fused:
        return []
    return [f"{', '.join(fused)} {'is' if len(fused) == 1 else 'are'} in one matrix here, {shape.resolve(fused[0])}"]


def _why_empty(node: Node, shape: BackboneShape) -> str:
    roles = dict.fromkeys(part.role for part in walk(node) if isinstance(part, KnobOf) and part.role)
    lacking = [role for role in roles if shape.resolve(role) is None]
    if lacking:
        return f"the backbone has no {', '.join(lacking)}; what compares it says nothing here"
    return "the methods have no place in common that it could compare; a comparison in it says nothing here"
