import optuna
import pytest

from autopeft.samplers import make_sampler
from autopeft.samplers.view import StudyView
from autopeft.testing.samplers import LIMIT, new_study, run_trials, toy_cost, toy_space

SPACE = toy_space()


def test_generations_go_on_across_a_resume(tmp_path):
    storage = f"sqlite:///{tmp_path / 'study.db'}"
    for _ in range(3):
        run_trials(new_study(make_sampler("nsga2", SPACE, toy_cost, LIMIT), storage), SPACE, 7)
    study = new_study(make_sampler("nsga2", SPACE, toy_cost, LIMIT), storage)
    generations = [trial.system_attrs["NSGAIISampler:generation"] for trial in study.trials]
    assert generations == sorted(generations)
    assert {generations.count(each) for each in set(generations[:16])} == {8}


@pytest.mark.parametrize("name", ["tpe", "gp"])
def test_only_the_accepted_point_enters_the_study(name):
    study = new_study(make_sampler(name, SPACE, toy_cost, LIMIT))
    run_trials(study, SPACE, 11)
    assert not any("relative_params" in key for trial in study.trials for key in trial.system_attrs)


def test_view_hides_trials():
    study = optuna.create_study()
    for value in range(4):
        study.tell(study.ask(), value)
    view = StudyView(study, lambda trial: trial.number % 2 == 0)
    assert [trial.number for trial in view.trials] == [0, 2]
    assert [trial.number for trial in view._get_trials(deepcopy=False, use_cache=True)] == [0, 2]
    assert view.direction == study.direction
