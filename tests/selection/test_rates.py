"""Learning rates are tried up to a rung, once; the best goes on."""

from pathlib import Path

import numpy as np

from autopeft.selection.contenders import Contender
from autopeft.selection.rates import at_best_rates
from autopeft.selection.records import Records
from autopeft.space import Configuration
from autopeft.trials import TrialSetting


def contender(role, rate, baseline=None):
    configuration = Configuration.from_dict({"modules": {"lora": {"rank": 8}}, "training": {"learning_rate": rate}})
    return Contender(f"{role}-{rate:g}", role, configuration, (10.0,), 10, None, baseline)


CANDIDATE = Contender("trial-3", "trial-3", Configuration.from_dict({"modules": {}, "training": {}}), (5.0,), 5, 3)
STOCK = [contender("stock-lora", rate, "stock-lora") for rate in (0.001, 0.01, 0.1)]
LOW = [contender("low-rank", rate, "low-rank") for rate in (0.001, 0.01)]


class Looking:
    """A crew that knows what each learning rate reaches; without it a look fails."""

    def __init__(self, **reached):
        self.reached = reached
        self.looked = []

    def do(self, errands):
        for index, errand in enumerate(errands):
            rate = Configuration(errand.configuration).training["learning_rate"]
            self.looked.append(rate)
            assert (errand.seed, errand.full) == (0, False)
            yield index, (self.reached.get(f"r{rate:g}"), "nan: the training loss is nan")


def records(folder):
    return Records(Path(folder), TrialSetting(examples=8, validation_examples=4), {"data": "x"}, seed=0)


def test_the_best_of_each_role_goes_on_and_nobody_looks_twice(tmp_path):
    crew, said = Looking(**{"r0.001": 0.5, "r0.01": 0.7, "r0.1": 0.6}), []
    found = at_best_rates([CANDIDATE, *STOCK, *LOW], records(tmp_path), crew, said.append)
    assert [each.name for each in found] == ["trial-3", "stock-lora-0.01", "low-rank-0.01"]
    assert said[0] == (
        "stock-lora goes on at the best of its learning rates after a quarter of the steps, 0.001: 0.5000, 0.01: "
        "0.7000, 0.1: 0.6000"
    )
    assert len(crew.looked) == 5
    again = Looking()
    assert at_best_rates([CANDIDATE, *STOCK, *LOW], records(tmp_path), again, said.append) == found
    assert again.looked == []


def test_a_look_with_another_setting_counts_for_nothing(tmp_path):
    at_best_rates(STOCK, records(tmp_path), Looking(**{"r0.001": 0.9, "r0.01": 0.7, "r0.1": 0.6}), print)
    other = Records(tmp_path, TrialSetting(examples=9, validation_examples=4), {"data": "x"}, seed=0)
    crew = Looking(**{"r0.001": 0.5, "r0.01": 0.7, "r0.1": 0.6})
    assert [each.name for each in at_best_rates(STOCK, other, crew, print)] == ["stock-lora-0.01"]
    assert len(crew.looked) == 3


def test_a_rate_that_fails_is_left_out_and_a_role_at_every_rate_too(tmp_path):
    said = []
    found = at_best_rates(STOCK, records(tmp_path / "some"), Looking(**{"r0.001": 0.5}), said.append)
    assert [each.name for each in found] == ["stock-lora-0.001"]
    assert said[0] == "stock-lora-0.01 failed, and is left out: nan: the training loss is nan"
    # Faults may be of the machine: the next time they are tried again.
    again = Looking(**{"r0.01": 0.8})
    assert [each.name for each in at_best_rates(STOCK, records(tmp_path / "some"), again, print)] == ["stock-lora-0.01"]
    assert again.looked == [0.01, 0.1]
    said.clear()
    assert at_best_rates([CANDIDATE, *LOW], records(tmp_path / "none"), Looking(), said.append) == [CANDIDATE]
    assert said[-1] == "low-rank failed at every learning rate, and is left out"


def test_where_all_have_been_trained_whole_that_decides(tmp_path):
    kept = records(tmp_path)
    for each, accuracy in zip(STOCK, (0.2, 0.4, 0.9), strict=True):
        kept.scratch(each, 0).mkdir(parents=True)
        kept.keep(each, 0, np.full(4, accuracy))
    crew = Looking()
    assert [each.name for each in at_best_rates(STOCK, kept, crew, print)] == ["stock-lora-0.1"]
    assert crew.looked == []
