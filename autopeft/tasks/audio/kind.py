"""Clips of sound, each with one label."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from autopeft.tasks.audio.clips import CLIPS
from autopeft.tasks.audio.schema import ClipClasses
from autopeft.tasks.kind import Sample
from autopeft.tasks.media.kind import MediaKind
from autopeft.tasks.metric import Metric
from autopeft.tasks.overview import lengths_of
from autopeft.tasks.spec import TaskSpec

__all__ = ["Audio"]


class Audio(MediaKind):
    """Which of some labels a clip has."""

    name = "audio"
    summary = "one label for each clip of sound"
    layout = (
        "a folder with one folder of clips for each label (inside train, validation and test, or split off), or rows "
        "with a clip's path or bytes (--audio) and its label (--label); wav, flac, ogg, mp3 or aiff"
    )
    samples = (Sample("clips.csv", "audio,label\nyes/1.wav,yes\nno/1.wav,no\n"),)
    metrics: ClassVar[dict[str, Metric]] = {
        "accuracy": Metric(unit="clip"),
        "macro_f1": Metric(unit="clip", mean=False),
        "mcc": Metric(worst=-1.0, unit="clip", mean=False),
    }
    options = frozenset({"audio", "label", "seconds"})
    schema = ClipClasses
    medium = CLIPS

    def column_of(self, spec: TaskSpec) -> str | None:
        """Return the column that a user names."""
        return spec.audio

    def lengths(self, items: Sequence[Any]) -> dict[str, Any]:
        """Return how long clips are."""
        return lengths_of([round(1000 * clip.header.seconds) for clip in items], "milliseconds")

    def notes(self, items: Sequence[Any]) -> tuple[str, ...]:
        """Say what becomes of several channels."""
        several = sum(clip.header.channels > 1 for clip in items)
        said = f"{several:,} of {len(items):,} clips have several channels, of which the mean is taken"
        return (said,) if several else ()
