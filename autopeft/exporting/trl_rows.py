"""Examples in the forms of TRL, and what its SFTTrainer makes of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

from autopeft.exporting.data import alike
from autopeft.exporting.job import ExportJob
from autopeft.tasks import IGNORED
from autopeft.trials.writing import Tokens, Writing, WrittenRow

__all__ = ["as_trl_reads", "common_length", "ended", "ids_of", "templated", "trl_rows"]


def trl_rows(job: ExportJob) -> dict[str, list[dict[str, Any]]]:
    """Return the rows of each split in a form of TRL's: as text where it makes of it what trials make, else as tokens.

    Args:
        job: What is exported.
    """
    tokenizer = job.backbone.tokenizer()
    rows = job.writing.rows
    every = [row for found in rows.values() for row in found]
    form = _form(every, job.writing, tokenizer)
    if form is not None:
        made = {name: [form(row) for row in found] for name, found in rows.items()}
        texts = [row for found in made.values() for row in found]
        if all(_same(text, row, tokenizer) for text, row in zip(texts, every, strict=True)):
            return made
    return {name: [{"input_ids": row.ids, "labels": row.labels} for row in found] for name, found in rows.items()}


def _form(
    rows: Sequence[WrittenRow], writing: Writing, tokenizer: Any
) -> Callable[[WrittenRow], dict[str, Any]] | None:
    """Return what writes all these examples as text; None where TRL has no form for one of them."""
    if writing.goes_on:
        return lambda row: {"text": row.messages[0].told["content"]}
    if not getattr(tokenizer, "chat_template", None):
        once = all([learned for _, learned in row.whole] == [False, True] for row in rows)
        return partial(_completed, bos=tokenizer.bos_token or "") if once else None
    if not all(message.plain for row in rows for message in row.messages):
        # Arrow would fill what some of them hold into all.
        return None
    once = all(sum(each.learned for each in row.messages) == 1 and not row.messages[0].learned for row in rows)
    return _answered if once else lambda row: {"messages": [dict(message.told) for message in row.messages]}


def _completed(row: WrittenRow, bos: str) -> dict[str, Any]:
    (asked, _), (answer, _) = row.whole
    return {"prompt": asked.removeprefix(bos), "completion": answer}


def _answered(row: WrittenRow) -> dict[str, Any]:
    turns = [dict(message.told) for message in row.messages]
    # What follows the only answer is never answered.
    place = next(number for number, message in enumerate(row.messages) if message.learned)
    return {"prompt": turns[:place], "completion": turns[place : place + 1]}


def _same(text: Mapping[str, Any], row: WrittenRow, tokenizer: Any) -> bool:
    ids, labels = as_trl_reads(text, tokenizer)
    return alike((ids[: len(row.ids)], labels[: len(row.ids)]), row.tokens)


def as_trl_reads(row: Mapping[str, Any], tokenizer: Any) -> Tokens:
    """Return the tokens and labels that SFTTrainer makes of a row, uncut."""
    if "input_ids" in row:
        return row["input_ids"], row["labels"]
    if "messages" in row:
        return _by_markers(row["messages"], tokenizer)
    if "text" in row:
        ids = ids_of(ended(row["text"], tokenizer), tokenizer)
        return ids, ids
    if isinstance(row["prompt"], str):
        before, ids = (
            ids_of(text, tokenizer) for text in (row["prompt"], row["prompt"] + ended(row["completion"], tokenizer))
        )
    else:
        before = templated(row["prompt"], tokenizer, add_generation_prompt=True)["input_ids"]
        ids = templated([*row["prompt"], *row["completion"]], tokenizer)["input_ids"]
    begins = common_length(before, ids)
    return ids, [IGNORED] * begins + ids[begins:]


def _by_markers(messages: list[dict[str, Any]], tokenizer: Any) -> Tokens:
    """Learn what the template marks as generation; without marks nothing, where TRL may bring a template of its own."""
    if "endgeneration" not in str(tokenizer.chat_template):
        return [], []
    found = templated(messages, tokenizer, return_assistant_tokens_mask=True)
    ids = found["input_ids"]
    return ids, [token if mark else IGNORED for token, mark in zip(ids, found["assistant_masks"], strict=True)]


def common_length(before: Sequence[int], ids: Sequence[int]) -> int:
    """Return with how many tokens both begin."""
    same = next((place for place, pair in enumerate(zip(before, ids, strict=False)) if pair[0] != pair[1]), None)
    return min(len(before), len(ids)) if same is None else same


def templated(messages: list[dict[str, Any]], tokenizer: Any, **how: Any) -> Mapping[str, Any]:
    """Return messages as the chat template of a tokenizer writes them, in tokens."""
    found: Mapping[str, Any] = tokenizer.apply_chat_template(messages, tokenize=True, return_dict=True, **how)
    return found


def ids_of(text: str, tokenizer: Any) -> list[int]:
    """Return a text as a tokenizer reads it, with the special tokens that it adds."""
    return list(tokenizer(text)["input_ids"])


def ended(text: str, tokenizer: Any) -> str:
    """Return a text with what ends it."""
    end = tokenizer.eos_token or ""
    return text if text.endswith(end) else text + end
