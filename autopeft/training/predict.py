"""Let something trained say what it has learned to say, of rows without labels."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import numpy as np
import torch

from autopeft.errors import AutopeftError, DataError
from autopeft.saved import Opened
from autopeft.tasks import Split, collate, grouped, pad_id_of
from autopeft.tasks.causal import CausalSplit, Format, offer, prompts_of, questions_of, stop_strings
from autopeft.tasks.intake import Intake, listed
from autopeft.tasks.rows import texts_of
from autopeft.tasks.tables import Row, Table, kind_in_words, read_source
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
    opened: Opened,
    texts: Sequence[Text] = (),
    file: str | Path | None = None,
    columns: Mapping[str, str] | None = None,
) -> tuple[Opened, Table]:
    """Return the rows that something trained is to read, and it, knowing their columns.

    Args:
        opened: Something trained.
        texts: Texts, or pairs of them where it compares two; to a decoder, what is asked or is to be gone on with.
        file: A file, a folder or a pattern of files in place of them, read as a search reads its data.
        columns: Where the texts stand in the file, by the flags of `Use.asking`; where they stood in the training
            data when left out.

    Raises:
        AutopeftError: When both or neither are given, or they are of another form.
    """
    if bool(len(texts)) == (file is not None):
        raise AutopeftError("expected texts or a file to predict, and not both")
    if file is None:
        return opened, _table_of(opened, texts)
    named = dict(columns or {})
    parts = read_source(file, [*named.values()])
    if len(parts) > 1:
        raise DataError(f"'{file}' holds {' and '.join(parts)}; expected the rows of one split: name its file")
    return replace(opened, use=opened.use.reading(named)), next(iter(parts.values()))


def _table_of(opened: Opened, texts: Sequence[Text]) -> Table:
    """Return texts as rows."""
    form, wanted = opened.use.form, tuple(opened.use.asking.values())
    if form is not None and form.choices:
        raise AutopeftError(f"{opened.folder} chooses among choices, which a text has none of; give a file with both")
    rows: list[Row] = []
    for number, text in enumerate([texts] if isinstance(texts, str) else texts, 1):
        values: tuple[Any, ...] = (text,) if isinstance(text, str) else tuple(text) if isinstance(text, tuple) else ()
        if len(values) != len(wanted) or not all(isinstance(value, str) for value in values):
            expected = "pairs of texts" if len(wanted) == 2 else "single texts"
            found = f"{len(values)} texts" if values else kind_in_words(text)
            raise AutopeftError(f"{opened.folder} reads {expected}; found {found} as input {number}")
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
    if max_new_tokens is not None and (type(max_new_tokens) is not int or max_new_tokens < 1):
        raise AutopeftError(f"--max-new-tokens: found {max_new_tokens!r}; expected 1 or more")
    form, found = opened.use.form, cast(Sequence[Prediction | None], ())
    if max_new_tokens is not None and (form is None or form.choices):
        does = "tells labels" if form is None else "chooses among choices"
        raise AutopeftError(f"{opened.folder} {does} and writes no answers; leave --max-new-tokens out")
    notes = list(opened.notes)
    if form is None:
        texts, numbers, intake = texts_of(table, opened.use.columns)
        found, cut = _labels(opened, texts)
        if cut:
            notes.append(f"{cut:,} of {len(texts):,} texts cut at {opened.use.max_length} tokens, as in training")
    else:
        split, numbers, intake = questions_of(table, form)
        found = _answers(opened, form, split, max_new_tokens or opened.use.max_new_tokens or 1)
    if not numbers:
        reason, places = next(iter(intake.drops.items()))
        raise DataError(f"none of the {intake.rows:,} rows of '{intake.source}' can be read: {reason} ({places[0]})")
    rows: list[Prediction | None] = [None] * len(table.rows)
    for number, one in zip(numbers, found, strict=True):
        rows[number] = one
    return Predictions(tuple(rows), (*notes, *_said(intake, rows)))


def _labels(opened: Opened, texts: Sequence[Text]) -> tuple[list[Prediction], int]:
    """Predict the labels of texts, and count those that are cut."""
    if not texts:
        return [], 0
    kind, labels = kind_of(opened.task), opened.use.labels
    encoded = kind.encode(Split(texts, [0] * len(texts)), opened.tokenizer, opened.use.max_length)
    order = list(grouped(encoded, _TOGETHER))
    parts = [(rows, collate(encoded, rows, pad_id_of(opened.tokenizer))) for rows in order]
    _, logits = logits_of(opened.model, parts, opened.use.precision, lambda rows, longest: None)
    probabilities = torch.empty_like(logits)
    probabilities[torch.as_tensor(np.concatenate(order), device=logits.device)] = logits.softmax(dim=1)
    found = []
    for row in probabilities.double().cpu().numpy():
        best = np.argsort(-row, kind="stable")
        found.append(Prediction(labels[best[0]], {labels[number]: float(row[number]) for number in best}))
    return found, round(encoded.truncated * len(encoded))


def _answers(opened: Opened, form: Format, split: CausalSplit, most: int) -> list[Prediction | None]:
    """Answer questions; those that leave no room for an answer are not."""
    tokenizer, precision = opened.tokenizer, opened.use.precision
    room = min(tokenizer.model_max_length, getattr(opened.model.config, "max_position_embeddings", None) or np.inf)
    found: list[Prediction | None] = [None] * len(split)
    if not len(split):
        return found
    if form.choices:
        questions = offer(split, form, tokenizer)
        lengths = [max(len(each.prompt) + len(each.completion) for each in choices) for choices in questions]
        fitting = [number for number, length in enumerate(lengths) if length <= room]
        asked = [questions[number] for number in fitting]
        chosen = Choosing(asked, [""] * len(asked), tokenizer, _TOGETHER).chosen(opened.model, precision)
        for number, choice in zip(fitting, chosen, strict=True):
            found[number] = Prediction(choice)
        return found
    prompts = prompts_of(split, form, tokenizer)
    ends, stops, pad_id = opened.ends, stop_strings(form, tokenizer), pad_id_of(tokenizer)
    how: dict[str, Any] = {"ends": ends, "stops": stops, "pad_id": pad_id, "precision": precision}
    left = [room - len(prompt) if prompt else 0 for prompt in prompts]
    # What is long is answered by itself, so that it cuts no other answer short.
    together = [number for number, tokens in enumerate(left) if tokens >= most]
    written = generate_all(opened.model, [prompts[number] for number in together], tokenizer, cap=most, **how)
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
        reasons.append("it is empty, or longer than the model reads")
    each = "1 row has" if without == 1 else f"{without:,} rows have"
    return [*lines, f"{each} no prediction: {'; '.join(reasons)}"]
