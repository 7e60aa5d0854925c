"""Export to autopeft itself: the configuration as YAML."""

from __future__ import annotations

from pathlib import Path

import yaml

from autopeft.backbones import Backbone
from autopeft.space import Configuration

__all__ = ["export_own"]


def export_own(configuration: Configuration, backbone: Backbone, folder: Path) -> list[str]:
    """Write `configuration.yaml`, which `autopeft cost` and `autopeft.space.canonical` read.

    Returns:
        Lines that say how to use it.
    """
    path = folder / "configuration.yaml"
    path.write_text(yaml.safe_dump(configuration.to_dict(), sort_keys=False), encoding="utf8")
    return [f"autopeft cost {path}  # on {backbone.name}"]
