"""Levers that change inputs, from a plan on: what is said of them, what is read, a search over the shipped space."""

import json

import pytest

import autopeft
from autopeft.launch import SearchPlan, prepare, run_search
from autopeft.space import load_space
from autopeft.testing.models import TEXTS, tiny_backbone

QUICK = {"budget": "20%", "workers": 0, "epochs": 1.0}
LORA = {"name": "levers", "modules": {"lora": {"rank": "1 | 2"}}}


def row_of(number, **further):
    """Every third row has nothing in the column `short`; in `long` there is more than fits."""
    short = None if number % 3 == 2 else f"film {number}"
    told = {"text": f"{TEXTS[number % 2]} {number}", "label": "ab"[number % 2]}
    return {**told, "short": short, "long": "of the film " * 40, **further}


@pytest.fixture(scope="module")
def settings(tmp_path_factory):
    folder = tmp_path_factory.mktemp("rows")
    (folder / "train.jsonl").write_text("\n".join(json.dumps(row_of(number)) for number in range(90)))
    # What stands there on validation and test could not be learned from, and is not looked at.
    held_out = "\n".join(json.dumps(row_of(number, short=["a"], long=["b"])) for number in range(90, 130))
    for split in ("validation", "test"):
        (folder / f"{split}.jsonl").write_text(held_out.replace("film", split))
    return {"model": tiny_backbone("bert", tmp_path_factory.mktemp("model")), "data": str(folder), **QUICK}


def test_what_is_made_of_the_rows_is_said(settings, tmp_path):
    data = {
        "column": "none | short | long",
        "augment": "none | mixup | eda | back_translation",
        "back_translation_column": "short",
    }
    prepared = prepare(SearchPlan.of({**settings, "space": {**LORA, "data": data}, "out": str(tmp_path / "run")}))
    said = "\n".join(prepared.notes)
    assert "data.column short: 60 of 90 training examples have something there, the others keep the first text" in said
    assert "data.column long: 90 of 90 training examples have something there; 100% are cut at" in said
    assert "data.augment back_translation short: 60 of 90" in said
    assert "30 of 90 copies are as their texts are" in said
    assert said.count("s, when a trial asks for it") == 4
    assert said.count("a copy of each row is made in") == 2
    assert "compute all layers at every step" in said
    assert "mixup" not in said
    assert set(prepared.task.beside) == {"short", "long"}


def test_nothing_is_said_where_inputs_stay(settings, tmp_path):
    plain, mixed = (
        prepare(SearchPlan.of({**settings, "space": {**LORA, "data": data}, "out": str(tmp_path / "run")})).notes
        for data in ({}, {"augment": "mixup", "contrastive": "supervised"})
    )
    assert plain == mixed


@pytest.mark.slow
def test_the_shipped_space_is_searched_under_a_limit_on_memory_and_its_pick_trained(settings, tmp_path):
    space = load_space("data-levers").to_dict()
    space["data"] |= {"column": "none | short"}
    # So that each trial pulls one.
    space["constraints"] = ["data.augment != none or data.contrastive == supervised"]
    asked = {**settings, "space": space, "trials": 12, "out": str(tmp_path / "run"), "objectives": "accuracy,memory"}
    result = run_search(prepare(SearchPlan.of(asked)))
    own = [row for row in result.front.rows + result.front.others if row.baseline is None]
    assert own
    assert all(row.status == "complete" for row in own), [row.message for row in own]
    data = own[0].configuration["data"]
    exported = autopeft.export(
        tmp_path / "run", to="transformers", pick=str(own[0].trial), out=tmp_path / "script", allow_lossy=True
    )
    left_out = " ".join(exported.left_out)
    assert all(f"data.{name}" in left_out for name in ("column", "augment", "contrastive") if name in data)
    trained = autopeft.train(tmp_path / "run", pick=str(own[0].trial), output=tmp_path / "trained", epochs=1)
    assert trained.steps == -(-90 // 32)
