"""A search that chooses rows from a pool, from a plan to a trained pick, its export, and a pool that has changed."""

import json

import numpy as np
import pytest
import yaml

import autopeft
from autopeft.errors import AutopeftError, ConfigurationError, StudyError
from autopeft.launch import Hearing, SearchPlan, prepare, run_search
from autopeft.tasks.row_hashes import TRAINING_ROWS
from autopeft.testing.models import TEXTS, tiny_backbone

SPACE = {
    "name": "pool",
    "modules": {"lora": {"rank": "1 | 2"}},
    "training": {"learning_rate": "1e-3..1e-2 log"},
    "data": {"select": "optimal_transport", "share": "20%..60%", "optimal_transport_epsilon": 0.5},
}
QUICK = {"budget": "20%", "workers": 0, "epochs": 1.0}


def lines(numbers, **further):
    rows = ({"text": f"{TEXTS[n % 2]} {n}", "label": "ab"[n % 2], "fails": n % 3 / 2} | further for n in numbers)
    return "\n".join(map(json.dumps, rows))


@pytest.fixture
def settings(tmp_path, tmp_path_factory):
    (tmp_path / "rows.jsonl").write_text(lines(range(120)))
    (tmp_path / "pool.jsonl").write_text(lines(range(100, 160)))
    files = {"data": str(tmp_path / "rows.jsonl"), "pool": str(tmp_path / "pool.jsonl")}
    return {"model": tiny_backbone("bert", tmp_path_factory.mktemp("model")), **files, **QUICK, "space": SPACE}


def test_what_is_chosen_from_is_said(settings, tmp_path):
    prepared = prepare(SearchPlan.of({**settings, "out": str(tmp_path / "run")}))
    assert prepared.job.task.pool == settings["pool"]
    assert prepared.prices.pooled
    said = "\n".join(prepared.notes)
    assert f"data.select: chosen from {len(prepared.task.pool)} rows of the pool beside 80 of training; made in" in said
    assert "compute all layers at every step" in said
    assert "are its target too" not in said
    plain = prepare(SearchPlan.of({**settings, "pool": None, "out": str(tmp_path / "run")}))
    assert plain.spec.hash != prepared.spec.hash


@pytest.mark.parametrize(
    ("asked", "error", "said"),
    [
        ({"space": "lora"}, ConfigurationError, "rows for `select` to choose from, for which the space does not ask"),
        ({"space": {**SPACE, "data": {"select": "all"}}}, ConfigurationError, "or no --pool"),
        ({"pool": "nowhere.jsonl"}, AutopeftError, "nowhere.jsonl"),
        ({"tasks": [{"data": "one"}, {"data": "two"}], "data": None}, AutopeftError, "leave pool out"),
        ({"tasks": [{"data": "a", "pool": "b"}, {"data": "c"}], "data": None, "pool": None}, AutopeftError, "pool of"),
    ],
)
def test_what_cannot_be_is_refused_before_anything_is_written(settings, tmp_path, asked, error, said):
    with pytest.raises(error, match=said):
        prepare(SearchPlan.of({**settings, "out": str(tmp_path / "run"), **asked}))
    assert not (tmp_path / "run").exists()


def test_forms_are_of_the_pool_too(settings, tmp_path):
    (tmp_path / "pool.jsonl").write_text(lines(range(100, 160), other="the film"))
    (tmp_path / "rows.jsonl").write_text(lines(range(120), other=None))
    space = {**SPACE, "data": {**SPACE["data"], "column": "other"}}
    prepared = prepare(SearchPlan.of({**settings, "space": space, "out": str(tmp_path / "run")}))
    pool = len(prepared.task.pool)
    assert f"data.column other: {pool} of {80 + pool} examples of training and pool" in "\n".join(prepared.notes)


def test_columns_that_the_space_goes_by_are_in_the_pool_too(settings, tmp_path):
    data = {**SPACE["data"], "difficulty": "proportional", "fail_rate": "fails"}
    asked = {**settings, "space": {**SPACE, "data": data}, "out": str(tmp_path / "run")}
    task = prepare(SearchPlan.of(asked)).task
    assert len(task.beside["fails"]) == len(task.learnable)
    (tmp_path / "pool.jsonl").write_text(lines(range(160), fails="often"))
    with pytest.raises(ConfigurationError, match="'fails' holds 'often'"):
        prepare(SearchPlan.of(asked))


@pytest.mark.slow
def test_a_search_goes_on_with_its_pool_alone_and_its_pick_is_trained(settings, tmp_path):
    asked, said = {**settings, "trials": 5, "out": str(tmp_path / "run")}, []
    first = run_search(prepare(SearchPlan.of({**asked, "trials": 4})), listener=Hearing(said.append))
    kept = [trial.values for trial in first.study.get_trials()]
    result = run_search(prepare(SearchPlan.of(asked)), listener=Hearing(said.append))
    assert [trial.values for trial in result.study.get_trials()][: len(kept)] == kept
    scored = f"scoring {len(prepare(SearchPlan.of(asked)).task.pool)} rows of the pool before any trial"
    assert sum(line.startswith(scored) for line in said) == 1
    own = [row for row in result.front.rows + result.front.others if row.baseline is None]
    assert own
    assert all(row.status == "complete" for row in own), [row.message for row in own]
    chosen = str(own[0].trial)
    exported = autopeft.export(tmp_path / "run", to="autopeft", pick=chosen, out=tmp_path / "own")
    assert f"--pool {settings['pool']}" in exported.command
    assert yaml.safe_load((exported.folder / "training.yaml").read_text())["data"] == own[0].configuration["data"]
    with pytest.raises(AutopeftError, match=r"data\.select \(optimal_transport"):
        autopeft.export(tmp_path / "run", to="transformers", pick=chosen, out=tmp_path / "script")
    trained = autopeft.train(tmp_path / "run", pick=chosen, output=tmp_path / "trained", epochs=1)
    task = prepare(SearchPlan.of(asked)).task
    assert trained.steps == -(-len(task.train) // 32)
    assert len(np.load(trained.folder / TRAINING_ROWS)) == len(task.learnable)
    assert (
        f"{len(task.train)} examples and some of a pool of {len(task.pool)}"
        in (trained.folder / "README.md").read_text()
    )
    autopeft.train(tmp_path / "run", pick="head", output=tmp_path / "head", epochs=1)
    (tmp_path / "pool.jsonl").write_text(lines(range(100, 150)))
    with pytest.raises(StudyError, match="data: the study has"):
        run_search(prepare(SearchPlan.of(asked)))
    with pytest.raises(StudyError, match="with another data"):
        autopeft.train(tmp_path / "run", pick=chosen, output=tmp_path / "trained", epochs=1)
