"""Several tasks in one study, by adapters of their own or by shared ones."""

import json
from functools import partial

import numpy as np
import pandas as pd
import pytest
import torch

from autopeft.api import evaluate, export, predict, search, train
from autopeft.backbones import load_backbone
from autopeft.errors import AutopeftError
from autopeft.launch import SearchPlan, groundwork, open_run, prepare
from autopeft.methods import HEAD_ONLY, stock_lora
from autopeft.saved import open_saved
from autopeft.selection import plan_of_transfer, read_finalists, select, weights_of
from autopeft.testing.models import tiny_backbone
from autopeft.trials import TrialRunner, kind_of, use_threads
from tests.cli.in_process import run_here
from tests.marks import mostly_slow

COLOURS = {"red": "rose blood brick", "green": "leaf moss grass", "blue": "sky sea ice"}
SIZES = {"large": "whale tower oak", "small": "ant crumb seed"}


def rows(labels, count, seed):
    rng = np.random.default_rng(seed)
    names = list(labels)
    found = []
    for number in range(count):
        label = names[number % len(names)]
        words = rng.choice(labels[label].split(), 2)
        found.append({"text": f"{words[0]} thing{number} {words[1]}", "label": label})
    return pd.DataFrame(found)


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    folder = tmp_path_factory.mktemp("several")
    rows(COLOURS, 180, 0).to_csv(folder / "colours.csv", index=False)
    rows(SIZES, 120, 1).rename(columns={"text": "what", "label": "size"}).to_csv(folder / "sizes.csv", index=False)
    score = rows(SIZES, 120, 2).assign(label=lambda frame: [2.5 if each == "large" else 0.5 for each in frame.label])
    score.assign(label=score.label + 0.1 * np.arange(120) / 120).to_csv(folder / "scores.csv", index=False)
    words = (*COLOURS.values(), *SIZES.values(), "thing")
    tiny_backbone("bert", folder, vocabulary=words)
    return folder


def settings(place, mixture, *names, **more):
    tasks = {
        "colours": {"data": str(place / "colours.csv")},
        "sizes": {"data": str(place / "sizes.csv"), "text": "what", "label": "size", "metric": "macro_f1"},
        "scores": {"data": str(place / "scores.csv"), "kind": "regression"},
    }
    return {
        "tasks": [tasks[name] for name in names or ("colours", "sizes")],
        "mixture": mixture,
        "model": str(place / "tiny-bert"),
        "budget": "20%",
        "epochs": 4.0,
        "workers": 0,
        **more,
    }


def data_of(asked):
    return {name: asked[name] for name in ("tasks", "mixture", "model")}


def runner_for(place, mixture, *names, **more):
    use_threads(1)
    prepared = prepare(SearchPlan.of(settings(place, mixture, *names, precision="fp32", **more)))
    return kind_of(prepared.task).runner(prepared.backbone, prepared.task, prepared.setting), prepared


@pytest.mark.parametrize("mixture", ["joint", "separate"])
@pytest.mark.parametrize("metric", mostly_slow(["worst_gain", "mean_gain"]))
def test_what_is_told_is_what_each_task_gains_over_its_untouched_model(place, tmp_path, mixture, metric):
    runner, _ = runner_for(place, mixture, metric=metric)
    untouched = runner.run(HEAD_ONLY, runner.setting.seed)
    assert untouched.accuracy == pytest.approx(0, abs=1e-6)
    outcome = runner.run(stock_lora(load_backbone(str(place / "tiny-bert")).shape, 1e-2), 0, folder=tmp_path / "kept")
    assert outcome.status == "complete", outcome.detail or outcome.message
    gains = [outcome.metrics[f"{name}: gain"] for name in ("colours", "sizes")]
    for name, judge, gain in zip(("colours", "sizes"), ("accuracy", "macro_f1"), gains, strict=True):
        assert gain == pytest.approx(outcome.metrics[f"{name}: {judge}"] - untouched.metrics[f"{name}: {judge}"])
    assert outcome.accuracy == pytest.approx(np.mean(gains) if metric == "mean_gain" else min(gains))
    scores = runner.score(tmp_path / "kept", "validation")
    assert scores.mean() == pytest.approx(outcome.accuracy, abs=1e-4)
    assert len(runner.score(tmp_path / "kept", "test")) == len(runner.task.test)


