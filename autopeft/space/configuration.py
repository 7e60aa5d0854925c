"""Configurations: one point of a search space as plain, hashable data."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import yaml

from autopeft.errors import ConfigurationError

__all__ = ["Configuration", "read_configuration"]


@dataclass(frozen=True)
class Configuration:
    """What to train: modules with their knobs, knobs of training and of the data; nothing else crosses process borders.

    Args:
        text: Its canonical text form, JSON with sorted keys; equal configurations have equal texts.
    """

    text: str

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Configuration:
        """Wrap data that is in canonical form already; `canonical` makes it so."""
        return cls(json.dumps(data, sort_keys=True, separators=(",", ":"), allow_nan=False))

    def to_dict(self) -> dict[str, Any]:
        """Return the configuration as a fresh copy of plain data."""
        data: dict[str, Any] = json.loads(self.text)
        return data

    @property
    def modules(self) -> dict[str, dict[str, Any]]:
        """The modules by method name, each with its knobs."""
        modules: dict[str, dict[str, Any]] = self.to_dict()["modules"]
        return modules

    @property
    def training(self) -> dict[str, Any]:
        """The training knobs."""
        training: dict[str, Any] = self.to_dict()["training"]
        return training

    @property
    def data(self) -> dict[str, Any]:
        """The knobs of the data, where any is said."""
        data: dict[str, Any] = self.to_dict().get("data", {})
        return data

    @property
    def shared(self) -> dict[str, Any]:
        """The knobs of training and of the data."""
        return self.training | self.data

    def with_training(self, training: Mapping[str, Any]) -> Configuration:
        """Return the configuration with other knobs of training, which are in canonical form."""
        return self.from_dict({**self.to_dict(), "training": training})

    @cached_property
    def hash(self) -> str:
        """The first 12 hex digits of the SHA-256 of the text."""
        return hashlib.sha256(self.text.encode()).hexdigest()[:12]

    def describe(self) -> str:
        """Say it in words, e.g. `lora r=8 a=16 q,v @0-5 + serial_adapter 24 @4,5, lr 0.0003`."""
        from autopeft.space.words import describe

        return describe(self.to_dict())


def read_configuration(path: Path) -> dict[str, Any]:
    """Read a configuration file, JSON or YAML, as written; `canonical` checks and completes it.

    Raises:
        ConfigurationError: When the file cannot be read or holds no mapping.
    """
    try:
        data = yaml.safe_load(path.read_text(encoding="utf8"))
    except OSError as error:
        raise ConfigurationError(
            f"cannot read {path}: {error.strerror}; expected a configuration in JSON or YAML"
        ) from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"{path} is neither JSON nor YAML: {' '.join(str(error).split())}") from None
    if not isinstance(data, dict):
        raise ConfigurationError(
            f"{path}: expected a mapping with `modules` and `training`, found {type(data).__name__}"
        )
    return data
