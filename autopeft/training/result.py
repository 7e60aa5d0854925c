"""What a full fine-tune reached, and the folder that holds it."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from transformers import PreTrainedModel

from autopeft.errors import StudyError
from autopeft.methods import save
from autopeft.saved import Card, check_whole, use_of, write_card, write_companions, write_rows
from autopeft.study import LOCK
from autopeft.training.identity import CHECKPOINTS, IDENTITY_FILE
from autopeft.trials import TrialSetting, kind_of
from autopeft.trials.settled import settled_in, write_settled
from autopeft.whole_file import read_json, write_json
from autopeft.whole_folder import whole_folder

__all__ = ["MERGED", "METRICS_FILE", "REPLACED", "FineTuned", "read_result", "write_result"]

#: File beside the adapters with what was measured.
METRICS_FILE = "metrics.json"

#: Folder beside the adapters with the model that they are folded into.
MERGED = "merged"

#: What a training in progress has in its folder.
REPLACED = (CHECKPOINTS, LOCK)

#: Where transformers puts what TensorBoard reads, among the checkpoints; and where it stays.
_RUNS, _LOGS = "runs", "logs"

#: What may be deleted of a finished training, to save room.
_MAY_GO = (MERGED, CHECKPOINTS, _LOGS)


@dataclass(frozen=True)
class FineTuned:
    """What a fine-tune reached.

    Args:
        folder: Adapters, head and all that goes with them, as `README.md` there says.
        validation: Every metric on validation, and `loss`.
        test: Likewise on test.
        params: Trainable parameters, head not counted.
        steps: Optimiser steps.
        best_step: After how many of them validation was best, which is what was saved.
        already: Whether it was finished before.
        merged: Folder of the model that the adapters are folded into; None where there is none.
    """

    folder: Path
    validation: dict[str, float]
    test: dict[str, float]
    params: int
    steps: int
    best_step: int
    already: bool = False
    merged: Path | None = None


def write_result(
    model: PreTrainedModel,
    found: FineTuned,
    identity: Mapping[str, Any],
    card: Card,
    setting: TrialSetting,
    *,
    keep_checkpoints: bool,
) -> None:
    """Write what was trained in place of its checkpoints, whole or not at all.

    Args:
        model: The trained model, with its adapters.
        found: What it reached, and where to write.
        identity: What was trained.
        card: The card.
        setting: How it was trained.
        keep_checkpoints: Whether to keep them beside it.
    """
    out = found.folder
    with whole_folder(out, REPLACED) as new:
        save(model, new)
        write_settled(settled_in(model.config, kind_of(card.task).settles), new)
        write_companions(card.configuration, card.backbone, card.task, new)
        use_of(card.backbone, card.task, setting).write(new)
        write_rows(card.configuration, card.task, new)
        figures = {name: getattr(found, name) for name in ("validation", "test", "params", "steps", "best_step")}
        write_json(new / METRICS_FILE, figures)
        write_json(new / IDENTITY_FILE, identity)
        if (out / CHECKPOINTS / _RUNS).is_dir():
            shutil.copytree(out / CHECKPOINTS / _RUNS, new / _LOGS)
        if keep_checkpoints:
            kept = shutil.ignore_patterns(_RUNS, IDENTITY_FILE)
            shutil.copytree(out / CHECKPOINTS, new / CHECKPOINTS, ignore=kept)
        write_card(card, new)


def read_result(out: Path) -> FineTuned:
    """Read what `write_result` wrote.

    Raises:
        StudyError: When files of it are missing or damaged.
    """
    mend = f"give another folder, or delete {out} to train again"
    check_whole(out, mend, _MAY_GO)
    figures = read_json(out / METRICS_FILE, mend)
    merged = out / MERGED
    try:
        return FineTuned(out, **figures, already=True, merged=merged if merged.is_dir() else None)
    except TypeError:
        raise StudyError(
            f"{out / METRICS_FILE} is none that autopeft wrote: expected validation, test, params, steps and "
            f"best_step, found {', '.join(figures) or 'nothing'}; {mend}"
        ) from None
