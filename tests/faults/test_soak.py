"""Hundreds of trials of which many fail: what they leave stays small, and so does what is held in memory."""

import pytest

from tests.faults.soak import FAULTS, soak


@pytest.mark.slow
def test_five_hundred_trials_with_faults_of_each_kind(tmp_path) -> None:
    found = soak(tmp_path)
    assert found["trials"] == 500
    assert all(found["statuses"][fault] > 10 for fault in FAULTS)
    assert found["folder"]["200"] < 50
    assert found["folder"]["all"] < 50
    # What Optuna keeps of a trial, and no more.
    assert found["memory"][-1] - found["memory"][1] < 40
