"""A large decoder, moved by what training gave to a small one."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

from autopeft.launch.quiet import quiet
from autopeft.shut import shut
from autopeft.training import FusedRow, OpenedFused, fusion_ground, trained_pick
from autopeft.training import fuse as measure_fused
from autopeft.training import open_fused as open_saved_fused

__all__ = ["fuse", "open_fused"]


def fuse(
    source: str | Path,
    *,
    on: str,
    pick: str = "best",
    split: Literal["validation", "test"] = "test",
    **settings: Any,
) -> list[FusedRow]:
    """Measure a large decoder with the shift that training gave to a small one, beside both alone.

    Args:
        source: A run folder, or a folder of saved adapters of a decoder.
        on: The large model, untrained, of the same vocabulary.
        pick: Of a run, which of its finalists.
        split: Which split.
        **settings: The fields of `autopeft.SearchPlan` that `autopeft fuse` has flags for; of a run, those that are
            not given are its own.

    Returns:
        The large model, the small one trained and untrained, and all three with the weight 1 and with weights solved
        for each token: figures, seconds, forward passes and FLOPs a token of each.

    Raises:
        AutopeftError: For whatever the caller can mend.
    """
    with quiet(), shut():
        return [*measure_fused(fusion_ground(Path(source), on, settings, chosen=pick), split)]


def open_fused(
    source: str | Path,
    *,
    on: str,
    pick: str = "best",
    weight: float | None = None,
    model: str | None = None,
    trust_remote_code: bool = False,
    plugin: str | Path | None = None,
) -> OpenedFused:
    """Return a large decoder with the shift that training gave to a small one, as `model`, which writes by `generate`.

    Args:
        source: A run folder, or a folder of saved adapters of a decoder.
        on: The large model, untrained, of the same vocabulary.
        pick: Of a run, which of its finalists.
        weight: How much of the shift each token takes, in [0, 2]; solved for each when left out.
        model: Where the small model is now; where it was when left out.
        trust_remote_code: Whether code that the models bring may run.
        plugin: The plugin that a run was searched with; one that only the run names is not run.

    Raises:
        AutopeftError: For whatever the caller can mend.
    """
    with quiet(), shut():
        own = None if plugin is None else Path(plugin)
        folder, _ = trained_pick(Path(source), pick, trust_remote_code=trust_remote_code, plugin=own)
        return open_saved_fused(folder, on, weight=weight, model=model, trust_remote_code=trust_remote_code)
