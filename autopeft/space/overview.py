"""What varies in a space on a backbone, in words: each knob, its values, and when it matters."""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import groupby

from autopeft.space.bound import BoundSpace
from autopeft.space.placed import MethodPlan
from autopeft.space.shape import ROLES
from autopeft.space.words import layers_in_words

__all__ = ["KnobLine", "knob_lines", "places_in_words", "shortened"]

_INDEXED = re.compile(rf"(?P<stem>.+\.)(?P<kind>group)?(?P<index>\d+|{'|'.join(ROLES)})")


@dataclass(frozen=True)
class KnobLine:
    """One parameter of a space, or several that differ by place only.

    Args:
        name: Its name, e.g. `lora.rank.group0`, or `lora.rank.group0-3` for several.
        values: The values it takes, in words.
        when: The condition under which it matters; empty when it always does.
    """

    name: str
    values: str
    when: str


def knob_lines(space: BoundSpace) -> list[KnobLine]:
    """Return a line for each parameter of a space."""
    bits = {bit for method in space.methods for bit in method.bits}
    return [
        KnobLine(
            parameter.name,
            "off | on" if parameter.name in bits else parameter.describe(),
            _when(space, parameter.name),
        )
        for parameter in space.parameters
    ]


def shortened(lines: list[KnobLine]) -> list[KnobLine]:
    """Return the lines with those of the same knob at other places, alike otherwise, as one."""
    found = []
    for _, group in groupby(lines, key=lambda line: (_stem(line.name), line.values, line.when)):
        alike = list(group)
        matches = [_INDEXED.fullmatch(line.name) for line in alike]
        first = matches[0]
        if len(alike) == 1 or first is None:
            found += alike
            continue
        indices = [match["index"] for match in matches if match]
        run = layers_in_words([int(index) for index in indices]) if indices[0].isdecimal() else ",".join(indices)
        found.append(KnobLine(f"{first['stem']}{first['kind'] or ''}{run}", alike[0].values, alike[0].when))
    return found


def places_in_words(space: BoundSpace) -> dict[str, str]:
    """Say for each method which layers and roles of the backbone it may take."""
    found = {}
    for method in space.methods:
        layers = sorted({place.cell.layer for place in method.places})
        roles = dict.fromkeys(place.cell.role for place in method.places if place.cell.role)
        where = "the whole model" if layers == [-1] else f"layers {layers_in_words(layers)}"
        found[method.words.name] = where + (f": {', '.join(roles)}" if roles else "")
    return found


def _stem(name: str) -> str:
    match = _INDEXED.fullmatch(name)
    return match["stem"] + (match["kind"] or "") if match else name


def _when(space: BoundSpace, name: str) -> str:
    varied = {plan.knob.name for plan in space.shared if any(plan.names.values())}
    for shared in space.shared:
        given = shared.knob.given
        if name in shared.names.values() and given is not None and given[0] in varied:
            return f"{given[0]} is {' or '.join(given[1])}"
    # Layer bits that modules share belong to none of them.
    owners = [method for method in space.methods if name in method.names]
    if len(owners) != 1 or (owners[0].shares_layers and name in owners[0].layer_bits.values()):
        return ""
    (method,) = owners
    parts = [f"choose is {method.choice}"] if method.choice else []
    parts += [f"{method.present} is on"] if method.present not in (None, name) else []
    plan = next((plan for plan in method.knobs if name in plan.names.values()), None)
    if plan is not None:
        parts += _open(method)
        if not plan.knob.gate and method.gate is not None and method.gate.off is not None:
            parts.append(f"{method.words.name}.{method.gate.knob.name} is not off")
    return " and ".join(parts)


def _open(method: MethodPlan) -> list[str]:
    bits = [word for word, there in (("layer", method.layer_bits), ("role", method.role_bits)) if there]
    return [f"its {' and '.join(bits)} {'are' if len(bits) > 1 else 'is'} on"] if bits else []
