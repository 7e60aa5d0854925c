"""Folders and storages that cannot be written, or that hold something else."""

import pytest

from tests.bad_input.case import Case, check_refused
from tests.bad_input.rows import CSV

GOOD = {"data.csv": CSV}
SEARCH = "search --model {place}/tiny-bert --data data.csv --budget 20% --trials 2 --workers 0 --epochs 1 --no-select "
MINE = "modules: {lora: {rank: 2}}"
TRAIN = "train mine.yaml --model {place}/tiny-bert --data data.csv --epochs 1 "

CASES = [
    Case(
        "a file in place of a run folder",
        SEARCH + "-o data.csv",
        ("cannot write to the output folder", "choose another with --out"),
        GOOD,
    ),
    Case(
        "a run folder in a file",
        SEARCH + "-o data.csv/run",
        ("cannot write to the output folder", "choose another with --out"),
        GOOD,
    ),
    Case(
        "a run folder of a name too long",
        SEARCH + "-o " + "x" * 300,
        ("cannot write to the output folder", "choose another with --out"),
        GOOD,
    ),
    Case(
        "a folder that nobody may write",
        SEARCH + "-o /proc/run",
        ("cannot write to the output folder /proc/run (No such file or directory", "choose another with --out"),
        GOOD,
    ),
    Case(
        "a storage that is a path",
        SEARCH + "-o run --storage mine.db",
        (
            "cannot open the storage mine.db: Could not parse SQLAlchemy URL from",
            "give another by --storage, or leave it out",
        ),
        GOOD,
    ),
    Case(
        "a storage of a database that is none",
        SEARCH + "-o run --storage oracel://host/db",
        ("cannot open the storage oracel://host/db: Can't load plugin:", "give another by --storage, or leave it out"),
        GOOD,
    ),
    Case(
        "a storage that needs what is not installed",
        SEARCH + "-o run --storage mysql://host/db",
        (
            "cannot open the storage mysql://host/db",
            "give another by --storage, or leave it out",
        ),
        GOOD,
    ),
    Case(
        "a storage in a folder that is not there",
        SEARCH + "-o run --storage sqlite:///nowhere/mine.db",
        ("cannot open the storage sqlite:///", "give another by --storage, or leave it out"),
        GOOD,
    ),
    Case(
        "a storage that is text",
        SEARCH + "-o run --storage sqlite:///data.csv",
        ("is no SQLite database", "expected the database of a study: put it back from a copy,"),
        GOOD,
    ),
    Case(
        "a storage that is a folder",
        SEARCH + "-o run --storage sqlite:///folder",
        ("is a folder", "expected the database of a study: put it back from a copy,"),
        GOOD | {"folder/x": ""},
    ),
    Case(
        "a training over a file",
        TRAIN + "-o data.csv",
        ("is a file", "expected a folder to write: give another"),
        GOOD | {"mine.yaml": MINE},
    ),
    Case(
        "a training over files of mine",
        TRAIN + "-o mine",
        (
            "holds thesis.tex, which autopeft did not write there or an earlier",
            "give another folder, or move away what is there",
        ),
        GOOD | {"mine.yaml": MINE, "mine/thesis.tex": "x"},
    ),
    Case(
        "a training where the command runs",
        TRAIN + "-o .",
        ("is where the command runs, and cannot be replaced as a whole", "give a folder in it, such as"),
        GOOD | {"mine.yaml": MINE},
    ),
]

