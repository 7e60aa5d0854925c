"""Data levers in trials: the same steps on other rows, and nothing of what is held out."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from autopeft.backbones import load_backbone
from autopeft.errors import ConfigurationError
from autopeft.methods import VOCABULARY
from autopeft.space import canonical
from autopeft.tasks import LabelledTexts
from autopeft.tasks.classification import Classes, Classification
from autopeft.testing.models import tiny_backbone
from autopeft.testing.tasks import task_of
from autopeft.trials import Levers, TrialRunner, TrialSetting, check_levers, use_threads

CPU = torch.device("cpu")
SETTING = TrialSetting(examples=48, validation_examples=16, epochs=3.0, batch_size=8, max_length=16)
EVERY = np.arange(48)


def make_task():
    rng = np.random.default_rng(0)
    fill = ["film", "story", "the", "of", "and", "it"]
    texts = [f"{' '.join(rng.choice(fill, 4))} {('good happy', 'bad sad')[row % 2]}" for row in range(64)]
    task = task_of(Classification(), Classes(("good", "bad")), LabelledTexts(texts, [row % 2 for row in range(64)]))
    rates = np.linspace(0, 1, len(task.train)).round(3)
    return replace(task, beside={"fails": [str(rate) for rate in rates], "words": ["hardly"] * len(task.train)})


@pytest.fixture(scope="module")
def backbone(tmp_path_factory):
    use_threads(1)
    return load_backbone(tiny_backbone("bert", tmp_path_factory.mktemp("model")))


@pytest.fixture(scope="module")
def outcome_of(backbone):
    runner = TrialRunner(backbone, make_task(), SETTING, CPU)

    def run(data):
        written = {"modules": {"lora": {"rank": 2}}, "training": {"learning_rate": 1e-2}, "data": data}
        found = runner.run(canonical(written, VOCABULARY, backbone.shape), seed=1)
        assert found.status == "complete", found.detail
        return found

    return run


def test_all_of_the_rows_is_what_is_learned_without_a_lever(outcome_of):
    assert outcome_of({}).metrics == outcome_of({"select": "random", "share": 1.0}).metrics


def test_fewer_rows_are_as_many_steps(outcome_of):
    plain, few = outcome_of({}), outcome_of({"select": "random", "share": 0.25})
    assert [point["step"] for point in plain.curve] == [point["step"] for point in few.curve]
    assert plain.metrics != few.metrics


def test_smaller_shares_are_parts_of_larger_ones():
    levers = Levers(make_task(), EVERY, 0)
    shares = [levers.examples({"select": "random", "share": share}, EVERY) for share in (0.1, 0.5, 1.0)]
    assert [len(each) for each in shares] == [5, 24, 48]
    assert set(shares[0]) < set(shares[1]) < set(shares[2])


def test_hard_rows_come_more_often():
    data = {"difficulty": "proportional", "most": 8, "fail_rate": "fails", "proportional_power": 1.0}
    chosen = Levers(make_task(), EVERY, 0).examples(data, EVERY)
    times = np.bincount(chosen, minlength=48)
    assert set(chosen) == set(EVERY)
    assert (np.diff(times) >= 0).all()
    assert times[0] == 1
    assert times[-1] == 8


def test_each_question_comes_as_often_as_any_other():
    task = make_task()
    twice = replace(task, train=task.train.take([0, 0, 1, 2]), beside={})
    chosen = Levers(twice, np.arange(4), 0).examples({"difficulty": "uniform", "most": 2}, np.arange(4))
    assert chosen.tolist() == [0, 1, 2, 2, 3, 3]


def test_what_is_drawn_of_the_split_has_its_own_values():
    """Trials see some of the split: a row goes by what stands beside it, not beside another."""
    data = {"difficulty": "proportional", "most": 8, "fail_rate": "fails", "proportional_power": 1.0}
    task = make_task()
    easy, hard = np.arange(10), np.arange(len(task.train) - 10, len(task.train))
    levers = Levers(task, np.concatenate([easy, hard]), 0)
    times = np.bincount(levers.examples(data, np.arange(20)), minlength=20)
    assert times[:10].max() <= 2 < times[10:].min()


@pytest.mark.parametrize(
    "data",
    [
        {"select": "random", "share": 0.5},
        {"difficulty": "proportional", "most": 4, "fail_rate": "fails", "proportional_power": 2.0},
    ],
)
def test_nothing_depends_on_what_is_held_out(data):
    task = make_task()
    other = LabelledTexts(["something else"] * len(task.validation), [0] * len(task.validation))
    changed = replace(task, validation=other, test=other)
    chosen = [Levers(each, EVERY, 0).examples(data, EVERY) for each in (task, changed)]
    np.testing.assert_array_equal(*chosen)


def test_a_column_without_shares_is_refused():
    with pytest.raises(ConfigurationError, match=r"'words' holds 'hardly', .* in 64 of 64 training rows; fill it in"):
        check_levers({"fail_rate": ["fails", "words"]}, make_task())


@pytest.mark.parametrize("value", [float("nan"), None, "", "50%", 1.5, -0.1, [0.5]])
def test_what_is_no_share_is_counted(value):
    task = make_task()
    rates = [value if row in (7, 30) else rate for row, rate in enumerate(task.beside["fails"])]
    with pytest.raises(ConfigurationError, match=r"in 2 of 64 training rows"):
        check_levers({"fail_rate": ["fails"]}, replace(task, beside={"fails": rates}))
