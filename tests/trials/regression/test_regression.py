"""Heads that tell numbers in their own unit, and learn them as if they were standardised."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from autopeft.api import predict
from autopeft.backbones import load_backbone
from autopeft.methods import VOCABULARY
from autopeft.space import canonical
from autopeft.tasks import LabelledTexts
from autopeft.tasks.regression import Regression, Scale
from autopeft.testing.models import TEXTS, tiny_backbone
from autopeft.testing.tasks import task_of
from autopeft.training import add_merged, fine_tune
from autopeft.trials import TrialRunner, TrialSetting, kind_of, use_threads
from tests.saved.run_cards import code_of

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


OTHERS = [pytest.param(name, marks=pytest.mark.slow) for name in ("roberta", "gpt2", "llama")]


@pytest.fixture(scope="module", params=["bert", *OTHERS])
def backbone(request, tmp_path_factory):
    return load_backbone(tiny_backbone(request.param, tmp_path_factory.mktemp("model")))


def lora(backbone):
    modules = {"lora": {"rank": 4, "targets": ["q", "v"] if "q" in backbone.shape.roles else ["qkv"]}}
    return canonical({"modules": modules, "training": {"learning_rate": 5e-3}}, VOCABULARY, backbone.shape)


def test_another_unit_learns_the_same(backbone, tmp_path):
    """The unit of the labels changes nothing but the unit of what is told."""
    shifts = ((1.0, 0.0), (1000.0, 5.0), (1e-10, 0.0), (1.0, 2000.0), (0.5, -300.0))
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
    """Before the head has learned anything it tells about the mean."""
    task = make_task(1.0, 40.0)
    setting = replace(SETTING, epochs=0.01)
    outcome = TrialRunner(backbone, task, setting, CPU).run(lora(backbone), 0)
    assert outcome.metrics["mae"] < 2 * task.schema.scale


def test_what_is_saved_tells_in_the_unit_of_the_labels(backbone, tmp_path, monkeypatch, capsys):
    """Adapters, the merged model, and the code on the card of each, whether or not the head has a bias."""
    task = make_task(100.0, 30_000.0)
    found = fine_tune(lora(backbone), backbone, task, SETTING, tmp_path / "out")
    done = add_merged(lora(backbone), backbone, task, SETTING, 0, found)
    assert found.test["mae"] < 2.0 * task.schema.scale
    for folder in (done.folder, done.merged):
        told = [one.value for one in predict(folder, list(task.test.texts)).rows]
        away = np.abs(np.array(told) - np.array(task.test.labels)).mean()
        assert away == pytest.approx(found.test["mae"], rel=1e-3)
        monkeypatch.chdir(folder)
        names = {}
        capsys.readouterr()
        exec(code_of(folder), names)
        printed = [float(line.split()[-1]) for line in capsys.readouterr().out.splitlines()]
        assert printed == pytest.approx([one.value for one in predict(folder, names["texts"]).rows], rel=1e-6)


@pytest.mark.parametrize(("factor", "shift"), [(1.0, 0.0), (1e-4, 0.0), (1e-4, 1.0), (1000.0, 1e6), (1.0, -300.0)])
def test_answers_are_compared_in_the_scale_of_the_labels(factor, shift):
    """A merged model that is wrong by a tenth of the labels' scale is noticed in any unit, and rounding is not."""
    kind = kind_of(make_task(factor, shift))
    told = torch.tensor([[shift], [shift + factor * 3]], dtype=torch.float64).float()
    assert kind.apart(told, told + 0.1 * kind.schema.scale) > 0.02
    assert kind.apart(told, torch.nextafter(told, told + 1)) == pytest.approx(0.0, abs=1e-6)
