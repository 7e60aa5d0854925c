"""What a target cannot express, field by field."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from autopeft.levers import COLUMN, DATA_WORDS
from autopeft.methods.builder import plan
from autopeft.methods.compression import COMPRESSION
from autopeft.methods.context import CONTEXT
from autopeft.methods.forward_only import forward_only_of
from autopeft.methods.pruning import PRUNING
from autopeft.methods.schedules import SCHEDULE
from autopeft.space import Configuration

__all__ = ["Shortfall", "beyond_config", "one_method", "reduced"]

#: The values of knobs that stand for nothing out of the ordinary.
_ORDINARY = {"lora.init": "default", "lora.optimizer": "adamw", "lora.b_ratio": 1.0, "lora.dropout": 0.0}


@dataclass(frozen=True)
class Shortfall:
    """One field that a target cannot express.

    Args:
        field: The field, as `lora.init`, or the method as a whole.
        reason: What it asks for that the target has no words for.
        lossy: Whether the adapters are the same without it, so that it may be left out when the user says so.
    """

    field: str
    reason: str
    lossy: bool = False

    def __str__(self) -> str:
        return f"{self.field} ({self.reason})"

    @property
    def instead(self) -> Any:
        """What stands in the configuration when it is left out; None where nothing changes there."""
        return _ORDINARY.get(self.field)


def one_method(configuration: Configuration) -> Iterator[Shortfall]:
    """Yield why a configuration is not one PEFT config."""
    parts = plan(configuration)
    names = {part.method.words.name for part in parts}
    if not parts:
        yield Shortfall("modules", "no adapters: the head alone is trained")
    elif len(names) > 1:
        yield Shortfall("modules", f"several methods in one model: {', '.join(sorted(names))}")
    elif len(parts) > 1:
        yield Shortfall(f"modules: {parts[0].method.words.name}", "settings that PEFT has once differ between places")


def beyond_config(configuration: Configuration, known: Iterable[str] = ()) -> Iterator[Shortfall]:
    """Yield what training has beyond PEFT configs, once each.

    Args:
        configuration: What is trained.
        known: Fields that the target has words for.
    """
    schedule = SCHEDULE.asked(configuration.training)
    if schedule is not None:
        yield Shortfall("training.schedule", f"{schedule.word.name}: {schedule.word.summary}", lossy=True)
    if forward_only_of(configuration.training) is not None:
        yield Shortfall("training.optimiser", "steps from forward passes alone")
    pruning = PRUNING.asked(configuration.training)
    if pruning is not None:
        yield Shortfall("training.pruning", f"{pruning.word.name}: {pruning.word.summary}")
    context = CONTEXT.asked(configuration.training)
    if context is not None:
        yield Shortfall("training.context", f"{context.word.name}: {context.word.summary}", lossy=True)
    compression = COMPRESSION.asked(configuration.training)
    if compression is not None:
        what = compression.word
        yield Shortfall("training.compression", f"{what.name}, when training has ended: {what.summary}", lossy=True)
    for word in DATA_WORDS:
        lever = word.asked(configuration.data)
        if lever is not None:
            yield Shortfall(f"data.{word.name}", f"{lever.word.name}: {lever.word.summary}", lossy=True)
    if COLUMN.name in configuration.data:
        yield Shortfall(f"data.{COLUMN.name}", f"{configuration.data[COLUMN.name]}: {COLUMN.help}", lossy=True)
    asked = {
        name if knob == name else f"{name}.{knob}": reason
        for part in plan(configuration)
        for name in (part.method.words.name,)
        for knobs in part.cells.values()
        for knob, reason in part.method.beyond_config(knobs).items()
    }
    for field, reason in asked.items():
        if field not in known:
            yield Shortfall(field, reason, lossy=True)


def reduced(configuration: Configuration, left_out: Iterable[Shortfall]) -> Configuration:
    """Return a configuration without what is left out; its adapters are in the same places and of the same sizes."""
    data = configuration.to_dict()
    for shortfall in left_out:
        method, _, knob = shortfall.field.partition(".")
        if shortfall.instead is not None:
            data["modules"][method][knob] = _everywhere(data["modules"][method][knob], shortfall.instead)
    return Configuration.from_dict(data)


def _everywhere(value: Any, instead: Any) -> Any:
    """Replace a knob's value at every place that has one."""
    return dict.fromkeys(value, instead) if isinstance(value, Mapping) else instead
