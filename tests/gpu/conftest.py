"""Tests of the rows of the table `What it ran on`, where CUDA is; with `--on cpu` as far as they need no card.

`make gpu PYTHON=python3` runs them with what that Python has, and each skips with the package that it lacks.
"""

from __future__ import annotations

import os
from collections.abc import Generator, Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.gpu.recorder import Recorder

if TYPE_CHECKING:
    from tests.gpu.bench import Bench

_RECORDER = pytest.StashKey[Recorder]()


def pytest_addoption(parser: pytest.Parser) -> None:
    """Options of these tests, known where `tests/gpu` is named."""
    group = parser.getgroup("hardware")
    group.addoption("--on", choices=("cuda", "cpu"), default="cuda", help="what the tests of hardware run on")
    group.addoption("--record", type=Path, help="folder to which they write what came of each row, as JSON")


def _on(config: pytest.Config) -> str:
    # Of a run of all tests the option is not known.
    return str(config.getoption("--on", default="cuda"))


def pytest_configure(config: pytest.Config) -> None:
    """Hide the cards from what is to run on the processor: trials take the first that they see."""
    if _on(config) == "cpu":
        os.environ["CUDA_VISIBLE_DEVICES"] = ""


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Skip all of them where they cannot run."""
    ours = [item for item in items if item.get_closest_marker("gpu")]
    reason = _hindrance(config) if ours else None
    for item in ours:
        if reason:
            item.add_marker(pytest.mark.skip(reason=reason))
        elif _on(config) == "cpu" and item.get_closest_marker("card"):
            item.add_marker(pytest.mark.skip(reason="needs a card"))
    if ours and not reason and config.getoption("--record", default=None):
        config.stash[_RECORDER] = Recorder(_on(config))


def _hindrance(config: pytest.Config) -> str | None:
    if not find_spec("torch"):
        return "needs torch"
    import torch

    if _on(config) == "cpu":
        return None
    if not torch.cuda.is_available():
        return f"torch {torch.__version__} sees no CUDA here; what needs no card runs with --on cpu"
    if "PYTEST_XDIST_WORKER" in os.environ:
        return "one at a time has the card: make gpu"
    return None


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run what asks for a precision in each of those of the device."""
    if "precision" in metafunc.fixturenames:
        passes = ("fp32", "bf16") if _on(metafunc.config) == "cpu" else ("auto",)
        metafunc.parametrize("precision", passes, scope="session")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Skip what lacks a package, and record."""
    report = yield
    error = call.excinfo.value if call.excinfo else None
    if isinstance(error, ModuleNotFoundError) and error.name and not find_spec(error.name.partition(".")[0]):
        report.outcome = "skipped"
        report.longrepr = (str(item.path), item.location[1] or 0, f"Skipped: needs {error.name.partition('.')[0]}")
    if item.config.stash.get(_RECORDER, None):
        item.config.stash[_RECORDER].note(item, report)
    return report


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Write the record."""
    if session.config.stash.get(_RECORDER, None):
        session.config.stash[_RECORDER].write(session.config.getoption("--record"))


@pytest.fixture(scope="session", autouse=True)
def _cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Take nothing from earlier runs, and leave nothing."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AUTOPEFT_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield


@pytest.fixture(scope="session")
def bench(precision: str, request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Bench:
    """Tiny models and trials of them on the device; what it imports may be missing."""
    from tests.gpu.bench import Bench

    return Bench.on(_on(request.config), precision, tmp_path_factory.mktemp("models"))


@pytest.fixture
def timed(request: pytest.FixtureRequest):
    """Return what keeps figures under a name in the record, if there is one."""
    recorder = request.config.stash.get(_RECORDER, None)
    # What little the processor does here says nothing of its speed.
    return recorder.timed if recorder and _on(request.config) == "cuda" else lambda name, figures: None
