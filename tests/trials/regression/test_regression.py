"""Heads that tell numbers in their own unit, and learn them as if they were standardised."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from autopeft.backbones import load_backbone
from autopeft.methods import VOCABULARY
from autopeft.saved import open_saved
from autopeft.space import canonical
from autopeft.tasks import LabelledTexts
from autopeft.tasks.regression import Regression, Scale
from autopeft.tasks.tables import Table
from autopeft.testing.models import TEXTS, tiny_backbone
from autopeft.testing.tasks import task_of
from autopeft.training import add_merged, fine_tune
from autopeft.trials import TrialRunner, TrialSetting, kind_of, use_threads

SETTING = TrialSetting(examples=64, validation_examples=48, epochs=4.0, batch_size=8, max_length=24)
CPU = torch.device("cpu")


def make_task(factor=1.0, shift=0.0, seed=0):
    """Texts whose number is how often a word stands in them."""
    use_threads(1)
    rng = np.random.default_rng(seed)
    splits = []
    for _ in range(3):
        counts = rng.integers(0, 6, 64)
        texts = [
            " ".join(["good"] * count + ["film"] * (6 - count)) + f" {TEXTS[n % 3]}" for n, count in enumerate(counts)
        ]
        splits.append(LabelledTexts(texts, [factor * count + shift for count in counts]))
    numbers = np.array(splits[0].labels)
    return task_of(Regression(), Scale("stars", float(numbers.mean()), float(numbers.std())), *splits)


@pytest.fixture(scope="module", params=["bert", "roberta", "gpt2", "llama"])
def backbone(request, tmp_path_factory):
    return load_backbone(tiny_backbone(request.param, tmp_path_factory.mktemp("model")))


def lora(backbone):
    modules = {"lora": {"rank": 4, "targets": ["q", "v"] if "q" in backbone.shape.roles else ["qkv"]}}
    return canonical({"modules": modules, "training": {"learning_rate": 5e-3}}, VOCABULARY, backbone.shape)


def has_bias(backbone):
    return backbone.config.model_type in ("bert", "roberta")


def test_another_unit_learns_the_same(backbone, tmp_path):
    """The unit of the labels changes nothing but the unit of what is told."""
    shifts = (
        (1.0, 0.0),
        (1000.0, 0.0),
        (0.001, 0.0),
        *(((1000.0, 5000.0), (0.5, -300.0)) if has_bias(backbone) else ()),
    )
    found = []
    for number, (factor, shift) in enumerate(shifts):
        task = make_task(factor, shift)
        folder = tmp_path / str(number)
        runner = TrialRunner(backbone, task, SETTING, CPU)
        outcome = runner.run(lora(backbone), 0, folder=folder)
        assert outcome.status == "complete", outcome.detail
        found.append((factor, outcome, runner.score(folder, "test")))
    _, first, scores = found[0]
    assert first.accuracy > 0.5
    for factor, outcome, others in found[1:]:
        for name in ("pearson", "spearman", "r2", "loss"):
            assert outcome.metrics[name] == pytest.approx(first.metrics[name], abs=0.02)
        assert outcome.metrics["mae"] / factor == pytest.approx(first.metrics["mae"], abs=0.02)
        assert others == pytest.approx(scores, abs=0.2)


def test_a_mean_far_from_zero_is_told_from_the_start(backbone):
    """Before a head without bias has learned anything it tells about the mean."""
    task = make_task(1.0, 40.0)
    setting = replace(SETTING, epochs=0.01)
    outcome = TrialRunner(backbone, task, setting, CPU).run(lora(backbone), 0)
    assert outcome.metrics["mae"] < 10.0


def test_what_is_saved_tells_in_the_unit_of_the_labels(backbone, tmp_path):
    task = make_task(100.0, 300.0 if has_bias(backbone) else 0.0)
    found = fine_tune(lora(backbone), backbone, task, SETTING, tmp_path / "out")
    done = add_merged(lora(backbone), backbone, task, SETTING, 0, found)
    texts = list(task.test.texts[:12])
    for folder in (done.folder, done.merged):
        opened = open_saved(folder)
        kind = type(task.kind)()
        split, *_ = kind.unlabelled(task.schema, _table(texts))
        told, _ = kind_of(task).predict(opened.ready, split)
        away = np.abs(np.array([one.value for one in told]) - np.array(task.test.labels[:12])).mean()
        assert away == pytest.approx(found.test["mae"], rel=0.8)
        assert away < 2.0 * task.schema.scale


def _table(texts):
    return Table("rows", ("text",), [(f"row {n}", {"text": text}) for n, text in enumerate(texts)])
