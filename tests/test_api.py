"""The main job called from Python, as in a notebook."""

import logging
import os
import subprocess
import sys
import warnings

import optuna
import pytest
from huggingface_hub.utils import are_progress_bars_disabled
from transformers.utils import logging as of_transformers

from autopeft.launch.quiet import quiet
from tests.cli.test_search import place

__all__ = ["place"]

SEARCH = """
import warnings
warnings.simplefilter("always")
import autopeft
result = autopeft.search(
    model="tiny-bert", data="train.csv", text="text", label="label", budget="20%", epochs=1, trials=12,
    workers={workers}, out="quiet{workers}",
)
assert result.complete
"""


@pytest.mark.slow
@pytest.mark.parametrize("workers", [0, 1])
def test_it_prints_nothing(place, workers):
    code = SEARCH.format(workers=workers)
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=place, timeout=300)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def settings():
    return {
        "optuna": optuna.logging.get_verbosity(),
        "transformers": of_transformers.get_verbosity(),
        "bars": of_transformers.is_progress_bar_enabled(),
        "bars of the hub": not are_progress_bars_disabled(),
        "warnings": list(warnings.filters),
        "environment": dict(os.environ),
    }


@pytest.mark.parametrize("level", [logging.INFO, logging.CRITICAL])
def test_what_a_notebook_has_set_is_as_before(level):
    libraries = (optuna.logging, of_transformers)
    levels = [library.get_verbosity() for library in libraries]
    try:
        for library in libraries:
            library.set_verbosity(level)
        before = settings()
        with quiet():
            during = settings()
        assert settings() == before
    finally:
        for library, old in zip(libraries, levels, strict=True):
            library.set_verbosity(old)
    assert (during["optuna"], during["transformers"]) == (logging.WARNING, logging.ERROR)
    assert not during["bars"]
    assert not during["bars of the hub"]
