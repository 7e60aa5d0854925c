"""What all cases share: tiny models, and a run with what was made of it."""

import shutil
from pathlib import Path

import pytest

from autopeft.testing.decoders import tiny_decoder
from autopeft.testing.models import TEXTS, tiny_backbone
from tests.bad_input.rows import CSV
from tests.cli.in_process import run_here

SEARCH = "search --model tiny-bert --data good.csv --budget 20% --trials 3 --workers 0 --space lora --no-select -o run"


@pytest.fixture(scope="session")
def place(tmp_path_factory) -> Path:
    """A folder with tiny models and good rows."""
    folder = tmp_path_factory.mktemp("place")
    vocabulary = (*TEXTS, "what of number1 film")
    tiny_backbone("bert", folder, vocabulary=vocabulary)
    tiny_backbone("vit", folder)
    tiny_decoder("llama", folder, vocabulary=vocabulary)
    (folder / "good.csv").write_text(CSV)
    return folder


@pytest.fixture(scope="session")
def after(place) -> Path:
    """The same folder with a search, its selection, a training of it, and an export."""
    for words in (
        SEARCH + " --examples 20 --epochs 1",
        "select run --seeds 3",
        "train run --pick stock -o trained --merge",
    ):
        done = run_here(*words.split(), cwd=place)
        assert done.returncode == 0, done.stdout + done.stderr
    return place


@pytest.fixture
def folder(after, tmp_path):
    """A copy of the folder with a run, whose own records name the copy."""
    copy = tmp_path / "copy"
    shutil.copytree(after, copy)
    plan = copy / "run" / "study.yaml"
    plan.write_text(plan.read_text().replace(str(after), str(copy)))
    return copy
