"""Configurations that a plan names in place of a search."""

import json

import pytest
from peft import LoraConfig

from autopeft.backbones import load_backbone
from autopeft.errors import AutopeftError, BudgetError, ConfigurationError
from autopeft.launch import GIVEN, SearchPlan, prepare, run_search
from autopeft.methods import REFERENCES, VOCABULARY
from autopeft.space import canonical
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


def test_guesses_are_tried_first_and_a_search_goes_on_from_them(settings, tmp_path):
    """Of PEFT's config the learning rate is stock LoRA's; what the space does not have is tried too."""
    backbone = load_backbone(settings["model"])
    peft = LoraConfig(r=2, lora_alpha=6, target_modules=["query"], layers_to_transform=[1])
    peft.save_pretrained(tmp_path)
    (tmp_path / "mine.yaml").write_text(json.dumps(IA3))
    files = [tmp_path / "mine.yaml", tmp_path / "adapter_config.json"]
    prepared = prepare(SearchPlan.of({**settings, "tries": files, "trials": 8, "out": str(tmp_path / "run")}))
    run_search(prepared)
    plain = prepare(SearchPlan.of({**settings, "trials": 8, "out": str(tmp_path / "run")}))
    assert plain.name == prepared.name, "a study can be gone on with by whoever has no guesses"
    study = run_search(plain).study
    named = [trial for trial in study.get_trials() if GIVEN in trial.user_attrs]
    assert [trial.user_attrs[GIVEN] for trial in named] == [str(file) for file in files]
    own = [trial.number for trial in study.get_trials() if not {GIVEN, "baseline"} & trial.user_attrs.keys()]
    assert own
    assert max(trial.number for trial in named) < min(own)
    lora = named[1].user_attrs["configuration"]
    stock = plain.stock.training["learning_rate"]
    assert (
        lora
        == canonical(
            {
                "modules": {"lora": {"rank": 2, "alpha": 6, "targets": ["q"], "layers": [1]}},
                "training": {"learning_rate": stock},
            },
            VOCABULARY,
            backbone.shape,
        ).to_dict()
    )


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ({"modules": {"lora": {"rank": 64}}}, "mine.json has .* trainable parameters .* raise --budget"),
        ({"modules": {"lorra": {}}}, "mine.json: modules.lorra: no such method"),
        ({"peft_type": "OFT", "r": 8}, "mine.json: found a config of PEFT's OFT; expected LORA"),
        ([], "mine.json: expected a mapping"),
    ],
)
def test_guesses_that_cannot_be_tried_are_said_by_file(settings, tmp_path, written, said):
    file = tmp_path / "mine.json"
    file.write_text(json.dumps(written))
    with pytest.raises(AutopeftError, match=said):
        prepare(SearchPlan.of({**settings, "budget": "1%", "tries": [file]}))
