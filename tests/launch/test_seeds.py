"""The space of published systems, searched as its page says, on a tiny model."""

import pytest

import autopeft
from autopeft.launch import SearchPlan, prepare
from tests.cli.test_search import place

__all__ = ["place"]


@pytest.mark.slow
def test_two_searches_train_every_system_and_none_fails(place, monkeypatch):
    monkeypatch.chdir(place)
    settings = {
        "model": "tiny-bert",
        "data": "train.csv",
        "text": "text",
        "label": "label",
        "space": "seeds",
        "workers": 0,
        "epochs": 1,
    }
    trained, failed = set(), {}
    # Of a model of 40,000 parameters half a percent is less than most systems can do with.
    for budget, trials in (("5%", 30), ("100%", 40)):
        plan = {**settings, "budget": budget, "trials": trials, "out": budget.strip("%")}
        front = autopeft.search(**plan).front
        for row in (*front.rows, *front.others, *front.baselines):
            if row.failed:
                failed[row.in_words] = row.reached
            elif row.baseline is None:
                trained |= row.configuration["modules"].keys()
    assert failed == {}
    space = prepare(SearchPlan.of({**settings, "budget": "100%", "out": "3"})).space
    assert trained == set(space.distributions()["choose"].choices)
