"""How Ray is started, and what is said when it cannot be."""

import pytest
import ray

from autopeft.errors import AutopeftError
from autopeft.launch.tune import start_ray


@pytest.fixture
def starts(monkeypatch):
    """Replace the start of Ray by one that fails as often as told; return its arguments, and "end" for each end."""
    calls = []

    def fail(times, error):
        def init(**options):
            calls.append(options)
            if len(calls) - calls.count("end") <= times:
                raise error

        monkeypatch.setattr(ray, "init", init)
        monkeypatch.setattr(ray, "is_initialized", lambda: False)
        monkeypatch.setattr(ray, "shutdown", lambda: calls.append("end"))
        return calls

    return fail


def test_a_start_that_fails_once_is_tried_again(starts):
    calls = starts(1, RuntimeError("the port is taken"))
    assert start_ray(2, 0.5, None)
    first, end, second = calls
    assert end == "end"
    assert first == second
    assert (first["num_cpus"], first["num_gpus"]) == (2, 1)


@pytest.mark.parametrize("error", [RuntimeError("the port is taken"), ray.exceptions.RaySystemError("no memory")])
def test_a_start_that_keeps_failing_is_told(starts, error):
    calls = starts(3, error)
    with pytest.raises(AutopeftError, match=r"cannot reach Ray on this machine.*--workers 0"):
        start_ray(2, 0, None)
    assert calls[1::2] == ["end", "end"]
    assert len(calls) == 4


def test_a_cluster_that_is_not_there_is_asked_once(starts):
    calls = starts(3, ConnectionError("nobody answers"))
    with pytest.raises(AutopeftError, match=r"the Ray cluster at 10.0.0.1:6379: nobody answers"):
        start_ray(2, 0, "10.0.0.1:6379")
    first, end = calls
    assert (first["address"], end) == ("10.0.0.1:6379", "end")
    assert "num_cpus" not in first
