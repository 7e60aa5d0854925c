"""What a search is compared with stands in line before its own proposals, and only once."""

import optuna
import pytest
from optuna.trial import TrialState

from autopeft.launch.baselines import baselines_of, enqueue_baselines
from autopeft.methods import METHODS, REFERENCES, VOCABULARY, references_of
from autopeft.space import BackboneShape, load_space
from autopeft.study import BEYOND, ask, tell

SHAPE = BackboneShape(6, 384, 1536, ("q", "k", "v", "o", "up", "down"))


@pytest.fixture
def space():
    return load_space("default").bind(VOCABULARY, SHAPE)


def names(study):
    return [trial.user_attrs.get("baseline") for trial in study.get_trials(deepcopy=False)]


def put(study, space, total, said=None):
    say = print if said is None else said.append
    enqueue_baselines(study, space, baselines_of(SHAPE, 4e-3, references_of(total)), total, lambda one: True, say)


def test_all_stand_in_line_and_come_first(space):
    study, said = optuna.create_study(directions=["minimize", "maximize"]), []
    put(study, space, 24, said)
    assert names(study) == ["head-only", *(each.name for each in REFERENCES)]
    assert said == []
    assert [ask(study, space).baseline for _ in range(2)] == ["head-only", "stock-lora"]
    put(study, space, 24)
    assert len(names(study)) == 1 + len(REFERENCES)
    assert METHODS  # what they are built of is registered


def test_few_trials_have_few_which_is_said_and_more_bring_the_others(space):
    study, said = optuna.create_study(directions=["minimize", "maximize"]), []
    put(study, space, 8, said)
    assert names(study) == ["head-only", "stock-lora"]
    [words] = said
    assert words == (
        "references without a trial in this search: all-linear LoRA, low-rank LoRA, low-rank-all LoRA; more --trials "
        "bring them"
    )
    put(study, space, 24)
    assert names(study) == ["head-only", *(each.name for each in REFERENCES)]


def test_a_study_of_an_earlier_version_that_is_complete_gets_none(space):
    study = optuna.create_study(directions=["minimize", "maximize"])
    put(study, space, 3)
    for _ in range(3):
        if study.get_trials(deepcopy=False, states=(TrialState.WAITING,)):
            trial = ask(study, space)
        else:
            study.sampler = optuna.samplers.RandomSampler(seed=0)
            trial = ask(study, space)
        tell(study, trial.number, {"status": "complete", "accuracy": 0.5}, params=10, limit=100, worst=0.0)
    for total, more in ((3, []), (5, ["all-linear", "low-rank"])):
        said = []
        enqueue_baselines(study, space, baselines_of(SHAPE, 4e-3, REFERENCES), total, lambda one: True, said.append)
        assert names(study)[3:] == more
        assert "low-rank-all LoRA" in said[0]


def test_what_exceeds_a_budget_of_memory_is_marked(space):
    study = optuna.create_study(directions=["minimize", "maximize"])
    baselines = baselines_of(SHAPE, 4e-3, REFERENCES)
    enqueue_baselines(study, space, baselines, 24, lambda one: one != baselines["all-linear"], print)
    marked = [trial.user_attrs["baseline"] for trial in study.get_trials() if trial.user_attrs.get(BEYOND)]
    assert marked == ["all-linear"]
