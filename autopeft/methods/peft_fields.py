"""Knobs read off a PEFT config class: every field that is a plain number, truth value or choice."""

from __future__ import annotations

import dataclasses
import types
import typing
from collections.abc import Iterable
from typing import Any, Literal, Union

from peft import PeftConfig

from autopeft.space.vocabulary import Knob

__all__ = ["field_knobs"]

#: Fields that say where or from where, which is not for a space to say, and seeds and starts that only tests change.
_NOT_KNOBS = frozenset(f.name for f in dataclasses.fields(PeftConfig)) | {
    "fan_in_fan_out",
    "bias",
    "save_projection",
    "megatron_core",
    "progressbar",
    "random_seed",
    "projection_prng_key",
    "projection_seed",
    "proj_seed",
    "init_weights",
    "init_ia3_weights",
}


def field_knobs(config: type[PeftConfig], leave_out: Iterable[str] = ()) -> tuple[Knob, ...]:
    """Return a knob for every plain field of a PEFT config class, with the class's default and help.

    Args:
        config: The config class.
        leave_out: Fields that have a knob already, or a fixed value.
    """
    hints = typing.get_type_hints(config)
    unwanted = _NOT_KNOBS | set(leave_out)
    knobs = (
        _knob(field, hints[field.name])
        for field in dataclasses.fields(config)
        if field.name not in unwanted and field.default is not dataclasses.MISSING
    )
    return tuple(knob for knob in knobs if knob is not None)


def _knob(field: dataclasses.Field[Any], hint: Any) -> Knob | None:
    options = set(typing.get_args(hint)) if typing.get_origin(hint) in (Union, types.UnionType) else {hint}
    optional = type(None) in options
    options.discard(type(None))
    words = [word for option in options if typing.get_origin(option) is Literal for word in typing.get_args(option)]
    text = str(field.metadata.get("help", field.name))
    common: dict[str, Any] = {"help": text.split(". ")[0].strip(), "optional": optional, "default": field.default}
    if field.default is None and not optional:
        return None
    default: Any = field.default or 0
    if options == {bool}:
        return Knob(field.name, "bool", **common)
    if options == {int}:
        return Knob(field.name, "int", low=min(0, int(default)), **common)
    if options in ({float}, {int, float}):
        return Knob(field.name, "float", low=min(0.0, float(default)), **common)
    if words and options <= {str, *(o for o in options if typing.get_origin(o) is Literal)}:
        return Knob(field.name, "choice", choices=tuple(map(str, words)), **common)
    return None
