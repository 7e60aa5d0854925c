"""What a worker reads of the files that a user names, and takes along where a machine of a cluster has none of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from glob import escape, has_magic
from pathlib import Path

from autopeft.backbones.gguf import SMOLLM2
from autopeft.backbones.source import PACKAGED
from autopeft.launch.parcel import Home, Parcel, below, in_units
from autopeft.launch.plan import SearchPlan
from autopeft.tasks import Task, TaskSpec
from autopeft.tasks.tables.places import files_like, files_under

__all__ = ["Baggage", "baggage_of", "moved"]

#: Fields of a spec that may name files.
_DATA = ("data", "dataset", "validation", "test", "pool")

#: Weights in forms that nobody loads, and what a training leaves in its folder.
_NOT_LOADED = (".bin", ".pt", ".pth", ".ckpt", ".h5", ".msgpack", ".onnx", ".ot", ".tflite")
_CHECKPOINT = "checkpoint-"


@dataclass(frozen=True)
class Baggage:
    """The files of a job, and which of its settings name them.

    Args:
        parcels: The files.
        named: The parcel, by its place among these, that holds what a path names.
    """

    parcels: tuple[Parcel, ...]
    named: Mapping[str, int]

    def describe(self) -> str:
        """Say what there is, and how large it is."""
        return ", ".join(f"{parcel.what} {in_units(parcel.size)}" for parcel in self.parcels)

    def opened(self, home: Home) -> dict[str, str]:
        """Return where on this machine each path leads that is named.

        Raises:
            AutopeftError: When something cannot be taken along.
        """
        folders = [parcel.opened(home) for parcel in self.parcels]
        found = {}
        for path, number in self.named.items():
            folder, files = folders[number], self.parcels[number].paths
            if folder is None:
                found[path] = path
            elif _is_pattern(path, files):
                found[path] = str(Path(escape(str(folder)), *Path(path).parts[1:]))
            else:
                found[path] = str(below(folder, path))
        return found


def baggage_of(plan: SearchPlan, spec: TaskSpec, task: Task) -> Baggage:
    """Return the files that workers read for a plan.

    Args:
        plan: The plan, with absolute paths.
        spec: Where its data is.
        task: The data, whose examples may be files.

    Raises:
        AutopeftError: When a file cannot be read.
    """
    data = sorted({path for path in _named_by(spec) if _is_local(path)})
    groups: list[tuple[str, list[str], list[Path]]] = []
    if data:
        groups.append(("the data", data, [file for path in data for file in _files(path)] + task.kind.files(task)))
    if plan.model is not None and plan.model not in (PACKAGED, SMOLLM2) and Path(plan.model).is_dir():
        groups.append(("the model", [plan.model], _weights(plan.model)))
    groups += [
        (what, [str(path)], [path]) for what, path in (("the plugin", plan.plugin), ("roles", plan.roles)) if path
    ]
    return Baggage(
        tuple(Parcel.of(what, files) for what, _, files in groups),
        {path: number for number, (_, paths, _) in enumerate(groups) for path in paths},
    )


def moved(spec: TaskSpec, places: Mapping[str, str]) -> TaskSpec:
    """Return a spec whose paths are others.

    Args:
        spec: The spec.
        places: The new path for each that changes.
    """
    given = {name: path for name in _DATA if (path := getattr(spec, name))}
    parts = tuple(moved(part, places) for part in spec.parts)
    return replace(spec, parts=parts, **{name: places.get(path, path) for name, path in given.items()})


def _named_by(spec: TaskSpec) -> Iterator[str]:
    yield from (path for name in _DATA if (path := getattr(spec, name)))
    for part in spec.parts:
        yield from _named_by(part)


def _is_local(path: str) -> bool:
    # Settings that name files have absolute paths by now; the rest are data sets of the hub.
    return Path(path).is_absolute()


def _files(path: str) -> list[Path]:
    place = Path(path)
    if place.is_dir():
        return files_under(path, place)
    return [place] if place.exists() else files_like(path, place)


def _is_pattern(path: str, files: list[str]) -> bool:
    return has_magic(path) and not any(file == path or file.startswith(f"{path}/") for file in files)


def _weights(model: str) -> list[Path]:
    folder = Path(model)
    return [
        file
        for file in files_under(model, folder)
        if file.suffix.lower() not in _NOT_LOADED
        and not any(part.startswith(_CHECKPOINT) for part in file.relative_to(folder).parts)
    ]
