"""Pictures, each with one label."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar

from autopeft.tasks.image.idx import is_idx, read_idx
from autopeft.tasks.image.pictures import PICTURES
from autopeft.tasks.kind import Sample
from autopeft.tasks.media.folders import Read
from autopeft.tasks.media.kind import MediaKind
from autopeft.tasks.metric import Metric
from autopeft.tasks.overview import lengths_of
from autopeft.tasks.source import Source
from autopeft.tasks.spec import TaskSpec

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
        return lengths_of([max(picture.decoded().size) for picture in items], "pixels of the longer side")

    def files_of(self, source: Source) -> str | None:
        """Take MNIST's files."""
        return "pictures in MNIST's format" if source.path is not None and is_idx(source.path) else None

    def read_files(self, name: str, path: Path) -> Read:
        """Read MNIST's files."""
        return read_idx(name, path)
