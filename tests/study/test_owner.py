"""Owners of trials: this process lives, a finished one does not, other hosts are left alone."""

import subprocess
import sys

import pytest

from autopeft.study import owner
from autopeft.study.owner import is_alive, this_owner


def test_this_process_is_alive():
    assert is_alive(this_owner())


def test_a_process_that_has_ended_is_dead():
    code = "import json; from autopeft.study.owner import this_owner; print(json.dumps(this_owner()))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    import json

    assert not is_alive(json.loads(done.stdout))


def test_a_reused_process_id_is_not_the_owner():
    ours = this_owner()
    assert not is_alive(ours | {"started": ours["started"] - 1000})


@pytest.mark.parametrize("changed", [{"boot": "another"}, {"namespace": "pid:[1]"}])
def test_a_process_id_means_nothing_in_another_boot_or_namespace(changed):
    assert is_alive(this_owner() | changed) is None


def test_where_an_earlier_version_wrote_the_host_alone_it_decides():
    old = {name: value for name, value in this_owner().items() if name in ("host", "pid", "started")}
    old["started"] += owner._boot_time()
    assert is_alive(old)
    # A clock may have been set since.
    assert is_alive(old | {"started": old["started"] + 2.0})
    assert not is_alive(old | {"started": old["started"] + 60.0})
    assert is_alive(old | {"host": "elsewhere"}) is None


def test_a_process_that_cannot_be_looked_at_is_neither_alive_nor_dead(monkeypatch):
    def refused(self, *_, **__):
        raise FileNotFoundError if self.name == "stat" and self.parent.name.isdecimal() else AssertionError

    ours, boot = this_owner(), owner._boot_time()
    monkeypatch.setattr(owner, "_boot_time", lambda: boot)
    monkeypatch.setattr(owner.Path, "read_text", refused)
    assert is_alive(ours) is None
    assert is_alive(ours | {"pid": 2**22 - 3}) is False