def test_a_shared_head_is_learned_as_heads_of_each_task_would_be(place):
    runner, prepared = runner_for(place, "joint")
    kind = kind_of(prepared.task)
    torch.manual_seed(0)
    logits, labels = torch.randn(6, 5), torch.tensor([0, 2, 1, 4, 3, 3])
    own = torch.nn.functional.cross_entropy
    colours, sizes = (
        own(logits[:3, :3], labels[:3], reduction="sum"),
        own(logits[3:, 3:], labels[3:] - 3, reduction="sum"),
    )
    assert kind.loss_of(logits, labels) == pytest.approx(float(colours + sizes) / 6, rel=1e-5)
    weighed = kind.weighed({"weight_1": 3.0})
    assert weighed.loss_of(logits, labels) == pytest.approx(float(1.5 * colours + 0.5 * sizes) / 6, rel=1e-5)
    batch = kind.collate(kind.encode(prepared.task.validation, prepared.backbone.tokenizer(), 16), np.arange(8), 0)
    assert batch["labels"].max() < 5
    assert isinstance(runner, TrialRunner)


def test_adapters_of_their_own_are_those_of_a_search_for_each_task(place, tmp_path):
    runner, prepared = runner_for(place, "separate", "colours", "scores")
    configuration = stock_lora(prepared.backbone.shape, 1e-2)
    outcome = runner.run(configuration, 3)
    for part in runner.parts:
        alone = TrialRunner(prepared.backbone, part.task, part.setting, torch.device("cpu")).run(configuration, 3)
        assert alone.metrics[part.task.metric] == outcome.metrics[f"{part.task.name}: {part.task.metric}"]
    assert outcome.params == 3 * 2 * 8 * 64


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"names": ("colours", "colours")}, "tasks: colours stands there twice; tell tasks apart by `called:`"),
        ({"names": ("colours",)}, "tasks"),
        ({"names": ("colours", "scores"), "mixture": "joint"}, "scores is of the kind regression, and shared adapters"),
        ({"label": "label"}, "tasks: each names its own data; leave label out"),
        ({"space": {"name": "own", "modules": {"lora": {"rank": 1}}, "training": {"weight_1": "1 | 2"}}}, "weight_1"),
        (
            {"configurations": {"a": {"modules": {"lora": {"rank": 1}}, "training": {"weight_1": 3}}}},
            "configurations: a: training.weight_1",
        ),
        ({"examples": 12}, "tasks: 1 of the 12 training examples of a trial are of sizes, expected at least 8"),
        ({"tasks": [{"data": 5}, {"data": "x"}]}, "tasks: number 1: data: found 5: input should be a valid string"),
        ({"tasks": [{"data": "x", "called": 5}, {"data": "y"}]}, "tasks: number 1 is called 5; expected a name"),
        ({"tasks": [{"data": "x", "mixture": "joint"}, {"data": "y"}]}, "tasks: mixture of number 1 names no data"),
        ({"tasks": None, "mixture": None, "data": "colours.csv", "kind": "several"}, "several tasks each have data"),
    ],
)
def test_what_cannot_be_is_told(place, tmp_path, asked, said):
    asked = {**asked}
    names, mixture = asked.pop("names", ()), asked.pop("mixture", "separate")
    if "data" in asked:
        asked["data"] = str(place / asked["data"])
    with pytest.raises(AutopeftError, match=said.split(";")[0]):
        prepare(SearchPlan.of({**settings(place, mixture, *names), **asked, "out": str(tmp_path / "run")}))


def test_the_same_data_under_two_names_is_refused(place):
    asked = settings(place, "separate", "colours", "sizes")
    asked["tasks"][1] = {"data": str(place / "colours.csv"), "called": "again"}
    with pytest.raises(AutopeftError, match="'colours' and 'again' are the same data, read the same way"):
        prepare(SearchPlan.of(asked))
    with pytest.raises(AutopeftError, match="mixture: joint is of several tasks"):
        prepare(SearchPlan.of({"data": str(place / "colours.csv"), "mixture": "joint", "model": asked["model"]}))


