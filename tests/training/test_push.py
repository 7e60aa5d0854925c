"""Trained adapters on a hub."""

from typing import ClassVar

import pytest

from autopeft.errors import AutopeftError
from autopeft.training import push


class Hub:
    """A hub that takes everything."""

    taken: ClassVar[list] = []

    def create_repo(self, name, **how):
        assert how == {"private": True, "exist_ok": True}
        return f"https://hub/{name}"

    def upload_folder(self, **what):
        self.taken.append(what)


def test_pushing_leaves_checkpoints_out(tmp_path, monkeypatch):
    monkeypatch.setattr("autopeft.training.hub.HfApi", Hub)
    assert push(tmp_path, "me/it") == "https://hub/me/it"
    assert Hub.taken == [{"folder_path": tmp_path, "repo_id": "me/it", "ignore_patterns": ["checkpoints/*"]}]


def test_a_hub_that_cannot_be_reached_is_one_message(tmp_path, monkeypatch):
    def fail(self, name, **how):
        raise OSError("no route")

    monkeypatch.setattr(Hub, "create_repo", fail)
    monkeypatch.setattr("autopeft.training.hub.HfApi", Hub)
    with pytest.raises(AutopeftError, match=r"cannot push to me/it: no route; what was trained is in"):
        push(tmp_path, "me/it")
