"""What makes two trainings the same, so that one goes on from the checkpoints of the other, or is the other."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from autopeft.backbones import Backbone
from autopeft.errors import StudyError
from autopeft.space import Configuration
from autopeft.tasks import Task
from autopeft.trials import TrialSetting
from autopeft.whole_file import read_json, write_json
from autopeft.whole_folder import missing_files

__all__ = ["CHECKPOINTS", "IDENTITY_FILE", "check_identity", "identity_of"]

#: Folder of the checkpoints, where the adapters will be.
CHECKPOINTS = "checkpoints"

#: The file that says what is trained: beside checkpoints, and beside the adapters once they are trained.
IDENTITY_FILE = "training.json"


def identity_of(
    configuration: Configuration, backbone: Backbone, task: Task, setting: TrialSetting, seed: int
) -> dict[str, Any]:
    """Return what makes a training this one, as plain data; arguments as for `fine_tune`."""
    found: dict[str, Any] = json.loads(
        json.dumps(
            {
                "configuration": configuration.to_dict(),
                "model": backbone.identity,
                "data": task.fingerprint,
                "metric": task.metric,
                "setting": setting.to_dict(),
                "seed": seed,
            }
        )
    )
    return found


def check_identity(out: Path, asked: Mapping[str, Any]) -> bool:
    """Tell whether a training is finished in a folder; else record it beside its checkpoints.

    Args:
        out: The folder.
        asked: What is to be trained.

    Raises:
        StudyError: When the folder holds another training, finished or not, naming what differs, or one whose record
            is damaged.
    """
    finished = (out / IDENTITY_FILE).is_file()
    file = out / IDENTITY_FILE if finished else out / CHECKPOINTS / IDENTITY_FILE
    if file.is_file():
        there = read_json(file, f"put it back, give another folder, or delete {file.parent} to begin anew there")
        # What was trained before the metric was recorded goes on under any.
        different = [key for key, value in asked.items() if there.get(key, value) != value]
        if different:
            held, delete = ("a finished training", out) if finished else ("checkpoints of a training", file.parent)
            raise StudyError(
                f"{out} holds {held} with another {', '.join(different)}; "
                f"give another folder, or delete {delete} to begin anew there"
            )
    if IDENTITY_FILE in missing_files(out):
        raise StudyError(
            f"{out} holds a finished training that lacks {IDENTITY_FILE}, which says of what; put it back, give "
            f"another folder, or delete {out} to train again"
        )
    if not finished:
        file.parent.mkdir(parents=True, exist_ok=True)
        write_json(file, asked)
    return finished
