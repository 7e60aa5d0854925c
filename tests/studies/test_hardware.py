"""The table of what ran on which hardware is made of records, which `tests/gpu` writes."""

import os
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from studies.hardware.records import HERE, Cell, Record, read_records, word
from studies.hardware.rows import COLUMNS, PRETENDED, ROWS
from studies.hardware.show import details, table
from tests.gpu.machine import file_name

TOP = Path(__file__).parents[2]
CARD = Record("cuda", 1, "NVIDIA H200", {"system": "Linux"})


def test_the_table_and_the_page_say_what_the_records_say():
    records = read_records()
    assert table(records) in (TOP / "docs" / "how-to" / "what-it-ran-on.md").read_text(encoding="utf8")
    assert details(records) in (HERE / "README.md").read_text(encoding="utf8")


def test_records_lie_under_the_names_that_they_are_written_to():
    assert {path.name for path in HERE.glob("*.json")} == {file_name(record) for record in read_records()}


def test_every_row_has_tests_and_all_that_is_pretended_is_in_the_table():
    files = [path.read_text(encoding="utf8") for path in (TOP / "tests" / "gpu").glob("test_*.py")]
    marked = set(re.findall(r'mark\.cell\("(\w+)"\)', "".join(files)))
    # These two share a test.
    assert marked | {"4bit", "8bit"} == set(ROWS)
    assert all(row in ROWS and column in COLUMNS for row, column in PRETENDED)
    assert not any(
        re.search(
            r"^(from|import) (?!__future__|contextlib|dataclasses|functools|importlib|json|pytest|time"
            r"|tests\.methods)",
            text,
            re.MULTILINE,
        )
        for text in files
    )


@pytest.mark.parametrize(
    ("cells", "said"),
    [
        ([], "never run"),
        ([Cell(skipped=3)], "never run"),
        ([Cell(passed=2)], "yes"),
        ([Cell(passed=2, skipped=1)], "in part"),
        ([Cell(passed=2, failed=1)], "fails"),
        ([Cell(passed=2), Cell(passed=1, failed=1)], "fails"),
        ([Cell(passed=2), Cell(skipped=1)], "yes"),
    ],
)
def test_a_cell_says_the_worst_of_what_was_recorded(cells, said):
    records = [replace(CARD, cells={"train": {"auto": cell}}) for cell in cells]
    assert word(records, "train", "cuda") == said
    assert word(records, "train", "cudas") == word(records, "trials", "cuda") == "never run"
    several = [replace(record, count=2) for record in records]
    assert word(several, "train", "cudas") == said


def test_nothing_is_pretended_of_what_was_recorded():
    assert word([], "workers", "cudas") == "pretended"
    several = replace(CARD, count=2, cells={"workers": {"auto": Cell(passed=1)}})
    assert word([several], "workers", "cudas") == "yes"
    assert [file_name(each) for each in (CARD, several)] == ["nvidia-h200.json", "2x-nvidia-h200.json"]


def run(folder, *words):
    """Run tests of `tests/gpu` as `make gpu` does, with Ray and TRL missing; return what pytest said."""
    (folder / "lacking.py").write_text("import sys\nsys.modules['ray'] = sys.modules['trl'] = None\n")
    command = [sys.executable, "-m", "pytest", "tests/gpu", "-m", "gpu", "-o", "addopts=", "--strict-markers", "-ra"]
    command += ["--confcutdir", "tests/gpu", "-p", "lacking", "--record", str(folder / "records"), *words]
    env = {**os.environ, "PYTHONPATH": os.pathsep.join([str(folder), str(TOP)]), "CUDA_VISIBLE_DEVICES": ""}
    done = subprocess.run(command, capture_output=True, text=True, cwd=TOP, env=env, timeout=900)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.slow
def test_without_a_card_every_test_is_skipped_and_says_why(tmp_path):
    said = run(tmp_path)
    assert "sees no CUDA here" in said
    assert re.search(r"= \d+ skipped in", said)
    assert not (tmp_path / "records").exists()


@pytest.mark.slow
def test_on_the_processor_rows_are_recorded_and_what_lacks_a_package_is_skipped(tmp_path):
    chosen = "bf16 and (together or search_goes or chat or workers or (no_trace and (ia3 or vera)))"
    said = run(tmp_path, "--on", "cpu", "-k", chosen)
    assert re.search(r"SKIPPED \[1\].*needs ray", said)
    [record] = read_records(tmp_path / "records")
    words = {row: {name: cell.word for name, cell in passes.items()} for row, passes in record.cells.items()}
    assert words == {
        "trials": {"bf16": "yes"},
        "methods": {"bf16": "yes"},
        # Without Ray it runs in one process.
        "search": {"bf16": "yes"},
        "export": {"bf16": None},
        "workers": {"bf16": None},
    }
    assert record.cells["export"]["bf16"].reasons == ["needs trl"]
    # Rows of another run stay.
    run(tmp_path, "--on", "cpu", "-k", "bf16 and tokens_and_neurons")
    [record] = read_records(tmp_path / "records")
    assert {"lemo", "trials"} <= record.cells.keys()
