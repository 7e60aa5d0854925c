"""`--warm-start RUN`: which runs it takes, and what it leaves in the spec."""

import optuna
import pytest

from autopeft.errors import AutopeftError, StudyError
from autopeft.launch import SearchPlan
from autopeft.launch.earlier import begin_from, identity
from autopeft.samplers import make_sampler
from autopeft.study import DATABASE
from autopeft.testing.samplers import LIMIT, new_study, run_trials, small_space, toy_cost, toy_space

SPACE = toy_space()


@pytest.fixture
def run(tmp_path):
    study = new_study(make_sampler("random", SPACE, toy_cost, LIMIT), f"sqlite:///{tmp_path / DATABASE}")
    study.set_user_attr("spec", {"task": "toy"})
    run_trials(study, SPACE, 5)
    return tmp_path


def test_finished_trials_are_taken_and_identified(run):
    earlier = begin_from(run, SPACE)
    assert len(earlier) == 5
    assert identity(earlier) == identity(earlier[::-1])
    assert identity(earlier) != identity(earlier[1:])


def test_a_folder_without_a_run_is_refused(tmp_path):
    with pytest.raises(StudyError, match="no study in"):
        begin_from(tmp_path, SPACE)


def test_a_run_whose_trials_are_elsewhere_or_not_finished_is_refused(run, tmp_path_factory):
    with pytest.raises(StudyError, match=r"[01] of its 5 finished trials are in the space 'small'"):
        begin_from(run, small_space())
    empty = tmp_path_factory.mktemp("empty")
    begun = new_study(optuna.samplers.RandomSampler(), f"sqlite:///{empty / DATABASE}")
    begun.set_user_attr("spec", {"task": "toy"})
    with pytest.raises(StudyError, match="0 of its 0 finished trials"):
        begin_from(empty, SPACE)


def test_other_samplers_are_refused_at_once():
    with pytest.raises(AutopeftError, match="needs the sampler pareto"):
        SearchPlan.of({"sampler": "tpe", "warm_start": "runs/one"})
