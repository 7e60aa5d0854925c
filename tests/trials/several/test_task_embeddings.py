"""Shared adapters with an embedding for each of several tasks: trained on a mixture, kept, used and refused."""

import io
import json
from contextlib import chdir, redirect_stdout
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
import torch
import yaml

from autopeft.api import evaluate, predict, search, train
from autopeft.errors import AutopeftError, ConfigurationError
from autopeft.exporting import ExportJob, export
from autopeft.launch import SearchPlan, open_run, prepare
from autopeft.methods import HEAD_ONLY, VOCABULARY, load
from autopeft.saved import loading_code
from autopeft.selection import plan_of_transfer, select, weights_of
from autopeft.space import canonical
from autopeft.testing.models import tiny_backbone
from autopeft.trials import kind_of
from tests.cli.in_process import run_here
from tests.trials.several.test_several import COLOURS, SIZES, data_of, rows, runner_for, settings

KNOBS = {"size": 8, "tasks": 2}


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    folder = tmp_path_factory.mktemp("embeddings")
    rows(COLOURS, 180, 0).to_csv(folder / "colours.csv", index=False)
    rows(SIZES, 120, 1).rename(columns={"text": "what", "label": "size"}).to_csv(folder / "sizes.csv", index=False)
    tiny_backbone("bert", folder, vocabulary=(*COLOURS.values(), *SIZES.values(), "thing"))
    return folder


def configured(backbone, **knobs):
    written = {"modules": {"hyper_adapter": {**KNOBS, **knobs}}, "training": {"learning_rate": 1e-2}}
    return canonical(written, VOCABULARY, backbone.shape)


@pytest.fixture(scope="module")
def kept(place, tmp_path_factory):
    """Return what a trial of two tasks keeps, with what it was trained by."""
    runner, prepared = runner_for(place, "joint")
    folder = tmp_path_factory.mktemp("kept")
    # Of layers below none is computed in trials, but once.
    configuration = configured(prepared.backbone, layers=[1, 2])
    outcome = runner.run(configuration, 0, folder=folder)
    return SimpleNamespace(
        runner=runner, prepared=prepared, configuration=configuration, outcome=outcome, folder=folder
    )


@pytest.fixture(scope="module")
def trained(place, tmp_path_factory):
    """Return a full fine-tune of a configuration, and its settings."""
    home = tmp_path_factory.mktemp("trained")
    written = {"modules": {"hyper_adapter": KNOBS}, "training": {"learning_rate": 1e-2}}
    (home / "configuration.yaml").write_text(yaml.safe_dump(written))
    asked = settings(place, "joint", precision="fp32", gradient_checkpointing=True)
    asked = {name: value for name, value in asked.items() if name not in ("budget", "workers")}
    return train(home / "configuration.yaml", output=home / "out", **asked), asked


def fresh(prepared):
    torch.manual_seed(5)
    return kind_of(prepared.task).model(prepared.backbone, torch.device("cpu")).eval()


def batch_of(prepared, count):
    kind, split = kind_of(prepared.task), prepared.task.validation
    encoded = kind.encode(split, prepared.backbone.tokenizer(), 16)
    batch = kind.collate(encoded, np.arange(count), 0)
    assert batch["task_ids"].flatten().tolist() == split.part[:count].tolist()
    return batch.pop("labels"), batch


def test_a_trial_learns_an_embedding_of_each_task_and_what_it_keeps_does_the_same(kept):
    assert kept.outcome.status == "complete", kept.outcome.detail or kept.outcome.message
    scores = kept.runner.score(kept.folder, "validation")
    assert scores.mean() == pytest.approx(kept.outcome.accuracy, abs=1e-4)
    kind, model = kind_of(kept.prepared.task), fresh(kept.prepared)
    load(kept.folder, model, kept.prepared.backbone.anatomy)
    model.eval()
    labels, batch = batch_of(kept.prepared, len(kept.prepared.task.validation))
    ids = batch["task_ids"]
    own, other = (kind.answered(model, {**batch, "task_ids": each}).detach() for each in (ids, 1 - ids))
    assert not torch.allclose(own, other, atol=1e-3)
    assert float(kind.loss_of(own, labels)) == pytest.approx(kept.outcome.metrics["loss"], abs=1e-5)
    del batch["task_ids"]
    with pytest.raises(ConfigurationError, match="were not told of which task each example is"):
        model(**batch)


def test_models_without_such_adapters_take_the_same_batches(kept):
    model = fresh(kept.prepared)
    _, batch = batch_of(kept.prepared, 6)
    plain = model(**{name: value for name, value in batch.items() if name != "task_ids"}).logits
    assert torch.equal(model(**batch).logits, plain)
    assert kept.runner.run(HEAD_ONLY, kept.runner.setting.seed).accuracy == pytest.approx(0, abs=1e-6)


