"""Before the first trial: what would fail every trial is one message, and nothing has been written."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from autopeft.errors import AutopeftError, RunError
from autopeft.launch import SearchPlan, prepare, run_search
from autopeft.launch import rehearsal as rehearsal_module
from autopeft.launch.job import WorkerJob
from autopeft.launch.places import Places
from autopeft.launch.ray_process import RayProcess
from autopeft.testing.decoders import CHAT_TEMPLATE, tiny_decoder
from autopeft.testing.models import TEXTS, tiny_backbone
from autopeft.trials.exam import Exam

SHARED = Path(__file__).parents[3] / "shared" / "cases"


@pytest.fixture
def place(tmp_path):
    """Return a folder with data for a classifier and for a decoder."""
    words = " ".join(TEXTS).split()
    rows = [f"{' '.join(words[n % 40 : n % 40 + 3 + n % 5])},{'ab'[n % 2]}" for n in range(120)]
    (tmp_path / "train.csv").write_text("text,label\n" + "\n".join(rows) + "\n")
    asked = [{"question": f"{text} {n}", "answer": text} for n in range(12) for text in TEXTS]
    (tmp_path / "train.jsonl").write_text("\n".join(map(json.dumps, asked)) + "\n")
    return tmp_path


def plan(place, model, **settings):
    kind = {"data": str(place / "train.csv"), "text": "text", "label": "label"}
    if settings.pop("decoder", False):
        kind = {"data": str(place / "train.jsonl"), "space": "lora"}
    usual = {"budget": "10%", "trials": 3, "examples": 40, "epochs": 1, "workers": 0, "precision": "fp32"}
    return SearchPlan.of({"model": str(model), "out": place / "run", **kind, **usual, **settings})


def search(place, model, **settings):
    return run_search(prepare(plan(place, model, **settings)))


def refused(place, model, words, **settings):
    with pytest.raises(AutopeftError, match=words) as found:
        search(place, model, **settings)
    assert found.value.exit_code == 2
    assert not (place / "run").exists()


def change_weights(model, change):
    path = Path(model) / "model.safetensors"
    weights = load_file(path)
    change(weights)
    save_file(weights, path, metadata={"format": "pt"})


def test_a_pad_token_past_the_embeddings(place):
    model = Path(tiny_backbone("gpt2", place))
    settings = json.loads((model / "tokenizer_config.json").read_text())
    (model / "tokenizer_config.json").write_text(json.dumps(settings | {"pad_token": "[NEW]"}))
    refused(place, model, r"pads texts with '\[NEW\]', which is token \d+, .* set pad_token .* to '\[EOS\]', or resize")


@pytest.mark.parametrize("kind", ["classifier", "decoder"])
def test_a_token_of_the_texts_past_the_embeddings(place, kind):
    model = Path(tiny_backbone("bert", place) if kind == "classifier" else tiny_decoder("llama", place))
    config = json.loads((model / "config.json").read_text())
    config["vocab_size"] = 40
    (model / "config.json").write_text(json.dumps(config))
    names = {
        "classifier": ["embeddings.word_embeddings.weight"],
        "decoder": ["model.embed_tokens.weight", "lm_head.weight"],
    }

    def cut(weights):
        for name in names[kind]:
            weights[name] = weights[name][:40].clone()

    change_weights(model, cut)
    refused(
        place,
        model,
        r"embeddings for tokens 0 to 39, but its tokenizer writes '\w+' \(token \d+, \d+ times\), .* more in",
        decoder=kind == "decoder",
    )


@pytest.mark.parametrize(
    ("architecture", "most"), [("bert", 130), ("roberta", 128), ("distilbert", 130), ("gpt2", 130)]
)
def test_a_position_past_the_maximum(place, architecture, most):
    model = Path(tiny_backbone(architecture, place))
    settings = json.loads((model / "tokenizer_config.json").read_text())
    (model / "tokenizer_config.json").write_text(json.dumps(settings | {"model_max_length": 4096}))
    refused(
        place,
        model,
        f"cut at 200 tokens, but .* {most} positions; expected --max-length {most} or less",
        max_length=200,
    )


def test_a_model_without_an_end_of_positions_takes_any_length(place):
    model = Path(tiny_backbone("llama", place))
    settings = json.loads((model / "tokenizer_config.json").read_text())
    (model / "tokenizer_config.json").write_text(json.dumps(settings | {"model_max_length": 4096}))
    assert search(place, model, max_length=200).complete


def test_a_missing_pad_token(place):
    model = Path(tiny_backbone("gpt2", place))
    settings = json.loads((model / "tokenizer_config.json").read_text())
    kept = {key: value for key, value in settings.items() if key not in ("eos_token", "pad_token")}
    (model / "tokenizer_config.json").write_text(json.dumps(kept))
    refused(place, model, "neither a padding nor an end-of-text token")


@pytest.mark.parametrize("kind", ["classifier", "decoder"])
def test_a_model_that_gives_nan(place, kind):
    decoder = kind == "decoder"
    model = tiny_decoder("llama", place, template=CHAT_TEMPLATE) if decoder else tiny_backbone("bert", place)
    name = "model.layers.1.mlp.down_proj.weight" if decoder else "encoder.layer.1.output.dense.weight"

    def spoil(weights):
        weights[name][0, 0] = torch.nan

    change_weights(model, spoil)
    refused(
        place,
        model,
        r"cannot be trained: .* not finite.*hold NaN or infinity, in .*layer.*1.*: expected another copy",
        decoder=decoder,
    )


def test_weights_that_are_finite_and_overflow(place):
    def blow_up(weights):
        weights["encoder.layer.1.output.dense.weight"][:] = 3e38

    model = tiny_backbone("bert", place)
    change_weights(model, blow_up)
    refused(place, model, "not finite, before any trial, though its weights are: expected another --model")


def test_what_nobody_foresaw_is_said_in_one_line(place, monkeypatch):
    def fail(self):
        raise IndexError("index out of\nrange in self")

    monkeypatch.setattr(WorkerJob, "runner", fail)
    refused(
        place,
        tiny_backbone("bert", place),
        "loading the model and the data fails before the first trial, .*: IndexError: index out of range in self;",
    )


def test_memory_that_runs_out_is_left_to_the_trials(place, monkeypatch):
    said = []
    job = prepare(plan(place, tiny_backbone("bert", place)))

    def short(self, configuration):
        return False

    monkeypatch.setattr(WorkerJob, "rehearse", short)
    rehearsal_module.rehearse(job.job, job.stock, None, said.append)
    assert said == ["the rehearsal of a trial ran out of memory; trials compute fewer texts at once where they do"]


def test_out_of_memory_in_a_step_is_no_fault_of_the_data(place, monkeypatch):
    from autopeft.trials import runner

    def short(*_, **__):
        raise torch.OutOfMemoryError("CUDA out of memory")
        yield

    job = prepare(plan(place, tiny_backbone("bert", place)))
    assert job.job.rehearse(job.stock.text)
    monkeypatch.setattr(runner, "fit", short)
    assert not job.job.rehearse(job.stock.text)
    measured = []
    monkeypatch.setattr(Exam, "rehearse", lambda self, model: measured.append(model))
    assert not job.job.rehearse(job.stock.text)
    assert len(measured) == 1


@pytest.mark.slow
def test_a_run_with_results_is_not_rehearsed_again(place, monkeypatch):
    rehearsed = []
    monkeypatch.setattr(rehearsal_module, "rehearse", lambda *words: rehearsed.append(words))
    model = tiny_backbone("bert", place)
    search(place, model, trials=2)
    search(place, model, trials=3)
    assert len(rehearsed) == 1
    run_search(prepare(plan(place, model, trials=3)), fresh=True)
    assert len(rehearsed) == 2


@pytest.mark.slow
def test_a_rehearsal_changes_no_trial(place, monkeypatch):
    model = tiny_backbone("bert", place)
    with_one = [trial.values for trial in search(place, model).study.trials]
    monkeypatch.setattr(rehearsal_module, "rehearse", lambda *_: None)
    assert [trial.values for trial in search(place, model, out=place / "other").study.trials] == with_one


def test_an_output_folder_that_cannot_be_is_told_before(place, monkeypatch):
    monkeypatch.setattr(rehearsal_module, "rehearse", lambda *_: pytest.fail("rehearsed in vain"))
    (place / "file").write_text("")
    with pytest.raises(AutopeftError, match=r"file/run .*file is a file.*--out"):
        search(place, tiny_backbone("bert", place), out=place / "file" / "run")


@pytest.mark.slow
def test_workers_rehearse_and_then_try(place):
    model = tiny_backbone("bert", place)
    assert search(place, model, workers=1, trials=1).fruitless is None


class Dying:
    def rehearse(self, configuration):
        os._exit(1)


def fail():
    raise ValueError("no such thing")


@pytest.mark.slow
def test_what_goes_wrong_in_workers(place):
    def spoil(weights):
        weights["encoder.layer.1.output.dense.weight"][0, 0] = torch.nan

    said = []
    model = tiny_backbone("bert", place)
    change_weights(model, spoil)
    given = prepare(plan(place, model, workers=2))
    refused(place, model, "NaN or infinity, in .*output.dense.weight: expected another copy", workers=2)
    with RayProcess(Places(1, 0), None) as ray:
        rehearsal_module.rehearse(Dying(), given.stock, ray, said.append)
        with pytest.raises(RunError, match="a worker failed: ValueError: no such thing"):
            ray.in_worker(fail)
    assert len(said) == 1
    assert said[0].startswith("the rehearsal of a trial has no result: a worker died: ")


@pytest.mark.slow
@pytest.mark.skipif(not SHARED.is_dir(), reason="no shared cases beside the repository")
def test_the_shared_model_with_a_pad_token_past_its_embeddings(tmp_path):
    command = ["search", "--data", SHARED / "plain.csv", "--text", "text", "--label", "label", "--workers", "0"]
    command += ["--model", SHARED / "models" / "gpt2-pad-not-resized", "--trials", "3", "--no-select"]
    done = subprocess.run(
        [sys.executable, "-m", "autopeft.cli", *map(str, command)], capture_output=True, text=True, cwd=tmp_path
    )
    assert done.returncode == 2
    assert "pads texts with '[PAD]', which is token 417" in done.stderr
    assert "Traceback" not in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_answers_of_an_untouched_decoder_are_rehearsed(place):
    result = search(place, tiny_decoder("llama", place), decoder=True, trials=2, generate=2)
    assert [trial.user_attrs["outcome"]["status"] for trial in result.study.trials] == ["complete"] * 2
