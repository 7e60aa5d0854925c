"""One threshold for several labels: the best on validation, kept with what was trained, used ever after."""

import json
import re
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from autopeft.backbones import head_parameters, load_backbone
from autopeft.errors import ConfigurationError
from autopeft.methods import VOCABULARY
from autopeft.saved import open_saved
from autopeft.space import Configuration, canonical
from autopeft.tasks import LabelledTexts
from autopeft.tasks.multilabel import METRICS, Labels, Multilabel
from autopeft.testing.models import tiny_backbone
from autopeft.testing.tasks import task_of
from autopeft.training import add_merged, evaluate, fine_tune
from autopeft.training.measuring import measure, paper
from autopeft.trials import TrialRunner, TrialSetting, kind_of, reset_head, use_threads
from autopeft.trials.multilabel.scores import scores_of_sets
from autopeft.trials.multilabel.threshold import THRESHOLD, best_threshold
from autopeft.trials.settled import SETTLED

CPU = torch.device("cpu")
SETTING = TrialSetting(examples=64, validation_examples=64, epochs=3.0, batch_size=8, max_length=24)
WORDS = ("good", "sad", "lung")


@st.composite
def told(draw):
    """Labels and probabilities, many of them equal."""
    texts, labels = draw(st.integers(2, 12)), draw(st.integers(2, 5))
    cells = st.lists(st.integers(0, 8), min_size=texts * labels, max_size=texts * labels)
    truth = np.array(draw(cells)).reshape(texts, labels) > 5
    return truth, np.array(draw(cells)).reshape(texts, labels) / 8


@given(told(), st.sampled_from(sorted(METRICS)))
def test_the_threshold_is_the_best_there_is_and_the_lowest_of_those(case, metric):
    truth, probable = case
    found = best_threshold(metric, truth, probable)
    reached = {cut: METRICS[metric](truth, probable > cut) for cut in np.arange(17) / 16}
    best = max(reached.values())
    assert METRICS[metric](truth, probable > found) == pytest.approx(best, abs=1e-12)
    if (probable > 0).any():
        lowest = min(cut for cut, value in reached.items() if value >= best - 1e-12 and (probable > cut).any())
        assert ((probable > found) == (probable > lowest)).all()


@given(told(), st.sampled_from(sorted(METRICS)))
def test_scores_are_those_of_leaving_each_out(case, metric):
    truth, probable = case
    predicted = probable > 0.5
    whole = METRICS[metric](truth, predicted)
    scores = scores_of_sets(metric, truth, predicted)
    assert scores.mean() == pytest.approx(whole, abs=1e-9)
    if metric != "samples_f1":
        n = len(truth)
        without = np.array(
            [METRICS[metric](np.delete(truth, i, axis=0), np.delete(predicted, i, axis=0)) for i in range(n)]
        )
        assert scores == pytest.approx(whole + (n - 1) * (without.mean() - without), abs=1e-9)


def test_rounding_moves_no_label_across_the_threshold():
    rng = np.random.default_rng(0)
    truth, probable = rng.random((200, 5)) < 0.3, rng.random((200, 5))
    for metric in METRICS:
        found = best_threshold(metric, truth, probable)
        moved = probable + 1e-9 * rng.uniform(-1, 1, probable.shape)
        assert ((moved > found) == (probable > found)).all()


def make_task(metric="micro_f1", seed=0):
    """Texts that have a label for each of some words; the labels of test are all wrong."""
    use_threads(1)
    rng = np.random.default_rng(seed)
    splits = []
    for wrong in (False, False, True):
        having = rng.random((64, len(WORDS))) < 0.35
        texts = [
            " ".join(word if has else "film" for word, has in zip(WORDS, row, strict=True)) + f" {n}"
            for n, row in enumerate(having)
        ]
        labels = [tuple(np.flatnonzero(~row if wrong else row).tolist()) for row in having]
        splits.append(LabelledTexts(texts, labels))
    return task_of(Multilabel(), Labels(WORDS), *splits, metric=metric)


@pytest.fixture(scope="module")
def backbone(tmp_path_factory):
    return load_backbone(tiny_backbone("bert", tmp_path_factory.mktemp("model")))


def lora(backbone):
    modules = {"lora": {"rank": 4, "targets": ["q", "v"]}}
    return canonical({"modules": modules, "training": {"learning_rate": 5e-3}}, VOCABULARY, backbone.shape)


@pytest.mark.parametrize("metric", sorted(METRICS))
def test_a_trial_keeps_the_threshold_of_its_end_and_goes_by_it_on_test(backbone, metric, tmp_path):
    task = make_task(metric)
    runner = TrialRunner(backbone, task, SETTING, CPU)
    outcome = runner.run(lora(backbone), 0, folder=tmp_path)
    assert outcome.status == "complete", outcome.detail
    kept = json.loads((tmp_path / SETTLED).read_text())
    assert kept.keys() == {THRESHOLD}
    assert runner.score(tmp_path, "validation").mean() == pytest.approx(outcome.accuracy, abs=1e-6)
    test = runner.score(tmp_path, "test").mean()
    # Chosen on test again, where all labels are wrong, the lowest threshold would be the best.
    assert not hasattr(runner.model.config, THRESHOLD)
    (tmp_path / SETTLED).write_text(json.dumps({THRESHOLD: 1e-9}))
    assert runner.score(tmp_path, "test").mean() > test + 0.1
    assert runner.score(tmp_path, "validation").mean() < outcome.accuracy
    (tmp_path / SETTLED).unlink()
    with pytest.raises(ConfigurationError, match=f"no readable {SETTLED} with {THRESHOLD}"):
        runner.score(tmp_path, "test")
    again = runner.run(lora(backbone), 0)
    assert again.metrics == outcome.metrics


