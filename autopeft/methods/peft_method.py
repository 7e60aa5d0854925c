"""Any PEFT tuner as a method: placed by roles and layers, its config's fields as knobs."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal

from peft import PeftConfig
from peft.mapping import PEFT_TYPE_TO_CONFIG_MAPPING, PEFT_TYPE_TO_TUNER_MAPPING
from torch import nn
from typing_extensions import override

from autopeft.backbones import Anatomy, Quantization, features
from autopeft.methods.method import Cells, Knobs, Method, learning_rate
from autopeft.methods.peft_fields import field_knobs
from autopeft.space.placement import Cell
from autopeft.space.shape import ROLES
from autopeft.space.vocabulary import Knob, MethodWords

__all__ = ["PeftMethod", "rank"]


def rank(range: str = "1..32 by x2", **settings: Any) -> Knob:
    """Return the knob `rank`, which gates a method and may differ from place to place.

    Args:
        range: What a space searches that leaves it out.
        settings: Further settings of the knob.
    """
    settings = {"help": "rank r", "placed": True, "relative": ("d", "f"), **settings}
    return Knob("rank", "int", low=1, gate=True, range=range, **settings)


class PeftMethod(Method):
    """A PEFT tuner that wraps matrices.

    Where knobs that PEFT keeps for a whole config differ from place to place, the places are put in as several
    configs.

    Args:
        name: Its name in spaces.
        peft_type: Its name in PEFT.
        summary: One line for people.
        source: The paper it comes from.
        knobs: Knobs of its own: the gate first, and others that need more than their field says.
        fields: The config field of each of these knobs, where the names differ.
        fixed: Fields with a value that is no knob.
        targets: Roles it adapts when nothing is said.
        rates: The learning rates a space searches when it names none.
        start: How its logits start, see `Method`.
        mergeable: Whether PEFT can merge it.
        joint: Whether parameters are shared among its places, or depend on all of them.
        alone: Whether a matrix that it adapts can have no other method.
        count: Trainable parameters of one matrix from knobs, inputs and outputs (None where PEFT will refuse),
            where PEFT cannot build it on the meta device.
        shared: Trainable parameters of all places together from the knobs, where they share all.
        excludes: Methods that cannot share a backbone with it.
        quantizations: See `Method`.
        compressible: See `Method`.
        prunable: See `Method`.
        order: See `Method`.
    """

    def __init__(
        self,
        name: str,
        peft_type: str,
        summary: str,
        source: str,
        *,
        knobs: Sequence[Knob] = (),
        fields: Mapping[str, str] | None = None,
        fixed: Mapping[str, Any] | None = None,
        targets: tuple[str, ...] = ("q", "v"),
        rates: str = "1e-4..1e-2 log",
        start: Literal["exact", "close", "differs"] = "exact",
        mergeable: bool = True,
        joint: bool = False,
        alone: bool = True,
        count: Callable[[Knobs, int, int], int | None] | None = None,
        shared: Callable[[Knobs], int] | None = None,
        excludes: Sequence[str] = (),
        quantizations: tuple[Quantization, ...] = (),
        compressible: bool = True,
        prunable: bool = True,
        order: int = 0,
    ) -> None:
        self.peft_type = peft_type
        self._config: type[PeftConfig] = PEFT_TYPE_TO_CONFIG_MAPPING[peft_type]
        self._field_names = {field.name for field in dataclasses.fields(self._config)}
        self._fields = {knob.name: knob.name for knob in knobs} | dict(fields or {})
        self._fixed = dict(fixed or {})
        taken = (*self._fields.values(), *self._fixed)
        self.words = MethodWords(
            name=name,
            summary=summary,
            source=source,
            knobs=(
                *knobs,
                Knob("targets", "roles", "the matrices it adapts", default=targets, choices=ROLES),
                *field_knobs(self._config, taken),
                learning_rate(rates),
            ),
            excludes=frozenset(excludes),
            alone=alone,
        )
        self._plain = {
            knob.name: self._fields.get(knob.name, knob.name)
            for knob in self.words.knobs
            if knob.name not in ("targets", "learning_rate")
        }
        self.layer_class = PEFT_TYPE_TO_TUNER_MAPPING[peft_type].tuner_layer_cls
        self.start = start
        self.compressible = compressible
        self.prunable = prunable
        self.mergeable = mergeable
        self.joint = joint
        self._count = count
        self._shared = shared
        # What all places share is in no layer.
        self.in_layers = shared is None
        self.quantizations = quantizations
        self.order = order

    @override
    def modules(self, cell: Cell, knobs: Knobs, anatomy: Anatomy) -> tuple[str, ...]:
        """Return the one matrix of the cell's role."""
        assert cell.role is not None
        return (anatomy.module(cell.layer, cell.role),)

    @override
    def parts(self, cells: Cells) -> list[Cells]:
        """Return the places by the values of their knobs."""
        groups: dict[tuple[Any, ...], dict[Cell, Knobs]] = {}
        for cell, knobs in cells.items():
            groups.setdefault(tuple(knobs[name] for name in self._plain), {})[cell] = knobs
        return list(groups.values())

    @override
    def peft_config(self, cells: Cells, anatomy: Anatomy) -> PeftConfig:
        """Return a config over full module names."""
        knobs = next(iter(cells.values()))
        fields = {field: knobs[name] for name, field in self._plain.items() if knobs[name] is not None}
        if "fan_in_fan_out" in self._field_names:
            fields["fan_in_fan_out"] = anatomy.transposed
        names = sorted(name for cell, knobs in cells.items() for name in self.modules(cell, knobs, anatomy))
        return self._config(target_modules=names, **fields, **self._fixed)

    @override
    def count(self, knobs: Knobs, module: nn.Module) -> int | None:
        """Return what the method's own formula says, if it has one."""
        return None if self._count is None else self._count(knobs, *features(module))

    @override
    def shared_count(self, knobs: Knobs) -> int | None:
        """Return what the method's own formula says, if it has one."""
        return None if self._shared is None else self._shared(knobs)
