"""What every export target is."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from autopeft.backbones import Backbone
from autopeft.exporting.guide import Guide
from autopeft.exporting.job import ExportJob
from autopeft.exporting.rebuilt import Rebuilt
from autopeft.exporting.shortfall import Shortfall
from autopeft.space import Configuration
from autopeft.trials import TrialKind
from autopeft.trials.writing import Tokens

__all__ = ["Rebuild", "Target"]

#: Builds a model of a folder, a task model without adapters and its backbone.
Rebuild = Callable[[Path, Any, Backbone], Rebuilt]


class Target(ABC):
    """A tool that trains or loads a configuration.

    Attributes:
        name: Its name on the command line.
        summary: One line for people.
        trains: What it trains, where it does not take every kind of task.
        carries_weights: Whether it takes trained adapters along where there are some.
    """

    name: str
    summary: str
    trains: str = ""
    carries_weights: bool = False

    @abstractmethod
    def shortfalls(self, configuration: Configuration, backbone: Backbone) -> Iterator[Shortfall]:
        """Yield what of a configuration it cannot express; a search asks it of every proposal."""

    def shortfalls_in(self, kind: TrialKind, configuration: Configuration) -> Iterator[Shortfall]:
        """Yield what it cannot express beyond `shortfalls` where it trains a kind of task."""
        yield from ()

    def unfit(self, backbone: Backbone) -> str | None:
        """Say why it cannot train a backbone, whatever the configuration; None when it can."""
        return None

    def takes(self, kind: TrialKind) -> bool:
        """Tell whether it can train a kind of task."""
        return True

    @abstractmethod
    def write(self, job: ExportJob, folder: Path) -> Guide:
        """Write the files.

        Args:
            job: What to export; nothing in it that `shortfalls`, `unfit` or `takes` refuse.
            folder: An empty folder.

        Returns:
            What there is to say of them, for their page.
        """

    def read(self, job: ExportJob, folder: Path, count: int) -> list[Tokens]:
        """Return what the tool makes of the first training rows that were written; nothing where there are none.

        Args:
            job: What was exported.
            folder: What `write` wrote.
            count: How many rows.
        """
        return []

    def rebuilds(self, folder: Path) -> Iterator[Rebuild]:
        """Yield each way in which the files can be used, as what builds a model of them; one, unless overridden."""
        yield self.rebuild

    @abstractmethod
    def rebuild(self, folder: Path, model: Any, backbone: Backbone) -> Rebuilt:
        """Build what the tool would build, of the files alone.

        Args:
            folder: What `write` wrote.
            model: The task model without adapters; changed in place.
            backbone: Its backbone.
        """
