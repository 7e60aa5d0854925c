"""What else a run and a training leave: damaged, it is named, and nothing is taken for what it is not."""

import json
import shutil

import pytest

from tests.bad_input.case import Case, check_refused
from tests.bad_input.damage import cut, emptied, foreign, gone
from tests.bad_input.test_damaged_studies import RESUME
from tests.cli.in_process import run_here

AGAIN = "train run --pick stock -o trained --merge"
SEED = "run/finalists/stock-lora*/seed-1"
BROKEN = (cut, emptied, foreign)

#: The file, what is done to it, by which verbs, and what is said; the first of each is tried every time.
RECORDS = [
    (
        "run/finalists.json",
        BROKEN,
        ("select run", "report run", AGAIN),
        ("finalists.json", "move it away and run `autopeft select"),
    ),
    (
        "run/study.yaml",
        (emptied, foreign),
        ("front run", "select run", "search run/study.yaml"),
        ("study.yaml", "expected a mapping such as"),
    ),
    ("run/finalists/*/look.json", BROKEN, ("select run",), ("look.json", "delete it")),
    (
        f"{SEED}/finalist.json",
        BROKEN,
        ("select run",),
        ("finalist.json", "away, and the next `autopeft select` makes it again"),
    ),
    (
        f"{SEED}/validation.npy",
        (*BROKEN, gone),
        ("select run",),
        ("validation.npy", "the scores of a finalist", "away, and the next"),
    ),
    (f"{SEED}/test.npy", BROKEN, ("select run",), ("test.npy", "the scores of a finalist", "away, and the next")),
    (
        f"{SEED}/adapter_model.safetensors",
        (*BROKEN, gone),
        ("export run --pick stock -o out",),
        ("adapter_model.safetensors", "move it away"),
    ),
    (
        f"{SEED}/adapter_config.json",
        (*BROKEN, gone),
        ("export run --pick stock -o out",),
        ("adapter_config.json", "move it away"),
    ),
    ("trained/metrics.json", (*BROKEN, gone), (AGAIN,), ("metrics.json", "delete trained to train again")),
    ("trained/training.json", (*BROKEN, gone), (AGAIN,), ("training.json", "give another folder, or delete")),
    (
        "trained/adapter_model.safetensors",
        (*BROKEN, gone),
        (AGAIN,),
        ("adapter_model.safetensors", "delete trained to train again"),
    ),
    (
        "trained/adapter_model.safetensors",
        (*BROKEN, gone),
        ("predict trained -i good", "evaluate trained --data good.csv"),
        ("adapter_model.safetensors",),
    ),
    (
        "trained/autopeft.json",
        (*BROKEN, gone),
        ("predict trained -i good", "evaluate trained --data good.csv"),
        ("autopeft.json", "expected a folder of saved adapters"),
    ),
    ("trained/predict.json", (*BROKEN, gone), ("predict trained -i good",), ("predict.json",)),
    ("trained/config.json", (*BROKEN, gone), ("predict trained -i good",), ("trained", "config")),
    ("trained/tokenizer.json", (*BROKEN, gone), ("predict trained -i good",), ("cannot load what is in trained",)),
    (
        "trained/merged/model.safetensors",
        (*BROKEN, gone),
        ("predict trained/merged -i good",),
        ("cannot load what is in trained/merged",),
    ),
]

CASES = [
    pytest.param(
        *(file, damage, verb, said),
        id=f"{file} {damage.__name__} {verb}",
        marks=() if (damage, verb) == (damages[0], verbs[0]) else pytest.mark.slow,
    )
    for file, damages, verbs, said in RECORDS
    for damage in damages
    for verb in verbs
]


@pytest.mark.parametrize(("file", "damage", "verb", "said"), CASES)
def test_a_damaged_record_is_named(file, damage, verb, said, folder):
    damage(sorted(folder.glob(file))[0])
    check_refused(Case(verb, verb, said), folder, folder)


def test_readings_of_test_are_never_counted_as_fewer(folder):
    notes = folder / "run" / "test-readings.jsonl"
    counted = json.loads((folder / "run" / "finalists.json").read_text())["test_readings"]
    notes.unlink()
    found = run_here("select", "run", "--json", cwd=folder)
    assert json.loads(found.stdout)["test_readings"] == counted
    notes.write_bytes(b"\xff\xfe\n{}\n")
    said = ("test-readings.jsonl", "move it away to count anew")
    check_refused(Case("select", "select run", said), folder, folder)


def test_finalists_of_another_run_are_named(folder):
    file = folder / "run" / "finalists.json"
    found = json.loads(file.read_text())
    found["finalists"][-1] |= {"name": "trial-77", "trial": 77, "baseline": None}
    file.write_text(json.dumps(found))
    said = ("finalists.json names trial-77", "it is of another run")
    check_refused(Case("export", "export run -o out", said), folder, folder)


def test_what_is_written_again_may_be_damaged(folder):
    for name in ("front.json", "front.csv", "front.png"):
        cut(folder / "run" / name)
    assert run_here("front", "run", cwd=folder).returncode == 0
    assert run_here(*RESUME.split(), cwd=folder).returncode == 0
    assert json.loads((folder / "run" / "front.json").read_text())["front"]


def test_a_merged_model_may_be_deleted_and_made_again(folder):
    shutil.rmtree(folder / "trained" / "merged")
    done = run_here(*AGAIN.split(), cwd=folder)
    assert done.returncode == 0, done.stderr
    assert (folder / "trained" / "merged" / "model.safetensors").is_file()
