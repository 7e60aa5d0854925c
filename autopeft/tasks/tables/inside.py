"""Whether a path that stands in data stays where the data is, which alone is read for a stranger's table."""

from __future__ import annotations

from pathlib import Path

__all__ = ["leads_outside"]

#: How the hub's cache calls the folder of a commit: its files are links to those of the repository, two above.
_COMMITS = "snapshots"


def leads_outside(folder: Path, file: Path) -> bool:
    """Tell whether a file is not in a folder, links followed.

    Args:
        folder: The folder of a table.
        file: What a cell of it names, from that folder on; it need not be there.
    """
    root = folder.resolve()
    commit = next((each for each in (root, *root.parents) if each.parent.name == _COMMITS), None)
    return not file.resolve().is_relative_to(root if commit is None else commit.parent.parent)
