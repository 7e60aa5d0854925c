"""Errands with a folder, done on a machine that does not have it: what is in it travels, there or back."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import ray

from autopeft.launch.parcel import Parcel, as_at_home, below
from autopeft.launch.ray_home import RayHome

__all__ = ["Away", "Brought", "sent"]

#: Files come back in pieces of so many bytes, which any object store has room for.
_PIECE = 8 * 2**20


@dataclass(frozen=True)
class Brought:
    """What an errand returned, and the files of the folder that it made, in pieces that are with Ray.

    Args:
        result: What it returned.
        files: The pieces of each file, by its path in the folder.
    """

    result: Any
    files: dict[str, list[Any]]

    def put(self, folder: Path) -> Any:
        """Write the files into a folder, emptied before; return what the errand returned.

        Raises:
            AutopeftError: When one is for outside of the folder.
            ray.exceptions.RayError: When they were lost with their machine.
        """
        if folder.is_dir():
            shutil.rmtree(folder)
        for name, pieces in self.files.items():
            file = below(folder, f"/{name}")
            file.parent.mkdir(parents=True, exist_ok=True)
            with file.open("wb") as out:
                for piece in pieces:
                    out.write(ray.get(piece))
        return self.result


@dataclass(frozen=True)
class Away:
    """An errand whose folder is on the machine of the search, alone or not.

    Args:
        errand: The errand, with a `folder`.
        home: The node of the search.
        reads: What is in the folder, where the errand reads it; where it makes the folder, None.
    """

    errand: Any
    home: str
    reads: Parcel | None

    def __call__(self, runner: Any) -> Any:
        """Do it with a worker's runner; return what it returned, as `Brought` where it made files elsewhere."""
        if ray.get_runtime_context().get_node_id() == self.home:
            return self.errand(runner)
        if self.reads is not None:
            there = self.reads.opened(RayHome())
            folder = self.errand.folder if there is None else below(there, str(self.errand.folder))
            return replace(self.errand, folder=folder)(runner)
        with tempfile.TemporaryDirectory(prefix="autopeft-") as scratch:
            folder = Path(scratch, self.errand.folder.name)
            result = replace(self.errand, folder=folder)(runner)
            files = sorted(file for file in folder.rglob("*") if file.is_file())
            for file in files:
                # Adapters name the model that they are for by where it lay here.
                if file.suffix == ".json":
                    file.write_text(as_at_home(file.read_text(encoding="utf8")), encoding="utf8")
            return Brought(result, {str(file.relative_to(folder)): list(map(ray.put, _pieces(file))) for file in files})


def sent(errand: Any, home: str) -> Any:
    """Return an errand as it can be done on any machine.

    Args:
        errand: The errand; it says by `folder_is` whether its folder is `made` or `read`, if it has one.
        home: The node of the search.
    """
    match getattr(errand, "folder_is", None):
        case "made":
            return Away(errand, home, None)
        case "read":
            files = sorted(file for file in errand.folder.rglob("*") if file.is_file())
            return Away(errand, home, Parcel.of(f"what was trained in {errand.folder}", files))
    return errand


def _pieces(file: Path) -> Iterator[bytes]:
    with file.open("rb") as stream:
        while piece := stream.read(_PIECE):
            yield piece
