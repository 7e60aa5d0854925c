"""What finalists have left in a run folder: a folder for each training, so that none is done twice."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from autopeft.errors import StudyError
from autopeft.selection.contenders import Contender
from autopeft.selection.grouped import over_groups
from autopeft.trials import TrialSetting
from autopeft.whole_file import damage, read_json, whole_file, write_json, write_text
from autopeft.whole_folder import whole_folder

__all__ = ["FOLDER", "TEST_SCORES", "Records", "count_reading", "looks", "readings", "trained_with", "units_of"]

#: The folder of all trainings in a run folder.
FOLDER = "finalists"

#: One line for each time that a model of this run was measured on test.
_READINGS = "test-readings.jsonl"

#: The scores on test in the folder of a training, once it was measured there.
TEST_SCORES = "test.npy"

#: What a folder was trained as; of a folder without it nothing is known.
_RECORD = "finalist.json"

#: In the folder of a contender: what it reached at a rung, and as what.
_LOOK = "look.json"

#: What follows where something of a finalist is taken out of a run folder.
_AGAIN = "the next `autopeft select` makes it again"


@dataclass(frozen=True)
class Records:
    """The trainings of finalists with one setting.

    Args:
        run: The run folder.
        setting: How they train.
        source: What else tells trainings apart: the backbone and the data.
        seed: Seed of the search; those of finalists come after it, for what was chosen by it was chosen for its luck.
        groups: The group of each example, by split, where examples come in groups: a unit is one of these then.
    """

    run: Path
    setting: TrialSetting
    source: Mapping[str, Any]
    seed: int
    groups: Mapping[str, Sequence[str]] = field(default_factory=dict)

    def folder(self, contender: Contender, index: int) -> Path:
        """Return where a training goes, given the index of its seed."""
        return self.run / FOLDER / contender.name / f"seed-{self.seed_of(index)}"

    def seed_of(self, index: int) -> int:
        """Return the seed of an index, from 0."""
        return self.seed + 1 + index

    def scratch(self, contender: Contender, index: int) -> Path:
        """Return where a training is written until it is kept."""
        return self.run / FOLDER / contender.name / f".seed-{self.seed_of(index)}.training"

    def keep(
        self,
        contender: Contender,
        index: int,
        validation: NDArray[np.float64],
        complete: Callable[[Path], None] = lambda folder: None,
    ) -> None:
        """Record a finished training with its scores on validation, in place of what its folder held.

        Args:
            contender: What was trained.
            index: Of its seed.
            validation: Its scores, `[examples]`.
            complete: Writes what else goes into the folder.
        """
        folder, scratch = self.folder(contender, index), self.scratch(contender, index)
        # The run folder is ours, and earlier versions did not list their files.
        there = [path.name for path in folder.iterdir()] if folder.is_dir() else []
        with whole_folder(folder, there) as new:
            shutil.copytree(scratch, new, copy_function=os.replace, dirs_exist_ok=True)
            np.save(new / "validation.npy", validation)
            write_json(new / _RECORD, self._identity(contender))
            complete(new)
        shutil.rmtree(scratch)

    def validation(self, contender: Contender) -> list[NDArray[np.float64]]:
        """Return the scores on validation of a contender's finished trainings, by seed; each `[units]`."""
        return [
            self._units("validation", self.folder(contender, index) / "validation.npy")
            for index in self.trained(contender)
        ]

    def trained(self, contender: Contender) -> list[int]:
        """Return the indices of the seeds of a contender's finished trainings; some may be missing among them."""
        names = [path.name.removeprefix("seed-") for path in (self.run / FOLDER / contender.name).glob("seed-*")]
        indices = sorted(int(name) - self.seed_of(0) for name in names if name.isdecimal())
        return [index for index in indices if index >= 0 and self._recorded(contender, index)]

    def keep_look(self, contender: Contender, accuracy: float) -> None:
        """Record what a contender reached at a rung."""
        path = self.run / FOLDER / contender.name / _LOOK
        path.parent.mkdir(parents=True, exist_ok=True)
        write_json(path, {"accuracy": accuracy, "as": self._identity(contender)})

    def looked(self, contender: Contender) -> float | None:
        """Return what a contender reached at a rung; None where that is not known.

        Raises:
            StudyError: When its file is damaged.
        """
        path = self.run / FOLDER / contender.name / _LOOK
        data = read_json(path, f"delete it, and {_AGAIN}") if path.is_file() else {}
        if data.get("as") != json.loads(json.dumps(self._identity(contender))):
            return None
        return float(data["accuracy"])

    def keep_test(self, contender: Contender, index: int, scores: NDArray[np.float64]) -> None:
        """Record the scores of a training on test."""
        with whole_file(self.folder(contender, index) / TEST_SCORES) as partial, partial.open("wb") as out:
            np.save(out, scores)

    def test(self, contender: Contender, index: int) -> NDArray[np.float64] | None:
        """Return the scores of a training on test, `[units]`; None where it has not been measured there."""
        path = self.folder(contender, index) / TEST_SCORES
        return self._units("test", path) if path.is_file() else None

    def _units(self, split: str, path: Path) -> NDArray[np.float64]:
        return units_of(path, self.groups.get(split, ()))

    def _recorded(self, contender: Contender, index: int) -> bool:
        path = self.folder(contender, index) / _RECORD
        if not path.is_file():
            return False
        return read_json(path, f"move {path.parent} away, and {_AGAIN}") == self._identity(contender)

    def _identity(self, contender: Contender) -> Mapping[str, Any]:
        return {
            "configuration": contender.configuration.to_dict(),
            "setting": self.setting.to_dict(),
            **self.source,
        }


