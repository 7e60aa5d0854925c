"""Large files that folders of finalists have in common are kept once."""

import os

import pytest

from autopeft.selection.saving import share

LARGE = b"vocabulary" * 10_000


@pytest.fixture
def folders(tmp_path):
    for name, other in (("a", b"x"), ("b", b"y")):
        (tmp_path / name).mkdir()
        (tmp_path / name / "tokenizer.json").write_bytes(LARGE)
        (tmp_path / name / "small.json").write_bytes(b"{}")
        (tmp_path / name / "weights.safetensors").write_bytes(LARGE + other)
    return tmp_path / "a", tmp_path / "b"


def test_equal_large_files_get_second_names_and_others_stay(folders):
    first, second = folders
    share(second, [first])
    same = {path.name for path in second.iterdir() if path.samefile(first / path.name)}
    assert same == {"tokenizer.json"}
    assert {path.name for path in second.iterdir()} == {"tokenizer.json", "small.json", "weights.safetensors"}
    assert (second / "weights.safetensors").read_bytes() == LARGE + b"y"


def test_where_a_file_cannot_have_two_names_all_stay_as_they_are(folders, monkeypatch):
    def refuse(*names):
        raise OSError

    monkeypatch.setattr(os, "link", refuse)
    first, second = folders
    share(second, [first])
    assert not (second / "tokenizer.json").samefile(first / "tokenizer.json")
