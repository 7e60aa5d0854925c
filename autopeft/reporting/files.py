"""The front as files in the run folder: front.json, front.csv and front.png."""

from __future__ import annotations

import csv
import json
from typing import Any

from autopeft.launch import SearchResult
from autopeft.reporting.charts.front import front_chart
from autopeft.reporting.paper import draw
from autopeft.reporting.run import run_of
from autopeft.selection import expected_half_width
from autopeft.spreadsheets import harmless
from autopeft.whole_file import whole_file, write_json

__all__ = ["front_data", "write_front"]

_CSV_COLUMNS = ("accuracy", "over_stock", "baseline", "in_words", "configuration")


def front_data(result: SearchResult) -> dict[str, Any]:
    """Return what `front.json` holds: the front's rows, the baselines, the budget, the spec, and what test can tell."""
    spec = result.study.user_attrs["spec"]
    states = [trial.state.name for trial in result.study.get_trials(deepcopy=False)]
    return result.front.to_dict() | {
        "metric": spec["metric"],
        "budget": {
            "text": spec["budget"],
            "params": result.scale.limit,
            "share": result.scale.limit / result.scale.backbone,
        },
        "backbone_params": result.scale.backbone,
        "cheapest_params": result.scale.cheapest,
        "trials": {state.lower(): states.count(state) for state in sorted(set(states))},
        "spec": spec,
        "power": {
            name: {"examples": count, "as_independent": alone, "half_width": expected_half_width(name, alone)}
            for name, (count, alone) in result.held_out.items()
        },
    }


def write_front(result: SearchResult) -> None:
    """Write front.json, front.csv and front.png into the run folder."""
    data = front_data(result)
    write_json(result.folder / "front.json", data)
    with whole_file(result.folder / "front.csv") as partial, partial.open("w", newline="", encoding="utf8") as file:
        costs = [name for name in result.scale.costs if name != "params"]
        columns = ("trial", "params", "share", *costs, *_CSV_COLUMNS)
        # `accuracy` is the metric that trials are judged by, whatever else is called so.
        metrics = [name for row in data["front"][:1] for name in row["metrics"] if name not in columns]
        writer = csv.DictWriter(file, (*columns, *metrics), extrasaction="ignore")
        writer.writerow({name: harmless(name) for name in writer.fieldnames})
        for row in data["front"]:
            cells = row["metrics"] | row["costs"] | row | {"configuration": json.dumps(row["configuration"])}
            writer.writerow({name: harmless(cell) if isinstance(cell, str) else cell for name, cell in cells.items()})
    draw(front_chart(run_of(result)), [result.folder / "front.png"])
