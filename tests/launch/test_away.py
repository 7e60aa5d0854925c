"""Errands with a folder, done where it is not: what they make comes back, what they read is brought."""

import json
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import ClassVar

import pytest

from autopeft.launch import away
from autopeft.launch.away import Brought, sent
from autopeft.selection import errands
from tests.launch.elsewhere import Elsewhere


@dataclass(frozen=True)
class Make:
    """Writes what a training leaves."""

    folder: Path
    model: str
    folder_is: ClassVar[str] = "made"

    def __call__(self, runner):
        (self.folder / "adapter").mkdir(parents=True)
        (self.folder / "adapter" / "weights").write_bytes(bytes(range(256)) * 3)
        (self.folder / "config.json").write_text(json.dumps({"model": self.model}))
        (self.folder / "empty").touch()
        return runner, self.folder


@dataclass(frozen=True)
class Read:
    """Says what is in its folder."""

    folder: Path
    folder_is: ClassVar[str] = "read"

    def __call__(self, runner):
        return {file.name: file.read_text() for file in self.folder.rglob("*") if file.is_file()}


@pytest.fixture
def on(monkeypatch):
    """Return what has errands done on a node, as if Ray had sent them there."""

    def go(node):
        there = SimpleNamespace(get_node_id=lambda: node)
        ray = SimpleNamespace(put=bytes, get=bytes, get_runtime_context=lambda: there)
        monkeypatch.setattr(away, "ray", ray)
        monkeypatch.setattr(away, "_PIECE", 100)

    return go


def test_what_is_made_comes_back(tmp_path, on, monkeypatch):
    monkeypatch.setenv("AUTOPEFT_CACHE", str(tmp_path / "cache"))
    brought_model = tmp_path / "cache" / "parcels" / ("0" * 32) / "models" / "m"
    folder = tmp_path / "run" / "seed-1"
    folder.mkdir(parents=True)
    (folder / "left over").touch()
    on("there")
    found = sent(Make(folder, str(brought_model)), "here")("runner")
    assert isinstance(found, Brought)
    assert [len(piece) for piece in found.files["adapter/weights"]] == [100] * 7 + [68]
    assert (folder / "left over").exists()
    runner, made_in = found.put(folder)
    assert runner == "runner"
    assert not made_in.exists()
    assert sorted(str(file.relative_to(folder)) for file in folder.rglob("*") if file.is_file()) == [
        "adapter/weights",
        "config.json",
        "empty",
    ]
    assert (folder / "adapter" / "weights").read_bytes() == bytes(range(256)) * 3
    # The model is called as it is at home.
    assert json.loads((folder / "config.json").read_text()) == {"model": "/models/m"}


def test_at_home_it_is_made_where_it_belongs(tmp_path, on):
    on("here")
    assert sent(Make(tmp_path / "seed", "m"), "here")("runner") == ("runner", tmp_path / "seed")
    assert (tmp_path / "seed" / "config.json").is_file()


def test_what_is_read_is_brought(tmp_path, on, monkeypatch):
    monkeypatch.setenv("AUTOPEFT_CACHE", str(tmp_path / "cache"))
    (tmp_path / "run" / "seed" / "adapter").mkdir(parents=True)
    (tmp_path / "run" / "seed" / "adapter" / "a.txt").write_text("a")
    (tmp_path / "run" / "seed" / "b.txt").write_text("b")
    errand = sent(Read(tmp_path / "run" / "seed"), "here")
    on("there")
    monkeypatch.setattr(away, "RayHome", lambda: None)
    assert errand("runner") == {"a.txt": "a", "b.txt": "b"}
    home = Elsewhere(tmp_path / "run", tmp_path / "away")
    monkeypatch.setattr(away, "RayHome", lambda: home)
    assert errand("runner") == {"a.txt": "a", "b.txt": "b"}
    assert len(home.pieces) == 2


def test_an_errand_without_a_folder_is_sent_as_it_is():
    assert sent(print, "here") is print


def test_every_errand_with_a_folder_says_what_it_does_with_it():
    with_folder = [
        each
        for each in vars(errands).values()
        if isinstance(each, type) and each.__module__ == errands.__name__ and "folder" in each.__annotations__
    ]
    assert len(with_folder) == 4
    assert all(each.folder_is in ("made", "read") for each in with_folder)
