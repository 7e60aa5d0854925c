"""Keep the chatter of the libraries below out of the way, or let it through."""

from __future__ import annotations

import os
import sys
import warnings
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

__all__ = ["heard", "loud", "quiet"]

#: What libraries read when they are imported, here or in the processes of workers.
_ENVIRONMENT = {
    "HF_DATASETS_DISABLE_PROGRESS_BARS": "1",
    "HF_HUB_DISABLE_PROGRESS_BARS": "1",
    "TOKENIZERS_PARALLELISM": "false",
    "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",
}

#: Whether Ray, which is told when it starts, is to be heard.
_heard = False


def heard() -> bool:
    """Tell whether what Ray and its workers say is to be let through."""
    return _heard


@contextmanager
def loud() -> Iterator[None]:
    """Let through what Ray and its workers say; the other libraries are left as they are."""
    global _heard
    before, _heard = _heard, True
    try:
        yield
    finally:
        _heard = before


@contextmanager
def quiet() -> Iterator[None]:
    """Turn off the progress bars and informational logs of the libraries below; at the end they are as before."""
    import optuna

    with ExitStack() as after:
        after.enter_context(warnings.catch_warnings())
        warnings.filterwarnings("ignore", category=FutureWarning)
        warnings.filterwarnings("ignore", category=optuna.exceptions.ExperimentalWarning)
        for name in _ENVIRONMENT.keys() - os.environ.keys():
            os.environ[name] = _ENVIRONMENT[name]
            after.callback(os.environ.pop, name, None)
        _quiet_logs(after)
        _quiet_progress_bars(after)
        yield


def _quiet_logs(after: ExitStack) -> None:
    import optuna
    from transformers.utils import logging as of_transformers

    after.callback(optuna.logging.set_verbosity, optuna.logging.get_verbosity())
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    after.callback(of_transformers.set_verbosity, of_transformers.get_verbosity())
    of_transformers.set_verbosity_error()


def _quiet_progress_bars(after: ExitStack) -> None:
    from huggingface_hub import utils as of_hub
    from transformers.utils import logging as of_transformers

    # transformers turns the hub's on and off with its own, so the hub's are set last.
    if not of_hub.are_progress_bars_disabled():
        after.callback(of_hub.enable_progress_bars)
    if of_transformers.is_progress_bar_enabled():
        after.callback(of_transformers.enable_progress_bar)
    of_transformers.disable_progress_bar()
    # Importing datasets takes seconds; imported later, it reads the environment.
    if (datasets := sys.modules.get("datasets")) is not None and not datasets.utils.are_progress_bars_disabled():
        after.callback(datasets.utils.enable_progress_bars)
        datasets.utils.disable_progress_bars()
