"""Labels and texts of strangers that spreadsheets would run: in no cell of a CSV or TSV file that is written."""

import csv
import json

import pytest

import autopeft
from autopeft.reporting import files as front_files
from autopeft.reporting import read_run
from autopeft.spreadsheets import harmless
from autopeft.tasks.tables import Table
from autopeft.training import predictions, write_predictions
from autopeft.trials.prediction import Prediction
from tests.reporting.runs import make_run

FORMULAS = [
    "=cmd|' /C calc'!A0",
    "+1+cmd|' /C calc'!A0",
    "-2+3+cmd|' /C calc'!A0",
    "@SUM(1+1)*cmd|' /C calc'!A0",
    "\t=1+1",
    "\r=1+1",
    "\n=1+1",
    "\uff1d1+1",
    '=HYPERLINK("http://evil","click")',
]
PLAIN = ["film", " = b", "-1", "+2.5", "-1e-5", "a=b", "", "1-2", "'quoted'", "-inf", "😀"]


def cells(file):
    with file.open(newline="", encoding="utf8") as stream:
        return [cell for row in csv.reader(stream, delimiter="\t" if file.suffix == ".tsv" else ",") for cell in row]


def hostile():
    """Return rows of a stranger, and what a model trained on a stranger's labels says of them."""
    rows = [(f"line {n}", {"text": text, "=col": n}) for n, text in enumerate([*FORMULAS, *PLAIN])]
    table = Table("rows.jsonl", ("text", "=col"), rows)
    said = [Prediction(FORMULAS[n % len(FORMULAS)]) for n in range(len(rows))]
    return table, said


@pytest.mark.parametrize("ending", ["csv", "tsv"])
def test_no_cell_of_predictions_is_a_formula(ending, tmp_path, monkeypatch):
    table, said = hostile()
    file = tmp_path / f"said.{ending}"
    changed = write_predictions(table, said, file)
    assert changed == len(FORMULAS) + len(said) + 1
    assert not any(cell.startswith(("=", "@", "\uff1d")) for cell in cells(file))
    assert all(text in cells(file) for text in PLAIN)
    monkeypatch.setattr(predictions, "harmless", lambda cell: cell)
    assert write_predictions(table, said, file) == 0
    assert FORMULAS[0] in cells(file)


def test_lines_of_json_have_all_as_it_is(tmp_path):
    table, said = hostile()
    assert write_predictions(table, said, tmp_path / "said.jsonl") == 0
    found = [json.loads(line) for line in (tmp_path / "said.jsonl").read_text().splitlines()]
    assert [row["text"] for row in found] == [*FORMULAS, *PLAIN]


def test_the_front_has_none(tmp_path, monkeypatch):
    result = read_run(make_run(tmp_path / "run", trials=3)).result
    data = front_files.front_data(result)
    for row in data["front"]:
        row["in_words"] = FORMULAS[0]
        row["metrics"] = row["metrics"] | {"=evil": 1.0}
    monkeypatch.setattr(front_files, "front_data", lambda result: data)
    monkeypatch.setattr(front_files, "draw", lambda chart, files: None)
    for guarded in (True, False):
        if not guarded:
            monkeypatch.setattr(front_files, "harmless", lambda cell: cell)
        front_files.write_front(result)
        found = cells(tmp_path / "run" / "front.csv")
        assert any(cell.startswith("=") for cell in found) is not guarded


@pytest.mark.parametrize("text", PLAIN)
def test_what_is_no_formula_stays(text):
    assert harmless(text) == text


def test_the_call_says_how_many(monkeypatch, tmp_path):
    table, said = hostile()
    monkeypatch.setattr("autopeft.api.using.read_routes", lambda folder: {"x": 1})
    monkeypatch.setattr("autopeft.api.using.rows_of_tasks", lambda *words: table)
    found = predictions.Predictions(tuple(said))
    monkeypatch.setattr("autopeft.api.using.predict_tasks", lambda *words, **how: found)
    done = autopeft.predict(tmp_path, output=tmp_path / "said.csv")
    assert done.notes[0].endswith("cells stand behind a ', for spreadsheets would run them; .jsonl has all as it is")
