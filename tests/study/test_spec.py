"""What tells studies apart."""

import pytest

from autopeft.study import StudySpec

SPEC = {
    "model": {"name": "m", "revision": "1"},
    "data": "abc",
    "task": "t",
    "space": {"name": "s"},
    "budget": "1%",
    "objectives": ("params", "accuracy"),
    "metric": "accuracy",
    "sampler": "pareto",
    "seed": 0,
    "trial": {"epochs": 1},
    "precision": "fp32",
}


def test_a_spec_does_not_differ_from_its_own_record():
    spec = StudySpec(**SPEC)
    assert spec.differences(spec.to_dict()) == []


@pytest.mark.parametrize(
    ("change", "key"),
    [
        ({"seed": 1}, "seed"),
        ({"model": {"name": "m", "revision": "2"}}, "model.revision"),
        ({"trial": {"epochs": 2}}, "trial.epochs"),
        ({"objectives": ("params", "time")}, "objectives"),
    ],
)
def test_every_change_is_named_and_changes_the_hash(change, key):
    old, new = StudySpec(**SPEC), StudySpec(**(SPEC | change))
    assert [line.split(":")[0] for line in new.differences(old.to_dict())] == [key]
    assert old.hash != new.hash
