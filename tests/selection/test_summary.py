"""From scores on disk to what is said, and to what picks read."""

from types import SimpleNamespace

import numpy as np
import optuna
import pytest

from autopeft.methods import HEAD_ONLY
from autopeft.selection import choice_of, pick
from autopeft.selection.contenders import Contender
from autopeft.selection.records import Records, count_reading
from autopeft.selection.selected import selected_front
from autopeft.selection.summary import summarise
from autopeft.space import Configuration
from autopeft.study import Front, FrontRow, Scale
from autopeft.trials import TrialSetting
from tests.selection.test_statistics import draw

SCALE = Scale(backbone=1_000_000, limit=10_000, cheapest=10)


def configuration(rank, rate):
    return Configuration.from_dict({"modules": {"lora": {"rank": rank}}, "training": {"learning_rate": rate}})


CANDIDATE, STOCK, TUNED = configuration(1, 0.01), configuration(8, 0.004), configuration(8, 0.01)
CONTENDERS = (
    Contender("head", "head", HEAD_ONLY, (0.0,), 0, 0, "head"),
    Contender("trial-2", "trial-2", CANDIDATE, (500.0,), 500, 2),
    Contender("stock-lora-0.01", "stock-lora", TUNED, (4_000.0,), 4_000, None, "stock-lora"),
)


def row(trial, what, params, accuracy, baseline):
    costs = {"params": float(params)}
    return FrontRow(trial, what.to_dict(), what.describe(), params, params / 1e6, costs, accuracy, None, baseline)


@pytest.fixture
def run(tmp_path):
    study = optuna.create_study(directions=["minimize", "maximize"])
    study.set_user_attr("spec", {"trial": {"examples": 100, "epochs": 2.0, "batch_size": 10}})
    for value in (0.5, 0.6, 0.7):
        study.add_trial(optuna.trial.create_trial(values=[value, value]))
    head, stock = row(0, HEAD_ONLY, 0, 0.5, "head-only"), row(1, STOCK, 4_000, 0.6, "stock-lora")
    front = Front((head, row(2, CANDIDATE, 500, 0.7, None)), (head, stock), (), None, "")
    return SimpleNamespace(folder=tmp_path, study=study, front=front, scale=SCALE)


def test_a_better_candidate_is_found_said_and_picked(run):
    records = Records(run.folder, TrialSetting(examples=8, validation_examples=4), {}, seed=0)
    rng = np.random.default_rng(0)
    splits = [draw(rng, (0.5, 0.9, 0.7), luck=0.01) for _ in range(2)]
    for contender, validation, test in zip(CONTENDERS, *splits, strict=True):
        for index in range(3):
            records.scratch(contender, index).mkdir(parents=True)
            records.keep(contender, index, validation[index])
            count_reading(run.folder, contender.name)
            records.keep_test(contender, index, test[index])
    prepared = SimpleNamespace(
        task=SimpleNamespace(objective="accuracy", intake={}, groups={}), scale=SCALE, held_out={"test": (100, 100)}
    )
    file = summarise(prepared, run, records, CONTENDERS)
    assert [each.name for each in file.finalists] == ["head", "trial-2", "stock-lora"]
    assert (file.test_readings, file.trials) == (9, 3)
    assert [{name: each.as_good for name, each in row.against.items()} for row in file.finalists] == [
        {"stock-lora": False},
        {"stock-lora": True},
        {},
    ]
    assert (file.reference, file.cheapest) == ("stock-lora", "stock-lora")
    assert file.margin == 0.01
    assert file.verdict.startswith("trial 2 is better than stock LoRA by ")
    assert file.verdict.endswith(" points at 12% of its parameters")
    beside = summarise(prepared, run, records, CONTENDERS, failed=["all-linear"])
    assert (file.failed, beside.failed) == ((), ("all-linear",))
    assert beside.verdict == (f"{file.verdict}; all-linear LoRA could not be trained, so nothing is compared with it")
    head, candidate, stock = file.finalists
    assert candidate.front_probability > 0.99 > 0.01 > stock.front_probability
    assert head.against["stock-lora"].probability < 0.01 < 0.99 < candidate.against["stock-lora"].probability
    assert stock.test.mean == pytest.approx(np.mean(splits[1][2]))

    assert selected_front(run) is run.front
    file.write(run.folder)
    front = selected_front(run)
    assert [each.trial for each in front.rows] == [0, 2]
    assert pick(front, SCALE, "best").accuracy == candidate.validation.mean
    stock_row = pick(front, SCALE, "1")
    assert stock_row.configuration == TUNED.to_dict()
    choice = choice_of(run, stock_row)
    assert choice.configuration == TUNED
    # Finalists are trained on eight examples, three times, in batches of ten.
    assert choice.steps == 3
    nowhere = SimpleNamespace(folder=run.folder / "elsewhere", study=run.study)
    assert choice_of(nowhere, stock_row).steps == 20
    assert choice.trained is not None
    assert choice.trained.parent.name == "stock-lora-0.01"
    run.study.add_trial(optuna.trial.create_trial(values=[1.0, 1.0]))
    assert selected_front(run) is run.front
