"""Hand a configuration to the tools people train with: one file per target, and its line in `TARGETS`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from difflib import get_close_matches
from pathlib import Path

from autopeft.backbones import Backbone
from autopeft.errors import AutopeftError
from autopeft.export.own import export_own
from autopeft.export.peft import export_peft
from autopeft.space import Configuration

__all__ = ["TARGETS", "export"]

TARGETS: Mapping[str, Callable[[Configuration, Backbone, Path], list[str]]] = {
    "autopeft": export_own,
    "peft": export_peft,
}


def export(configuration: Configuration, backbone: Backbone, target: str, folder: Path) -> list[str]:
    """Write a configuration for a target; return lines that say how to use it.

    Raises:
        AutopeftError: When the target is unknown or cannot express the configuration.
    """
    if target not in TARGETS:
        near = get_close_matches(target, TARGETS, n=1)
        hint = f"; did you mean {near[0]!r}?" if near else ""
        raise AutopeftError(f"unknown target {target!r}; expected one of {', '.join(TARGETS)}{hint}")
    folder.mkdir(parents=True, exist_ok=True)
    return TARGETS[target](configuration, backbone, folder)
