"""What makes two trainings the same, so that one goes on from the checkpoints of the other."""

from __future__ import annotations

import json
from pathlib import Path

from autopeft.backbones import Backbone
from autopeft.errors import StudyError
from autopeft.space import Configuration
from autopeft.tasks import CausalTask, Task
from autopeft.trials import TrialSetting

__all__ = ["CHECKPOINTS", "check_identity"]

#: Folder of the checkpoints, beside the adapters.
CHECKPOINTS = "checkpoints"

_FILE = "training.json"


def check_identity(
    out: Path,
    configuration: Configuration,
    backbone: Backbone,
    task: Task | CausalTask,
    setting: TrialSetting,
    seed: int,
) -> None:
    """Record what is trained beside its checkpoints; further arguments as for `fine_tune`.

    Raises:
        StudyError: When checkpoints of another training are there, naming what differs.
    """
    asked = json.loads(
        json.dumps(
            {
                "configuration": configuration.to_dict(),
                "model": backbone.identity,
                "data": task.fingerprint,
                "setting": setting.to_dict(),
                "seed": seed,
            }
        )
    )
    file = out / CHECKPOINTS / _FILE
    if file.is_file():
        there = json.loads(file.read_text(encoding="utf8"))
        different = [key for key, value in asked.items() if there.get(key) != value]
        if different:
            raise StudyError(
                f"{out} holds checkpoints of a training with another {', '.join(different)}; "
                f"give another folder, or delete {file.parent} to begin anew there"
            )
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(asked, indent=2) + "\n", encoding="utf8")
