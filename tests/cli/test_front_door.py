"""What comes before a search: a YAML to begin with, what a search would take, and what there is on a machine."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path
from typing import Any

import pytest
import typer
import yaml
from jsonschema import Draft7Validator

from autopeft.cli import init as init_verb
from autopeft.launch import Forecast, SearchPlan, features, forecast, prepare
from autopeft.launch import checkup as checkup_module
from tests.cli.in_process import run_here


@pytest.fixture(scope="module")
def rows(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("rows")
    lines = [f"a good thing {index},3,yes\nthing {index} is bad,1,no\n" for index in range(60)]
    (folder / "d.csv").write_text("review,stars,verdict\n" + "".join(lines), encoding="utf8")
    return folder


def test_what_init_writes_is_the_search_of_its_flags(rows: Path) -> None:
    flags = {"data": "d.csv", "text": "review", "label": "verdict", "trials": 9}
    words = ["init", "d.csv", "--text", "review", "--label", "verdict", "--budget", "0.5%", "-o", "mine.yaml"]
    done = run_here(*words, cwd=rows)
    assert done.returncode == 0, done.stderr
    text = (rows / "mine.yaml").read_text(encoding="utf8")
    schema = json.loads((rows / "mine.schema.json").read_text(encoding="utf8"))
    assert text.splitlines()[0] == "# yaml-language-server: $schema=mine.schema.json"
    assert not list(Draft7Validator(schema).iter_errors(yaml.safe_load(text)))
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(rows)
        written = prepare(SearchPlan.from_file(rows / "mine.yaml", trials=9))
        told = prepare(SearchPlan.of({**flags, "budget": "0.5%"}))
    assert written.name == told.name
    assert "not used: stars" in text


def test_every_remark_is_a_setting_that_may_be_uncommented(rows: Path) -> None:
    assert (
        run_here("init", "d.csv", "--text", "review", "--label", "verdict", "-o", "all.yaml", cwd=rows).returncode == 0
    )
    lines = (rows / "all.yaml").read_text(encoding="utf8").splitlines()
    names = tuple(f"# {name}: " for name in SearchPlan.model_fields)
    uncommented = [line.removeprefix("# ") if line.startswith(names) else line for line in lines]
    (rows / "open.yaml").write_text("\n".join(uncommented), encoding="utf8")
    plan = SearchPlan.from_file(rows / "open.yaml")
    assert plan.workers == 2
    assert plan.max_length is not None
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(rows)
        assert prepare(plan).setting == prepare(SearchPlan.from_file(rows / "all.yaml")).setting


def test_init_leaves_alone_what_is_there_and_says_what_is_missing(rows: Path) -> None:
    (rows / "search.yaml").write_text("mine", encoding="utf8")
    there = run_here("init", "d.csv", cwd=rows)
    assert (there.returncode, (rows / "search.yaml").read_text()) == (2, "mine")
    lacking = run_here("init", "d.csv", "-o", "none.yaml", cwd=rows)
    assert lacking.returncode == 2
    assert "found: review, stars, verdict" in lacking.stderr
    assert not list(rows.glob("none*"))


def test_init_asks_a_person_until_the_data_can_be_read(rows: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    answers = iter(["text=review", "label=verdict"])
    monkeypatch.setattr(typer, "prompt", lambda *words, **more: next(answers))
    monkeypatch.chdir(rows)
    prepared, given = init_verb._prepared({"data": "d.csv"}, asks=True)
    assert given == {"data": "d.csv", "text": "review", "label": "verdict"}
    assert prepared.task.train.texts


def test_a_dry_run_says_what_it_takes_and_writes_nothing(rows: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    words = ["search", "--data", "d.csv", "--text", "review", "--label", "verdict", "--workers", 0, "--trials", 5]
    before = sorted(rows.iterdir())
    measured: list[Forecast] = []
    monkeypatch.setattr("autopeft.launch.forecast", lambda prepared: measured.append(forecast(prepared)) or measured[0])
    done = run_here(*words, "--dry-run", cwd=rows)
    assert done.returncode == 0, done.stderr
    assert sorted(rows.iterdir()) == before
    [found] = measured
    assert [reach.name for reach in found.reaches] == ["stock LoRA", "the dearest configuration"]
    assert all(reach.peak and 0 < reach.peak < found.room for reach in found.reaches)
    assert found.reaches[1].params <= 227_132
    # One after the other, each from the same point on.
    assert found.search == pytest.approx(found.start + 5 * found.trial)
    assert found.trial > found.step
    for said in (
        "memory  stock LoRA takes",
        "the dearest configuration takes",
        "5 trials, one after the other",
        "nothing",
    ):
        assert said in done.stdout
    assert run_here(*words, "--dry-run", "--json", cwd=rows).returncode == 2


def test_what_extras_lack_is_said_with_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    there = {feature.name: feature for feature in features()}
    assert not there["data in Excel workbooks"].lacking
    real = checkup_module.version

    def version(name: str) -> str:
        if name == "openpyxl":
            raise checkup_module.PackageNotFoundError(name)
        return "0.1" if name == "trl" else real(name)

    monkeypatch.setattr(checkup_module, "version", version)
    found: dict[str, Any] = {feature.name: feature for feature in features()}
    assert found["data in Excel workbooks"].lacking == ("openpyxl",)
    assert found["data in Excel workbooks"].remedy == "pip install 'autopeft[excel]'"
    assert found["autopeft train of decoders"].lacking == ("trl>=1.16 (found 0.1)",)


def test_every_extra_is_a_feature_of_users_or_none() -> None:
    project = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text(encoding="utf8"))["project"]
    known = {*checkup_module._EXTRAS, *checkup_module._NOT_OF_USERS}
    assert project["optional-dependencies"].keys() == known


@pytest.mark.slow
def test_the_doctor_tries_a_step_here_and_in_ray(tmp_path: Path) -> None:
    done = run_here("doctor", "--json", cwd=tmp_path)
    found = json.loads(done.stdout)
    assert done.returncode == 0
    assert [each["message"] for each in found["tried"]] == ["", ""]
    assert found["machine"]["Python"]
