"""A file of results is whole or as it was, whatever happens while it is written."""

import os
import time

import pytest

from autopeft.errors import AutopeftError, RunError, StudyError
from autopeft.whole_file import read_json, whole_file, write_json


def test_it_is_read_as_written_and_nothing_is_left_beside(tmp_path):
    write_json(tmp_path / "a.json", {"a": 1})
    assert read_json(tmp_path / "a.json", "write it again") == {"a": 1}
    assert [path.name for path in tmp_path.iterdir()] == ["a.json"]


def test_what_fails_within_leaves_what_was_there(tmp_path):
    write_json(tmp_path / "a.json", {"a": 1})
    with pytest.raises(ZeroDivisionError), whole_file(tmp_path / "a.json") as partial:
        partial.write_text(f"half {1 / 0}")
    assert read_json(tmp_path / "a.json", "") == {"a": 1}
    assert len(list(tmp_path.iterdir())) == 1


def test_what_killed_processes_left_is_cleared_when_nobody_can_be_writing_it(tmp_path):
    old, new = (tmp_path / f".a.json.{name}.partial" for name in ("old", "new"))
    for left in (old, new):
        left.write_text("half")
    os.utime(old, (time.time() - 7200,) * 2)
    write_json(tmp_path / "a.json", {})
    assert (old.exists(), new.exists()) == (False, True)


def test_a_full_disk_is_no_fault_of_the_users(tmp_path):
    with pytest.raises(RunError, match="it is as it was before"), whole_file(tmp_path / "a.json"):
        raise OSError(28, "No space left on device")


def test_a_folder_in_its_place_is_named(tmp_path):
    (tmp_path / "a.json").mkdir()
    with pytest.raises(AutopeftError, match=r"cannot write .*a\.json.*move away what is there"):
        write_json(tmp_path / "a.json", {})


@pytest.mark.parametrize("content", [b"", b'{"a": ', b"[1]", b"\xff\xfe", b"[" * 100_000])
def test_a_damaged_file_is_named(content, tmp_path):
    (tmp_path / "a.json").write_bytes(content)
    with pytest.raises(StudyError, match=r"a\.json.*; write it again"):
        read_json(tmp_path / "a.json", "write it again")
