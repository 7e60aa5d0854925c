"""A search in a notebook: what a cell shows, and the notebook of the examples run as it stands."""

import io
import re
from copy import deepcopy
from pathlib import Path

import nbformat
import pytest
from IPython.display import DisplayHandle
from nbclient import NotebookClient
from rich.console import Console

from autopeft.reporting import NotebookProgress, in_notebook
from autopeft.space import Configuration
from autopeft.study import Ask
from autopeft.trials.classification import ClassificationTrials
from tests.reporting.test_report import FRONT, SCALE

BOOK = Path(__file__).parents[2] / "examples" / "search_in_a_notebook.ipynb"


@pytest.fixture
def shown(monkeypatch):
    """Return what a cell has shown, one after the other."""
    found = []
    monkeypatch.setattr("IPython.display.display", lambda each, display_id: found.append(each) or DisplayHandle())
    monkeypatch.setattr(DisplayHandle, "update", lambda self, each: found.append(each._repr_html_()))
    return found


def test_a_cell_is_redrawn_with_every_event(shown, capsys):
    trial = Ask(7, Configuration.from_dict({"modules": {}, "training": {}}), None)
    progress = NotebookProgress(SCALE, 5, ClassificationTrials, Console(file=io.StringIO()), steps=100)
    with progress:
        progress.opened(1)
        progress.started(trial)
        progress.measured(trial, {"step": 10, "accuracy": 0.5, "seconds": 15.0, "step_seconds": 1.0})
        progress.finished(trial, {"status": "complete", "accuracy": 0.8, "seconds": 60.0}, 9000, FRONT)
        progress.said("<b> is no mark of ours")
    first, opened, started, measured, finished, last = shown
    assert first is progress
    assert "1/5 trials, 0:00 elapsed<" in opened
    assert "1/5 trials, 1 running" in started
    assert "trial 7: no adapters" in started
    assert "about 7:00 left" in measured
    assert "2/5 trials, 0:00 elapsed, about 3:00 left" in finished
    assert "<th" in finished
    assert "0.8000" in last
    assert capsys.readouterr().out == "<b> is no mark of ours\n"


def test_names_are_no_html(shown):
    front = Configuration.from_dict({"modules": {"<i>": {}}, "training": {}})
    with NotebookProgress(SCALE, 5, ClassificationTrials, Console()) as progress:
        progress.started(Ask(3, front, None))
    assert "<i>" not in shown[1]
    assert "&lt;i&gt;" in shown[1]


def test_elsewhere_is_no_notebook():
    assert not in_notebook()


@pytest.fixture(scope="module")
def book():
    return nbformat.read(BOOK, as_version=4)


def test_the_notebook_is_shown_as_it_ran(book):
    code = [cell for cell in book.cells if cell.cell_type == "code"]
    assert [cell.execution_count for cell in code] == list(range(1, len(code) + 1))
    assert not any(output.output_type == "error" for cell in code for output in cell.outputs)
    assert not re.search(r'"[^"]*(/home/|/root/|/work/|/tmp/|site-packages)', BOOK.read_text(encoding="utf8"))


@pytest.mark.slow
def test_the_notebook_runs(book, tmp_path):
    ran = deepcopy(book)
    for cell in ran.cells:
        if cell.cell_type == "code":
            cell.outputs = []
    NotebookClient(ran, timeout=1200, resources={"metadata": {"path": str(tmp_path)}}).execute()
    for now, before in zip(ran.cells, book.cells, strict=True):
        kinds = [
            {
                kind
                for output in cell.get("outputs", ())
                if output.get("name") != "stderr"
                for kind in output.get("data", {"text": 1})
            }
            for cell in (now, before)
        ]
        assert kinds[0] == kinds[1], now.source
    # Libraries may warn before.
    bar = next(output.data["text/html"] for output in ran.cells[1].outputs if "data" in output)
    assert "<progress" in bar
    assert "8/8 trials" in bar
    assert list((tmp_path / "run" / "export").rglob("adapter_model.safetensors"))
