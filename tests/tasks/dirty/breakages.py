"""Faults that readers could have, each put in for a test: the generator must find every one of them."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import pytest

from autopeft.tasks import intake, labels, rows, source
from autopeft.tasks.causal import build, conversation, prompts, turns
from autopeft.tasks.tables import delimited, json_rows, quoting, reading
from autopeft.tasks.tables.dialect import Quoting

__all__ = ["BREAKAGES", "Breakage"]


@dataclass(frozen=True)
class Breakage:
    """A fault.

    Args:
        put: Puts it into the readers.
        format: The format in which it is looked for.
        talks: Whether it is looked for in conversations and instructions, and not in tables.
    """

    put: Callable[[pytest.MonkeyPatch], None]
    format: str
    talks: bool = False


def _wrapped(place: Any, name: str, change: Callable[..., Any]) -> Callable[[pytest.MonkeyPatch], None]:
    """Let a function's result, and its arguments, go through another function."""
    kept = getattr(place, name)

    def broken(*args: Any, **kwargs: Any) -> Any:
        return change(kept(*args, **kwargs), *args)

    return lambda patch: patch.setattr(place, name, broken)


def _instead(place: Any, name: str, value: Any) -> Callable[[pytest.MonkeyPatch], None]:
    return lambda patch: patch.setattr(place, name, value)


def _without_last_rows(tables: dict[str, Any], *_: Any) -> dict[str, Any]:
    return {split: replace(table, rows=table.rows[:-1]) for split, table in tables.items()}


def _by_splitlines(source: str, text: str, separator: str) -> Any:
    for number, line in enumerate(text.splitlines(), 1):
        if line.strip():
            value, _ = json_rows._value(source, json_rows._decoder(), line, 0, number)
            yield f"line {number}", json_rows._object(source, f"line {number}", value)


#: Its package has a function of the same name.
_RENDER = importlib.import_module("autopeft.tasks.causal.render")

_TABLES = {
    "the last row is lost": Breakage(_wrapped(source, "read_source", _without_last_rows), "parquet"),
    "of two columns of one name the last is taken": Breakage(
        _wrapped(delimited, "header_of", lambda found, *_: (*found[:2], frozenset())), "csv"
    ),
    "NaN is a text": Breakage(
        _wrapped(rows, "is_missing", lambda missing, value: missing and not isinstance(value, float)), "jsonl"
    ),
    "nothing but blanks is a text": Breakage(
        _wrapped(rows, "is_missing", lambda missing, value: missing and not isinstance(value, str)), "csv"
    ),
    "quotes may close anywhere": Breakage(_instead(quoting, "STANDARD", Quoting({"strict": False})), "csv"),
    "a quote that is not closed takes the rest": Breakage(
        _wrapped(quoting, "parse", lambda found, *_: replace(found, fault_line=None)), "csv"
    ),
    "rows between two stray quotes are lost": Breakage(_instead(quoting, "swallowed", lambda *_: []), "csv"),
    "rows with too few fields are lost": Breakage(
        _wrapped(quoting, "parse", lambda found, *_: replace(found, odd=[])), "tsv"
    ),
    "0 and 0.0 are two classes": Breakage(
        _instead(labels.LabelNames, "of", lambda names, value: labels._text(value)), "csv"
    ),
    "a byte-order mark is part of the first name": Breakage(
        _wrapped(reading, "decode", lambda found, raw, *_: ("\ufeff" * raw.startswith(b"\xef") + found[0], found[1])),
        "csv",
    ),
    "a guess of the encoding is not told": Breakage(
        _wrapped(reading, "decode", lambda found, *_: (found[0], ())), "csv"
    ),
    "the last shard is lost": Breakage(
        lambda patch: patch.setattr(
            reading, "together", lambda source, tables, *more, kept=reading.together: kept(source, tables[:2], *more)
        ),
        "folder",
    ),
    "lines part at letters that JSON may hold": Breakage(_instead(json_rows, "_lines", _by_splitlines), "jsonl"),
    "halves of characters stay": Breakage(_instead(rows, "mended", lambda text: text), "jsonl"),
    "what is dropped is not counted": Breakage(_instead(intake.Ledger, "drop", lambda *_: None), "json"),
    "columns that are not used are not named": Breakage(
        _wrapped(intake.Ledger, "close", lambda found, *_: replace(found, unused=())), "saved"
    ),
}

_TALKS = {
    "weights are ignored": Breakage(
        _instead(conversation, "marked", lambda message, role, *_: role == "assistant"), "jsonl", talks=True
    ),
    "what the user says is learned": Breakage(
        _instead(turns.Turn, "learned", property(lambda turn: turn.role in ("user", "assistant"))), "jsonl", talks=True
    ),
    "turns before are left out": Breakage(_instead(prompts, "_earlier", lambda *_: []), "jsonl", talks=True),
    "calls of tools are left out": Breakage(_instead(conversation, "calls_of", lambda *_: []), "jsonl", talks=True),
    "masks of tokens are ignored": Breakage(
        _instead(build, "check_token_masks", lambda *_: None), "parquet", talks=True
    ),
    "a word after a blank is not learned": Breakage(_instead(_RENDER, "_BLANKS", ""), "csv", talks=True),
    "empty answers are learned": Breakage(
        lambda patch: patch.setattr("autopeft.tasks.causal.spot.is_missing", lambda value: value is None),
        "json",
        talks=True,
    ),
}

#: All of them, by what is wrong.
BREAKAGES = _TABLES | _TALKS
