import errno
import json
from dataclasses import replace
from functools import cached_property
from importlib import import_module
from importlib.util import find_spec

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from transformers import AutoModelForSequenceClassification, Trainer, TrainingArguments

from autopeft.backbones import load_backbone
from autopeft.errors import AutopeftError, ConfigurationError, RunError, StudyError
from autopeft.levers import DATA_KNOBS
from autopeft.methods import HEAD_ONLY, VOCABULARY, load
from autopeft.methods.builder import applied
from autopeft.space import canonical
from autopeft.study import locked
from autopeft.tasks import LabelledTexts, collate, encode, grouped, pad_id_of
from autopeft.tasks.classification import Classes, Classification
from autopeft.testing.methods import logits
from autopeft.testing.models import tiny_backbone
from autopeft.testing.tasks import task_of
from autopeft.training import add_merged, check_mergeable, evaluate, fine_tune
from autopeft.training.trainer import Ours
from autopeft.trials import TrialSetting, kind_of
from autopeft.trials.measured import Measured
from tests.marks import mostly_slow

SETTING = TrialSetting(examples=8, validation_examples=8, epochs=3.0, batch_size=8, max_length=16)
COMPOSITE = {
    "modules": {"lora": {"rank": 2, "targets": ["q", "o"]}, "serial_adapter": {"size": 4, "layers": [1]}},
    "training": {"learning_rate": 1e-2},
}


def make_task(count=96):
    rng = np.random.default_rng(0)
    words = ("good happy", "bad sad")
    labels = [i % 2 for i in range(count)]
    texts = [f"{' '.join(rng.choice(['film', 'story', 'of'], rng.integers(1, 5)))} {words[label]}" for label in labels]
    return task_of(Classification(), Classes(("good", "bad")), LabelledTexts(texts, labels))


@pytest.fixture(scope="module", params=mostly_slow(["bert", "gpt2"]))
def backbone(request, tmp_path_factory):
    return load_backbone(tiny_backbone(request.param, tmp_path_factory.mktemp("model")))


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_what_is_saved_is_what_was_measured(backbone, tmp_path, precision):
    task = make_task()
    configuration = canonical(COMPOSITE, VOCABULARY, backbone.shape)
    setting = replace(SETTING, precision=precision, epochs=6.0)
    found = fine_tune(configuration, backbone, task, setting, tmp_path)
    metrics = found.validation
    assert metrics["accuracy"] > 0.8
    assert found.test == pytest.approx(metrics)
    written = json.loads((tmp_path / "metrics.json").read_text())
    # The setting draws eight examples; the whole split is trained on.
    assert (written["validation"], written["steps"], written["params"]) == (metrics, 72, found.params)
    model = backbone.classifier(2)
    assert load(tmp_path, model, backbone.anatomy) == configuration
    tokenizer = backbone.tokenizer()
    encoded = encode(task.validation, tokenizer, 16)
    split = [(rows, collate(encoded, rows, pad_id_of(tokenizer))) for rows in grouped(encoded, 16)]
    found = kind_of(task).measure(model.eval(), split, precision, lambda rows, longest: None).figures
    assert found["accuracy"] == pytest.approx(metrics["accuracy"], abs=0.02)
    assert found["loss"] == pytest.approx(metrics["loss"], abs=0.02)


@pytest.mark.slow
def test_the_same_seed_gives_the_same_adapters(backbone, tmp_path):
    configuration = canonical(COMPOSITE, VOCABULARY, backbone.shape)
    runs = [fine_tune(configuration, backbone, make_task(32), SETTING, tmp_path / name, seed=3) for name in "ab"]
    assert runs[0].validation == runs[1].validation
    torch.manual_seed(9)
    other = fine_tune(configuration, backbone, make_task(32), SETTING, tmp_path / "c", seed=4)
    assert other.validation != runs[0].validation


def test_the_head_alone_is_trained_and_saved(backbone, tmp_path):
    fine_tune(HEAD_ONLY, backbone, make_task(), SETTING, tmp_path)
    written = ["README.md", "autopeft.json", "config.json", "head.safetensors", "metrics.json"]
    written += [
        "predict.json",
        "tokenizer.json",
        "tokenizer_config.json",
        "training.json",
        "training_rows.npy",
        "written.json",
    ]
    assert sorted(path.name for path in tmp_path.iterdir()) == written


class Interrupted(Exception):
    """Stands for whatever ends a training half way."""


