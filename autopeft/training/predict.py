"""Let something trained say what it has learned to say, of rows without labels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from autopeft.errors import AutopeftError, DataError
from autopeft.saved import Opened, Use
from autopeft.tasks import Split, collate, grouped, pad_id_of
from autopeft.tasks.causal import CausalSplit, Format, offer, prompts_of, questions_of, stop_strings
from autopeft.tasks.intake import Intake, listed
from autopeft.tasks.rows import texts_of
from autopeft.tasks.tables import Row, Table, read_source
from autopeft.tasks.task import Text
from autopeft.training.predictions import Prediction, Predictions
from autopeft.trials import kind_of
from autopeft.trials.choosing import Choosing
from autopeft.trials.classification import logits_of
from autopeft.trials.generation import generate_all

__all__ = ["predict", "rows_for"]

#: Texts that go through a classifier together.
_TOGETHER = 32


def rows_for(
    opened: Opened, texts: Sequence[Text] = (), file: str | Path | None = None, columns: Sequence[str] = ()
) -> tuple[Opened, Table]:
    """Return the rows that something trained is to read, and it, knowing their columns.

    Args:
        opened: Something trained.
        texts: Texts, or pairs of them where it compares two; to a decoder, what is asked or is to be gone on with.
        file: A file, a folder or a pattern of files in place of them, read as a search reads its data.
        columns: Where the texts stand in the file; where they stood in the training data when left out.

    Raises:
        AutopeftError: When both or neither are given, or they are of another form.
    """
    if bool(len(texts)) == (file is not None):
        raise AutopeftError("expected texts or a file to predict, and not both")
    if file is None:
        return opened, _table_of(opened, texts)
    parts = read_source(file, columns)
    if len(parts) > 1:
        raise DataError(f"'{file}' holds {' and '.join(parts)}; expected the rows of one split: name its file")
    table = next(iter(parts.values()))
    wanted = asking_columns(opened.use)
    if columns:
        return _knowing(opened, columns), table
    if len(table.columns) == len(wanted) == 1 and table.columns != wanted:
        # There is no other that could be meant.
        noted = (*table.notes, f"column '{table.columns[0]}' taken for '{wanted[0]}'")
        return _knowing(opened, table.columns), replace(table, notes=noted)
    return opened, table


def asking_columns(use: Use) -> tuple[str, ...]:
    """Return the columns that are read of rows to be predicted."""
    return use.columns if use.form is None else use.form.asking


def _knowing(opened: Opened, columns: Sequence[str]) -> Opened:
    """Return something trained as it reads other columns."""
    use, wanted = opened.use, asking_columns(opened.use)
    if len(columns) != len(wanted):
        raise AutopeftError(
            f"{opened.folder} reads {len(wanted)} column{'s' * (len(wanted) > 1)}, as {' and '.join(wanted)} in its "
            f"training data; found {' and '.join(columns)}"
        )
    if use.form is None:
        return replace(opened, use=replace(use, columns=tuple(columns)))
    form = replace(use.form, columns=(*columns, *use.form.columns[len(wanted) :]))
    return replace(opened, use=replace(use, form=form))


def _table_of(opened: Opened, texts: Sequence[Text]) -> Table:
    """Return texts as rows."""
    form, wanted = opened.use.form, asking_columns(opened.use)
    if form is not None and form.choices:
        raise AutopeftError(f"{opened.folder} chooses among choices, which a text has none of; give a file with both")
    rows: list[Row] = []
    for number, text in enumerate(texts, 1):
        values: tuple[Any, ...] = (text,) if isinstance(text, str) else tuple(text)
        if len(values) != len(wanted):
            expected = "pairs of texts" if len(wanted) == 2 else "single texts"
            raise AutopeftError(f"{opened.folder} reads {expected}; found {len(values)} in input {number}")
        if form is not None and form.conversation:
            values = ([{"role": "user", "content": text}],)
        rows.append((f"input {number}", dict(zip(wanted, values, strict=True))))
    return Table("the input", wanted, rows)


def predict(opened: Opened, table: Table, *, max_new_tokens: int | None = None) -> Predictions:
    """Predict the label of each row of a table, or answer it.

    Args:
        opened: Something trained.
        table: The rows.
        max_new_tokens: Of a decoder, how many tokens an answer has at most; as answers that were learned have when
            left out.

    Returns:
        A prediction for each row, and which rows cannot be read.

    Raises:
        AutopeftError: When the rows lack a column, or something in them has another form.
    """
    found: Sequence[Prediction | None]
    notes = list(opened.notes)
    if opened.use.form is None:
        if max_new_tokens is not None:
            raise AutopeftError(f"{opened.folder} tells labels and writes no answers; leave --max-new-tokens out")
        texts, numbers, intake = texts_of(table, opened.use.columns)
        found, cut = _labels(opened, texts)
        if cut:
            notes.append(f"{cut:,} of {len(texts):,} texts cut at {opened.use.max_length} tokens, as in training")
    else:
        split, numbers, intake = questions_of(table, opened.use.form)
        found = _answers(opened, opened.use.form, split, max_new_tokens or int(opened.use.max_new_tokens or 1))
    rows: list[Prediction | None] = [None] * len(table.rows)
    for number, one in zip(numbers, found, strict=True):
        rows[number] = one
    return Predictions(tuple(rows), (*notes, *_said(intake, rows)))


def _labels(opened: Opened, texts: Sequence[Text]) -> tuple[list[Prediction], int]:
    """Predict the labels of texts, and count those that are cut."""
    if not texts:
        return [], 0
    task, kind = opened.task, kind_of(opened.task)
    encoded = kind.encode(Split(texts, [0] * len(texts)), opened.tokenizer, opened.use.max_length)
    order = list(grouped(encoded, _TOGETHER))
    parts = [(rows, collate(encoded, rows, pad_id_of(opened.tokenizer))) for rows in order]
    _, logits = logits_of(opened.model, parts, opened.use.precision, lambda rows, longest: None)
    probabilities = torch.empty_like(logits)
    probabilities[torch.as_tensor(np.concatenate(order), device=logits.device)] = logits.softmax(dim=1)
    labels = task.labels  # type: ignore[union-attr]
    found = []
    for row in probabilities.double().cpu().numpy():
        best = np.argsort(-row, kind="stable")
        found.append(Prediction(labels[best[0]], {labels[number]: float(row[number]) for number in best}))
    return found, round(encoded.truncated * len(encoded))


def _answers(opened: Opened, form: Format, split: CausalSplit, most: int) -> list[Prediction | None]:
    """Answer questions; those that leave no room for an answer are not."""
    if not len(split):
        return []
    tokenizer, precision = opened.tokenizer, opened.use.precision
    if form.choices:
        questions = offer(split, form, tokenizer)
        choosing = Choosing(questions, [""] * len(questions), tokenizer, _TOGETHER)
        return [Prediction(choice) for choice in choosing.chosen(opened.model, precision)]
    prompts = prompts_of(split, form, tokenizer)
    ends, stops, pad_id = opened.ending_tokens(), stop_strings(form, tokenizer), pad_id_of(tokenizer)
    how: dict[str, Any] = {"ends": ends, "stops": stops, "pad_id": pad_id, "precision": precision}
    room = min(tokenizer.model_max_length, getattr(opened.model.config, "max_position_embeddings", None) or np.inf)
    left = [room - len(prompt) if prompt else 0 for prompt in prompts]
    # What is long is answered by itself, so that it cuts no other answer short.
    together = [number for number, tokens in enumerate(left) if tokens >= most]
    written = generate_all(opened.model, [prompts[number] for number in together], tokenizer, cap=most, **how)
    found: list[Prediction | None] = [None] * len(prompts)
    for number, text in zip(together, written, strict=True):
        found[number] = Prediction(text)
    for number, tokens in enumerate(left):
        if 0 < tokens < most:
            [text] = generate_all(opened.model, [prompts[number]], tokenizer, cap=int(tokens), **how)
            found[number] = Prediction(text)
    return found


def _said(intake: Intake, rows: Sequence[Prediction | None]) -> list[str]:
    """Say how rows were read, and which have no prediction."""
    lines = replace(intake, drops={}, unused=()).describe()
    without = sum(row is None for row in rows)
    if not without:
        return lines
    reasons = [f"{reason} ({listed(places)})" for reason, places in intake.drops.items()]
    if without > intake.dropped:
        reasons.append("the prompt is empty, or leaves no room for an answer")
    each = "1 row has" if without == 1 else f"{without:,} rows have"
    return [*lines, f"{each} no prediction: {'; '.join(reasons)}"]
