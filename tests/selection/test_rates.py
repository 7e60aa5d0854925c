"""Learning rates are tried up to a rung, once; the best goes on."""

from dataclasses import replace
from pathlib import Path

import numpy as np

from autopeft.selection.contenders import Contender
from autopeft.selection.rates import Looks
from autopeft.selection.records import Records
from autopeft.space import Configuration
from autopeft.trials import TrialSetting


def contender(role, rate, baseline=None):
    configuration = Configuration.from_dict({"modules": {"lora": {"rank": 8}}, "training": {"learning_rate": rate}})
    return Contender(f"{role}-{rate:g}", role, configuration, (10.0,), 10, None, baseline)


CANDIDATE = Contender("trial-3", "trial-3", Configuration.from_dict({"modules": {}, "training": {}}), (5.0,), 5, 3)
STOCK = [contender("stock-lora", rate, "stock-lora") for rate in (0.001, 0.01, 0.1)]
LOW = [contender("low-rank", rate, "low-rank") for rate in (0.001, 0.01)]


def decide(contenders, kept, say, **reached):
    """Look until all is known; return who goes on, and the rates that were looked at."""
    looks, looked = Looks(contenders, kept, say), []
    while (each := looks.next()) is not None:
        rate = each.configuration.training["learning_rate"]
        looked.append(rate)
        looks.done(each, reached.get(f"r{rate:g}"), "nan: the training loss is nan")
    assert looks.settled
    return [each.name for each in looks.decided], looked


def records(folder):
    return Records(Path(folder), TrialSetting(examples=8, validation_examples=4), {"data": "x"}, seed=0)


def test_the_best_of_each_role_goes_on_and_nobody_looks_twice(tmp_path):
    said, reached = [], {"r0.001": 0.5, "r0.01": 0.7, "r0.1": 0.6}
    found, looked = decide([CANDIDATE, *STOCK, *LOW], records(tmp_path), said.append, **reached)
    assert found == ["trial-3", "stock-lora-0.01", "low-rank-0.01"]
    assert said[0] == (
        "stock-lora goes on at the best of its learning rates after a quarter of the steps, 0.001: 0.5000, 0.01: "
        "0.7000, 0.1: 0.6000"
    )
    assert len(looked) == 5
    assert decide([CANDIDATE, *STOCK, *LOW], records(tmp_path), said.append) == (found, [])


def test_a_role_is_open_until_all_of_it_has_been_seen(tmp_path):
    looks = Looks(STOCK, records(tmp_path), print)
    first, second, third = looks.next(), looks.next(), looks.next()
    assert looks.next() is None
    looks.done(third, 0.6, "", under_way=[first, second])
    looks.done(first, 0.5, "", under_way=[second])
    assert not looks.settled
    assert looks.decided == []
    looks.done(second, 0.7, "")
    assert looks.decided == [second]


def test_the_longest_are_looked_at_first(tmp_path):
    looks = Looks([*STOCK, *(replace(each, seconds=2.0) for each in LOW)], records(tmp_path), print)
    assert [looks.next().role for _ in range(5)] == ["low-rank"] * 2 + ["stock-lora"] * 3


def test_a_look_with_another_setting_counts_for_nothing(tmp_path):
    decide(STOCK, records(tmp_path), print, **{"r0.001": 0.9, "r0.01": 0.7, "r0.1": 0.6})
    other = Records(tmp_path, TrialSetting(examples=9, validation_examples=4), {"data": "x"}, seed=0)
    found, looked = decide(STOCK, other, print, **{"r0.001": 0.5, "r0.01": 0.7, "r0.1": 0.6})
    assert found == ["stock-lora-0.01"]
    assert len(looked) == 3


def test_a_rate_that_fails_is_left_out_and_a_role_at_every_rate_too(tmp_path):
    said = []
    found, _ = decide(STOCK, records(tmp_path / "some"), said.append, **{"r0.001": 0.5})
    assert found == ["stock-lora-0.001"]
    assert said[0] == "stock-lora-0.01 failed, and is left out: nan: the training loss is nan"
    # Faults may be of the machine: the next time they are tried again.
    assert decide(STOCK, records(tmp_path / "some"), print, **{"r0.01": 0.8}) == (["stock-lora-0.01"], [0.01, 0.1])
    said.clear()
    assert decide([CANDIDATE, *LOW], records(tmp_path / "none"), said.append)[0] == ["trial-3"]
    assert said[-1] == "low-rank failed at every learning rate, and is left out"


def test_where_all_have_been_trained_whole_that_decides(tmp_path):
    kept = records(tmp_path)
    for each, accuracy in zip(STOCK, (0.2, 0.4, 0.9), strict=True):
        kept.scratch(each, 0).mkdir(parents=True)
        kept.keep(each, 0, np.full(4, accuracy))
    assert decide(STOCK, kept, print) == (["stock-lora-0.1"], [])


def test_where_no_rate_has_learned_anything_that_of_the_trial_goes_on(tmp_path):
    group = [STOCK[0], replace(STOCK[1], trial=1), STOCK[2]]
    found, _ = decide(group, records(tmp_path), print, **{"r0.001": 0.0, "r0.01": 0.0, "r0.1": 0.0})
    assert found == ["stock-lora-0.01"]