def units_of(path: Path, groups: Sequence[str]) -> NDArray[np.float64]:
    """Return recorded scores, one for each unit that was drawn.

    Args:
        path: Their file.
        groups: The group of each example, where examples come in groups.

    Raises:
        StudyError: When they are damaged.
    """
    try:
        with path.open("rb") as stream:
            scores = np.lib.format.read_array(stream, allow_pickle=False)
        if scores.ndim != 1 or scores.dtype.kind != "f":
            raise ValueError(f"expected scores, found {scores.dtype} of shape {scores.shape}")
    except (OSError, ValueError, EOFError) as error:
        raise StudyError(
            f"cannot read {path}, the scores of a finalist: {damage(error)}; move {path.parent} away, and {_AGAIN}"
        ) from None
    return over_groups(scores, groups)


def trained_with(run: Path, *, but: str = "") -> list[Mapping[str, Any]]:
    """Return the setting of each finished training in a run folder, as plain data; of all but a baseline.

    Raises:
        StudyError: When a record is damaged.
    """
    found = sorted((run / FOLDER).glob(f"*/seed-*/{_RECORD}"))
    return [
        read_json(path, f"move {path.parent} away, and {_AGAIN}")["setting"]
        for path in found
        if not but or not path.parents[1].name.startswith(f"{but}-")
    ]


def looks(run: Path, *, but: str = "") -> int:
    """Return how many looks at learning rates there have been in a run folder, at those of all but a baseline."""
    found = (run / FOLDER).glob(f"*/{_LOOK}")
    return len([path for path in found if not but or not path.parent.name.startswith(f"{but}-")])


def count_reading(run: Path, model: str) -> None:
    """Note, before it happens, that a model is measured on test.

    Raises:
        StudyError: When the earlier notes are damaged.
    """
    lines = [*_noted(run), json.dumps({"model": model})]
    write_text(run / _READINGS, "".join(f"{line}\n" for line in lines))


def readings(run: Path) -> int:
    """Return how often a model of this run was measured on test: as noted, or as scores there show.

    Raises:
        StudyError: When the notes are damaged.
    """
    return max(len(_noted(run)), len([*(run / FOLDER).glob(f"*/*/{TEST_SCORES}")]))


def _noted(run: Path) -> list[str]:
    path = run / _READINGS
    if not path.is_file():
        return []
    try:
        lines = path.read_text(encoding="utf8").splitlines()
        # An earlier version may have been killed while it added a line.
        for line in lines[:-1]:
            if not isinstance(json.loads(line), dict):
                raise ValueError(f"expected objects, found {line:.40}")
    except (OSError, ValueError) as error:
        raise StudyError(
            f"cannot read {path}, which counts how often test was read: {damage(error)}; move it away to count anew"
        ) from None
    return lines
