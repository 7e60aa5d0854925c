"""Show what early stopping keeps and what it saves on a table of finished runs.

python -m studies.stopping.replay ../shared/data/tables/peft-metamathqa.jsonl --out studies/stopping/peft-metamathqa
python -m studies.stopping.replay studies/arena/tables/icd10.jsonl --searches 30 --out studies/stopping/icd10
"""

from __future__ import annotations

import argparse
import itertools
import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from autopeft.study import CONFIDENCE, GROWTH
from studies.stopping.simulate import Decision, Replay, replay
from studies.stopping.tables import Table, read_table

#: What the search is judged by: hypervolume kept, share of the steps spent.
_KEPT, _SPENT = 0.99, 0.4
#: Rungs the rule was fixed with, and others to compare.
_RUNGS = (1 / 16, 1 / 8, 1 / 4, 1 / 2)
_OTHER_RUNGS = ((1 / 8, 1 / 4, 1 / 2), (1 / 16, 1 / 8, 1 / 2), (1 / 16, 1 / 4, 1 / 2), (1 / 16, 1 / 4), (1 / 8, 1 / 2))
_CONFIDENCES = (0.5, 0.6, 0.7, 0.75, 0.8, 0.85, 0.9, 0.95, 0.99)
_GROWTHS = (0.0, 0.25, 0.5, 1.0)
_BINS = (0.0, 0.01, 0.05, 0.1, 0.2, 0.4, 0.6, 0.8, 1.0)


def main() -> None:
    """Replay a table at the rule's own settings and around them; write figures and a picture of the trade-off."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("table", type=Path, help="JSONL file of finished runs")
    parser.add_argument("--out", type=Path, required=True, help="where to write, without .json and .png")
    parser.add_argument("--searches", type=int, default=200, help="random orders to replay")
    given = parser.parse_args()
    seeds = range(given.searches)
    table = read_table(given.table, _RUNGS)
    chosen = [replay(table, seed) for seed in seeds]
    others = {rungs: read_table(given.table, rungs) for rungs in _OTHER_RUNGS}
    result = {
        "table": given.table.name,
        "runs": len(table.runs),
        "searches": given.searches,
        "rule": {"confidence": CONFIDENCE, "growth": GROWTH, "rungs": _RUNGS},
        "one_worker": summary(chosen),
        "two_workers": summary([replay(table, seed, workers=2) for seed in seeds]),
        "calibration": calibration([decision for search in chosen for decision in search.decisions]),
        "other_rungs": [
            {"rungs": rungs, **summary([replay(other, seed) for seed in seeds])} for rungs, other in others.items()
        ],
        "trade_off": trade_off(table, seeds),
    }
    given.out.with_suffix(".json").write_text(json.dumps(result, indent=1) + "\n", encoding="utf8")
    draw(result["trade_off"], given.out.with_suffix(".png"))
    print(json.dumps({key: result[key] for key in ("one_worker", "two_workers", "calibration")}, indent=1))


def summary(searches: Sequence[Replay]) -> dict[str, float]:
    """Return figures of many searches: means over them, and shares of all their stops.

    Returns:
        `kept`, `steps`, `seconds` and `stopped` as in `Replay`; `kept_in_1_of_10`, the hypervolume that one search
        in ten does not keep; of the stopped trials, `would_have_grown` and `would_have_entered`.
    """
    stops = [decision for search in searches for decision in search.decisions if decision.stopped]
    kept = [search.kept for search in searches]
    figures = {
        "kept": np.mean(kept),
        "kept_in_1_of_10": np.quantile(kept, 0.1),
        "steps": np.mean([search.steps for search in searches]),
        "seconds": np.mean([search.seconds for search in searches]),
        "stopped": np.mean([search.stopped for search in searches]),
        "would_have_grown": np.mean([stop.grew for stop in stops]) if stops else 0.0,
        "would_have_entered": np.mean([stop.entered for stop in stops]) if stops else 0.0,
    }
    return {name: round(float(value), 4) for name, value in figures.items()}


def calibration(decisions: Iterable[Decision]) -> list[dict[str, float]]:
    """Return, for bands of the chance the rule gave, how often the trial would have made the front grow."""
    known = [decision for decision in decisions if decision.chance < 1]
    rows = []
    for low, high in itertools.pairwise(_BINS):
        inside = [decision for decision in known if low <= decision.chance < high]
        if inside:
            said, true = np.mean([[decision.chance, decision.grew] for decision in inside], axis=0).round(4)
            rows.append({"from": low, "to": high, "decisions": len(inside), "said": said, "true": true})
    return rows


def trade_off(table: Table, seeds: Iterable[int]) -> list[dict[str, float]]:
    """Return the figures of searches over confidence and over the growth that counts."""
    return [
        {"growth": growth, "confidence": confidence}
        | summary([replay(table, seed, confidence=confidence, growth=growth) for seed in seeds])
        for growth in _GROWTHS
        for confidence in _CONFIDENCES
    ]


def draw(rows: Sequence[Mapping[str, Any]], path: Path) -> None:
    """Draw hypervolume kept against steps spent, a line for each growth that counts."""
    figure = Figure(figsize=(8, 5), dpi=150, layout="constrained")
    axes = figure.add_subplot()
    axes.fill_between([0, _SPENT], _KEPT, 1, color="#e8f0e4", lw=0, label=f"{_KEPT:.0%} for {_SPENT:.0%}")
    for growth, colour in zip(_GROWTHS, ("#b8bcc2", "#7fa8d1", "#1f5fa8", "#d1622b"), strict=True):
        line = [row for row in rows if row["growth"] == growth]
        axes.plot([r["steps"] for r in line], [r["kept"] for r in line], "o-", ms=4, color=colour, label=f"{growth:g}")
        if growth == GROWTH:
            for row in line:
                axes.annotate(
                    f"{row['confidence']:.0%}", (row["steps"], row["kept"]), (4, -11), textcoords="offset points"
                )
    axes.plot(
        *[[r[k] for r in rows if (r["growth"], r["confidence"]) == (GROWTH, CONFIDENCE)] for k in ("steps", "kept")],
        "o",
        ms=11,
        mfc="none",
        mec="black",
        label="the rule",
    )
    axes.set_xlim(0, 1)
    axes.set_xlabel("optimiser steps spent, share of finishing every trial")
    axes.set_ylabel("hypervolume kept")
    axes.grid(True, color="#e6e6e6", lw=0.6)
    axes.set_axisbelow(True)
    axes.legend(loc="lower right", frameon=False, title="what counts, in average trials")
    figure.savefig(path)


if __name__ == "__main__":
    main()
