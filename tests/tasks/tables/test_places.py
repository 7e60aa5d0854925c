"""What cannot be read where a source lies is refused, and never passed over."""

import os

import pytest

from autopeft.errors import DataError
from autopeft.tasks.tables import is_source, read_source

ROWS = "text,label\na,b\n"


@pytest.mark.parametrize("name", ["", "~nobody-of-this-name/x.csv", "x" * 5000 + ".csv", "a\0b.csv"])
def test_what_is_no_path_is_one_message(name):
    with pytest.raises(DataError, match=r"the name of the data is empty|is no path that can be read|was not found"):
        read_source(name)
    if name:
        with pytest.raises(DataError, match="is no path that can be read"):
            is_source(name)


def test_a_pipe_is_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "rows.csv")
    with pytest.raises(DataError, match="neither a file nor a folder, but a pipe or a device"):
        read_source(tmp_path / "rows.csv")
    with pytest.raises(DataError, match=r"rows\.csv', of '.*', is a pipe or a device"):
        read_source(tmp_path)


def test_a_link_that_leads_nowhere_is_no_shard_less(tmp_path):
    (tmp_path / "a.csv").write_text(ROWS)
    (tmp_path / "b.csv").symlink_to(tmp_path / "gone.csv")
    for source in (tmp_path, tmp_path / "*.csv"):
        with pytest.raises(DataError, match=r"b\.csv', of '.*', is a link that leads nowhere"):
            read_source(source)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read every folder")
def test_a_folder_that_may_not_be_read_is_no_shard_less(tmp_path):
    (tmp_path / "a.csv").write_text(ROWS)
    (tmp_path / "closed").mkdir(mode=0)
    with pytest.raises(DataError, match=r"closed', in '.*', cannot be read: Permission denied"):
        read_source(tmp_path)


def test_brackets_in_folders_are_part_of_a_pattern(tmp_path):
    (tmp_path / "g[1]").mkdir()
    (tmp_path / "g[1]" / "a.csv").write_text(ROWS)
    with pytest.raises(DataError, match=r"\[ \] in 'g\[1\]' belong to the pattern"):
        read_source(tmp_path / "g[1]" / "*.csv")
    assert len(read_source(tmp_path / "g[[]1]" / "*.csv")["train"].rows) == 1
    assert len(read_source(tmp_path / "g[1]" / "a.csv")["train"].rows) == 1
