"""What a search begins with: proposed first, each once, where the space and the limit allow it."""

import numpy as np

from autopeft.samplers import make_sampler
from autopeft.space import Configuration
from autopeft.testing.samplers import LIMIT, new_study, run_trials, toy_cost, toy_space

SPACE = toy_space()


def drawn(count, *, affordable=True):
    """Return different configurations of the space, within the limit or beyond it."""
    rng = np.random.default_rng(1)
    found = {}
    while len(found) < count:
        each = SPACE.decode(SPACE.sample(rng))
        if toy_cost(each) > 0 and (toy_cost(each) <= LIMIT) == affordable:
            found[each.text] = each
    return list(found.values())


def proposed(begin_with, trials, name="pareto", parts=1):
    """Return the configurations of a search in their order, run in parts by samplers of their own."""
    study = None
    for _ in range(parts):
        sampler = make_sampler(name, SPACE, toy_cost, LIMIT, begin_with=begin_with)
        if study is None:
            study = new_study(sampler)
        study.sampler = sampler
        run_trials(study, SPACE, trials // parts)
    return [Configuration.from_dict(trial.user_attrs["configuration"]) for trial in study.trials]


def test_it_comes_first_in_its_order_and_whoever_resumes_goes_on_with_it():
    first = drawn(3)
    found = proposed(first, 6)
    assert found[:3] == first
    assert len(set(found)) == 6
    assert proposed(first, 6, parts=3) == found


def test_who_asks_at_once_gets_different_ones():
    first = drawn(3)
    study = new_study(make_sampler("pareto", SPACE, toy_cost, LIMIT, begin_with=first))
    trials = [study.ask() for _ in range(3)]
    assert [SPACE.suggest(trial) for trial in trials] == first


def test_what_is_beyond_the_limit_or_the_space_is_left_out_and_nothing_comes_twice():
    first, beyond = drawn(2), drawn(1, affordable=False)
    foreign = Configuration.from_dict({"modules": {"bitfit": {"layers": [0]}}, "training": {"learning_rate": 0.1}})
    found = proposed([*beyond, first[0], foreign, first[0], first[1]], 4)
    assert found[:2] == first
    assert len(set(found)) == 4


def test_other_samplers_begin_as_they_do():
    assert proposed(drawn(2), 4, "random") == proposed([], 4, "random")
