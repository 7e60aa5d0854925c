"""Scores of training rows in files, one each, named by a hash of what they depend on: none is computed twice."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from autopeft.levers import Score
from autopeft.tasks import Task
from autopeft.trials.setting import TrialSetting
from autopeft.whole_file import write_text

__all__ = ["Scores", "kept_scores"]

#: By what a score is called, what it is of each training example by number.
Scores = Mapping[str, Mapping[int, float]]

#: Folder of the files, in that of a run or a training.
_FOLDER = "scores"


def kept_scores(
    folder: Path,
    model: Mapping[str, Any],
    task: Task,
    setting: TrialSetting,
    seed: int,
    scores: Sequence[Score],
    compute: Callable[[Sequence[Score]], Scores],
) -> Scores:
    """Read scores from files; compute and write those that are not there, or damaged.

    Args:
        folder: Holds the folder of the files.
        model: What tells the backbone from others.
        task: The data.
        setting: How trials train.
        seed: The seed.
        scores: Which.
        compute: Computes some; see `score_rows`.

    Raises:
        AutopeftError: When they cannot be computed or written.
    """
    of = {"model": dict(model), "data": task.fingerprint, "setting": setting.to_dict(), "seed": seed}
    files = {score: folder / _FOLDER / f"{_hash(of, score)}.json" for score in scores}
    known = {score.text: found for score, file in files.items() if (found := _read(file)) is not None}
    missing = [score for score in scores if score.text not in known]
    if not missing:
        return known
    computed = compute(missing)
    (folder / _FOLDER).mkdir(parents=True, exist_ok=True)
    for score in missing:
        values = sorted(computed[score.text].items())
        write_text(files[score], json.dumps({"score": score.text, "of": of, "values": values}) + "\n")
    return {**known, **computed}


def _hash(of: Mapping[str, Any], score: Score) -> str:
    text = json.dumps([of, score.text], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _read(file: Path) -> dict[int, float] | None:
    with suppress(OSError, ValueError, TypeError, KeyError):
        return {int(number): float(value) for number, value in json.loads(file.read_text("utf8"))["values"]}
    return None