RUNS = [
    Case(
        "an export over files of mine",
        "export {place}/run --pick stock -o mine",
        (
            "holds thesis.tex, which autopeft did not write there or an earlier",
            "give another folder, or move away what is there",
        ),
        {"mine/thesis.tex": "x"},
    ),
    Case(
        "an export over a file",
        "export {place}/run --pick stock -o mine",
        ("is a file", "expected a folder to write: give another"),
        {"mine": "x"},
    ),
    Case(
        "an export to a target that is none",
        "export {place}/run --to peff -o out",
        ("unknown target 'peff", "did you mean 'peft'?"),
        {},
    ),
    Case(
        "a pick that is none",
        "export {place}/run --pick bset -o out",
        ("unknown pick 'bset", "expected best, knee, `cheapest-within 0.5pt`, `budget"),
        {},
    ),
    Case(
        "a pick of no trial",
        "export {place}/run --pick 999 -o out",
        ("no trial that was measured has the number 999", "expected one of 0, 1, 2"),
        {},
    ),
    Case(
        "a pick within no points",
        "export {place}/run --pick 'cheapest-within half a point' -o out",
        ("unknown pick 'cheapest-within half a point", "expected best, knee, `cheapest-within 0.5pt`, `budget"),
        {},
    ),
    Case(
        "a pick within a budget too small",
        "train {place}/run --pick 'budget 0.000001%' -o out",
        ("budget 0.000001% of 32,544 parameters is less than one parameter", "raise it"),
        {},
    ),
    Case(
        "a pick within no budget",
        "train {place}/run --pick 'budget cheap' -o out",
        ("cannot read the budget 'cheap", "expected a share of the backbone such as `1%`, or a number"),
        {},
    ),
    Case(
        "a reference that was not measured",
        "train {place}/run --pick low-rank-all -o out",
        ("this run has not measured low-rank-all", "it has head, stock"),
        {},
    ),
    Case(
        "a target that trains other tasks",
        "export {place}/run --pick stock --to axolotl -o out",
        ("axolotl trains causal language models, and the task good (lora)", "expected --to transformers or --to peft"),
        {},
    ),
    Case(
        "a report over a file",
        "report {place}/run -o mine",
        ("cannot write to the output folder mine/figures (Not a directory", "choose another with --out"),
        {"mine": "x"},
    ),
    Case(
        "a comparison in a file",
        "compare {place}/run {place}/run -o mine",
        ("cannot write to the output folder mine (File exists", "choose another with --out"),
        {"mine": "x"},
    ),
    Case(
        "a run with itself changed",
        SEARCH.replace("--budget 20%", "--budget 10%").replace("data.csv", "{place}/good.csv") + "-o {place}/run",
        ("holds a study of another spec: budget: the study has 20%, this run",),
        {},
    ),
    Case(
        "predictions in a file of another kind",
        "predict {place}/trained data.csv -o out.xlsx",
        ("cannot write out.xlsx", "a name that ends in one of: .csv, .tsv, .jsonl"),
        GOOD,
    ),
    Case(
        "predictions in a folder that is not there",
        "predict {place}/trained data.csv -o nowhere/out.csv",
        ("cannot write nowhere/out.csv: No such file or directory", "give another place"),
        GOOD,
    ),
    Case(
        "predictions of a file and of texts",
        "predict {place}/trained data.csv --input good",
        ("expected texts or a file to predict, and not both", "found both"),
        GOOD,
    ),
    Case(
        "predictions of nothing at all",
        "predict {place}/trained",
        ("expected texts or a file to predict, and not both", "found neither"),
        {},
    ),
    Case(
        "predictions of other columns",
        "predict {place}/trained data.csv --text body",
        ("data.csv' has no column 'body", "Name the columns with --text and --text2"),
        GOOD,
    ),
    Case(
        "predictions of a column for other kinds",
        "predict {place}/trained data.csv --messages text",
        ("found --messages", "what was trained reads columns named by --text"),
        GOOD,
    ),
    Case(
        "predictions by another model",
        "predict {place}/trained -i good --model {place}/tiny-llama",
        ("are for a bert model, and tiny-llama is a llama model", "name the one that they are for by --model"),
        {},
    ),
    Case(
        "adapters on other labels",
        "evaluate {place}/trained --data other.csv",
        ("do not know 'x', labels of other", "Name the column of their labels by --label"),
        {"other.csv": CSV.replace(",a", ",x")},
    ),
    Case(
        "adapters on another kind of data",
        "evaluate {place}/trained --data n.csv",
        ("do not know '1.5', '2.25', labels of n", "Name the column of their labels by --label"),
        {"n.csv": CSV.replace(",a", ",1.5").replace(",b", ",2.25")},
    ),
    Case(
        "adapters on another model",
        "evaluate {place}/trained --data data.csv --model {place}/tiny-llama",
        ("does not fit the model: tensors of other names,", "give that by --model"),
        GOOD,
    ),
    Case(
        "a classifier fused with a decoder",
        "fuse {place}/trained --on {place}/tiny-llama --data data.csv",
        ("trained classifies texts; expected adapters of a decoder that writes text",),
        GOOD,
    ),
    Case(
        "a run of classifiers fused with a decoder",
        "fuse {place}/run --pick stock --on {place}/tiny-llama",
        ("classifies texts; expected adapters of a decoder that writes text",),
        {},
    ),
    Case(
        "a folder fused that holds neither a run nor adapters",
        "fuse . --on {place}/tiny-llama",
        ("no study in .: expected study.db", "give the folder of a run"),
        {},
    ),
    Case(
        "a training that is another one",
        "train {place}/run --pick stock --seed 7 -o {place}/trained",
        ("holds a finished training with another data, seed", "give another folder, or delete"),
        {},
    ),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_folder_is_refused(case, tmp_path, place):
    check_refused(case, tmp_path, place)


@pytest.mark.parametrize("case", RUNS, ids=lambda case: case.name)
def test_what_a_run_left_is_kept(case, tmp_path, after):
    check_refused(case, tmp_path, after)