@pytest.mark.parametrize("backbone", mostly_slow(["bert", "llama"]), indirect=True)
@pytest.mark.parametrize(
    "modules",
    mostly_slow(
        [
            COMPOSITE["modules"],
            {"id3": {"density": 0.1}},
            {"lift": {"rank": 2, "every": 3}},
            {"lt_sft": {"density": 0.1}},
            {"sft_ag": {"density": 0.1, "every": 3, "accumulate": 1}},
            {"sft_ma": {"density": 0.1, "every": 3}},
            {"spt": {"density": 0.1, "rank": 1, "dense": 0.05}},
            {"full_embeddings": {}},
            {"conv_adapter": {"size": 4, "kernel": 3}, "aside": {"size": 4}},
            {"increlora": {"rank": 4, "top": 3, "interval": 0.15}},
            {"full": {}, "schedule": "lisa", "lisa_layers": 1, "lisa_every": 4},
            {"full": {}, "schedule": "hft"},
            {"lora": {"rank": 2}, "schedule": "ist", "ist_every": 2},
            {"full": {}, "optimiser": "sparse_mezo"},
            {"lora": {"rank": 2}, "pruning": "unstructured", "unstructured_at": 0.4},
            {"lora": {"rank": 2}, "pruning": "heads", "heads_count": 1, "compression": "compeft"},
            {"lora": {"rank": 2}, "augment": "mixup", "contrastive": "supervised"},
            {"lora": {"rank": 2}, "augment": "eda", "select": "random"},
        ]
    ),
)
def test_it_goes_on_where_it_was_stopped(backbone, modules, tmp_path, monkeypatch):
    scheduled = {name: value for name, value in modules.items() if not isinstance(value, dict)}
    written = {
        "modules": {name: knobs for name, knobs in modules.items() if name not in scheduled},
        "training": {
            **COMPOSITE["training"],
            **{name: scheduled[name] for name in scheduled if name not in DATA_KNOBS},
        },
        "data": {name: scheduled[name] for name in scheduled if name in DATA_KNOBS},
    }
    configuration = canonical(written, VOCABULARY, backbone.shape)
    measure, measured = Ours.evaluate, []

    def stop_at_the_third(self, *args, **kwargs):
        found = measure(self, *args, **kwargs)
        measured.append((self.state.global_step, found["eval_loss"]))
        if len(measured) == stop:
            raise Interrupted
        return found

    monkeypatch.setattr(Ours, "evaluate", stop_at_the_third)
    stop = 0
    whole = fine_tune(configuration, backbone, make_task(32), SETTING, tmp_path / "whole")
    uninterrupted, measured[:], stop = [*measured], [], 3
    with pytest.raises(Interrupted):
        fine_tune(configuration, backbone, make_task(32), SETTING, tmp_path / "parts")
    measured[:], stop = [], 0
    resumed = fine_tune(configuration, backbone, make_task(32), SETTING, tmp_path / "parts")
    # Within the second of three epochs, and on what would have come next.
    assert [step for step, _ in uninterrupted] == [3, 6, 9, 12]
    assert measured == [(step, pytest.approx(loss, abs=1e-6)) for step, loss in uninterrupted[2:]]
    assert resumed.test == pytest.approx(whole.test, abs=1e-6)
    assert resumed.best_step == whole.best_step
    for file in (tmp_path / "whole").rglob("*.safetensors"):
        first, second = load_file(file), load_file(tmp_path / "parts" / file.relative_to(tmp_path / "whole"))
        assert all(torch.allclose(first[name].float(), second[name].float(), atol=1e-5) for name in first)


def test_of_states_from_before_weights_were_pruned_none_is_kept(backbone, tmp_path, monkeypatch):
    pruned = {"pruning": "unstructured", "unstructured_share": 0.5, "unstructured_at": 0.6}
    written = {"modules": COMPOSITE["modules"], "training": {**COMPOSITE["training"], **pruned}}
    configuration = canonical(written, VOCABULARY, backbone.shape)
    measure, losses = Ours.evaluate, iter([0.1, 0.2, 9.0, 9.5])

    def worse_and_worse(self, *args, **kwargs):
        found = measure(self, *args, **kwargs)
        found.update(eval_loss=next(losses), eval_accuracy=0.9 - self.state.global_step / 100)
        return found

    monkeypatch.setattr(Ours, "evaluate", worse_and_worse)
    found = fine_tune(configuration, backbone, make_task(32), SETTING, tmp_path)
    # Measured after 3, 6, 9 and 12 steps; pruned before the eighth.
    assert found.best_step == 9
    model = backbone.classifier(2)
    load(tmp_path, model, backbone.anatomy)
    assert all((mask.float().mean() > 0) for mask in applied(model).pruners[0].masks.chosen.values())


