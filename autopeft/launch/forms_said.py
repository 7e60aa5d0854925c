"""What data levers make of training rows, in words, before anything trains: how many, how long, in how many seconds."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from itertools import product
from typing import Any

from autopeft.launch.groundwork import Groundwork
from autopeft.levers import AUGMENT, COLUMN, SELECT
from autopeft.tasks import Encoded, texts_beside
from autopeft.trials import Material, drawn, kind_of

__all__ = ["forms_said"]


def forms_said(asked: Mapping[str, Sequence[str]], ground: Groundwork) -> list[str]:
    """Return lines on each form of the training rows that levers may ask for; none where there is but their own.

    Args:
        asked: What is asked for of the data in words, by the knob.
        ground: The groundwork, whose task knows the columns.
    """
    forms, task, setting = [*_forms(asked)], ground.task, ground.setting
    chosen = task.pool is not None and SELECT.name in asked
    if not forms and not chosen:
        return []
    kind, numbers = kind_of(task).under(setting), drawn(task, setting)[0]
    tokenizer = ground.backbone.tokenizer()
    encode = partial(kind.encode, tokenizer=tokenizer, max_length=setting.max_length)
    material = Material(kind, task, numbers, encode, setting.max_length, setting.seed)
    lines = [_pool_said(material, setting.max_length)] if chosen else []
    for name, column, data in forms:
        started = time.perf_counter()
        found = material.form(data)
        seconds = time.perf_counter() - started
        facts = [*_filled(ground, column), *_alike(material.train, found)]
        facts += _cut(material.train, found, setting.max_length)
        copied = "a copy of each row is " if found.examples > material.train.examples else ""
        lines.append(f"{name}: {'; '.join([*facts, f'{copied}made in {seconds:.1f} s, when a trial asks for it'])}")
    return [
        *lines,
        "trials that are to read their rows so compute all layers at every step: nothing is kept of those below the "
        "adapters",
    ]


def _pool_said(material: Material, max_length: int) -> str:
    started = time.perf_counter()
    found = material.form({SELECT.name: "random", "share": 1.0})
    seconds = time.perf_counter() - started
    beside = (
        f"{found.examples - material.train.examples:,} rows of the pool beside {material.train.examples:,} of training"
    )
    facts = [f"chosen from {beside}", *_cut(material.train, found, max_length)]
    return f"data.select: {'; '.join([*facts, f'made in {seconds:.1f} s, when a trial asks for it'])}"


def _forms(asked: Mapping[str, Sequence[str]]) -> Iterator[tuple[str, str | None, dict[str, Any]]]:
    """Yield each form by its name, the column it is of, and what asks for it in the data, for one copy of each row."""
    for column in asked.get(COLUMN.name, ()):
        yield f"data.{COLUMN.name} {column}", column, {COLUMN.name: column}
    for word in asked.get(AUGMENT.name, ()):
        way = AUGMENT.words[word]
        if not way.rewrites:
            continue
        named = [knob for knob in way.knobs if knob.kind == "name"]
        fixed = {f"{word}_{knob.name}": knob.low if knob.kind == "int" else knob.default for knob in way.knobs}
        for columns in product(*(asked[f"{word}_{knob.name}"] for knob in named)):
            chosen = dict(zip((f"{word}_{knob.name}" for knob in named), columns, strict=True))
            said = f"data.{AUGMENT.name} {' '.join((word, *columns))}"
            yield said, columns[0] if columns else None, {AUGMENT.name: word, **fixed, **chosen}


def _filled(ground: Groundwork, column: str | None) -> Iterator[str]:
    if column is None:
        return
    cells = texts_beside(ground.task, column)
    filled = sum(cell is not None for cell in cells)
    kept = "" if filled == len(cells) else f", the others keep {ground.task.kind.replaced}"
    rows = "training examples" if ground.task.pool is None else "examples of training and pool"
    yield f"{filled:,} of {len(cells):,} {rows} have something there{kept}"


def _alike(own: Encoded, form: Encoded) -> Iterator[str]:
    """Say how many further copies are what their rows are anyway."""
    before, after = (each.inputs.get("input_ids", []) for each in (own, form))
    copies = after[len(before) :]
    same = sum(copy == row for copy, row in zip(copies, before, strict=False))
    if same:
        yield f"{same:,} of {len(copies):,} copies are as their texts are"


def _cut(own: Encoded, form: Encoded, max_length: int) -> Iterator[str]:
    """Say how many are cut, or left out, where these are more than in their own form."""
    if form.truncated > own.truncated:
        yield f"{form.truncated:.0%} are cut at {max_length} tokens (--max-length), {own.truncated:.0%} as they are"
    if form.dropped > own.dropped:
        yield f"{form.dropped:,} are left out, for the cut leaves nothing to learn"
