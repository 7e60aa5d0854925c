"""What a record says of the machine, with whatever packages are there; the machine's own name stays out."""

from __future__ import annotations

import os
import platform
import re
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from studies.hardware.records import Record

__all__ = ["file_name", "new_record"]

_PACKAGES = (
    "autopeft",
    "torch",
    "transformers",
    "peft",
    "accelerate",
    "trl",
    "bitsandbytes",
    "optuna",
    "botorch",
    "ray",
    "numpy",
)


def new_record(device: str) -> Record:
    """Return a record of this machine without any cell.

    Args:
        device: `cpu` or `cuda`.
    """
    said = {"system": f"{platform.system()} {platform.machine()}", "cores": str(len(os.sched_getaffinity(0)))}
    count, name = 1, _processor()
    if device == "cuda":
        import torch

        said |= {"processor": name, "memory": f"{torch.cuda.get_device_properties(0).total_memory / 2**30:.0f} GiB"}
        said["CUDA"] = str(torch.version.cuda)
        count, name = torch.cuda.device_count(), torch.cuda.get_device_name(0)
    versions = {package: _version(package) for package in _PACKAGES}
    said["Python"] = platform.python_version()
    said["versions"] = ", ".join(f"{package} {found}" for package, found in versions.items() if found)
    return Record(device, count, name, said)


def file_name(record: Record) -> str:
    """Return the name of the file of a record."""
    words = ["cpu"] if record.device == "cpu" else [f"{record.count}x"] if record.count > 1 else []
    return re.sub(r"[^a-z0-9]+", "-", " ".join([*words, record.name]).lower()).strip("-") + ".json"


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def _processor() -> str:
    table = Path("/proc/cpuinfo")
    lines = table.read_text(encoding="utf8").splitlines() if table.is_file() else []
    named = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(named, platform.processor() or platform.machine())
