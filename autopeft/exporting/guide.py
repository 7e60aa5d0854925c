"""What there is to say of exported files: by a target to its page, by an export to who asked for it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

__all__ = ["Exported", "Guide"]


@dataclass(frozen=True)
class Guide:
    """What a target says of the files it wrote.

    Args:
        files: What each of them is, by its path in the folder; what is said of a folder holds for all that is in it.
        command: What trains or counts by them, run in their folder; empty where there is nothing to run.
        code: Python that loads them, run in their folder.
        notes: What else there is to know.
    """

    files: Mapping[str, str]
    command: str = ""
    code: str = ""
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Exported:
    """What an export wrote.

    Args:
        target: Name of the target.
        configuration: What was exported, in words.
        trial: Number of the trial that it comes from; None for a configuration of no run.
        folder: The folder.
        files: Paths of all its files, within it.
        command: What trains or counts by them, run in the folder; empty where there is nothing to run.
        code: Python that loads them, run in the folder; empty where a command does all there is to do.
        notes: What else there is to know.
        left_out: What the target cannot express, which was left out.
    """

    target: str
    configuration: str
    trial: int | None
    folder: Path
    files: tuple[str, ...]
    command: str
    code: str
    notes: tuple[str, ...]
    left_out: tuple[str, ...]
