"""The front as files."""

import csv
import json

from autopeft.reporting import read_run, write_front
from tests.reporting.runs import make_run


def test_rows_as_csv_and_json_have_every_metric_and_accuracy_is_what_trials_are_judged_by(tmp_path):
    run = read_run(make_run(tmp_path / "run", costs=("params", "bytes"), metric="macro_f1"))
    write_front(run.result)
    with (tmp_path / "run" / "front.csv").open(newline="") as file:
        table = list(csv.DictReader(file))
    told = json.loads((tmp_path / "run" / "front.json").read_text())["front"]
    assert len(table) == len(told) == len(run.result.front.rows)
    for cells, row in zip(table, told, strict=True):
        assert json.loads(cells["configuration"]) == row["configuration"]
        assert (cells["params"], float(cells["bytes"])) == (str(row["params"]), row["costs"]["bytes"])
        assert row["metrics"] == {"accuracy": 0.9, "macro_f1": row["accuracy"], "loss": 1.0}
        assert cells["macro_f1"] == cells["accuracy"] == str(row["accuracy"])
        assert cells["loss"] == "1.0"
