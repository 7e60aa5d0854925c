"""Create, open, resume and begin anew: an Optuna study in an RDB storage."""

from __future__ import annotations

import errno
import os
import shutil
import tempfile
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import optuna
from optuna.samplers import BaseSampler
from optuna.study import StudyDirection

from autopeft.errors import StudyError
from autopeft.study.backend import connect, dialled, unopened
from autopeft.study.database import DATABASE, check_begun, sqlite_file, study_names
from autopeft.study.reading import KnownTrials
from autopeft.study.spec import StudySpec
from autopeft.study.urls import shown

__all__ = [
    "DATABASE",
    "check_folder",
    "check_storage",
    "load_study",
    "new_study",
    "open_study",
    "prepare_folder",
    "storage_url",
]

#: Bytes that must be free on the disk of a run folder: hundreds of trials take less.
ROOM = 64 * 2**20

_SPEC = "spec"


def check_folder(folder: Path) -> None:
    """Check that a run folder can be made where it shall be, without making it.

    Raises:
        StudyError: When it cannot.
    """
    try:
        nearest = next(each for each in (folder.absolute(), *folder.absolute().parents) if each.exists())
    except (OSError, ValueError) as error:
        raise _unwritable(folder, getattr(error, "strerror", None) or str(error)) from None
    if not nearest.is_dir():
        raise _unwritable(folder, f"{nearest} is a file")
    if not os.access(nearest, os.W_OK):
        raise _unwritable(folder, os.strerror(errno.EACCES))
    _check_room(nearest)


def prepare_folder(folder: Path) -> None:
    """Make sure a run folder exists and can be written.

    Raises:
        StudyError: When it cannot.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise _unwritable(folder, str(error.strerror or error)) from None


def _check_room(folder: Path) -> None:
    """Check that the disk of a folder, or of the nearest one above it that exists, has room for a run."""
    total, _, free = shutil.disk_usage(folder)
    # Of some file systems, that of processes say, it is not known.
    if total and free < ROOM:
        raise StudyError(
            f"the disk of {folder} has {free / 2**20:.0f} MiB free, and a search may write {ROOM / 2**20:.0f} MiB; "
            "make room, or choose another folder with --out"
        )


def check_storage(folder: Path, storage: str | None) -> None:
    """Check that the study of a run can be opened where it shall be, without making anything there.

    Raises:
        StudyError: When it cannot.
    """
    url = storage_url(folder, storage)
    file = sqlite_file(url)
    if file is not None:
        if storage is not None and not file.absolute().parent.is_dir():
            raise unopened(url, f"there is no folder {file.parent}")
        study_names(file)
        return
    from sqlalchemy import create_engine

    try:
        url, options = dialled(url)
        engine = create_engine(url, **options)
        engine.connect().close()
        engine.dispose()
    except StudyError:
        raise
    except Exception as error:
        raise unopened(url, error) from None


def storage_url(folder: Path, storage: str | None) -> str:
    """Return the RDB URL of a run: its own SQLite file unless another storage was given."""
    return storage or f"sqlite:///{(folder / DATABASE).resolve()}"


def open_study(
    folder: Path, spec: StudySpec, sampler: BaseSampler, *, name: str, storage: str | None, fresh: bool
) -> optuna.Study:
    """Create the study of a spec, or open it to go on.

    Args:
        folder: The run folder, see `prepare_folder`.
        spec: What the study is.
        sampler: The sampler of this run.
        name: Name of the study in its storage.
        storage: RDB URL; None for `study.db` in the folder.
        fresh: Drop a study that is there and begin anew.

    Raises:
        StudyError: When another spec lives there (what differs is listed), the study is damaged or gone, or the storage
            cannot be opened.
    """
    if storage is None and not study_names(folder / DATABASE) and not fresh:
        check_begun(folder)
    backend = KnownTrials(connect(storage_url(folder, storage)))
    names = optuna.get_all_study_names(backend)
    # A run folder's own database holds one study, whatever the folder is called today.
    existing = names[0] if storage is None and names else name if name in names else None
    if existing is not None and fresh:
        optuna.delete_study(study_name=existing, storage=backend)
        existing = None
    if existing is None:
        try:
            return new_study(backend, name, spec, sampler)
        except optuna.exceptions.DuplicatedStudyError:
            # Another process was as quick.
            existing = name
    study = optuna.load_study(study_name=existing, storage=backend, sampler=sampler)
    if _SPEC not in study.user_attrs and existing == name and not study.get_trials(deepcopy=False):
        # Whoever creates it has not come further yet, or was killed before.
        _describe(study, spec)
    differences = spec.differences(_spec_of(study, folder))
    if differences:
        listed = "\n".join(f"  {line}" for line in differences)
        raise StudyError(
            f"{folder} holds a study of another spec:\n{listed}\n"
            "go on with the recorded settings, choose another folder with --out, or begin anew with --fresh"
            + (
                "; --extend keeps the trials in a changed space"
                if all(x.startswith("space") for x in differences)
                else ""
            )
        )
    return study


def new_study(storage: optuna.storages.BaseStorage, name: str, spec: StudySpec, sampler: BaseSampler) -> optuna.Study:
    """Create a study of the objectives of its spec: costs, then accuracy."""
    directions = [
        StudyDirection.MAXIMIZE if objective == "accuracy" else StudyDirection.MINIMIZE for objective in spec.objectives
    ]
    study = optuna.create_study(study_name=name, storage=storage, sampler=sampler, directions=directions)
    _describe(study, spec)
    return study


def _describe(study: optuna.Study, spec: StudySpec) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        study.set_metric_names(list(spec.objectives))
    study.set_user_attr(_SPEC, spec.to_dict())


def load_study(
    folder: Path, storage: str | None = None, name: str | None = None, *, writing: bool = False
) -> optuna.Study:
    """Open the study of a run folder, for reading unless it will be written.

    Raises:
        StudyError: When there is none, or it is damaged or another's.
    """
    file = sqlite_file(storage_url(folder, storage))
    if file is not None and not file.is_file():
        raise StudyError(
            f"no study in {folder}: expected {folder / DATABASE if storage is None else file}; "
            "give the folder of a run, as `autopeft search` printed it"
        )
    if file is not None and not study_names(file):
        raise StudyError(
            f"{file} is empty: it holds no study; put it back from a copy, or begin anew by `autopeft search --fresh`"
        )
    backend = KnownTrials(connect(storage_url(folder, storage), reading=not writing))
    if storage is None and name is None:
        # Two are there where an extension was killed: the first has all trials until it is dropped.
        name = optuna.get_all_study_names(backend)[0]
    try:
        study = optuna.load_study(study_name=name, storage=backend)
    except (KeyError, ValueError):
        names, where = optuna.get_all_study_names(backend), shown(storage or str(file))
        raise StudyError(
            f"no study of {folder} in {where}: expected {name or 'one alone'}, found {', '.join(names)}; "
            "give the folder of another run, or run its search again"
        ) from None
    _spec_of(study, folder)
    return study


def _spec_of(study: optuna.Study, folder: Path) -> Mapping[str, Any]:
    """Return what a study is, as plain data."""
    spec = study.user_attrs.get(_SPEC)
    if not isinstance(spec, Mapping):
        raise StudyError(
            f"the study {study.study_name!r} of {folder} was not begun by autopeft, or has lost what it was of; "
            "expected one that `autopeft search` began: choose another folder with --out"
        )
    return spec


def _unwritable(folder: Path, reason: str) -> StudyError:
    return StudyError(
        f"cannot write to the output folder {folder} ({reason}); "
        "expected a folder this user may write to; choose another with --out"
    )
