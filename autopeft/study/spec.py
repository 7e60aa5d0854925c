"""What makes two runs the same study."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

__all__ = ["StudySpec"]

#: What specs of earlier versions do not know, and stay what they were without.
_LATER = ("given",)


@dataclass(frozen=True)
class StudySpec:
    """The identity of a study: two runs with equal specs may share their trials, others may not.

    Args:
        model: Name and revision (or hash) of the backbone.
        data: Hash of the splits.
        task: Name of the task.
        space: The search space as plain data.
        budget: The budget as text, e.g. `1%`.
        objectives: Names of the objectives.
        metric: What `accuracy` holds.
        sampler: Name of the sampler.
        seed: Seed of everything random.
        trial: The trial setting as plain data.
        plugin: Hash of the file that registers further methods.
        target: The export target that configurations are for.
        warm_start: What identifies the earlier trials that the search begins from.
        given: Configurations by name that are tried in place of a search.
        precision: `bf16` or `fp32`, as resolved on the machine that began the study.
    """

    model: Mapping[str, Any]
    data: str
    task: str
    space: Mapping[str, Any]
    budget: str
    objectives: tuple[str, ...]
    metric: str
    sampler: str
    seed: int
    trial: Mapping[str, Any]
    precision: str
    plugin: str | None = None
    target: str | None = None
    warm_start: Mapping[str, Any] | None = None
    given: Mapping[str, Any] | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return the spec as JSON-serialisable data."""
        held = {name: value for name, value in self.__dict__.items() if name not in _LATER or value is not None}
        return json.loads(json.dumps(held, default=list))

    @property
    def hash(self) -> str:
        """The first 8 hex digits of the spec's SHA-256."""
        return hashlib.sha256(json.dumps(self.to_dict(), sort_keys=True).encode()).hexdigest()[:8]

    def differences(self, recorded: Mapping[str, Any]) -> list[str]:
        """List what differs from a recorded spec, one line each: key, recorded value, value asked for."""
        asked = _flatten(self.to_dict())
        old = _flatten(recorded)
        return [
            f"{key}: the study has {old.get(key, 'nothing')!s}, this run asks for {asked.get(key, 'nothing')!s}"
            for key in sorted(asked.keys() | old.keys())
            if asked.get(key) != old.get(key)
        ]


def _flatten(data: Any, prefix: str = "") -> dict[str, Any]:
    if not isinstance(data, Mapping) or not data:
        return {prefix: data}
    flat: dict[str, Any] = {}
    for key, value in data.items():
        flat |= _flatten(value, f"{prefix}.{key}" if prefix else str(key))
    return flat
