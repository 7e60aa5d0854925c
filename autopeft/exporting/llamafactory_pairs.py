"""Pairs of answers as LLaMA-Factory takes them, and what it makes of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from autopeft.exporting.data import tokenised_apart
from autopeft.exporting.job import ExportJob
from autopeft.methods.kind_knobs import beta_in
from autopeft.trials.writing import PreferredRow, Tokens

__all__ = ["PAIR", "Form", "pairs_of", "read_pair"]

#: What names of the better and the worse answer's tokens begin with.
PAIR = ("chosen_", "rejected_")

#: What it looks for beside the tokens of pairs.
_MEDIA = ("images", "videos", "audios")

_COLUMNS = ("prompt", "chosen", "rejected")

Rows = Mapping[str, Sequence[Mapping[str, Any]]]


@dataclass(frozen=True)
class Form:
    """Data as LLaMA-Factory takes them.

    Args:
        settings: Settings that go with them.
        described: What `dataset_info.json` says of each file beside its name.
        rows: The rows of each split.
        tokens: Makes the same rows in tokens.
        apart: What there is to say where it would make other tokens of the text; nothing where it would not.
    """

    settings: dict[str, Any]
    described: Mapping[str, Any]
    rows: Rows
    tokens: Callable[[], Rows]
    apart: tuple[str, ...]


def pairs_of(job: ExportJob) -> Form:
    """Return pairs as a prompt and two answers, all of them text as the model reads it."""
    found, tokenizer = job.preferring, job.backbone.tokenizer()
    adds = not found.templated and tokenizer("a")["input_ids"][:1] == [tokenizer.bos_token_id]
    begin = tokenizer.bos_token if adds else ""
    rows = {
        name: [dict(zip(_COLUMNS, (begin + row.asked, *row.answers), strict=True)) for row in some]
        for name, some in found.rows.items()
    }
    told = [row for some in rows.values() for row in some]
    ours = [row.tokens for some in found.rows.values() for row in some]
    odd = sum(read_pair(its, tokenizer) != own for its, own in zip(told, ours, strict=True))
    said = (
        f"The data are tokens: prompts and answers tokenised apart and cut as it does, {odd:,} of {len(told):,} pairs "
        "would be other tokens than in trials.",
    )
    # It rounds down where it cuts, also to the very length that a text has.
    settings = {
        "stage": "dpo",
        "pref_beta": beta_in(job.configuration.training),
        "pref_loss": "sigmoid",
        "cutoff_len": job.setting.max_length + 1,
    }
    return Form(
        settings,
        {"ranking": True, "columns": {name: name for name in _COLUMNS}},
        rows,
        lambda: {name: [*map(_tokens, some)] for name, some in found.rows.items()},
        said if odd else (),
    )


def read_pair(row: Mapping[str, Any], tokenizer: Any) -> tuple[Tokens, Tokens]:
    """Return the tokens and labels that its template `empty` makes of the better and the worse answer of a pair."""
    better, worse = (
        tokenised_apart([(row["prompt"], False), (row[name], True)], tokenizer) for name in ("chosen", "rejected")
    )
    return better, worse


def _tokens(row: PreferredRow) -> dict[str, Any]:
    found: dict[str, Any] = dict.fromkeys(_MEDIA)
    for name, (ids, labels) in zip(PAIR, row.tokens, strict=True):
        found |= {f"{name}input_ids": ids, f"{name}attention_mask": [1] * len(ids), f"{name}labels": labels}
    return found
