"""Pictures, each with one label."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar

from autopeft.tasks.image.idx import is_idx, read_idx, read_idx_split
from autopeft.tasks.image.pictures import PICTURES
from autopeft.tasks.kind import Sample
from autopeft.tasks.media.folders import Read
from autopeft.tasks.media.item import MediaItem
from autopeft.tasks.media.kind import MediaKind
from autopeft.tasks.metric import Metric
from autopeft.tasks.overview import lengths_of
from autopeft.tasks.spec import TaskSpec
from autopeft.tasks.tables import Table

__all__ = ["Image"]


class Image(MediaKind):
    """Which of some labels a picture has."""

    name = "image"
    summary = "one label for each picture"
    layout = (
        "a folder with one folder of pictures for each label (inside train, validation and test, or split off); "
        "MNIST's files; or rows with a picture's path or bytes (--image) and its label (--label)"
    )
    samples = (Sample("pictures.csv", "image,label\ncats/1.png,cat\ndogs/1.png,dog\n"),)
    metrics: ClassVar[dict[str, Metric]] = {
        "accuracy": Metric(unit="picture"),
        "macro_f1": Metric(unit="picture", mean=False),
        "mcc": Metric(worst=-1.0, unit="picture", mean=False),
    }
    options = frozenset({"image", "label", "augment"})
    medium = PICTURES

    def column_of(self, spec: TaskSpec) -> str | None:
        """Return the column that a user names."""
        return spec.image

    def lengths(self, items: Sequence[Any]) -> dict[str, Any]:
        """Return how large pictures are."""
        return lengths_of([picture.seen.longer for picture in items], "pixels of the longer side")

    def notes(self, items: Sequence[Any]) -> tuple[str, ...]:
        """Say what of pictures is not read."""
        count = f"of {len(items):,} pictures"
        deep, clear, several = (
            sum(getattr(picture.seen, what) for picture in items) for what in ("deep", "clear", "several")
        )
        said = {
            f"{deep:,} {count} have 16 bits of grey, brought to 8, as they must be where others read them": deep,
            f"{clear:,} {count} are transparent somewhere, where the colour that is kept there is taken": clear,
            f"{several:,} {count} hold several, such as an animation, of which the first is taken": several,
        }
        return tuple(note for note, some in said.items() if some)

    def files_of(self, path: Path) -> str | None:
        """Take MNIST's files."""
        return "pictures in MNIST's format" if is_idx(path) else None

    def read_files(self, name: str, path: Path) -> Read:
        """Read MNIST's files."""
        return read_idx(name, path)

    def read_split(self, name: str, path: Path, split: str) -> tuple[Table, dict[str, MediaItem]]:
        """Read MNIST's files of one split."""
        return read_idx_split(name, path, split)
