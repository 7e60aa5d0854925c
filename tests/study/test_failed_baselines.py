"""A baseline that failed has no accuracy: its state is shown, and nothing is compared with it."""

import io
import json

import optuna
import pytest
from optuna.trial import TrialState, create_trial
from rich.console import Console

from autopeft.report import front_table
from autopeft.space import Configuration
from autopeft.study import Scale, front_of
from autopeft.trials.classification import ClassificationTrials

SCALE = Scale(backbone=1_000_000, limit=100_000, cheapest=100)


def study_of(**statuses):
    """Return a study of both baselines and a trial, each with how it ended."""
    study = optuna.create_study(directions=["minimize", "maximize"])
    costs = {"head-only": 0, "stock-lora": 73_000, "trial": 5_000}
    for name, params in costs.items():
        status = statuses.get(name.replace("-", "_"), "complete")
        configuration = Configuration.from_dict({"modules": {}, "training": {}})
        attrs = {
            "configuration": configuration.to_dict(),
            "outcome": {"status": status, "metrics": {}},
            **({} if name == "trial" else {"baseline": name}),
        }
        reached = 0.905 if status == "complete" else 0.0
        study.add_trial(create_trial(state=TrialState.COMPLETE, values=(params, reached), user_attrs=attrs))
    return study


def shown(front):
    """Return the table of a front as text."""
    file = io.StringIO()
    Console(file=file, width=160).print(front_table(front, "accuracy", ClassificationTrials))
    return file.getvalue()


@pytest.mark.parametrize(
    ("status", "words", "mend"),
    [
        ("timeout", "ran out of time", "--trial-time-limit"),
        ("oom", "ran out of memory", "--batch-size"),
        ("nan", "diverged", ""),
    ],
)
def test_nothing_is_compared_with_stock_lora_that_failed(status, words, mend):
    front = front_of(study_of(stock_lora=status), SCALE)
    assert f"stock LoRA {words}, so nothing is compared with it" in front.verdict
    assert mend in front.verdict
    assert all(row.over_stock is None for row in (*front.rows, *front.baselines, *front.others))
    data = json.loads(json.dumps(front.to_dict()))
    stock = next(row for row in data["baselines"] if row["baseline"] == "stock-lora")
    assert (stock["accuracy"], stock["status"]) == (None, status)
    assert words in shown(front)
    assert "+90.5" not in shown(front)
    assert "0.0000" not in shown(front)


def test_without_a_head_that_was_measured_fronts_have_no_score():
    assert front_of(study_of(head_only="nan"), SCALE).hypervolume is None
    assert front_of(study_of(), SCALE).hypervolume is not None
