"""Owners of trials: this process lives, a finished one does not, other hosts are left alone."""

import subprocess
import sys

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


def test_another_host_cannot_be_judged_from_here():
    assert is_alive({"host": "elsewhere", "pid": 1, "started": 0.0})
