"""What a trial keeps is what was measured, full fine-tuning included, and nothing of it stays in the model."""

import json
from dataclasses import replace

import numpy as np
import pytest
import torch

from autopeft.backbones import head_parameters, load_backbone, load_decoder
from autopeft.methods import HEAD_ONLY, VOCABULARY, adapter_parameters, stock_lora
from autopeft.space import Configuration, canonical
from autopeft.tasks import TaskSpec, load_task
from autopeft.testing.decoders import tiny_decoder
from autopeft.testing.models import tiny_backbone
from autopeft.trials import TrialRunner, finishing, kind_of
from autopeft.trials.shortcuts import Shortcuts
from tests.trials.causal.test_causal import SETTING as CAUSAL_SETTING
from tests.trials.causal.test_causal import TASK as CAUSAL_TASK
from tests.trials.test_runner import SETTING, backbone, composite, lasting, make_task

__all__ = ["backbone", "composite"]

FULL = Configuration.from_dict({"modules": {}, "training": {"learning_rate": 1e-3}})
WHOLE = replace(SETTING, validation_examples=96, early_stopping=False)


@pytest.fixture(scope="module")
def runner(backbone):
    return TrialRunner(backbone, make_task(), WHOLE, torch.device("cpu"))


def weights(runner):
    return {name: value.clone() for name, value in runner.model.state_dict().items() if "base_layer" not in name}


def test_what_is_kept_is_scored_as_it_was_measured(backbone, runner, composite, tmp_path):
    # What counts in a batch norm is no parameter.
    modules = {
        "conv_adapter": {"size": 4, "kernel": 3, "layers": [1, 2]},
        "aside": {"size": 4, "layers": [0, 2]},
        "q_adapter": {"size": 4},
    }
    beside = canonical({"modules": modules, "training": {"learning_rate": 1e-2}}, VOCABULARY, backbone.shape)
    reading = canonical({"modules": {"vqt": {"queries": 2}}}, VOCABULARY, backbone.shape)
    encoder = backbone.config.model_type != "gpt2"
    for configuration in (composite, HEAD_ONLY, beside, *([reading] if encoder else [])):
        folder = tmp_path / configuration.hash
        outcome = runner.run(configuration, 3, folder=folder)
        scores = runner.score(folder, "validation")
        assert scores.shape == (96,)
        assert set(scores) <= {0.0, 1.0}
        assert scores.mean() == pytest.approx(outcome.accuracy, abs=1 / 96 + 1e-9)


def test_what_is_left_out_makes_no_difference_and_a_brief_look_trains_alike(runner, tmp_path, monkeypatch):
    high = Configuration.from_dict(
        {
            "modules": {"lora": {"rank": 2, "alpha": 4, "targets": ["v"], "layers": [1]}},
            "training": {"learning_rate": 0.02},
        }
    )
    outcome, brief = (runner.run(high, 3, folder=tmp_path / str(asked), brief=asked) for asked in (False, True))
    assert (brief.status, brief.params) == (outcome.status, outcome.params)
    short, other = (runner.score(tmp_path / str(asked), "test") for asked in (False, True))
    assert np.array_equal(short, other)
    monkeypatch.setattr(Shortcuts, "depth", lambda self, configuration, prefixes: 0)
    monkeypatch.setattr(runner._shortcuts, "_first_token", False)
    assert np.array_equal(short, runner.score(tmp_path / "False", "test"))


def test_full_fine_tuning_trains_everything_and_leaves_the_model_as_it_was(runner, tmp_path):
    before, plain = weights(runner), lasting(runner.run(HEAD_ONLY, 1))
    outcome = runner.run(FULL, 1, folder=tmp_path, full=True)
    assert outcome.status == "complete", outcome.detail
    assert (tmp_path / "config.json").is_file()
    assert runner.score(tmp_path, "test").mean() == pytest.approx(outcome.accuracy, abs=1 / 96 + 1e-9)
    saved = type(runner.model).from_pretrained(tmp_path).state_dict()
    changed = [name for name, value in saved.items() if not torch.equal(value, before[name])]
    assert len(changed) > len(before) / 2
    assert lasting(runner.run(HEAD_ONLY, 1)) == plain


