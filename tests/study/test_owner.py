"""Owners of trials: this process lives, a finished one does not, other hosts are left alone."""

import subprocess
import sys

import pytest

from autopeft.study.owner import is_alive, this_owner


def test_this_process_is_alive():
    assert is_alive(this_owner())


def test_a_process_that_has_ended_is_dead():
    code = "import json; from autopeft.study.owner import this_owner; print(json.dumps(this_owner()))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    import json

    assert not is_alive(json.loads(done.stdout))


def test_a_reused_process_id_is_not_the_owner():
    owner = this_owner()
    assert not is_alive(owner | {"started": owner["started"] - 1000})


@pytest.mark.parametrize("changed", [{"boot": "another"}, {"namespace": "pid:[1]"}])
def test_a_process_id_means_nothing_in_another_boot_or_namespace(changed):
    assert is_alive(this_owner() | changed) is None


def test_where_an_earlier_version_wrote_the_host_alone_it_decides():
    old = {name: value for name, value in this_owner().items() if name in ("host", "pid", "started")}
    assert is_alive(old)
    assert is_alive(old | {"host": "elsewhere"}) is None
