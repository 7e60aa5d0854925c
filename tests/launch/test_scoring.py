"""Rows are scored before the first trial, once for a study, and what is trained later goes by the same scores."""

from dataclasses import replace

import pytest

import autopeft
from autopeft.errors import ConfigurationError
from autopeft.launch import Hearing, SearchPlan, prepare, run_search, scored
from autopeft.launch.job import WorkerJob
from autopeft.levers import Score
from autopeft.selection import select
from autopeft.testing.decoders import tiny_decoder
from autopeft.testing.models import TEXTS, tiny_backbone

SPACE = {
    "name": "scores",
    "modules": {"lora": {"rank": "1 | 2"}},
    "training": {"learning_rate": "1e-3..1e-2 log"},
    "data": {
        "select": "optimal_transport | influence",
        "share": "20%..60%",
        "optimal_transport_epsilon": "0.1 | 1",
        "influence_strata": 4,
    },
}
TEXTS_OF = ["transport (epsilon 0.1)", "transport (epsilon 1)", "influence", "effort"]
QUICK = {"budget": "20%", "workers": 0, "epochs": 1.0, "examples": 40}


@pytest.fixture(scope="module")
def settings(tmp_path_factory):
    folder = tmp_path_factory.mktemp("scores")
    words = ["heart", "lung", "arm", "leg", "good", "bad", "film"]
    rows = (f"{TEXTS[n % 2]} {words[n % 7]} {words[n % 5]} {n},{'ab'[n % 2]}" for n in range(120))
    (folder / "rows.csv").write_text("\n".join(["text,label", *rows]))
    return {"model": tiny_backbone("bert", folder), "data": str(folder / "rows.csv"), **QUICK}


def asked(settings, tmp_path, **more):
    return SearchPlan.of({**settings, "space": SPACE, "trials": 5, "out": str(tmp_path / "run"), **more})


def test_what_is_scored_is_what_the_space_goes_by(settings, tmp_path):
    assert [score.text for score in prepare(asked(settings, tmp_path)).scores] == TEXTS_OF
    none = {**SPACE, "data": {"select": "all | random"}}
    assert prepare(asked(settings, tmp_path, space=none)).scores == ()
    named = {"modules": {"lora": {"rank": 1}}, "data": {"select": "influence"}}
    plan = {**settings, "configurations": {"mine": named}, "out": str(tmp_path / "run")}
    assert [score.text for score in prepare(SearchPlan.of(plan)).scores] == ["influence", "effort"]


def test_rows_are_scored_once_and_the_seconds_are_said(settings, tmp_path, monkeypatch):
    prepared = prepare(asked(settings, tmp_path))
    prepared.folder.mkdir()
    said, asked_for = [], []
    score = WorkerJob.score
    monkeypatch.setattr(WorkerJob, "score", lambda job, scores: asked_for.append(scores) or score(job, scores))
    first = scored(prepared, prepared.scores, prepared.folder, said.append)
    assert list(first.scores) == TEXTS_OF
    assert {len(values) for values in first.scores.values()} == {40}
    assert said[0].startswith("scoring 40 training rows before any trial, for `select`: transport (epsilon 0.1), ")
    assert said[1].startswith("scored in ")
    assert scored(prepared, prepared.scores, prepared.folder, said.append) == first
    assert len(asked_for) == 1
    # Longer trainings on the same rows go by the same scores, those on more rows by scores of these.
    longer = replace(prepared.job, setting=replace(prepared.setting, epochs=9.0))
    assert (
        scored(prepared, prepared.scores[2:], prepared.folder, said.append, job=longer).scores["effort"]
        == first.scores["effort"]
    )
    assert len(asked_for) == 1
    more = replace(prepared.job, setting=replace(prepared.setting, examples=60))
    assert len(scored(prepared, prepared.scores[2:], prepared.folder, said.append, job=more).scores["effort"]) == 60
    assert asked_for[1:] == [[Score("influence"), Score("effort")]]


@pytest.mark.slow
def test_a_search_goes_on_with_its_scores_and_its_pick_has_its_own(settings, tmp_path):
    lines = []
    first = run_search(prepare(asked(settings, tmp_path)), listener=Hearing(lines.append))
    kept = [trial.values for trial in first.study.get_trials()]
    result = run_search(prepare(asked(settings, tmp_path, trials=7)), listener=Hearing(lines.append))
    assert [trial.values for trial in result.study.get_trials()][:5] == kept
    assert sum(line.startswith("scoring ") for line in lines) == 1
    own = [row for row in result.front.rows + result.front.others if row.baseline is None]
    assert own
    assert all(row.status == "complete" and row.configuration["data"]["select"] != "all" for row in own)
    assert len(list((tmp_path / "run" / "scores").iterdir())) == len(TEXTS_OF)
    trained = autopeft.train(tmp_path / "run", pick=str(own[0].trial), output=tmp_path / "trained", epochs=1)
    assert trained.steps > 0
    assert not (tmp_path / "trained" / "scores").exists()


@pytest.mark.slow
def test_finalists_on_more_rows_have_scores_of_these(settings, tmp_path):
    mine = {"modules": {"lora": {"rank": 1}}, "data": {"select": "influence"}}
    plan = {**settings, "configurations": {"mine": mine}, "out": str(tmp_path / "run"), "final": {"examples": 60}}
    prepared, lines = prepare(SearchPlan.of(plan)), []
    result = run_search(prepared)
    select(prepared, result, seeds=3, say=lines.append)
    assert [line for line in lines if line.startswith("scoring ")] == [
        "scoring 60 training rows before any trial, for `select`: influence, effort"
    ]
    assert len(list((tmp_path / "run" / "scores").iterdir())) == 4


@pytest.mark.slow
def test_scores_reach_workers(settings, tmp_path):
    prepared = prepare(asked(settings, tmp_path, workers=1, trials=3))
    lines = []
    result = run_search(prepared, listener=Hearing(lines.append))
    assert sum(line.startswith("scored in ") for line in lines) == 1
    assert {row.status for row in result.front.rows + result.front.others} == {"complete"}


def refused(settings, tmp_path, levers, **more):
    with pytest.raises(ConfigurationError) as error:
        prepare(asked(settings, tmp_path, space={**SPACE, "data": levers}, **more))
    assert not (tmp_path / "run").exists()
    return str(error.value)


def test_values_without_end_are_refused(settings, tmp_path):
    said = refused(settings, tmp_path, {"select": "optimal_transport", "optimal_transport_epsilon": "0.1..1 log"})
    assert "space 'scores': data.optimal_transport_epsilon: found the range 0.1..1, but what" in said
    assert "expected some values, such as '0.05 | 0.1 | 0.5'" in said


def test_a_decoder_has_no_surrogate(settings, tmp_path):
    lines = (f'{{"prompt": "a short {n}", "completion": " {TEXTS[n % 3]}"}}' for n in range(60))
    (tmp_path / "rows.jsonl").write_text("\n".join(lines))
    model = tiny_decoder("llama", tmp_path / "decoder")
    decoder = {"model": model, "data": str(tmp_path / "rows.jsonl"), "examples": 20}
    said = refused(settings, tmp_path, {"select": "influence"}, **decoder)
    assert "influence lets a model score each training row, but a model that writes text has no head" in said
    own = {**SPACE, "data": {"select": "optimal_transport", "optimal_transport_epsilon": 0.5}}
    prepared = prepare(asked(settings, tmp_path, space=own, **decoder))
    prepared.folder.mkdir()
    assert len(scored(prepared, prepared.scores, prepared.folder, print).scores["transport (epsilon 0.5)"]) == 20
