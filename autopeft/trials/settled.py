"""What a kind of task chooses on validation when training has ended: kept beside what was trained, used ever after."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from transformers import PretrainedConfig

from autopeft.errors import ConfigurationError

__all__ = ["SETTLED", "forget_settled", "read_settled", "settle", "settled_in", "using_settled", "write_settled"]

#: Its file.
SETTLED = "settled.json"


def write_settled(settled: Mapping[str, float], folder: Path) -> None:
    """Write what was chosen into a folder; nothing where nothing was."""
    if settled:
        (folder / SETTLED).write_text(json.dumps(dict(settled), indent=2) + "\n", encoding="utf8")


def read_settled(names: Sequence[str], folder: Path) -> dict[str, float]:
    """Read what `write_settled` wrote.

    Args:
        names: What a kind of task chooses (`TrialKind.settles`).
        folder: The folder of something trained.

    Raises:
        ConfigurationError: When it is not there, or is something else.
    """
    if not names:
        return {}
    try:
        found = json.loads((folder / SETTLED).read_text(encoding="utf8"))
        if found.keys() == set(names) and all(math.isfinite(value) for value in found.values()):
            return {name: float(found[name]) for name in names}
    except (OSError, ValueError, TypeError, AttributeError):
        pass
    raise ConfigurationError(
        f"{folder}: no readable {SETTLED} with {' and '.join(names)}, which was written there when training ended; "
        "save it again"
    )


def settle(config: PretrainedConfig, settled: Mapping[str, float]) -> None:
    """Write what was chosen into a model's config, by which models of the kind are measured from then on."""
    for name, value in settled.items():
        setattr(config, name, value)


def settled_in(config: PretrainedConfig, names: Sequence[str]) -> dict[str, float]:
    """Return what `settle` wrote into a config."""
    return {name: getattr(config, name) for name in names}


def forget_settled(config: PretrainedConfig, names: Sequence[str]) -> None:
    """Take out of a config what was chosen for another model: one is to be trained."""
    for name in names:
        config.__dict__.pop(name, None)


@contextmanager
def using_settled(config: PretrainedConfig, settled: Mapping[str, float]) -> Iterator[None]:
    """Have what was chosen in a config within, which other models share."""
    settle(config, settled)
    try:
        yield
    finally:
        forget_settled(config, [*settled])
