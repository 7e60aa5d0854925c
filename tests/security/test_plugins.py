"""A plan or a run that names a plugin: code, which nothing runs that was not named at the command."""

import shutil

import pytest
import yaml

from autopeft.errors import AutopeftError
from autopeft.launch import SearchPlan, open_run, plan
from autopeft.reporting import read_run
from autopeft.reporting.data.table import rows_of_front
from tests.cli.in_process import run_here
from tests.reporting.runs import make_run
from tests.security.attacks import plugin_that_marks

#: Every verb that opens a run.
VERBS = {
    "front": ["front", "run"],
    "trials": ["trials", "run"],
    "report": ["report", "run"],
    "compare": ["compare", "run", "run"],
    "export": ["export", "run", "--pick", "1", "-o", "adapter"],
    "select": ["select", "run", "--workers", "0"],
    "compress": ["compress", "run", "--pick", "1", "--workers", "0"],
    "transfer": ["transfer", "run", "--data", "rows.csv"],
    "train": ["train", "run", "--pick", "1", "-o", "trained"],
    "fuse": ["fuse", "run", "--on", "model"],
    "search": ["search", "run/study.yaml"],
}


@pytest.fixture(scope="module")
def hostile(tmp_path_factory):
    """A folder with a stranger's run, whose plan names a plugin."""
    place = tmp_path_factory.mktemp("hostile")
    make_run(place / "run", trials=3)
    (place / "run" / "evil.py").write_text(plugin_that_marks(place / "mark"))
    written = yaml.safe_load((place / "run" / "study.yaml").read_text())
    (place / "run" / "study.yaml").write_text(yaml.safe_dump(written | {"plugin": str(place / "run" / "evil.py")}))
    return place


@pytest.mark.parametrize("verb", VERBS)
def test_the_plugin_of_a_strangers_run_is_not_run(verb, hostile):
    done = run_here(*VERBS[verb], cwd=hostile)
    assert done.returncode == 2
    assert "evil.py, which is code that would run on this machine; look at it, and add --plugin" in done.stderr
    assert not (hostile / "mark").exists()


def test_without_the_guard_it_runs(hostile, monkeypatch):
    monkeypatch.setattr(plan, "is_loaded", lambda path: True)
    with pytest.raises(AutopeftError, match="registers nothing"):
        open_run(hostile / "run")
    assert (hostile / "mark").is_dir()
    shutil.rmtree(hostile / "mark")


def test_named_it_runs(hostile):
    done = run_here("front", "run", "--plugin", "run/evil.py", cwd=hostile)
    assert "the plugin run/evil.py registers nothing" in done.stderr
    assert (hostile / "mark").is_dir()
    shutil.rmtree(hostile / "mark")


def test_a_plan_that_names_one_does_not_run_it(tmp_path):
    (tmp_path / "evil.py").write_text(plugin_that_marks(tmp_path / "mark"))
    (tmp_path / "plan.yaml").write_text(f"data: rows.csv\nplugin: {tmp_path / 'evil.py'}\n")
    for words in (["search"], ["search", "--data", "other.csv"]):
        done = run_here(words[0], "plan.yaml", *words[1:], cwd=tmp_path)
        assert (done.returncode, "No file can allow it" in done.stderr) == (2, True)
    assert not (tmp_path / "mark").exists()
    assert SearchPlan.from_file(tmp_path / "plan.yaml", plugin=tmp_path / "evil.py").plugin == tmp_path / "evil.py"


def test_the_page_of_a_run_names_it_in_its_commands(hostile, monkeypatch):
    monkeypatch.setattr(plan, "is_loaded", lambda path: True)
    monkeypatch.setattr("autopeft.launch.search.load_plugin", lambda path: None)
    named = [row.export for row in rows_of_front(read_run(hostile / "run")) if row.export]
    assert named
    assert all(f"--plugin {hostile / 'run' / 'evil.py'}" in each for each in named)
