"""The YAML of a search to begin with: what holds, what was found, and what else may be set."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import yaml

from autopeft.launch.plan import ALLOWED, SearchPlan
from autopeft.launch.preparation import Preparation
from autopeft.trials import kind_of

__all__ = ["outline"]

#: Settings that are written whether they were given or not: those that people change first.
_FIRST = ("space", "budget", "trials")

#: Settings that stand beside them, as remarks with the value that holds.
_FURTHER = (
    "objectives",
    "metric",
    "examples",
    "epochs",
    "batch_size",
    "max_length",
    "precision",
    "early_stopping",
    "margin",
    "workers",
    "time_limit",
    "seed",
    "out",
)

#: How a setting looks that has no value by itself.
_SUCH_AS: Mapping[str, Any] = {"margin": "1pt", "workers": 2, "time_limit": "2h", "out": "runs/mine"}

_WIDTH = 28


def outline(prepared: Preparation, given: Mapping[str, Any], schema: str) -> str:
    """Return a commented YAML that runs the search that was prepared.

    Args:
        prepared: The search.
        given: What the user said of it, settings by name.
        schema: Where the JSON Schema is by which editors complete, from the folder of the file.
    """
    return "\n".join(_lines(prepared, given, schema)) + "\n"


def _lines(prepared: Preparation, given: Mapping[str, Any], schema: str) -> Iterator[str]:
    held, plan = _held(prepared), prepared.plan
    yield f"# yaml-language-server: $schema={schema}"
    yield "# A search of autopeft; `autopeft search FILE --dry-run` says what it takes, `autopeft search FILE` runs it."
    yield ""
    yield "# The model and the data, as they were found:"
    yield from (f"#   {line}" for line in _described(prepared))
    said = {name: value for name, value in given.items() if name not in (*_FIRST, *_FURTHER, *ALLOWED)}
    if "model" not in said:
        yield f"# {_pair('model', prepared.backbone.name, 'found, as none was named')}"
    for name, value in said.items():
        yield _line(name, value)
    yield ""
    yield "# What is searched:"
    for name in _FIRST:
        yield _line(name, given.get(name, held.get(name, getattr(plan, name))))
    yield ""
    yield "# How; what is not set holds as it stands here, or is an example:"
    for name in _FURTHER:
        line = _line(name, given.get(name, held.get(name, _SUCH_AS.get(name, getattr(plan, name)))))
        yield line if name in given else f"# {line}"


def _described(prepared: Preparation) -> list[str]:
    backbone = prepared.backbone
    trial = prepared.setting.describe(kind_of(prepared.task).cut)
    return [
        f"{backbone.name}, {backbone.num_parameters:,} parameters",
        *prepared.task.describe(),
        *trial,
        f"budget: {prepared.scale.limit:,} trainable parameters",
    ]


def _held(prepared: Preparation) -> Mapping[str, Any]:
    """Return the values of settings that were chosen, not given."""
    setting = prepared.setting
    chosen = {name: getattr(setting, name) for name in ("examples", "epochs", "batch_size", "max_length")}
    plan_space = prepared.plan.space
    space = kind_of(prepared.task).default_space if plan_space is None else plan_space
    return {**chosen, "precision": setting.precision, "metric": prepared.task.metric, "space": space}


def _line(name: str, value: Any) -> str:
    return _pair(name, value, SearchPlan.model_fields[name].description or "")


def _pair(name: str, value: Any, remark: str) -> str:
    written = yaml.safe_dump(value, default_flow_style=True, width=10**6, allow_unicode=True).removesuffix("...\n")
    return f"{f'{name}: {written.strip()}':<{_WIDTH}}  # {remark}"
