"""A study that goes on in another space: old trials come along."""

import optuna
import pytest
from optuna.samplers import RandomSampler
from optuna.trial import TrialState

from autopeft.errors import StudyError
from autopeft.methods import HEAD_ONLY, VOCABULARY
from autopeft.space import BackboneShape, SearchSpace
from autopeft.study import StudySpec, ask, enqueue, extend_study, open_study, tell

SHAPE = BackboneShape(4, 32, 128, ("q", "k", "v", "o", "up", "down"))
OLD = SearchSpace("s", modules={"lora": {"rank": "1 | 2 | 4"}}, training={"learning_rate": "1e-4..1e-2 log"})
WIDER = SearchSpace(
    "s",
    modules={"lora": {"rank": "2 | 4 | 8 | 16"}, "prefix": {"length": "off | 2"}},
    training={"learning_rate": "1e-5..1e-2 log"},
)


def spec(space, **changes):
    fields = {"model": {"model": "m"}, "data": "d", "task": "t", "space": space.to_dict(), "budget": "1%"}
    fields |= {"objectives": ("params", "accuracy"), "metric": "accuracy", "sampler": "random", "seed": 0, "trial": {}}
    return StudySpec(**(fields | {"precision": "fp32"} | changes))


@pytest.fixture
def old(tmp_path):
    study = open_study(tmp_path, spec(OLD), RandomSampler(seed=3), name="old", storage=None, fresh=False)
    space = OLD.bind(VOCABULARY, SHAPE)
    enqueue(study, space, HEAD_ONLY, {"baseline": "head-only"})
    for index in range(8):
        trial = ask(study, space)
        outcome = {"status": "complete", "accuracy": 0.5 + index / 100, "seconds": 1.0}
        outcome |= {"status": "stopped", "curve": [{"step": 1, "accuracy": 0.4}]} if index == 3 else {}
        outcome |= {"status": "nan"} if index == 5 else {}
        tell(study, trial.number, outcome, params=100 * index, limit=10**6, worst=0.0)
    return study


def extended(old, tmp_path, space=WIDER, **changes):
    bound = space.bind(VOCABULARY, SHAPE)
    return extend_study(old, tmp_path, spec(space, **changes), bound, RandomSampler(seed=1), name="new"), bound


def test_every_trial_comes_along_and_what_no_longer_fits_is_marked(old, tmp_path):
    before = [(t.state, t.values, t.user_attrs["configuration"], t.constraints) for t in old.trials]
    study, space = extended(old, tmp_path)
    after = [(t.state, t.values, t.user_attrs["configuration"], t.constraints) for t in study.trials]
    assert after == before
    assert study.trials[0].user_attrs["baseline"] == "head-only"
    for trial in study.trials[1:]:
        fits = trial.user_attrs["configuration"]["modules"]["lora"]["rank"] != 1
        assert trial.user_attrs.get("outside", False) == (not fits)
        assert bool(trial.params) == fits
        if fits:
            assert space.decode(trial.params).to_dict() == trial.user_attrs["configuration"]
    assert {trial.user_attrs.get("outside", False) for trial in study.trials[1:]} == {True, False}
    assert optuna.get_all_study_names(study._storage) == ["new"]
    assert study.user_attrs["spec"] == spec(WIDER).to_dict()
    ask(study, space)
    assert study.trials[-1].state == TrialState.RUNNING


class KilledError(Exception):
    """Stands for the end of the process."""


@pytest.mark.parametrize("at", range(1, 10))
def test_a_process_that_is_killed_over_it_leaves_what_can_be_gone_on_with(old, tmp_path, monkeypatch, at):
    before = [(t.state, t.values, t.user_attrs["configuration"]) for t in old.trials]
    calls = iter(range(1, 99))

    def killed(original):
        def call(*args, **kwargs):
            if next(calls) == at:
                raise KilledError
            return original(*args, **kwargs)

        return call

    with monkeypatch.context() as dying:
        dying.setattr(optuna.Study, "add_trial", killed(optuna.Study.add_trial))
        dying.setattr(optuna, "delete_study", killed(optuna.delete_study))
        with pytest.raises(KilledError):
            extended(old, tmp_path)
    names = optuna.get_all_study_names(old._storage)
    assert names[0] == "old"
    study, _ = extended(optuna.load_study(study_name="old", storage=old._storage), tmp_path)
    assert [(t.state, t.values, t.user_attrs["configuration"]) for t in study.trials] == before
    assert optuna.get_all_study_names(old._storage) == ["new"]


def test_a_study_of_the_new_space_that_came_about_otherwise_is_left_alone(old, tmp_path):
    other = optuna.create_study(study_name="new", storage=old._storage, directions=["minimize", "maximize"])
    other.enqueue_trial({})
    with pytest.raises(StudyError, match="holds a study of the changed space already, new; go on with it by another"):
        extended(old, tmp_path)
    assert set(optuna.get_all_study_names(old._storage)) == {"old", "new"}


def test_back_again_what_fits_is_marked_no_longer(old, tmp_path):
    study, _ = extended(old, tmp_path)
    bound = OLD.bind(VOCABULARY, SHAPE)
    again = extend_study(study, tmp_path, spec(OLD), bound, RandomSampler(seed=1), name="again")
    assert not any("outside" in trial.user_attrs for trial in again.trials)
    assert all(trial.params for trial in again.trials[1:])


def test_only_the_space_may_differ_and_nothing_may_be_at_work(old, tmp_path):
    with pytest.raises(StudyError, match="budget: the study has 1%, this run asks for 2%"):
        extended(old, tmp_path, budget="2%")
    assert extended(old, tmp_path, space=OLD)[0] is old
    ask(old, OLD.bind(VOCABULARY, SHAPE))
    with pytest.raises(StudyError, match=r"trial 8 of .* is being run"):
        extended(old, tmp_path)
    assert len(old.trials) == 9
