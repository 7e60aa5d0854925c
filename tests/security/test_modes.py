"""Files and folders that are made where the umask lets everybody write."""

import os
import stat
import subprocess
import sys
from contextlib import nullcontext

import pytest

import autopeft
from autopeft import cache
from autopeft.api import searching
from autopeft.cache import cache_folder
from autopeft.errors import AutopeftError
from autopeft.shut import shut
from autopeft.testing.models import TEXTS, tiny_backbone
from tests.cli.in_process import run_here


@pytest.fixture
def open_umask():
    """Let everybody write into what is made."""
    before = os.umask(0)
    yield
    os.umask(before)


def open_to_everybody(folder):
    """Return what everybody may write of a folder; links lead to what is looked at itself."""
    there = [each for each in (folder, *folder.rglob("*")) if not each.is_symlink()]
    return [each for each in there if each.stat().st_mode & stat.S_IWOTH]


@pytest.fixture
def search(tmp_path, monkeypatch):
    """Return what searches in this process, and writes a run folder and a cache."""
    rows = [f"{text} {n % 3},{'ab'[n % 2]}" for n in range(12) for text in TEXTS]
    (tmp_path / "rows.csv").write_text("text,label\n" + "\n".join(rows) + "\n")
    model = tiny_backbone("bert", tmp_path)
    settings = {"model": model, "data": str(tmp_path / "rows.csv"), "text": "text", "label": "label", "budget": "20%"}
    settings |= {"epochs": 1, "examples": 16, "workers": 0, "trials": 2}

    def go(name):
        monkeypatch.setenv("AUTOPEFT_CACHE", str(tmp_path / f"cache-{name}"))
        autopeft.search(**settings, out=tmp_path / name)
        assert (tmp_path / name / "study.db").is_file()
        return open_to_everybody(tmp_path / name) + open_to_everybody(tmp_path / f"cache-{name}")

    return go


def test_a_run_folder_and_a_cache_are_not_written_by_everybody(search, open_umask, monkeypatch):
    assert search("guarded") == []
    assert os.umask(0) == 0
    monkeypatch.setattr(searching, "shut", nullcontext)
    assert search("unguarded")


def test_the_command_line_does_the_same(tmp_path):
    code = (
        "import os, sys; os.umask(0); sys.argv[1:] = ['plugin', 'kind', '-o', {name!r}]; import autopeft.cli as cli; "
    )
    for name, guard in (("guarded.py", ""), ("unguarded.py", "import contextlib; cli.shut = contextlib.nullcontext; ")):
        words = [sys.executable, "-c", code.format(name=name) + guard + "cli.main()"]
        subprocess.run(words, cwd=tmp_path, check=True, stdout=subprocess.DEVNULL)
        assert bool((tmp_path / name).stat().st_mode & stat.S_IWOTH) == bool(guard)


def test_processes_that_are_started_within_inherit_it(tmp_path, open_umask):
    with shut():
        subprocess.run([sys.executable, "-c", "open('made', 'w').close()"], cwd=tmp_path, check=True)
    assert open_to_everybody(tmp_path / "made") == []


@pytest.mark.parametrize("part", ["", "models"])
def test_a_cache_that_everybody_writes_is_refused(part, tmp_path, monkeypatch):
    folder = tmp_path / "cache" / part
    folder.mkdir(parents=True)
    folder.chmod(0o777)
    monkeypatch.setenv("AUTOPEFT_CACHE", str(tmp_path / "cache"))
    with pytest.raises(AutopeftError, match=r"can be written by everybody on this machine; expected one of yours"):
        cache_folder()
    monkeypatch.setattr(cache, "open_to_all", lambda folder: False)
    assert cache_folder() == tmp_path / "cache"


def test_a_run_folder_that_everybody_writes_is_told(tmp_path, monkeypatch):
    rows = [f"{text} {n % 3},{'ab'[n % 2]}" for n in range(12) for text in TEXTS]
    (tmp_path / "rows.csv").write_text("text,label\n" + "\n".join(rows) + "\n")
    model = tiny_backbone("bert", tmp_path)
    (tmp_path / "run").mkdir()
    (tmp_path / "run").chmod(0o777)
    words = ["--model", model, "--data", "rows.csv", "--text", "text", "--label", "label", "--budget", "20%"]
    words += ["--epochs", 1, "--examples", 16, "--workers", 0, "--trials", 1, "--no-select", "-o", "run"]
    done = run_here("search", *words, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "everybody on this machine can write into" in done.stdout.replace("\n", " ")
