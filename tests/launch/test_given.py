"""Configurations that a plan names in place of a search."""

import pytest

from autopeft.errors import AutopeftError, BudgetError, ConfigurationError
from autopeft.launch import GIVEN, SearchPlan, prepare, run_search
from autopeft.methods import REFERENCES
from autopeft.study import StudySpec
from autopeft.testing.models import TEXTS, tiny_backbone

LORA = {"modules": {"lora": {"rank": 1}}, "training": {"learning_rate": 0.01}}
IA3 = {"modules": {"ia3": {}}, "training": {"learning_rate": 0.01}}


@pytest.fixture(scope="module")
def settings(tmp_path_factory):
    folder = tmp_path_factory.mktemp("given")
    rows = "".join(f"{TEXTS[n % 2]} {n},{'ab'[n % 2]}\n" for n in range(120))
    (folder / "rows.csv").write_text("text,label\n" + rows)
    model = tiny_backbone("bert", folder)
    return {"model": model, "data": str(folder / "rows.csv"), "budget": "20%", "workers": 0, "epochs": 1.0}


def test_they_are_the_trials_beside_the_baselines_and_nothing_is_proposed(settings, tmp_path):
    plan = SearchPlan.of({**settings, "configurations": {"mine": LORA, "other": IA3}, "out": str(tmp_path / "run")})
    result = run_search(prepare(plan))
    trials = result.study.get_trials()
    assert result.complete
    assert len(trials) == 1 + len(REFERENCES) + 2
    asked = {t.user_attrs[GIVEN]: t.user_attrs["configuration"]["modules"] for t in trials if GIVEN in t.user_attrs}
    assert list(asked) == ["mine", "other"]
    assert asked["mine"]["lora"]["rank"] == 1
    again = run_search(prepare(plan))
    assert [t.values for t in again.study.get_trials()] == [t.values for t in trials]


@pytest.mark.parametrize(
    ("asked", "error", "said"),
    [
        ({}, AutopeftError, "configurations: found none; expected some by name"),
        ({"big": {**LORA, "modules": {"lora": {"rank": 64}}}}, BudgetError, r"big has .* trainable parameters"),
        ({"odd": {**LORA, "modules": {"nothing": {}}}}, ConfigurationError, "configurations: odd: .*nothing"),
    ],
)
def test_what_cannot_be_tried_is_told_before_anything_is(settings, tmp_path, asked, error, said):
    with pytest.raises(error, match=said):
        prepare(SearchPlan.of({**settings, "configurations": asked, "out": str(tmp_path / "run")}))


def test_how_many_trials_there_are_follows_from_them(settings):
    with pytest.raises(AutopeftError, match=r"trials: found 50, but 1 configurations .* are 6 trials; leave"):
        prepare(SearchPlan.of({**settings, "configurations": {"mine": LORA}, "trials": 50}))


def test_specs_without_them_are_those_of_earlier_versions():
    facts = {"model": {}, "data": "", "task": "", "space": {}, "budget": "1%", "objectives": (), "metric": "accuracy"}
    spec = StudySpec(**facts, sampler="pareto", seed=0, trial={}, precision="fp32")
    assert "given" not in spec.to_dict()
    assert "warm_start" in spec.to_dict()
