"""Pairs of answers in the forms of TRL, and what its DPOTrainer makes of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

from autopeft.errors import ConfigurationError
from autopeft.exporting.job import ExportJob
from autopeft.exporting.trl_rows import common_length, ended, ids_of, templated
from autopeft.tasks import IGNORED
from autopeft.trials.writing import Message, PreferredRow, Tokens

__all__ = ["as_older_trl_prefers", "as_trl_prefers", "trl_pairs"]

#: Tokens and labels of a better and of a worse answer, each with the prompt before it.
Both = tuple[Tokens, Tokens]

Reads = Callable[[Mapping[str, Any], Any], Both]


def trl_pairs(job: ExportJob, read: Reads, tool: str) -> dict[str, list[dict[str, Any]]]:
    """Return the pairs of each split in a form of TRL's: messages where its template writes them as trials do, or text.

    Args:
        job: What is exported.
        read: What the tool makes of a row, given a tokenizer.
        tool: Its name.

    Raises:
        ConfigurationError: When it makes of neither the tokens that trials learned.
    """
    tokenizer, found = job.backbone.tokenizer(), job.preferring
    every = [row for rows in found.rows.values() for row in rows]
    plain = all(message.plain for row in every for part in (row.prompt, row.chosen, row.rejected) for message in part)
    bos = tokenizer.bos_token or ""
    forms: list[Callable[[PreferredRow], dict[str, Any]]] = [
        *([_messages] if found.templated and plain else []),
        partial(_texts, bos=bos),
    ]
    odd: list[int] = []
    for form in forms:
        made = {name: [form(row) for row in rows] for name, rows in found.rows.items()}
        its = [read(row, tokenizer) for rows in made.values() for row in rows]
        odd.append(sum(not _same(one, row, job.setting.max_length) for one, row in zip(its, every, strict=True)))
        if not odd[-1]:
            return made
    raise ConfigurationError(
        f"{tool} would make other tokens of {min(odd):,} of {len(every):,} pairs than trials did, for it adds what "
        "ends a text and reads nothing but role and content of messages; expected --to llamafactory, which takes tokens"
    )


def as_trl_prefers(row: Mapping[str, Any], tokenizer: Any) -> Both:
    """Return the tokens and labels that DPOTrainer makes of the better and the worse answer of a pair, uncut."""
    before, both = _tokens(row, tokenizer)
    begins = min(common_length(before, ids) for ids in both)
    better, worse = ((ids, [IGNORED] * begins + ids[begins:]) for ids in both)
    return better, worse


def as_older_trl_prefers(row: Mapping[str, Any], tokenizer: Any) -> Both:
    """Return the same of a DPOTrainer before TRL 1.16, which takes the tokens of a prompt alone for its beginning."""
    before, both = _tokens(row, tokenizer)
    better, worse = ((before + ids[len(before) :], [IGNORED] * len(before) + ids[len(before) :]) for ids in both)
    return better, worse


def _tokens(row: Mapping[str, Any], tokenizer: Any) -> tuple[list[int], list[list[int]]]:
    """Return the tokens of a prompt alone, and with each answer."""
    prompt, answers = row["prompt"], (row["chosen"], row["rejected"])
    if isinstance(prompt, str):
        return ids_of(prompt, tokenizer), [ids_of(prompt + ended(each, tokenizer), tokenizer) for each in answers]
    before = templated(prompt, tokenizer, add_generation_prompt=True)["input_ids"]
    return before, [templated([*prompt, *each], tokenizer)["input_ids"] for each in answers]


def _messages(row: PreferredRow) -> dict[str, Any]:
    return {"prompt": _told(row.prompt), "chosen": _told(row.chosen), "rejected": _told(row.rejected)}


def _told(part: Sequence[Message]) -> list[dict[str, Any]]:
    return [dict(message.told) for message in part]


def _texts(row: PreferredRow, bos: str) -> dict[str, Any]:
    better, worse = row.answers
    return {"prompt": row.asked.removeprefix(bos), "chosen": better, "rejected": worse}


def _same(read: Both, row: PreferredRow, max_length: int) -> bool:
    return all(
        (ids[:max_length], labels[:max_length]) == ours for (ids, labels), ours in zip(read, row.tokens, strict=True)
    )
