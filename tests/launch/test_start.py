"""How Ray is started, and what is said when it cannot be."""

import os
import sys
from pathlib import Path

import pytest
import ray

from autopeft.errors import AutopeftError
from autopeft.launch import ray_runtime
from autopeft.launch.ray_runtime import start_ray, stop_ray
from autopeft.launch.sockets import too_long_for_sockets


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
    start_ray(2, 0.5, None)
    first, end, second = calls
    assert end == "end"
    assert first == second
    assert (first["num_cpus"], first["num_gpus"]) == (2, 1)


@pytest.mark.parametrize("error", [RuntimeError("the port\nis taken."), ray.exceptions.RaySystemError("no memory")])
def test_a_start_that_keeps_failing_is_told_in_one_line(starts, error):
    calls = starts(3, error)
    with pytest.raises(AutopeftError, match=r"^Ray cannot be started .* for --workers 2: .*--workers 0 runs") as told:
        start_ray(2, 0, None)
    assert "\n" not in str(told.value)
    assert [call for call in calls if call != "end"][1:] == calls[:1]
    assert calls[-1] == "end"


def test_what_an_earlier_job_left_in_the_environment_does_not_matter(starts, monkeypatch):
    monkeypatch.setenv("RAY_ADDRESS", "10.0.0.1:6379")
    calls = starts(0, None)
    start_ray(2, 0, None)
    assert [call["address"] for call in calls] == ["local"]


def test_a_cluster_is_joined_as_it_is_and_asked_once(starts, monkeypatch):
    answering = []
    monkeypatch.setattr(ray_runtime, "_check_answers", answering.append)
    calls = starts(3, ConnectionError("it has\nother versions"))
    with pytest.raises(
        AutopeftError, match=r"by --ray-address 10.0.0.1:6379: it has other versions; expected HOST:PORT"
    ):
        start_ray(2, 0, "10.0.0.1:6379")
    first, end = calls
    assert (first["address"], end) == ("10.0.0.1:6379", "end")
    assert "num_cpus" not in first
    assert answering == ["10.0.0.1:6379"]


@pytest.mark.parametrize("named", ["127.0.0.1:1", "ray://127.0.0.1:1"])
@pytest.mark.parametrize("asked", ["", "auto"])
def test_a_cluster_that_does_not_answer_is_told_without_rays_patience(starts, monkeypatch, asked, named):
    if asked:
        monkeypatch.setenv("RAY_ADDRESS", named)
    calls = starts(0, None)
    with pytest.raises(AutopeftError, match=rf"by --ray-address {asked or named}.*refused; expected HOST:PORT") as told:
        start_ray(2, 0, asked or named)
    assert (f"RAY_ADDRESS is {named}" in str(told.value)) == bool(asked)
    assert calls == ["end"]


def test_a_folder_too_long_for_sockets_is_found_where_ray_would_take_it(monkeypatch):
    monkeypatch.delenv("RAY_TMPDIR", raising=False)
    monkeypatch.setattr(sys, "platform", "linux")
    for length, fits in ((20, True), (26, True), (60, False), (120, False)):
        monkeypatch.setenv("TMPDIR", "/" + "x" * length)
        assert (too_long_for_sockets() is None) == fits
    monkeypatch.setenv("RAY_TMPDIR", "/short")
    assert too_long_for_sockets() is None


def test_a_real_start_beside_a_left_over_address_and_a_long_temporary_folder(monkeypatch, tmp_path):
    folder = tmp_path / ("long" * 30)
    folder.mkdir()
    monkeypatch.setenv("TMPDIR", str(folder))
    monkeypatch.setenv("RAY_ADDRESS", "127.0.0.1:1")
    assert start_ray(1, 0, None)
    try:
        assert ray.get(ray.remote(num_cpus=1)(lambda: os.getpid()).remote()) != os.getpid()
        short = Path(ray_runtime._folder.name)
        assert list(short.glob("r/session_*/sockets/plasma_store*"))
    finally:
        stop_ray()
    assert not short.exists()
    assert not list(folder.iterdir())
