"""What lies in a folder of folders: pictures or sounds by the folder they are in, and what is none."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from autopeft.errors import DataError
from autopeft.tasks.intake import listed
from autopeft.tasks.media.item import printable
from autopeft.tasks.media.medium import Medium

__all__ = ["Laid", "laid_in"]

#: What archivers of macOS leave beside the files, under names that end as theirs do.
_REMAINS = "__MACOSX"


@dataclass
class Laid:
    """What lies in a folder; hidden names are passed over.

    Args:
        files: The files that are looked for, by the folder they are in, or are further down in.
        loose: Those that are in no folder.
        barren: Folders without any.
        lost: Links that lead nowhere, or above themselves.
        others: How many other files there are, by the endings of their names.
    """

    files: dict[str, list[Path]] = field(default_factory=dict)
    loose: list[Path] = field(default_factory=list)
    barren: list[Path] = field(default_factory=list)
    lost: list[Path] = field(default_factory=list)
    others: Counter[str] = field(default_factory=Counter)

    def left_out(self, medium: Medium, path: Path) -> Iterator[str]:
        """Yield what of it is not read, for people.

        Args:
            medium: What is read.
            path: What names are told from.
        """

        def named(files: list[Path]) -> str:
            return listed([printable(str(file.relative_to(path))) for file in files])

        if self.others:
            endings = listed([printable(ending) or "no ending" for ending, _ in self.others.most_common()])
            yield f"left out, for they are no {medium.several}: {self.others.total():,} other files ({endings})"
        if self.loose:
            yield (
                f"left out, for they lie in no folder of a label: {len(self.loose):,} {medium.several} "
                f"({named(self.loose)})"
            )
        if self.barren:
            yield f"left out, for they hold no {medium.several}: folders {named(self.barren)}"
        if self.lost:
            yield f"left out, for they lead nowhere or in a circle: {len(self.lost):,} links ({named(self.lost)})"


def laid_in(medium: Medium, path: Path) -> Laid:
    """Look through a folder.

    Args:
        medium: What is looked for.
        path: The folder.

    Raises:
        DataError: When some of it cannot be read.
    """
    found = Laid()
    for place, folders, files in _walked(path, found.lost):
        inner = place.relative_to(path).parts
        for name in files:
            file = place / name
            if not file.is_file():
                found.lost.append(file)
            elif file.suffix.lower() not in medium.endings:
                found.others[file.suffix.lower()] += 1
            elif inner:
                found.files.setdefault(inner[0], []).append(file)
            else:
                found.loose.append(file)
        if not inner:
            tops = [place / name for name in folders]
    found.barren = [top for top in tops if top.name not in found.files]
    found.files = {name: sorted(found.files[name]) for name in sorted(found.files)}
    return found


def _walked(path: Path, lost: list[Path]) -> Iterator[tuple[Path, list[str], list[str]]]:
    """Yield folders with the names of folders and files in each, links followed once."""

    def refuse(error: OSError) -> None:
        raise DataError(f"'{printable(str(error.filename))}' cannot be read: {error.strerror}") from error

    followed = set()
    for place, folders, files in os.walk(path, onerror=refuse, followlinks=True):
        here, kept = Path(place), []
        for name in sorted(folders):
            folder = here / name
            if name.startswith(".") or name == _REMAINS:
                continue
            if folder.is_symlink():
                leads = folder.resolve()
                if leads in followed or here.resolve().is_relative_to(leads):
                    lost.append(folder)
                    continue
                followed.add(leads)
            kept.append(name)
        folders[:] = kept
        yield here, kept, sorted(name for name in files if not name.startswith("."))
