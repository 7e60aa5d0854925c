"""Files that travel: what arrives is what was sent, once a machine, and nothing else is taken for it."""

import json
import os
import re
import shutil
import threading
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autopeft.errors import AutopeftError
from autopeft.launch import parcel
from autopeft.launch.parcel import Parcel, as_at_home, below, in_units
from tests.launch.elsewhere import Elsewhere


@pytest.fixture
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("AUTOPEFT_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache" / "parcels"


@pytest.fixture
def packed(tmp_path, cache, monkeypatch):
    """Return what packs files of these contents, and takes them away."""
    monkeypatch.setattr(parcel, "_PIECE", 8)

    def pack(*contents):
        for number, content in enumerate(contents):
            file = tmp_path / "home" / f"folder {number % 2}" / f"{number}.bin"
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(content)
        made = Parcel.of("the data", sorted((tmp_path / "home").rglob("*.bin")))
        return made, Elsewhere(tmp_path / "home", tmp_path / "away")

    return pack


@given(contents=st.lists(st.binary(max_size=33), min_size=1, max_size=5))
def test_what_arrives_is_what_was_sent(contents, tmp_path_factory):
    with pytest.MonkeyPatch.context() as monkeypatch:
        place = tmp_path_factory.mktemp("parcel")
        monkeypatch.setenv("AUTOPEFT_CACHE", str(place / "cache"))
        monkeypatch.setattr(parcel, "_PIECE", 8)
        (place / "home").mkdir()
        files = [place / "home" / f"{number}" for number in range(len(contents))]
        for file, content in zip(files, contents, strict=True):
            file.write_bytes(content)
        made = Parcel.of("the data", files)
        assert made.size == sum(map(len, contents))
        home = Elsewhere(place / "home", place / "away")
        folder = made.opened(home)
        assert [below(folder, str(file)).read_bytes() for file in files] == contents
        # In pieces, none of which is larger, that are each file without a gap.
        for (path, size, _), content in zip(made.files, contents, strict=True):
            parts = [(start, length) for each, start, length in home.pieces if each == path]
            assert all(0 < length <= 8 for _, length in parts)
            assert sum(length for _, length in parts) == size == len(content)
            assert [start for start, _ in parts] == list(range(0, size, 8))


def test_it_is_taken_once_by_all_workers_of_a_machine(packed):
    made, home = packed(b"a" * 100, b"b" * 9)
    found = []
    workers = [threading.Thread(target=lambda: found.append(made.opened(home))) for _ in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert len(found) == 4
    assert len(set(found)) == 1
    assert len(home.pieces) == 13 + 2


def test_files_that_lie_where_they_are_named_are_used_there(tmp_path, cache):
    (tmp_path / "rows.csv").write_text("a,b\n")
    made = Parcel.of("the data", [tmp_path / "rows.csv"])
    assert made.opened(None) is None
    assert not cache.exists()


def test_a_copy_of_theirs_is_told_by_its_content(tmp_path, packed):
    made, home = packed(b"the same", b"as well")
    shutil.copytree(tmp_path / "away", tmp_path.root, dirs_exist_ok=True, copy_function=_later)
    assert made.opened(home) is None
    assert (home.asked, home.pieces) == (1, [])
    # The same size is not the same.
    (tmp_path / "home" / "folder 0" / "0.bin").write_bytes(b"the sane")
    folder = made.opened(home)
    assert below(folder, made.paths[0]).read_bytes() == b"the same"


def _later(source, target):
    shutil.copyfile(source, target)
    os.utime(target, ns=(1, 1))


def test_other_content_is_another_parcel(tmp_path, packed):
    first, home = packed(b"one")
    one = first.opened(home)
    home.at(first.paths[0]).write_bytes(b"two")
    two = first.opened(home)
    assert one != two
    assert [below(each, first.paths[0]).read_bytes() for each in (one, two)] == [b"one", b"two"]


@pytest.mark.parametrize("content", [b"changed!", b"less", b"much more than it was"])
def test_a_file_that_changes_on_its_way_is_refused(content, packed, cache, monkeypatch):
    made, home = packed(b"as it is", b"another")
    digests = home.digests(made.files)
    monkeypatch.setattr(home, "digests", lambda files: digests)
    home.at(made.paths[0]).write_bytes(content)
    with pytest.raises(AutopeftError, match=r"0.bin has changed since the command began; leave it as it is, and run"):
        made.opened(home)
    assert list(cache.glob("*/whole")) == []
    home.at(made.paths[0]).write_bytes(b"as it is")
    assert below(made.opened(home), made.paths[0]).read_bytes() == b"as it is"


def test_what_is_too_large_is_refused_before_any_of_it_is_read(packed, monkeypatch):
    made, home = packed(b"a" * 3000, b"b" * 2000)
    monkeypatch.setattr(parcel, "LARGEST", 4096)
    with pytest.raises(AutopeftError) as found:
        made.opened(home)
    assert re.fullmatch(
        r"the data \(4\.9 KiB\) is not on \S+, and at most 4\.0 KiB are taken along; put the files there under the "
        r"same paths, or name what is on the hub by its name there",
        str(found.value),
    )
    assert (home.asked, home.pieces) == (0, [])


def test_what_has_no_room_is_refused(packed, monkeypatch, cache):
    made, home = packed(b"a" * 3000)
    monkeypatch.setattr(shutil, "disk_usage", lambda folder: SimpleNamespace(free=2999))
    with pytest.raises(AutopeftError, match=r"the data \(2\.9 KiB\) has no room in .*parcels on .*; make room there"):
        made.opened(home)
    assert home.pieces == []


def test_what_nobody_used_for_long_makes_room(packed, cache):
    made, home = packed(b"a")
    for name, seconds in (("old", 31 * 24 * 3600), ("new", 29 * 24 * 3600)):
        mark = cache / name / "whole"
        mark.parent.mkdir(parents=True)
        mark.touch()
        os.utime(mark, times=(mark.stat().st_mtime - seconds,) * 2)
    made.opened(home)
    assert not (cache / "old").exists()
    assert (cache / "new").exists()


def test_a_file_that_is_gone_is_one_sentence(tmp_path):
    with pytest.raises(AutopeftError, match=r"cannot read .*none, of the data; expected a file that is there"):
        Parcel.of("the data", [tmp_path / "none"])


def test_json_names_what_was_taken_along_as_at_home(packed):
    made, home = packed(b"a")
    there = str(below(made.opened(home), "/models/m"))
    assert as_at_home(json.dumps({"base": there, "other": "/x"})) == '{"base": "/models/m", "other": "/x"}'


@given(st.lists(st.sampled_from(["a", "b", "..", "c..", "...", "."]), max_size=8))
def test_no_path_leads_out_of_its_folder(parts):
    path = "/" + "/".join(parts)
    try:
        found = below(parcel.Path("/cache/parcels/it"), path)
    except AutopeftError:
        assert ".." in parts
        return
    assert (os.path.normpath(found) + "/").startswith("/cache/parcels/it/")
    if ".." not in parts:
        assert os.path.normpath(found) == os.path.normpath("/cache/parcels/it" + path)


def test_sizes_are_said_in_their_units():
    assert [in_units(size) for size in (0, 1536, 3 * 2**20, 5 * 2**30)] == ["0.0 KiB", "1.5 KiB", "3.0 MiB", "5.0 GiB"]
