"""The rule: what is used and what is said to be left out are the rows there are, and what is used is right."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path
from typing import Any

from autopeft.errors import AutopeftError
from autopeft.tasks import Task, TaskSpec, load_task
from tests.tasks.dirty.forms import written
from tests.tasks.dirty.recipe import Recipe, made
from tests.tasks.dirty.sheet import Pair, Row, Sheet

__all__ = ["check_table", "fates_met"]

_LINE = re.compile(r"line (\d+)")
#: Letters beyond ASCII; half of one is none.
_FOREIGN = re.compile("[\u0080-\ud7ff\ue000-\U0010ffff]")


def check_table(recipe: Recipe, folder: Path) -> str:
    """Write the rows of a recipe, read them, and hold what comes of it against what was written.

    Returns:
        `read` or `refused`.

    Raises:
        AssertionError: When the rule is broken.
    """
    sheets = made(recipe)
    named = written(sheets, recipe, folder)
    first = sheets["train"]
    try:
        task = load_task(TaskSpec.of(**named, text=first.text, label=first.label))
    except AutopeftError as error:
        _check_refusal(str(error), sheets, recipe, folder)
        return "refused"
    assert isinstance(task, Task)
    strictest = {sheet.verdict for sheet in sheets.values()}
    if task.kind.name != "classification":
        assert strictest != {"read"}, f"taken for a task of {task.kind.name}"
        assert task.kind.name in task.describe()[0], "another kind is not told"
        return "refused"
    assert "refused" not in strictest, "read, and should have been refused"
    _check_reading(task, sheets, recipe)
    return "read"


def _check_refusal(message: str, sheets: dict[str, Sheet], recipe: Recipe, folder: Path) -> None:
    assert any(sheet.verdict != "read" for sheet in sheets.values()), f"refused, and should have been read: {message}"
    # Of two kinds of dirt either may be the reason.
    about = [word for sheet in sheets.values() for word in sheet.about if len(recipe.dirt) == 1]
    assert not about or any(word.lower() in message.lower() for word in about), f"none of {about} in: {message}"
    assert "Traceback" not in message
    dirty = [row for sheet in sheets.values() for row in sheet.rows if row.touched and row.line]
    touched = {row.line + more for row in dirty if row.line for more in range(row.lines)}
    found = [int(number) for number in _LINE.findall(message)]
    if touched and found and len(recipe.dirt) == 1:
        assert touched & set(found), f"it was line {sorted(touched)}: {message}"
    if not about:
        stems = [path.name.partition(".")[0] for path in folder.rglob("*")]
        assert any(stem in message for stem in stems), f"no file is named: {message}"


def _check_reading(task: Task, sheets: dict[str, Sheet], recipe: Recipe) -> None:
    used = {split: _pairs(task, split) for split in task.splits}
    if not recipe.apart:
        used = {"train": [pair for pairs in used.values() for pair in pairs]}
    said = " ".join(task.describe())
    for split, sheet in sheets.items():
        intake = task.intake[split]
        rows = len(sheet.rows)
        assert intake.rows == rows, f"{intake.rows} rows counted, there are {rows}"
        assert intake.used == len(used[split]), f"{intake.used} said to be used, {len(used[split])} are"
        assert intake.used + sum(map(len, intake.drops.values())) == rows
        found = [_canonical(pair, sheet, recipe) for pair in used[split]]
        fates = [[fate and _canonical(fate, sheet, recipe) for fate in row.fates] for row in sheet.rows]
        fates_met(fates, found)
        assert not intake.drops or "dropped" in said, "what is dropped is not told"
        _check_places(intake, sheet, recipe)
        for name in sheet.unused:
            assert not name or any(name in each for each in intake.unused), f"{name} is not named: {intake.unused}"
        assert len(intake.unused) >= len(set(sheet.unused)), f"{sheet.unused}, but said: {intake.unused}"
        assert all(word in said for word in sheet.said), f"not all of {sheet.said} in: {said}"
        if sheet.remarked and any(row.touched for row in sheet.rows) and not intake.drops:
            assert intake.remarks, "nothing is remarked"
        _check_notes(intake, sheet, recipe)
    names = {pair[1] for sheet in sheets.values() for row in sheet.rows for pair in row.fates if pair}
    assert len(task.schema.labels) <= len(names), f"{task.schema.labels} are more classes than {sorted(names)}"


def _pairs(task: Task, split: str) -> list[Pair]:
    part = task.splits[split]
    return [(str(text), task.schema.labels[label]) for text, label in zip(part.texts, part.labels, strict=True)]


def fates_met(fates: list[list[Any]], found: list[Any]) -> None:
    """Hold what rows are used as against what may become of them.

    Args:
        fates: For each row what it may be used as; None stands for being left out.
        found: What is used.

    Raises:
        AssertionError: When a row is missing, or something is used that is none of them.
    """
    left = Counter(found)
    missing = []
    for row in sorted(fates, key=len):
        taken = next((fate for fate in row if fate is not None and left[fate] > 0), None)
        if taken is not None:
            left[taken] -= 1
        elif None not in row:
            missing.append(row[0])
    further = list((+left).elements())
    assert (missing, further) == ([], []), f"not used: {missing[:3]}; used, and should not be: {further[:3]}"


def _canonical(pair: Pair, sheet: Sheet, recipe: Recipe) -> Pair:
    """Return a pair as it counts: a number however it is written, and of code pages, which are guessed, ASCII."""
    text, label = (part.replace("\r\n", "\n").replace("\r", "\n").strip() for part in pair)
    if not sheet.literal:
        label = _number(label)
    if not sheet.wide:
        text, label = (_FOREIGN.sub("?", part) for part in (text, label))
    return text, label


def _number(label: str) -> str:
    try:
        return f"{float(label.replace(',', '.')):g}"
    except ValueError:
        return label.lower()


def _check_places(intake: Any, sheet: Sheet, recipe: Recipe) -> None:
    """Rows that are left out are named by their lines, where there are lines."""
    places = [place for each in intake.drops.values() for place in each]
    lines = [int(match.group(1)) for place in places if (match := _LINE.search(place))]
    if recipe.kind in ("csv", "tsv", "jsonl", "json"):
        assert len(lines) == len(places), f"no line in {places}"
        assert set(lines) <= {row.line for row in sheet.rows if None in row.fates}, f"wrong lines: {places}"


def _check_notes(intake: Any, sheet: Sheet, recipe: Recipe) -> None:
    """What was recognised is said."""
    notes = " ".join(intake.notes)
    if recipe.kind in ("csv", "tsv") and recipe.delimiter != {"csv": ",", "tsv": "\t"}[recipe.kind]:
        assert intake.notes, f"the delimiter {recipe.delimiter!r} is not told"
    if recipe.encoding.startswith("cp") and any(not _ascii(row) for row in sheet.rows):
        assert re.search(r"cp\d+|encod|UTF-8", notes), f"nothing is said of the encoding: {notes}"


def _ascii(row: Row) -> bool:
    return all(str(cell).isascii() for cell in row.cells)
