"""What goes with the adapters of a finalist, so that its folder is whole by itself."""

from __future__ import annotations

import filecmp
import os
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from autopeft.launch import Preparation
from autopeft.saved import (
    Card,
    loading_code,
    rows_in_words,
    use_of,
    write_card,
    write_companions,
    write_routes,
    write_rows,
)
from autopeft.selection.contenders import Contender
from autopeft.selection.records import FOLDER, TEST_SCORES
from autopeft.tasks import Task
from autopeft.trials import TrialSetting, draw, kind_of
from autopeft.whole_folder import WRITTEN

__all__ = ["complete", "share"]

#: Files that are smaller are not worth a second name.
_SMALL = 64 * 1024


def complete(
    prepared: Preparation, contender: Contender, seed: int, validation: NDArray[np.float64], folder: Path
) -> None:
    """Write what goes with the adapters of a finalist, the card last.

    Args:
        prepared: The plan of the run, made concrete.
        contender: What was trained.
        seed: With which seed.
        validation: Its scores on validation, `[examples]`.
        folder: The adapters, and the records of the selection.
    """
    setting = prepared.final
    each = kind_of(prepared.task).each_of(prepared.task, prepared.backbone.tokenizer(), setting)
    if each:
        write_routes(folder, [task.name for task, _ in each])
    for task, own in each or [(prepared.task, setting)]:
        home = folder / task.name if each else folder
        _complete(prepared, contender, seed, validation, home, replace(task, train=draw(task, own)[0]), own)


def _complete(
    prepared: Preparation,
    contender: Contender,
    seed: int,
    validation: NDArray[np.float64],
    folder: Path,
    task: Task,
    setting: TrialSetting,
) -> None:
    full = contender.baseline == "full"
    write_companions(contender.configuration, prepared.backbone, task, folder)
    use_of(prepared.backbone, task, setting, whole=full).write(folder)
    write_rows(contender.configuration, task, folder)
    share(folder, (prepared.folder / FOLDER).glob(f"*/seed-*/{task.name}" if folder.name == task.name else "*/seed-*"))
    rate = contender.configuration.training.get("learning_rate")
    card = Card(
        contender.configuration,
        prepared.backbone,
        task,
        f"{contender.name} of the run {prepared.folder.resolve().name}, seed {seed}; "
        f"{prepared.task.objective.replace('_', ' ')} {validation.mean():.4f} on validation",
        f"A finalist, trained on {rows_in_words(contender.configuration, task)} for {setting.epochs:g} epochs in "
        f"batches of {setting.batch_size}, {setting.precision}, seed {seed}"
        f"{f', learning rate {rate:g}' if rate else ''}. "
        "How it stands to others, and on test, is in `finalists.json` of the run.",
        loading_code(contender.configuration, prepared.backbone, task, setting.max_length, full=full),
    )
    write_card(card, folder, (WRITTEN, TEST_SCORES))


def share(folder: Path, others: Iterable[Path]) -> None:
    """Make large files that others have too second names of theirs, where the file system can.

    Args:
        folder: The folder whose files may be replaced; none of the others.
        others: Folders of the same kind; the tokenizers of many seeds would take as much room as the model.
    """
    others = list(others)
    for file in folder.iterdir():
        if not file.is_file() or file.stat().st_size < _SMALL:
            continue
        twins = (other / file.name for other in others)
        twin = next((path for path in twins if path.is_file() and filecmp.cmp(path, file, shallow=False)), None)
        if twin is not None:
            second = file.with_name(f"{file.name}.shared")
            try:
                os.link(twin, second)
            except OSError:
                return
            second.replace(file)
