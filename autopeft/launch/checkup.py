"""What there is on this machine: versions, hardware, what features lack, and whether a training step works."""

from __future__ import annotations

import os
import re
import shutil
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from importlib.metadata import PackageNotFoundError, metadata, version
from pathlib import Path

import torch
from packaging.requirements import Requirement

from autopeft.backbones.gguf import SMOLLM2, lacking_smollm2
from autopeft.cache import cache_folder
from autopeft.errors import AutopeftError
from autopeft.launch.environment import environment
from autopeft.launch.places import places_of
from autopeft.launch.plan import SearchPlan
from autopeft.launch.preparation import prepare
from autopeft.launch.ray_process import RayProcess
from autopeft.sandbox import check_sandbox
from autopeft.trials import resolve_precision
from autopeft.version import __version__

__all__ = ["Feature", "Tried", "features", "machine", "tries"]

#: What the extras of the package are for; of others their name says it.
_EXTRAS: Mapping[str, str] = {
    "demo": "the packaged default job",
    "quantization": "backbones in 4 and 8 bits, LoftQ",
    "excel": "data in Excel workbooks",
    "ranking": "documents to be ranked",
    "sparql": "queries in SPARQL that decoders write",
    "postgresql": "studies in a PostgreSQL database",
    "trl": "autopeft train of decoders",
    "tensorboard": "--report-to tensorboard",
    "mlflow": "--report-to mlflow",
    "wandb": "--report-to wandb",
}

#: What only those need who work on autopeft itself.
_NOT_OF_USERS = ("dev", "docs", "release")


@dataclass(frozen=True)
class Feature:
    """Something that needs more than a plain install.

    Args:
        name: What it is for.
        lacking: What is not there; none where it can be used.
        remedy: How to get that.
    """

    name: str
    lacking: tuple[str, ...]
    remedy: str


@dataclass(frozen=True)
class Tried:
    """A part of the self-test.

    Args:
        name: What was tried.
        seconds: How long it took.
        message: What went wrong; empty where it works.
    """

    name: str
    seconds: float
    message: str


def machine() -> dict[str, str]:
    """Return versions, hardware and folders, as a report of a bug needs them; no names of users and machines."""
    cache = cache_folder()
    gpus = [
        f"{torch.cuda.get_device_name(index)} with {_gib(torch.cuda.get_device_properties(index).total_memory)}"
        for index in range(torch.cuda.device_count())
    ]
    found = environment()
    return {
        "autopeft": __version__,
        "Python": found["Python"],
        "packages": found["packages"],
        "machine": f"{found['machine']}, {_gib(os.sysconf('SC_PHYS_PAGES') * os.sysconf('SC_PAGE_SIZE'))} of memory",
        "GPUs": ", ".join(gpus) or "none",
        "precision": f"{resolve_precision()} unless told otherwise",
        "disk": f"{_gib(shutil.disk_usage(Path.cwd()).free)} free here, "
        f"{_gib(shutil.disk_usage(_there(cache)).free)} in the cache",
    }


def features() -> Iterator[Feature]:
    """Yield what needs more than a plain install, by the extras that the package declares."""
    try:
        declared = metadata("autopeft")
        extras, wanted = declared.get_all("Provides-Extra") or [], declared.get_all("Requires-Dist") or []
    except PackageNotFoundError:
        # A checkout that Python finds on its path.
        yield Feature("what extras bring", ("an installation of autopeft",), "pip install -e .")
        extras, wanted = [], []
    for extra in extras:
        if extra not in _NOT_OF_USERS:
            lacking = tuple(_lacking(wanted, extra))
            yield Feature(_EXTRAS.get(extra, extra), lacking, f"pip install 'autopeft[{extra}]'")
    missing = lacking_smollm2()
    yield Feature(f"the packaged decoder {SMOLLM2}", tuple(missing), " && ".join(missing.values()))
    try:
        check_sandbox()
        yield Feature("code that models write, in a sandbox", (), "")
    except AutopeftError as error:
        yield Feature("code that models write, in a sandbox", (str(error),), "another kernel")


def tries() -> Iterator[Tried]:
    """Yield how parts of a search go: a training step of the default job here, and in a worker of Ray."""
    with tempfile.TemporaryDirectory() as folder:
        plan = SearchPlan.of({"out": Path(folder) / "run"})
        began = time.perf_counter()
        try:
            prepared = prepare(plan)
        except AutopeftError as error:
            yield Tried("reading the default job", time.perf_counter() - began, str(error))
            return
        do = partial(prepared.job.rehearse, prepared.stock.text)
        yield _tried("a training step and a measurement of the default job", do)

        def in_ray() -> bool:
            with RayProcess(places_of(plan.model_copy(update={"workers": 1})), None) as ray:
                return bool(ray.in_worker(do))

        yield _tried("the same in a worker of Ray", in_ray)


def _tried(name: str, do: Callable[[], bool]) -> Tried:
    began = time.perf_counter()
    try:
        message = "" if do() else "memory ran out"
    except Exception as error:
        message = f"{type(error).__name__}: {' '.join(str(error).split())}"
    return Tried(name, time.perf_counter() - began, message)


def _lacking(declared: Iterable[str], extra: str) -> Iterator[str]:
    for text in declared:
        wanted = Requirement(text)
        marker = wanted.marker
        if marker is None or not re.search(r"\bextra\b", str(marker)) or not marker.evaluate({"extra": extra}):
            continue
        try:
            found = version(wanted.name)
        except PackageNotFoundError:
            yield wanted.name
            continue
        if not wanted.specifier.contains(found, prereleases=True):
            yield f"{wanted.name}{wanted.specifier} (found {found})"


def _there(path: Path) -> Path:
    return next(each for each in (path, *path.parents) if each.exists())


def _gib(size: int) -> str:
    return f"{size / 2**30:.1f} GiB"
