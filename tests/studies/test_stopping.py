"""The replay of early stopping, on a table made up and on recorded ones."""

import json
import math
from pathlib import Path

import numpy as np
import pytest

from autopeft.methods import REFERENCES
from autopeft.samplers import Finished
from autopeft.study import CONFIDENCE
from studies.arena.record import TABLES
from studies.stopping.replay import calibration, draw, summary, trade_off
from studies.stopping.simulate import replay
from studies.stopping.tables import Run, Table, read_table

PEFT = Path(__file__).parents[2].parent / "shared" / "data" / "tables" / "peft-metamathqa.jsonl"
RUNGS = (1 / 16, 1 / 8, 1 / 4, 1 / 2)


def synthetic(count=60, noise=0.005):
    """Curves that approach their ends, which rise with cost: most runs lie well below the front."""
    rng = np.random.default_rng(0)
    runs = []
    for index in range(count):
        cost = 10 ** rng.uniform(1, 3)
        end = 0.5 + 0.1 * math.log10(cost) - rng.exponential(0.1)
        curve = []
        for step in (1, 2, 4, 8, 16):
            accuracy = end * (1 - 0.5 / step) + rng.normal(0, noise)
            curve.append({"step": step, "accuracy": accuracy, "loss": 1 - accuracy, "seconds": 0.5 * step})
        runs.append(Run(str(index), Finished(cost, curve, curve[-1]["accuracy"]), baseline=index < 2))
    return Table(tuple(runs), limit=1000, reference=0.3, cheapest=10)


def test_telling_curves_save_most_of_the_work_and_keep_the_front():
    table = synthetic()
    searches = [replay(table, seed) for seed in range(10)]
    figures = summary(searches)
    assert figures["kept"] > 0.97
    assert figures["steps"] < 0.4
    assert figures["would_have_grown"] <= 1 - CONFIDENCE
    assert figures["steps"] == pytest.approx(figures["seconds"], abs=1e-4)


def test_a_confidence_of_one_finishes_everything():
    for workers in (1, 3):
        search = replay(synthetic(), 0, confidence=1.0, workers=workers)
        assert (search.kept, search.stopped) == (1.0, 0)
        assert search.steps == search.seconds == pytest.approx(1.0)


def test_what_is_spent_is_counted_up_to_the_rung():
    table = synthetic()
    search = replay(table, 3)
    rungs = [decision for decision in search.decisions if decision.stopped]
    assert len(rungs) == search.stopped > 0
    finished = len(table.runs) - search.stopped
    assert finished / len(table.runs) + search.stopped / 16 / len(table.runs) <= search.steps + 1e-9
    assert search.steps < finished / len(table.runs) + search.stopped / 2 / len(table.runs)


def test_an_order_is_replayed_alike_and_workers_share_it():
    table = synthetic()
    assert replay(table, 5) == replay(table, 5) != replay(table, 6)
    assert replay(table, 5, workers=2).steps >= 0.9 * replay(table, 5).steps


def test_a_table_is_read_at_the_rungs_asked_for(tmp_path):
    table, path = synthetic(5), tmp_path / "table.jsonl"
    rows = [
        {"name": r.name, "cost": r.finished.cost, "accuracy": r.finished.accuracy, "curve": list(r.finished.curve)}
        | {"baseline": r.baseline}
        for r in table.runs
    ]
    path.write_text("".join(f"{json.dumps(row)}\n" for row in (table.scoring, *rows)), encoding="utf8")
    assert read_table(path, RUNGS) == table
    fewer = read_table(path, (0.2, 1 / 2))
    assert [[point["step"] for point in run.finished.curve] for run in fewer.runs] == [[4, 8, 16]] * 5


def test_our_own_table_has_every_rung_and_all_baselines():
    table = read_table(TABLES / "icd10.jsonl", RUNGS)
    assert {len(run.finished.curve) for run in table.runs} == {5}
    baselines = ["head-only", *(each.name for each in REFERENCES)]
    assert [run.name for run in table.runs if run.baseline] == baselines


def test_the_picture_and_the_bands(tmp_path):
    table = synthetic(30)
    rows = trade_off(table, range(2))
    draw(rows, tmp_path / "figure.png")
    assert (tmp_path / "figure.png").stat().st_size > 10_000
    strict, loose = [next(r for r in rows if r["growth"] == 0 and r["confidence"] == c) for c in (0.99, 0.5)]
    assert strict["steps"] > loose["steps"]
    bands = calibration([d for seed in range(5) for d in replay(table, seed, confidence=1.0).decisions])
    assert sum(band["decisions"] for band in bands) > 100
    assert all(band["from"] <= band["said"] < band["to"] for band in bands)
    assert bands[0]["true"] < bands[-1]["true"]


@pytest.mark.skipif(not PEFT.is_file(), reason=f"no recorded table at {PEFT}")
def test_on_the_recorded_table_the_rule_keeps_what_it_shall_for_what_it_may_spend():
    table = read_table(PEFT, RUNGS)
    assert len(table.runs) == 63
    figures = summary([replay(table, seed) for seed in range(60)])
    assert figures["kept"] >= 0.99
    # What people may pick goes on too, for at most a fifth more than the 40 % that the front alone was to cost.
    assert figures["steps"] <= 0.48
    assert figures["would_have_grown"] <= 1 - CONFIDENCE
