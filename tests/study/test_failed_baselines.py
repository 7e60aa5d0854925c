"""A baseline that failed has no accuracy: its state is shown, and nothing is compared with it."""

import io
import json

import optuna
import pytest
from optuna.trial import TrialState, create_trial
from rich.console import Console

from autopeft.reporting import front_table
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


def test_a_verdict_is_against_the_best_reference_that_was_measured():
    study = study_of()
    attrs = {"configuration": {"modules": {}, "training": {}}, "baseline": "all-linear"}
    for status, reached in (("complete", 0.95), ("oom", 0.0)):
        outcome = {"outcome": {"status": status, "metrics": {}}}
        study.add_trial(create_trial(values=(660_000, reached), user_attrs=attrs | outcome))
        attrs |= {"baseline": "low-rank-all"}
    front = front_of(study, SCALE)
    assert front.verdict == (
        "no configuration was found that beats all-linear LoRA (660,000 parameters, 0.9500) at equal or lower cost; "
        "low-rank-all LoRA ran out of memory, so nothing is compared with it; give less by --batch-size or "
        "--max-length, or --gradient-checkpointing"
    )
    standings = {row.baseline: row.standing for row in front.baselines}
    assert standings == {
        "head-only": "front",
        "stock-lora": "dominated",
        "all-linear": "over-budget",
        "low-rank-all": "no-end",
    }
    assert "over the budget" in shown(front)
    assert "dominated" in shown(front)


def test_stopped_trials_stand_aside_with_what_they_had_reached():
    study = study_of()
    outcome = {"status": "stopped", "curve": [{"step": 4, "accuracy": 0.3}, {"step": 8, "accuracy": 0.4}]}
    attrs = {"configuration": {"modules": {}, "training": {}}, "outcome": outcome, "params": 9, "costs": [9.0]}
    study.add_trial(create_trial(state=TrialState.PRUNED, user_attrs=attrs))
    front = front_of(study, SCALE)
    [row] = front.stopped
    assert (row.accuracy, row.status, row.standing, row.failed) == (0.4, "stopped", "no-end", True)
    assert row not in (*front.rows, *front.others)


def test_what_exceeds_a_budget_of_memory_is_never_on_the_front():
    study = study_of()
    attrs = {"configuration": {"modules": {}, "training": {}}, "outcome": {"status": "complete", "metrics": {}}}
    study.add_trial(create_trial(values=(80_000, 0.99), user_attrs=attrs | {"baseline": "all-linear", "beyond": True}))
    front = front_of(study, SCALE)
    assert "all-linear" not in [row.baseline for row in front.rows]
    assert next(row for row in front.baselines if row.baseline == "all-linear").standing == "over-budget"


def test_what_failed_has_reached_nothing():
    front = front_of(study_of(stock_lora="timeout"), SCALE)
    stock = next(row for row in front.baselines if row.baseline == "stock-lora")
    assert stock.reached == "not known: it ran out of time"