@pytest.mark.parametrize("mixture", ["joint", "separate"])
def test_another_number_of_tasks_is_refused_where_a_search_is_prepared(place, mixture):
    held, fitting = ("but 2 are trained together", "1 or 2") if mixture == "joint" else ("nothing is trained by", "1")
    knobs = {"size": 8, "tasks": "1 | 3"}
    space = {"space": {"name": "own", "modules": {"hyper_adapter": knobs}}}
    given = {"configurations": {"a": {"modules": {"hyper_adapter": {"size": 8, "tasks": 3}}}}}
    for asked, where in ((space, "space 'own'"), (given, "configurations: a")):
        with pytest.raises(AutopeftError) as said:
            prepare(SearchPlan.of({**settings(place, mixture), "budget": "50%", **asked}))
        assert str(said.value).startswith(f"{where}: modules.hyper_adapter.tasks: 3 tasks are told apart, ")
        assert held in str(said.value)
        assert str(said.value).endswith(f"expected {fitting}")
    knobs["tasks"] = "1 | 2" if mixture == "joint" else 1
    assert prepare(SearchPlan.of({**settings(place, mixture), "budget": "50%", **space}))


def test_another_number_of_tasks_is_refused_where_a_configuration_is_trained(place, tmp_path):
    (tmp_path / "three.yaml").write_text(yaml.safe_dump({"modules": {"hyper_adapter": {"size": 8, "tasks": 3}}}))
    how = ["--data", place / "colours.csv", "--model", place / "tiny-bert"]
    found = run_here("train", tmp_path / "three.yaml", *how, cwd=tmp_path)
    assert found.returncode == 2
    said = " ".join(found.stderr.split())
    assert "three.yaml: modules.hyper_adapter.tasks: 3 tasks are told apart, but here nothing is trained" in said


def test_a_full_fine_tune_is_used_by_the_task_of_each_row(trained, tmp_path):
    done, asked = trained
    cells = {"what": ["whale oak", "", "ant seed"], "text": ["", "sky sea", ""]}
    mixed = pd.DataFrame({"task": ["sizes", "colours", "sizes"], **cells})
    mixed.to_csv(tmp_path / "rows.csv", index=False)
    found = predict(done.folder, file=tmp_path / "rows.csv").rows
    assert [row.value in labels for row, labels in zip(found, (SIZES, COLOURS, SIZES), strict=True)] == [True] * 3
    mixed[::-1].to_csv(tmp_path / "turned.csv", index=False)
    for one, other in zip(predict(done.folder, file=tmp_path / "turned.csv").rows, found[::-1], strict=True):
        assert one.probabilities == pytest.approx(other.probabilities, abs=1e-5)
    figures = evaluate(done.folder, **data_of(asked)).figures
    assert figures["loss"] == pytest.approx(done.test["loss"], abs=1e-6)


def test_the_card_says_how_the_task_is_told(trained):
    done, _ = trained
    code = (done.folder / "README.md").read_text().split("```python\n")[1].split("```")[0]
    assert "telling(model, 0):  # the task of all texts: 0 colours, 1 sizes" in code
    said = io.StringIO()
    with chdir(done.folder), redirect_stdout(said):
        exec(code, {})
    assert sum(label in said.getvalue() for label in COLOURS) >= 1


def test_only_code_for_adapters_that_differ_by_task_tells_it(kept):
    backbone, task = kept.prepared.backbone, kept.prepared.task
    assert "telling" not in loading_code(configured(backbone, tasks=1), backbone, task, 16)
    assert "telling" in loading_code(kept.configuration, backbone, task, 16)


@pytest.mark.parametrize("whole", [True, False])
def test_it_goes_to_peft_which_is_told_by_a_call_within(kept, tmp_path, whole):
    prepared = kept.prepared
    given = (kept.configuration, prepared.backbone, prepared.task, prepared.setting, 0)
    done = export(ExportJob(*given, trained=kept.folder if whole else None), "peft", tmp_path / "out")
    assert "adapter_config.json" in done.files
    assert '"tasks": 2' in (tmp_path / "out" / "adapter_config.json").read_text()


def test_it_goes_to_no_tool_that_cannot_tell_tasks(kept, tmp_path):
    prepared = kept.prepared
    job = ExportJob(kept.configuration, prepared.backbone, prepared.task, prepared.setting, 0)
    for name in ("transformers", "sentence-transformers", "trl", "axolotl", "llamafactory", "torchtune"):
        with pytest.raises(AutopeftError, match="does several tasks; expected --to peft or --to autopeft"):
            export(job, name, tmp_path / "out")
    assert not (tmp_path / "out").exists()


@pytest.mark.slow
def test_what_is_transferred_leaves_the_number_of_tasks_behind(place, tmp_path):
    given = {name: {"modules": {"hyper_adapter": {**KNOBS, "size": size}}} for name, size in (("a", 8), ("b", 4))}
    asked = settings(place, "joint", budget="50%", epochs=1.0, configurations=given, out=str(tmp_path / "run"))
    space = {"name": "own", "choose": {"hyper_adapter": {"size": "4 | 8", "tasks": 2}, "bitfit": {}}}
    result = search(**asked, space=space)
    select(prepare(result.plan), open_run(tmp_path / "run"), seeds=3)
    assert weights_of(result) == ["hyper_adapter.tasks"]
    moved = plan_of_transfer(result, {"data": str(place / "colours.csv"), "trust_remote_code": False})
    assert {each["modules"]["hyper_adapter"]["size"] for each in moved.configurations.values()} <= {4, 8}
    assert "tasks" not in json.dumps([moved.configurations, moved.space])
    assert prepare(moved)