@pytest.mark.parametrize("tied", [True, False])
def test_decoders_are_kept_and_scored_by_their_tokens(tmp_path, monkeypatch, tied):
    monkeypatch.setenv("AUTOPEFT_CACHE", str(tmp_path / "cache"))
    decoder = load_decoder(tiny_decoder("llama", tmp_path / "model", tied=tied))
    setting = replace(CAUSAL_SETTING, validation_examples=72, early_stopping=False)
    runner = TrialRunner(decoder, CAUSAL_TASK, setting, torch.device("cpu"))
    for name, configuration in {"head": HEAD_ONLY, "lora": stock_lora(decoder.shape, 1e-2), "full": FULL}.items():
        outcome = runner.run(configuration, 0, folder=tmp_path / name, full=name == "full")
        assert outcome.status == "complete", outcome.detail
        scores = runner.score(tmp_path / name, "validation")
        assert scores.mean() == pytest.approx(outcome.metrics["token_accuracy"], abs=0.01)
        assert name == "head" or np.unique(scores).size > 4


def test_decoders_are_scored_by_what_they_write_where_that_judges_them(tmp_path, monkeypatch):
    monkeypatch.setenv("AUTOPEFT_CACHE", str(tmp_path / "cache"))
    decoder = load_decoder(tiny_decoder("llama", tmp_path / "model"))
    setting = replace(CAUSAL_SETTING, validation_examples=72, generate=72, early_stopping=False)
    task = replace(CAUSAL_TASK, metric="token_f1")
    runner = TrialRunner(decoder, task, setting, torch.device("cpu"))
    outcome = runner.run(stock_lora(decoder.shape, 2e-2), 0, folder=tmp_path / "kept")
    scores = runner.score(tmp_path / "kept", "validation")
    assert scores.shape == (72,)
    assert scores.mean() == pytest.approx(outcome.accuracy, abs=1e-6)
    assert 0 < outcome.accuracy == outcome.metrics["token_f1"] != outcome.metrics["token_accuracy"]


def test_adalora_whose_ranks_were_taken_away_is_kept_as_it_was_measured(backbone, runner, tmp_path):
    written = {"modules": {"adalora": {"rank": 4, "targets": ["q", "up"]}}, "training": {"learning_rate": 0.02}}
    if backbone.anatomy.transposed:
        written["modules"]["adalora"]["targets"] = ["up"]
    outcome = runner.run(canonical(written, VOCABULARY, backbone.shape), 3, folder=tmp_path)
    assert outcome.status == "complete", outcome.detail
    assert runner.score(tmp_path, "validation").mean() == outcome.accuracy


@pytest.mark.parametrize(
    "pruning", [{"pruning": "unstructured", "unstructured_at": 0.25}, {"pruning": "heads", "heads_count": 1}]
)
def test_what_is_kept_beside_pruned_weights_is_what_was_measured_and_weights_come_back(
    backbone, runner, tmp_path, pruning
):
    before, plain = weights(runner), lasting(runner.run(HEAD_ONLY, 1))
    lora = {"lora": {"rank": 2, "alpha": 4, "targets": ["v", "o"], "layers": [1]}}
    written = {"modules": lora, "training": {"learning_rate": 0.02, **pruning}}
    configuration = canonical(written, VOCABULARY, backbone.shape)
    outcome = runner.run(configuration, 3, folder=tmp_path)
    assert outcome.status == "complete", outcome.detail
    assert runner.score(tmp_path, "validation").mean() == outcome.accuracy
    heads = head_parameters(runner.model)
    assert all(torch.equal(value, before[name]) for name, value in weights(runner).items() if name not in heads)
    # Layers below adapters are pruned too: nothing of them is taken from before.
    assert lasting(runner.run(configuration, 3)) == lasting(outcome)
    assert lasting(runner.run(HEAD_ONLY, 1)) == plain