def test_what_is_finished_is_read_and_another_training_is_refused(backbone, tmp_path, monkeypatch):
    found = fine_tune(HEAD_ONLY, backbone, make_task(32), SETTING, tmp_path)
    assert not found.already
    with pytest.raises(StudyError, match="a finished training with another seed; give another folder, or delete"):
        fine_tune(HEAD_ONLY, backbone, make_task(32), SETTING, tmp_path, seed=1)
    with pytest.raises(StudyError, match="a finished training with another metric; give another folder, or delete"):
        fine_tune(HEAD_ONLY, backbone, replace(make_task(32), metric="mcc"), SETTING, tmp_path)
    monkeypatch.setattr(Ours, "evaluate", None)
    assert fine_tune(HEAD_ONLY, backbone, make_task(32), SETTING, tmp_path) == replace(found, already=True)


def test_checkpoints_of_another_training_are_not_taken(backbone, tmp_path, monkeypatch):
    def stop(self, *args, **kwargs):
        raise Interrupted

    with monkeypatch.context() as patch:
        patch.setattr(Ours, "evaluate", stop)
        with pytest.raises(Interrupted):
            fine_tune(HEAD_ONLY, backbone, make_task(32), SETTING, tmp_path)
    with pytest.raises(StudyError, match="holds checkpoints of a training with another seed; give another folder"):
        fine_tune(HEAD_ONLY, backbone, make_task(32), SETTING, tmp_path, seed=1)


def test_two_do_not_train_into_one_folder(backbone, tmp_path):
    with locked(tmp_path), pytest.raises(StudyError, match="is in use: process"):
        fine_tune(HEAD_ONLY, backbone, make_task(32), SETTING, tmp_path)


def test_checkpoints_stay_where_they_are_asked_for(backbone, tmp_path):
    fine_tune(HEAD_ONLY, backbone, make_task(32), SETTING, tmp_path, keep_checkpoints=True)
    assert list((tmp_path / "checkpoints").glob("checkpoint-*"))
    assert "| `checkpoints` | checkpoints of the training;" in (tmp_path / "README.md").read_text()


