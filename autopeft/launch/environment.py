"""On what a search ran: recorded with its study, for those who read its figures later."""

from __future__ import annotations

import os
import platform
from importlib.metadata import PackageNotFoundError, version

import torch

__all__ = ["ENVIRONMENT", "environment"]

#: The study's user attribute that holds the environment of the run that last went on with it.
ENVIRONMENT = "environment"

_PACKAGES = ("torch", "transformers", "peft", "optuna", "botorch", "ray")


def environment() -> dict[str, str]:
    """Describe this machine and the versions of what computes on it; the name of the machine stays out."""
    gpus = [torch.cuda.get_device_name(index) for index in range(torch.cuda.device_count())]
    return {
        "machine": f"{platform.system()} {platform.machine()}, {os.cpu_count()} processors",
        "GPUs": ", ".join(gpus) or "none",
        "Python": platform.python_version(),
        "packages": ", ".join(f"{name} {_version(name)}" for name in _PACKAGES),
    }


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        # Trials in this process do without Ray.
        return "missing"
