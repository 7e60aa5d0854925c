"""The same rows give the same task, whatever stands between."""

from __future__ import annotations

import csv
import datetime
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from autopeft.tasks import TaskSpec, load_task

ROWS: list[dict[str, Any]] = [
    {
        "text": f'row {number}, with a\nline and a "quote"' if number % 3 else f"größer {number}; 電影",
        "label": ("good", "bad", "so so")[number % 3],
        "ask": f"what is {number}\nplus {number}?",
        "answer": f'it is {2 * number}, "{2 * number}"',
        "count": number % 4,
        "half": number + 0.5,
        "flag": number % 2 == 0,
        "day": datetime.date(2024, 1, 1) + datetime.timedelta(days=number),
        "note": None if number % 5 == 0 else "seen",
    }
    for number in range(90)
]

Writer = Callable[[list[dict[str, Any]], Path], None]


def plain(value: Any) -> Any:
    """Return a value as JSON has it."""
    return value.isoformat() if isinstance(value, datetime.date) else value


def as_delimited(delimiter: str) -> Writer:
    def write(rows: list[dict[str, Any]], path: Path) -> None:
        with path.open("w", newline="", encoding="utf8") as file:
            writer = csv.writer(file, delimiter=delimiter)
            writer.writerow(rows[0])
            for row in rows:
                cells = [plain(value) for value in row.values()]
                writer.writerow([json.dumps(cell) if isinstance(cell, bool | int | float) else cell for cell in cells])

    return write


def as_lines(rows: list[dict[str, Any]], path: Path) -> None:
    path.write_text("".join(json.dumps({name: plain(value) for name, value in row.items()}) + "\n" for row in rows))


def as_array(rows: list[dict[str, Any]], path: Path) -> None:
    path.write_text(json.dumps([{name: plain(value) for name, value in row.items()} for row in rows], indent=2))


def as_parquet(rows: list[dict[str, Any]], path: Path) -> None:
    pq.write_table(pa.Table.from_pylist(rows), path)


def as_saved(rows: list[dict[str, Any]], path: Path) -> None:
    import datasets

    datasets.Dataset(datasets.table.InMemoryTable(pa.Table.from_pylist(rows))).save_to_disk(path)


def in_shards(write: Writer, ending: str) -> Writer:
    def write_all(rows: list[dict[str, Any]], path: Path) -> None:
        path.mkdir()
        for number in range(3):
            write(rows[number * 30 : number * 30 + 30], path / f"part-{number}.{ending}")

    return write_all


FORMS = {
    "csv": as_delimited(","),
    "tsv": as_delimited("\t"),
    "jsonl": as_lines,
    "json": as_array,
    "parquet": as_parquet,
    "saved": as_saved,
    "shards": in_shards(as_parquet, "parquet"),
    "lines": in_shards(as_lines, "jsonl"),
}


@pytest.mark.parametrize(
    "asked",
    [
        {"text": "text", "label": "label"},
        {"text": "text", "text2": "ask", "label": "flag"},
        {"text": "ask", "label": "count"},
        {"text": "half", "label": "count"},
        {"text": "day", "label": "label"},
        {"prompt": "ask", "completion": "answer"},
        {"prompt": "day", "completion": "half"},
        {"prompt": "text", "completion": "flag"},
    ],
    ids=lambda asked: "-".join(asked.values()),
)
def test_the_same_rows_give_the_same_fingerprint(tmp_path: Path, asked: dict[str, str]) -> None:
    found = {}
    for name, write in FORMS.items():
        # The folder, not the file, may give the task its name, which is no part of the data.
        path = tmp_path / (name if name in ("saved", "shards", "lines") else f"rows.{name}")
        write(ROWS, path)
        found[name] = load_task(TaskSpec.of(data=str(path), **asked)).fingerprint
    assert set(found.values()) == {found["csv"]}, found
    assert load_task(TaskSpec.of(data=str(tmp_path / "lines" / "part-*.jsonl"), **asked)).fingerprint == found["csv"]


def test_null_is_missing_where_a_form_can_say_it_and_text_in_delimited_files(tmp_path: Path) -> None:
    rows = [row | {"text": ("null", None, "")[place // 5]} if place < 15 else row for place, row in enumerate(ROWS)]
    used = {}
    for name, write in FORMS.items():
        path = tmp_path / (name if name in ("saved", "shards", "lines") else f"rows.{name}")
        write(rows, path)
        task = load_task(TaskSpec.of(data=str(path), text="text", label="label"))
        used[name] = (task.intake["train"].used, task.fingerprint)
    assert {count for count, _ in used.values()} == {80}
    assert len({fingerprint for _, fingerprint in used.values()}) == 1, used