def test_a_folder_with_files_of_the_users_is_refused_before_training(backbone, tmp_path, monkeypatch):
    (tmp_path / "notes.txt").touch()
    with pytest.raises(AutopeftError, match=r"holds notes\.txt, which autopeft did not write"):
        fine_tune(HEAD_ONLY, backbone, make_task(32), SETTING, tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["notes.txt"]


def test_a_full_disk_at_the_end_leaves_the_checkpoints_to_go_on_from(backbone, tmp_path, monkeypatch):
    def fail(*args, **kwargs):
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("autopeft.training.result.write_card", fail)
        with pytest.raises(RunError, match="No space left on device; it is as it was before"):
            fine_tune(HEAD_ONLY, backbone, make_task(32), SETTING, tmp_path / "out")
    assert [path.name for path in tmp_path.iterdir()] == ["out"]
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["checkpoints"]
    found = fine_tune(HEAD_ONLY, backbone, make_task(32), SETTING, tmp_path / "out")
    assert not found.already
    assert not (tmp_path / "out" / "checkpoints").exists()


def test_the_best_state_on_validation_is_kept(backbone, tmp_path, monkeypatch):
    """The measured accuracy is made to be the best at the first look."""
    measure = Ours.evaluate

    def best_first(self, *args, **kwargs):
        found = measure(self, *args, **kwargs)
        found["eval_accuracy"] = 1 / self.state.global_step
        return found

    monkeypatch.setattr(Ours, "evaluate", best_first)
    configuration = canonical(COMPOSITE, VOCABULARY, backbone.shape)
    kept = fine_tune(configuration, backbone, make_task(32), SETTING, tmp_path)
    assert kept.best_step == 3 < kept.steps == 12
    monkeypatch.setattr(Ours, "evaluate", measure)
    model = backbone.classifier(2)
    load(tmp_path, model, backbone.anatomy)
    found = evaluate(tmp_path, backbone, make_task(32), SETTING, "validation")
    assert found.figures == pytest.approx(kept.validation)


def test_of_equally_good_states_that_of_least_loss_is_kept(backbone, tmp_path, monkeypatch):
    """As for preferences, whose share of pairs that are ranked right is soon 1; stopped in between, too."""
    task = make_task(32)
    losses = iter([0.5, 0.3, 0.2, 0.4, 0.2, 0.2])

    def as_good(*args, **kwargs):
        loss = next(losses)
        if loss == 0.4 and not resumed:
            raise Interrupted
        return Measured({"accuracy": 1.0, "loss": loss})

    monkeypatch.setattr(type(kind_of(task)), "measure", as_good)
    resumed = False
    with pytest.raises(Interrupted):
        fine_tune(HEAD_ONLY, backbone, task, SETTING, tmp_path)
    resumed, losses = True, iter([0.4, 0.2, 0.2])
    # Measured after 3, 6, 9 and 12 steps.
    assert fine_tune(HEAD_ONLY, backbone, task, SETTING, tmp_path).best_step == 9


class FourCards(TrainingArguments):
    """Those of a machine with four GPUs."""

    @cached_property
    def _setup_devices(self):
        device = super()._setup_devices
        self._n_gpu = 4
        return device


# The Trainer does it alike for all.
@pytest.mark.parametrize("backbone", ["bert"], indirect=True)
def test_a_batch_is_as_large_beside_other_cards(backbone, tmp_path, monkeypatch):
    measure, epochs = Ours.evaluate, []
    monkeypatch.setattr(Ours, "evaluate", lambda self, *given, **more: epochs.append(self.state.epoch) or measure(self))
    monkeypatch.setattr(import_module("autopeft.training.fine_tune"), "TrainingArguments", FourCards)
    found = fine_tune(HEAD_ONLY, backbone, make_task(32), SETTING, tmp_path)
    assert found.steps == 12
    assert epochs[-1] == 3


def test_the_backbone_trains_without_dropout(backbone, tmp_path, monkeypatch):
    modes = set()
    step = Trainer.training_step

    def look(self, model, *args, **kwargs):
        result = step(self, model, *args, **kwargs)
        modes.update((type(each).__name__, each.training) for each in model.modules())
        return result

    monkeypatch.setattr(Trainer, "training_step", look)
    configuration = canonical({"modules": {"lora": {"rank": 2, "dropout": 0.1}}}, VOCABULARY, backbone.shape)
    fine_tune(configuration, backbone, make_task(32), SETTING, tmp_path)
    dropouts = [training for name, training in modes if name == "Dropout"]
    # That of LoRA is on, that of the backbone off.
    assert sorted(dropouts) == [False, True]


@pytest.mark.parametrize(
    ("modules", "precision"),
    [
        ({"lora": {"rank": 2}}, "fp32"),
        ({"lora": {"rank": 2}, "ia3": {"targets": ["up"]}}, "bf16"),
        ({"lora": {"rank": 2, "targets": ["o", "up"]}, "pruning": "heads", "heads_count": 1}, "fp32"),
        ({"lora": {"rank": 2}, "pruning": "unstructured", "compression": "compeft"}, "fp32"),
    ],
)
def test_merged_models_need_no_adapters(backbone, tmp_path, modules, precision):
    training = {name: value for name, value in modules.items() if not isinstance(value, dict)}
    adapters = {name: knobs for name, knobs in modules.items() if name not in training}
    configuration = canonical({"modules": adapters, "training": training}, VOCABULARY, backbone.shape)
    task, setting = make_task(32), replace(SETTING, precision=precision)
    found = fine_tune(configuration, backbone, task, setting, tmp_path)
    done = add_merged(configuration, backbone, task, setting, 0, found)
    inputs = {"input_ids": torch.arange(6)[None]}
    model = backbone.classifier(2)
    load(tmp_path, model, backbone.anatomy)
    expected = logits(model, inputs)
    plain = AutoModelForSequenceClassification.from_pretrained(done.merged)
    assert plain.config.id2label == {0: "good", 1: "bad"}
    assert plain.config.problem_type == "single_label_classification"
    assert torch.allclose(logits(plain, inputs), expected, atol=1e-4)
    assert fine_tune(configuration, backbone, task, setting, tmp_path).merged == done.merged


def test_what_cannot_be_merged_is_named_beforehand(backbone):
    configuration = canonical(COMPOSITE, VOCABULARY, backbone.shape)
    with pytest.raises(ConfigurationError, match="serial_adapter cannot be folded"):
        check_mergeable(configuration)


def test_reports_go_where_they_are_asked_for(backbone, tmp_path):
    pytest.importorskip("tensorboardX", reason="needs tensorboardX")
    fine_tune(HEAD_ONLY, backbone, make_task(32), SETTING, tmp_path / "t", report_to=["tensorboard"])
    assert list((tmp_path / "t" / "logs").rglob("events.out.tfevents*"))
    assert "reported to TensorBoard" in (tmp_path / "t" / "README.md").read_text()
    if find_spec("wandb") is None:
        with pytest.raises(AutopeftError, match="wandb is not installed"):
            fine_tune(HEAD_ONLY, backbone, make_task(32), SETTING, tmp_path / "w", report_to=["wandb"])
    with pytest.raises(AutopeftError, match="cannot report to 'nowhere'; expected one of tensorboard"):
        fine_tune(HEAD_ONLY, backbone, make_task(32), SETTING, tmp_path / "n", report_to=["nowhere"])


def test_the_card_says_which_labels_were_not_learned(backbone, tmp_path):
    few = {**COMPOSITE, "data": {"select": "random", "share": 0.001}}
    fine_tune(canonical(few, VOCABULARY, backbone.shape), backbone, make_task(), SETTING, tmp_path)
    assert "which is 1 of 96 rows, leaves no row of 1 of 2 labels" in (tmp_path / "README.md").read_text()
