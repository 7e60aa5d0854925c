"""Where a training can be followed as it goes."""

from __future__ import annotations

from collections.abc import Sequence

from transformers.integrations import is_mlflow_available, is_tensorboard_available, is_wandb_available

from autopeft.errors import AutopeftError

__all__ = ["check_reports"]

_AVAILABLE = {
    "tensorboard": is_tensorboard_available,
    "wandb": is_wandb_available,
    "mlflow": is_mlflow_available,
}


def check_reports(report_to: Sequence[str]) -> None:
    """Check that what a training is to report to is known and installed.

    Raises:
        AutopeftError: When it is not.
    """
    for name in report_to:
        if name not in _AVAILABLE:
            raise AutopeftError(f"cannot report to {name!r}; expected one of {', '.join(_AVAILABLE)}")
        if not _AVAILABLE[name]():
            raise AutopeftError(
                f"{name} is not installed: run `pip install 'autopeft[{name}]'`, or leave --report-to out"
            )
