"""Learning rates that suit another length of training."""

import pytest

from autopeft.methods.lengths import rate_factor, suited, suited_note
from autopeft.space import Configuration

SHARED = Configuration.from_dict({"modules": {"lora": {"rank": 8}}, "training": {"learning_rate": 0.004}})
OWN = Configuration.from_dict(
    {"modules": {"lora": {"learning_rate": 0.002}, "prefix": {"length": 1}}, "training": {"learning_rate": 0.01}}
)


def test_longer_trainings_take_lower_rates_and_the_same_length_the_same():
    assert rate_factor(100, 100) == 1.0
    assert 1 > rate_factor(100, 400) > rate_factor(100, 1600) > 0.1
    assert rate_factor(100, 400) * rate_factor(400, 1600) == pytest.approx(rate_factor(100, 1600))
    assert rate_factor(100, 50) == 1.0


def test_every_rate_of_a_configuration_is_moved_and_nothing_else():
    factor = rate_factor(100, 1600)
    moved = suited(OWN, 100, 1600)
    assert moved.training["learning_rate"] == pytest.approx(0.01 * factor, rel=1e-3)
    assert moved.modules["lora"]["learning_rate"] == pytest.approx(0.002 * factor, rel=1e-3)
    assert moved.modules["prefix"] == {"length": 1}
    assert suited(SHARED, 100, 100) == SHARED
    head_alone = Configuration.from_dict({"modules": {}, "training": {}})
    assert suited(head_alone, 100, 1600) == head_alone


def test_both_rates_are_said():
    rate = suited(SHARED, 123, 1968).training["learning_rate"]
    note = suited_note(SHARED, 123, 1968)
    assert note == f"learning rate {rate:g}, which suits 1,968 steps; as found in 123 steps it was 0.004"
    assert suited_note(SHARED, 100, 100) == ""
    assert suited_note(OWN, 100, 1600).endswith("as found in 100 steps it was 0.01, 0.002 of lora")
