"""How many trials run at once, on which share of a GPU."""

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from autopeft.launch import SearchPlan
from autopeft.launch.places import Places, places_of


@given(workers=st.integers(1, 64), devices=st.integers(1, 16))
def test_every_worker_finds_a_whole_part_of_a_gpu(workers, devices):
    places = Places(workers, devices)
    assert math.floor(1 / places.gpus + 1e-9) * devices >= workers
    # What Ray is told of holds all workers, and no GPU that is not there.
    assert workers * places.gpus <= math.ceil(workers * places.gpus) <= devices


@pytest.mark.parametrize(
    ("workers", "devices", "sharing", "gpus"),
    [(4, 4, 1, 1.0), (2, 4, 1, 1.0), (8, 4, 2, 0.5), (3, 2, 2, 0.5), (5, 2, 3, 1 / 3), (6, 0, 6, 0.0)],
)
def test_shares_of_a_gpu(workers, devices, sharing, gpus):
    places = Places(workers, devices)
    assert (places.sharing, places.gpus) == (sharing, gpus)


@pytest.mark.parametrize(
    ("flags", "devices", "workers"),
    [({}, 3, 3), ({"workers": 6}, 3, 6), ({"workers": 0}, 3, 1), ({"workers": 5}, 0, 5)],
)
def test_workers_are_as_many_as_gpus_unless_told(monkeypatch, flags, devices, workers):
    monkeypatch.setattr(torch.cuda, "device_count", lambda: devices)
    assert places_of(SearchPlan(**flags)) == Places(workers, devices)


def test_memory_is_that_of_the_roomiest_gpu_or_of_the_machine(monkeypatch):
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda index: ((index + 1) * 2**30, 8 * 2**30))
    assert Places(2, 2).memory() == 2 * 2**30
    assert Places(2, 0).memory() > 2**30
