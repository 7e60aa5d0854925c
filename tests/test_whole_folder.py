"""Folders of results hold the old result or the new one, whatever happens, and nothing of the user's is lost."""

from __future__ import annotations

import errno
import json
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from autopeft import whole_folder as module
from autopeft.errors import AutopeftError, RunError
from autopeft.whole_folder import WRITTEN, check_replaceable, whole_folder


def _names(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


def _write(folder: Path, *names: str) -> None:
    with whole_folder(folder) as new:
        for name in names:
            (new / name).parent.mkdir(exist_ok=True)
            (new / name).write_text(name)


def _fail(folder: Path, error: Exception) -> None:
    with whole_folder(folder) as new:
        (new / "new").touch()
        raise error


def test_a_second_result_leaves_nothing_of_the_first(tmp_path: Path) -> None:
    folder = tmp_path / "deep" / "out"
    _write(folder, "a.txt", "part/b.txt")
    assert _names(folder) == {"a.txt", "part/b.txt", WRITTEN}
    assert json.loads((folder / WRITTEN).read_text()) == {"files": ["a.txt", "part/b.txt"]}
    _write(folder, "c.txt")
    assert _names(folder) == {"c.txt", WRITTEN}
    assert [path.name for path in folder.parent.iterdir()] == ["out"]


def test_systems_that_cannot_exchange_rename_twice(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_exchanged", lambda one, other: False)
    _write(tmp_path / "out", "a")
    _write(tmp_path / "out", "b")
    assert _names(tmp_path / "out") == {"b", WRITTEN}
    # Killed between the two.
    (tmp_path / "out").rename(tmp_path / ".out.before")
    with whole_folder(tmp_path / "out") as new:
        assert _names(tmp_path / "out") == {"b", WRITTEN}
        (new / "c").touch()
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux is known to exchange here")
def test_linux_exchanges_in_one_step(tmp_path: Path) -> None:
    for name in "ab":
        (tmp_path / name).mkdir()
        (tmp_path / name / name).touch()
    if not module._exchanged(tmp_path / "a", tmp_path / "b"):
        pytest.skip("this file system does not exchange")
    assert (tmp_path / "a" / "b").exists()
    assert (tmp_path / "b" / "a").exists()


def test_a_fault_leaves_the_old_result(tmp_path: Path) -> None:
    _write(tmp_path / "out", "old")
    with pytest.raises(ZeroDivisionError):
        _fail(tmp_path / "out", ZeroDivisionError())
    assert _names(tmp_path / "out") == {"old", WRITTEN}
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


@pytest.mark.parametrize(
    "error", [OSError(errno.ENOSPC, "No space left on device"), Exception("No space left on device")]
)
def test_a_full_disk_leaves_the_old_result_and_says_so(tmp_path: Path, error: Exception) -> None:
    _write(tmp_path / "out", "old")
    with pytest.raises(RunError, match="No space left on device; it is as it was before"):
        _fail(tmp_path / "out", error)
    assert _names(tmp_path / "out") == {"old", WRITTEN}


def test_a_kill_leaves_the_old_result_and_the_next_call_clears_up(tmp_path: Path) -> None:
    _write(tmp_path / "out", "old")
    code = (
        "import sys, time\nfrom autopeft.whole_folder import whole_folder\n"
        "with whole_folder(sys.argv[1]) as new:\n"
        "    (new / 'new').write_text('half')\n    print('there', flush=True)\n    time.sleep(60)\n"
    )
    child = subprocess.Popen([sys.executable, "-c", code, str(tmp_path / "out")], stdout=subprocess.PIPE)
    assert child.stdout is not None
    child.stdout.readline()
    # While it lives its folder is left alone.
    _write(tmp_path / "out", "mine")
    assert len(list(tmp_path.iterdir())) == 2
    os.kill(child.pid, signal.SIGKILL)
    child.communicate()
    assert _names(tmp_path / "out") == {"mine", WRITTEN}
    _write(tmp_path / "out", "next")
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


def test_two_at_once_end_with_one_of_the_results(tmp_path: Path) -> None:
    def work(name: str) -> None:
        for _ in range(20):
            _write(tmp_path / "out", *(f"{name}{index}" for index in range(5)))

    threads = [threading.Thread(target=work, args=(name,)) for name in "ab"]
    _write(tmp_path / "out", "first")
    for thread in threads:
        thread.start()
    while any(thread.is_alive() for thread in threads):
        assert len({name[0] for name in os.listdir(tmp_path / "out")} - {"w"}) <= 1
    for thread in threads:
        thread.join()
    assert _names(tmp_path / "out") - {WRITTEN} in ({f"a{i}" for i in range(5)}, {f"b{i}" for i in range(5)})


@pytest.mark.parametrize("name", ["notes.txt", "part/notes.txt", ".git/config"])
def test_files_of_others_are_not_replaced(tmp_path: Path, name: str) -> None:
    _write(tmp_path / "out", "a", "part/b")
    other = tmp_path / "out" / name
    other.parent.mkdir(exist_ok=True)
    other.write_text("mine")
    with pytest.raises(AutopeftError, match=f"holds {name}, which autopeft did not write"):
        check_replaceable(tmp_path / "out")
    with pytest.raises(AutopeftError, match="did not write"):
        _write(tmp_path / "out", "c")
    assert other.read_text() == "mine"
    check_replaceable(tmp_path / "out", [name.split("/")[0]])


def test_what_is_named_may_be_replaced_unlisted(tmp_path: Path) -> None:
    (tmp_path / "out" / "checkpoints" / "1").mkdir(parents=True)
    (tmp_path / "out" / "checkpoints" / "1" / "state").touch()
    with whole_folder(tmp_path / "out", ["checkpoints"]) as new:
        (new / "a").touch()
    assert _names(tmp_path / "out") == {"a", WRITTEN}


def test_what_is_no_folder_of_ones_own_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(AutopeftError, match="is a file"):
        check_replaceable(tmp_path / "file")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(AutopeftError, match="where the command runs, and cannot be replaced as a whole"):
        check_replaceable(".")


def test_links_to_folders_stay_links(tmp_path: Path) -> None:
    (tmp_path / "disk").mkdir()
    (tmp_path / "out").symlink_to(tmp_path / "disk")
    _write(tmp_path / "out", "a")
    assert (tmp_path / "out").is_symlink()
    assert _names(tmp_path / "disk") == {"a", WRITTEN}