def test_several_tasks_are_named_on_the_command_line(place, tmp_path):
    sizes = pd.read_csv(place / "sizes.csv").rename(columns={"what": "text", "size": "label"})
    sizes.to_csv(tmp_path / "small.csv", index=False)
    named = [f"--data={place / 'colours.csv'}", f"--data={tmp_path / 'small.csv'}"]
    how = ["--mixture", "joint", "--model", place / "tiny-bert", "--budget", "20%", "--trials", "3", "--workers", "0"]
    done = run_here("search", *named, *how, "--no-select", "-o", tmp_path / "run", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    best = open_run(tmp_path / "run").study.best_trials[0].user_attrs["outcome"]["metrics"]
    assert {"colours: gain", "small: gain"} <= best.keys()
    refused = run_here("search", *named, "--text", "text", cwd=tmp_path)
    assert refused.returncode == 2
    assert "leave text out, or write it into each in the search's YAML" in refused.stderr
    # One is a task of its own, whatever a file says.
    one = run_here("search", tmp_path / "run" / "study.yaml", named[0], "-o", tmp_path / "other", cwd=tmp_path)
    assert "mixture: joint is of several tasks; name them by --data again" in one.stderr


def test_what_another_task_is_measured_on_is_said_or_left_out_where_adapters_are_shared(place, tmp_path):
    whole = pd.concat([pd.read_csv(place / "colours.csv"), rows({"grey": "ash fog"}, 40, 3)])
    whole.to_csv(tmp_path / "whole.csv", index=False)
    asked = settings(place, "joint", "colours", "sizes")
    asked["tasks"][1] = {"data": str(tmp_path / "whole.csv")}
    task = groundwork(SearchPlan.of(asked)).task
    held, train = ({one[1] for one in task.kind.inputs(split)} for split in (task.test, task.train))
    assert len(held & train) > 5
    assert any("test inputs of colours also stand in train of whole" in note for note in task.notes)
    apart = groundwork(SearchPlan.of({**asked, "drop_duplicates": True})).task
    held = {one[1] for split in (apart.validation, apart.test) for one in apart.kind.inputs(split)}
    assert not held & {one[1] for one in apart.kind.inputs(apart.train)}
    assert any("left out of train, as other tasks are measured on it" in note for note in apart.notes)
    alone = groundwork(SearchPlan.of({**asked, "mixture": "separate"})).task
    assert not any("also stand in train of" in note for note in alone.notes)


def test_groups_and_sizes_of_tasks_count_where_sureness_is_told(place, tmp_path):
    colours = pd.read_csv(place / "colours.csv")
    colours.assign(who=np.arange(len(colours)) // 2).to_csv(tmp_path / "colours.csv", index=False)
    asked = settings(place, "separate", "colours", "sizes")
    plain = groundwork(SearchPlan.of(asked)).task
    asked["tasks"][0] = {"data": str(tmp_path / "colours.csv"), "group": "who"}
    task = groundwork(SearchPlan.of(asked)).task
    first, second = task.kind.parts_of(task)
    groups = task.groups["test"]
    assert len(groups) == len(task.test)
    assert len(set(groups)) == len(first.test) // 2 + len(second.test)
    assert first.independent("test") < len(first.test)
    assert second.independent("test") == len(second.test)
    assert task.independent("test") < plain.independent("test")
    sizes = [len(part.test) for part in plain.kind.parts_of(plain)]
    assert plain.independent("test") == round(4 / sum(1 / size for size in sizes))


def test_all_tasks_are_cut_at_the_length_that_is_told(place):
    prepared = prepare(SearchPlan.of(settings(place, "separate", max_length=4)))
    each = kind_of(prepared.task).each_of(prepared.task, prepared.backbone.tokenizer(), prepared.setting)
    assert {setting.max_length for _, setting in each} == {prepared.setting.max_length} == {4}


@pytest.mark.parametrize("name", ["../up", "a/b", "tasks.json", ".hidden"])
def test_names_that_can_be_no_folder_are_refused(place, name):
    asked = settings(place, "separate", "colours", "sizes")
    asked["tasks"][1]["called"] = name
    with pytest.raises(AutopeftError, match="their adapters have folders of these names; expected letters"):
        prepare(SearchPlan.of(asked))


def test_tasks_that_need_another_sort_of_model_are_refused(place):
    rows = [{"prompt": f"red thing {n}", "completion": " rose"} for n in range(80)]
    (place / "talk.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    asked = settings(place, "separate", "colours", "sizes")
    asked["tasks"][1] = {"data": str(place / "talk.jsonl")}
    with pytest.raises(AutopeftError, match="talk is of the kind causal, which is trained on models with other heads"):
        prepare(SearchPlan.of(asked))


@pytest.mark.slow
@pytest.mark.parametrize("mixture", ["joint", "separate"])
def test_a_search_selection_training_and_predictions(place, tmp_path, mixture):
    space = {"name": "own", "modules": {"lora": {"rank": "1 | 2 | 4"}}, "training": {"learning_rate": "1e-3..2e-2 log"}}
    if mixture == "joint":
        space["training"]["weight_2"] = "0.5 | 1 | 2"
    asked = settings(place, mixture, trials=7, space=space, out=str(tmp_path / "run"))
    result = search(**asked)
    assert result.complete
    assert result.front.rows
    best = max(result.front.rows, key=lambda row: row.accuracy)
    assert {"colours: gain", "sizes: gain", "mean_gain"} <= best.metrics.keys()
    file = select(prepare(result.plan), open_run(tmp_path / "run"), seeds=3)
    assert file == read_finalists(tmp_path / "run")
    shown = run_here("report", tmp_path / "run", cwd=tmp_path)
    assert shown.returncode == 0, shown.stderr
    kept = tmp_path / "run" / next(each for each in file.finalists if each.baseline == "stock-lora").seeds[0].folder
    mixed = pd.DataFrame(
        {"task": ["sizes", "colours", "sizes"], "what": ["whale oak", "", "ant seed"], "text": ["", "sky sea", ""]}
    )
    mixed.to_csv(tmp_path / "rows.csv", index=False)
    found = predict(kept, file=tmp_path / "rows.csv")
    assert [row.value in (SIZES, COLOURS, SIZES)[number] for number, row in enumerate(found.rows)] == [True] * 3
    done = train(tmp_path / "run", pick="best", output=tmp_path / "trained")
    assert {"colours: accuracy", "sizes: macro_f1"} <= done.test.keys()
    again = predict(tmp_path / "trained", file=tmp_path / "rows.csv")
    assert [row.value for row in again.rows][1] in COLOURS
    if mixture == "joint":
        assert export(tmp_path / "run", pick="stock", to="peft", out=tmp_path / "out").files
        figures = evaluate(kept, **data_of(asked)).figures
        assert {"mean_gain", "colours: gain"} <= figures.keys()
        sizes = pd.read_csv(place / "sizes.csv").rename(columns={"what": "text", "size": "label"})
        sizes.to_csv(tmp_path / "sizes.csv", index=False)
        named = [f"--data={tmp_path / 'sizes.csv'}", f"--data={place / 'colours.csv'}"]
        shown = run_here("evaluate", kept, *named, "--json", cwd=tmp_path)
        assert json.loads(shown.stdout)["colours: gain"] == pytest.approx(figures["colours: gain"])
        assert run_here("evaluate", kept, named[0], cwd=tmp_path).returncode == 2
        moved = plan_of_transfer(result, {"data": str(tmp_path / "sizes.csv"), "trust_remote_code": False})
        assert weights_of(result) == ["weight_2"]
        assert not any("weight_2" in each["training"] for each in moved.configurations.values())
        assert "weight_2" not in moved.space["training"]
        own = export(tmp_path / "run", to="autopeft", out=tmp_path / "own")
        assert f"autopeft train {tmp_path / 'run'} --pick" in (own.folder / "README.md").read_text()
    else:
        with pytest.raises(AutopeftError, match="has adapters of its own for each task, which are no one model"):
            export(tmp_path / "run", to="peft", out=tmp_path / "out")
        with pytest.raises(AutopeftError, match="reads of each task the columns that it was trained on; leave --text"):
            predict(kept, file=tmp_path / "rows.csv", columns={"text": "what"})
        for opens in (open_saved, partial(evaluate, data=str(place / "sizes.csv"))):
            with pytest.raises(AutopeftError, match="has a folder for each of several tasks; expected one of"):
                opens(kept)
        pd.DataFrame({"task": ["sizes", "colours"], "what": ["", ""], "text": ["", "sky sea"]}).to_csv(
            tmp_path / "half.csv", index=False
        )
        half = predict(kept, file=tmp_path / "half.csv")
        assert [row is None for row in half.rows] == [True, False]
        assert any("sizes: none of the 1 rows" in note for note in half.notes)
        (tmp_path / "none.csv").write_text("task,what,text\n")
        with pytest.raises(AutopeftError, match="can be predicted: it holds none; expected rows of"):
            predict(kept, file=tmp_path / "none.csv")
        assert json.loads((tmp_path / "trained" / "tasks.json").read_text()) == {"tasks": ["colours", "sizes"]}
        alone = evaluate(tmp_path / "trained" / "sizes", data=str(place / "sizes.csv"), text="what", label="size")
        assert alone.figures["macro_f1"] == pytest.approx(done.test["sizes: macro_f1"])