def test_full_fine_tuning_keeps_it_too(backbone, tmp_path):
    task = make_task()
    runner = TrialRunner(backbone, task, SETTING, CPU)
    alone = Configuration.from_dict({"modules": {}, "training": {"learning_rate": 1e-3}})
    outcome = runner.run(alone, 0, folder=tmp_path, full=True)
    assert outcome.status == "complete", outcome.detail
    assert runner.score(tmp_path, "validation").mean() == pytest.approx(outcome.accuracy, abs=1e-6)


def test_a_full_fine_tune_saves_the_threshold_of_its_best_state(backbone, tmp_path):
    task = make_task()
    setting = replace(SETTING, epochs=4.0)
    found = fine_tune(lora(backbone), backbone, task, setting, tmp_path / "out")
    done = add_merged(lora(backbone), backbone, task, setting, 0, found)
    told, thresholds = [], []
    for folder in (done.folder, done.merged):
        opened = open_saved(folder)
        threshold = json.loads((folder / "config.json").read_text())[THRESHOLD]
        thresholds += [threshold, opened.ready.model.config.label_threshold]
        assert f"label threshold {threshold:.6g}" in (folder / "README.md").read_text()
        for split in ("validation", "test"):
            model, tokenizer = opened.ready.model, opened.ready.tokenizer
            on = paper(task, split, model, tokenizer, setting)
            figures = measure(model, on, tokenizer, setting).figures
            assert figures[task.metric] == pytest.approx(getattr(found, split)[task.metric], abs=1e-6)
        few = task.test.take(range(12))
        told.append(kind_of(task).predict(opened.ready, few)[0])
        for each in told[-1]:
            above = [label for label, probability in each.probabilities.items() if probability > threshold]
            assert each.value == above
            assert set(each.probabilities) == set(WORDS)
    assert len(set(thresholds)) == 1
    assert [each.value for each in told[0]] == [each.value for each in told[1]]
    evaluation = evaluate(done.folder, backbone, task, setting)
    assert evaluation.figures[task.metric] == pytest.approx(found.test[task.metric], abs=1e-6)
    assert [each.label for each in evaluation.labels] == list(WORDS)
    (done.folder / SETTLED).write_text('{"label_threshold": null}')
    for use in (lambda: open_saved(done.folder), lambda: evaluate(done.folder, backbone, task, setting)):
        with pytest.raises(ConfigurationError, match=f"no readable {SETTLED}"):
            use()


def test_a_model_that_had_a_threshold_begins_without_one(backbone, tmp_path):
    """A merged model that is trained again brings the threshold of its first training."""
    model = kind_of(make_task()).model(backbone, CPU)
    model.config.label_threshold = 0.9
    model.save_pretrained(tmp_path)
    backbone.tokenizer().save_pretrained(tmp_path)
    again = load_backbone(str(tmp_path))
    assert again.config.label_threshold == 0.9
    assert not hasattr(kind_of(make_task()).model(again, CPU).config, THRESHOLD)


@pytest.mark.slow
def test_cards_of_pairs_run(backbone, tmp_path):
    task = make_task()
    pairs = [LabelledTexts([(text, "film") for text in split.texts], split.labels) for split in task.splits.values()]
    task = task_of(Multilabel(), Labels(WORDS, ("text", "other")), *pairs)
    setting = replace(SETTING, epochs=0.5)
    found = fine_tune(lora(backbone), backbone, task, setting, tmp_path / "out")
    done = add_merged(lora(backbone), backbone, task, setting, 0, found)
    for folder in (done.folder, done.merged):
        code = (folder / "README.md").read_text().split("```python")[1].split("```")[0]
        ran = subprocess.run([sys.executable, "-c", code], cwd=folder, capture_output=True, text=True, check=False)
        assert ran.returncode == 0, ran.stderr[-2000:]
        threshold = open_saved(folder).ready.how[THRESHOLD]
        for line in ran.stdout.splitlines():
            assert all(float(each) > threshold for each in re.findall(r": ([\d.e-]+)", line.partition("{")[2]))
        assert len(ran.stdout.splitlines()) == 2


@pytest.mark.parametrize("architecture", ["bert", "roberta", "gpt2"])
def test_a_head_begins_with_how_common_labels_are(architecture, tmp_path):
    backbone = load_backbone(tiny_backbone(architecture, tmp_path))
    kind = kind_of(make_task())
    model = kind.model(backbone, CPU)
    reset_head(model, 0)
    labels = torch.tensor([[1, 0, 0], [1, 1, 0], [1, 0, 0], [0, 0, 0]])
    before = {name: value.clone() for name, value in head_parameters(model).items()}
    kind.begin(model, [{"labels": labels[:2]}, {"labels": labels[2:]}])
    changed = [name for name, value in head_parameters(model).items() if not torch.equal(value, before[name])]
    if architecture == "gpt2":
        assert not changed
        return
    [name] = changed
    shares = head_parameters(model)[name].sigmoid()
    assert shares.tolist() == pytest.approx([(3 + 1 / 3) / 5, (1 + 1 / 3) / 5, (1 / 3) / 5])
