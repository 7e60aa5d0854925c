"""A search over data levers, from a plan to a trained pick and an export that says what it lacks."""

import pytest
import yaml

import autopeft
from autopeft.errors import AutopeftError, ConfigurationError, DataError
from autopeft.launch import SearchPlan, prepare, run_search
from autopeft.space import Configuration
from autopeft.testing.models import TEXTS, tiny_backbone

SPACE = {
    "name": "levers",
    "modules": {"lora": {"rank": "1 | 2"}},
    "training": {"learning_rate": "1e-3..1e-2 log"},
    "data": {"select": "random", "share": "20%..60%", "difficulty": "uniform | proportional", "fail_rate": "fails"},
}
QUICK = {"budget": "20%", "workers": 0, "epochs": 1.0}


@pytest.fixture(scope="module")
def settings(tmp_path_factory):
    folder = tmp_path_factory.mktemp("levers")
    rows = (f"{TEXTS[n % 2]} {n},{'ab'[n % 2]},{n % 11 / 10},{'often' if n % 10 == 0 else 0}" for n in range(120))
    (folder / "rows.csv").write_text("\n".join(["text,label,fails,words", *rows]))
    return {"model": tiny_backbone("bert", folder), "data": str(folder / "rows.csv"), **QUICK}


@pytest.mark.slow
def test_a_search_goes_on_and_its_pick_is_trained_with_its_levers(settings, tmp_path):
    asked = {**settings, "space": SPACE, "trials": 8, "out": str(tmp_path / "run")}
    first = run_search(prepare(SearchPlan.of({**asked, "trials": 6})))
    result = run_search(prepare(SearchPlan.of(asked)))
    kept = [trial.values for trial in first.study.get_trials()]
    assert [trial.values for trial in result.study.get_trials()][: len(kept)] == kept
    own = [row for row in result.front.rows + result.front.others if row.baseline is None]
    assert own
    assert all(row.status == "complete" and row.configuration["data"]["select"] == "random" for row in own)
    chosen = str(own[0].trial)
    exported = autopeft.export(tmp_path / "run", to="autopeft", pick=chosen, out=tmp_path / "own")
    assert yaml.safe_load((exported.folder / "training.yaml").read_text())["data"] == own[0].configuration["data"]
    with pytest.raises(AutopeftError, match=r"data\.select \(random: rows at random\)"):
        autopeft.export(tmp_path / "run", to="transformers", pick=chosen, out=tmp_path / "script")
    trained = autopeft.train(tmp_path / "run", pick=chosen, output=tmp_path / "trained", epochs=1)
    plain = tmp_path / "plain.yaml"
    written = {name: knobs for name, knobs in own[0].configuration.items() if name != "data"}
    plain.write_text(yaml.safe_dump(written))
    again = autopeft.train(plain, output=tmp_path / "untouched", **{**settings, "epochs": 1})
    assert trained.steps == again.steps


@pytest.mark.parametrize(
    ("data", "error", "said"),
    [
        ({"difficulty": "proportional", "fail_rate": "lost"}, DataError, "no column 'lost', by which the space goes"),
        ({"difficulty": "proportional", "fail_rate": "words"}, ConfigurationError, "'words' holds 'often'"),
        ({"difficulty": "uniform | proportional"}, DataError, "no column 'fail_rate'"),
    ],
)
def test_what_the_rows_lack_is_said_before_anything_is_written(settings, tmp_path, data, error, said):
    asked = {**settings, "space": {**SPACE, "data": data}, "trials": 8, "out": str(tmp_path / "run")}
    with pytest.raises(error, match=said):
        prepare(SearchPlan.of(asked))
    assert not (tmp_path / "run").exists()


def test_configurations_by_name_have_levers_too(settings, tmp_path):
    mine = {"modules": {"lora": {"rank": 1}}, "data": {"difficulty": "proportional", "fail_rate": "fails"}}
    prepared = prepare(SearchPlan.of({**settings, "configurations": {"mine": mine}, "out": str(tmp_path / "run")}))
    assert isinstance(prepared.given["mine"], Configuration)
    assert set(prepared.task.beside) == {"fails"}
    assert prepared.job.task.beside == ("fails",)


def test_as_many_rows_of_each_question_take_no_failures(settings, tmp_path):
    """Failures decide nothing then: no column is asked for, and none is taken."""
    asked = {**settings, "trials": 8, "out": str(tmp_path / "run")}
    assert not prepare(SearchPlan.of({**asked, "space": {**SPACE, "data": {"difficulty": "uniform"}}})).task.beside
    with pytest.raises(AutopeftError, match=r"data\.fail_rate: is there only with difficulty proportional"):
        prepare(SearchPlan.of({**asked, "space": {**SPACE, "data": {"difficulty": "uniform", "fail_rate": "fails"}}}))