@pytest.mark.parametrize("layers", [[0, 1], [1]])
def test_what_is_kept_of_compressed_adapters_is_what_was_measured(runner, tmp_path, layers):
    lora = {"lora": {"rank": 2, "alpha": 4, "targets": ["v", "up"], "layers": layers}}
    plain = Configuration.from_dict({"modules": lora, "training": {"learning_rate": 0.02}})
    knobs = {"compression": "compeft", "compeft_density": 0.3, "compeft_scale": 2.0}
    asked = Configuration.from_dict({"modules": lora, "training": {"learning_rate": 0.02, **knobs}})
    outcome = runner.run(asked, 3, folder=tmp_path / "asked")
    assert outcome.status == "complete", outcome.detail
    assert outcome.accuracy == runner.score(tmp_path / "asked", "validation").mean()
    # Compressed afterwards it is the same, and the trial itself had trained alike.
    trained = runner.run(plain, 3, folder=tmp_path / "plain")
    assert outcome.curve[:-1] == () or outcome.curve[0]["loss"] == trained.curve[0]["loss"]
    found, kept = runner.compressed(tmp_path / "plain", asked)
    assert found.figures == outcome.metrics
    assert found.figures["loss"] != trained.metrics["loss"]
    assert kept < (tmp_path / "plain" / "adapter_model.safetensors").stat().st_size / 10
    assert lasting(runner.run(plain, 3)) == lasting(trained)


def test_adapters_that_are_no_numbers_are_no_untouched_model(runner, monkeypatch):
    lora = {"lora": {"rank": 2, "alpha": 4, "targets": ["v"], "layers": [0, 1]}}
    knobs = {"compression": "pruned", "pruned_density": 0.3}
    configuration = Configuration.from_dict({"modules": lora, "training": {"learning_rate": 0.02, **knobs}})
    asked = finishing.finish

    def spoiled(model):
        for parameter in adapter_parameters(model).values():
            parameter.data.fill_(float("nan"))
        asked(model)

    monkeypatch.setattr("autopeft.trials.runner.finish", spoiled)
    outcome = runner.run(configuration, 3)
    assert (outcome.status, outcome.accuracy) == ("nan", None)
    assert "the adapters are not finite" in outcome.message


def test_what_several_labels_are_told_by_is_chosen_anew_for_what_is_kept(tmp_path):
    rng = np.random.default_rng(0)
    words = {"good": "good happy film", "bad": "bad sad story", "arm": "the left arm"}
    labels = [sorted(rng.choice(list(words), rng.integers(1, 3), replace=False)) for _ in range(160)]
    rows = [
        {"text": f"{' '.join(words[label] for label in each)} {n}", "labels": each} for n, each in enumerate(labels)
    ]
    (tmp_path / "rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    task = load_task(TaskSpec(data=str(tmp_path / "rows.jsonl"), kind="multilabel", label="labels"))
    bert = load_backbone(tiny_backbone("bert", tmp_path))
    setting, _ = kind_of(task).choose_setting(task, bert.tokenizer(), precision="fp32", epochs=3.0)
    runner = TrialRunner(bert, task, setting, torch.device("cpu"))
    plain = stock_lora(bert.shape, 1e-2)
    knobs = {"compression": "compeft", "compeft_density": 0.5, "compeft_scale": 3.0}
    asked = Configuration.from_dict({"modules": plain.modules, "training": {**plain.training, **knobs}})
    runner.run(plain, 0, folder=tmp_path / "plain")
    found, _ = runner.compressed(tmp_path / "plain", asked)
    assert found.figures == runner.run(asked, 0).metrics
