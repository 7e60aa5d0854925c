"""What a user calls: a search to its finalists, the fine-tune of a pick, exports, several workers."""

import json
from dataclasses import replace
from importlib.util import find_spec

import pytest

pytestmark = pytest.mark.gpu


def _plan(bench, place, **settings):
    """Return the settings of a small search, whose data and model are put into a folder."""
    from autopeft.testing.models import tiny_backbone
    from tests.trials.test_runner import make_task

    train = make_task(120).train
    rows = [f"{text},{('good', 'bad')[label]}" for text, label in zip(train.texts, train.labels, strict=True)]
    (place / "train.csv").write_text("\n".join(["text,label", *rows]) + "\n")
    named = {"model": tiny_backbone("bert", place), "data": str(place / "train.csv"), "text": "text", "label": "label"}
    small = {"budget": "20%", "trials": 5, "examples": 32, "epochs": 1, "batch_size": 8, "max_length": 16}
    return named | small | {"precision": bench.precision, "out": str(place / "run"), **settings}


@pytest.fixture(scope="session")
def run(bench, tmp_path_factory):
    """The folder of a search, by two workers where Ray is."""
    import autopeft

    settings = _plan(bench, tmp_path_factory.mktemp("search"), workers=2 if find_spec("ray") else 0)
    result = autopeft.search(**settings)
    assert result.complete
    assert result.fruitless is None
    return result.folder


@pytest.mark.cell("search")
def test_a_search_goes_to_its_finalists(bench, run):
    from tests.cli.in_process import run_here

    workers = 2 if find_spec("ray") else 0
    done = run_here("select", run, "--seeds", "3", "--workers", workers, "--json", cwd=run)
    assert done.returncode == 0, done.stdout + done.stderr
    assert json.loads(done.stdout)["metric"] == "accuracy"


@pytest.mark.cell("train")
def test_a_pick_is_trained_merged_measured_and_predicts(bench, run, tmp_path):
    import autopeft

    found = autopeft.train(run, pick="stock", output=tmp_path / "trained", merge=True)
    assert json.loads((tmp_path / "trained" / "metrics.json").read_text())["test"] == pytest.approx(found.test)
    again = autopeft.evaluate(tmp_path / "trained", data=str(run.parent / "train.csv"), text="text", label="label")
    assert again.figures == pytest.approx(found.test, abs=1e-3 if bench.precision == "fp32" else 5e-2)
    [told] = autopeft.predict(tmp_path / "trained", "the film of good happy").rows
    assert told is not None


@pytest.mark.cell("train")
@pytest.mark.parametrize("kind", ["causal", "preference"])
def test_decoders_are_trained_as_trials_are(bench, kind, tmp_path):
    pytest.importorskip("trl", reason="needs trl")
    from autopeft.tasks import TaskSpec, load_task
    from autopeft.training import evaluate, fine_tune
    from tests.gpu.bench import WRITING
    from tests.trials.preference.data import plain

    decoder, setting = bench.decoder(), replace(WRITING, precision=bench.precision, epochs=2.0)
    pairs = plain()
    if kind == "causal":
        pairs = [{"prompt": pair["prompt"], "completion": pair["chosen"]} for pair in pairs]
    (tmp_path / "rows.jsonl").write_text("".join(json.dumps(pair) + "\n" for pair in pairs))
    task = load_task(TaskSpec(data=str(tmp_path / "rows.jsonl")))
    configuration = bench.configuration(decoder, {"lora": {"rank": 4, "targets": ["q", "v", "up"]}})
    found = fine_tune(configuration, decoder, task, setting, tmp_path / "trained")
    again = evaluate(tmp_path / "trained", decoder, task, setting)
    assert again.figures["loss"] == pytest.approx(found.test["loss"], abs=1e-3 if bench.precision == "fp32" else 5e-2)


@pytest.mark.cell("export")
@pytest.mark.parametrize("target", ["peft", "autopeft"])
def test_a_pick_is_exported(bench, run, target, tmp_path):
    import autopeft

    done = autopeft.export(run, pick="stock", to=target, out=tmp_path / "out")
    assert (done.folder / "README.md").is_file()


@pytest.mark.cell("export")
@pytest.mark.parametrize(("target", "kind"), [("transformers", "classification"), ("trl", "chat")])
def test_the_script_that_is_exported_trains(bench, target, kind, tmp_path):
    from tests.exporting.test_runs import exported, run_page

    if target == "trl":
        pytest.importorskip("trl", reason="needs trl")
    architecture = "bert" if kind == "classification" else "llama"
    done = exported(target, kind, bench.precision, tmp_path, architecture=architecture)
    assert run_page(done.folder)["r"] == 4


@pytest.mark.cell("workers")
def test_workers_train_at_once_on_one_card_or_on_one_each(bench, tmp_path):
    pytest.importorskip("ray", reason="needs ray")
    import torch

    from autopeft.launch import Crew, SearchPlan, prepare
    from tests.gpu.sharing import Meet

    cards = torch.cuda.device_count()
    prepared = prepare(SearchPlan.of(_plan(bench, tmp_path, workers=max(2, cards))))
    notes = tmp_path / "notes"
    notes.mkdir()
    with Crew(prepared.plan, prepared.job) as crew:
        found = [said for _, said in crew.do([Meet(prepared.stock, notes, crew.size)] * crew.size)]
    processes, places, statuses = zip(*found, strict=True)
    assert set(statuses) == {"complete"}
    assert len(set(processes)) == crew.size
    assert len(set(places)) == max(1, cards)
