"""The lines of a run's log, read from the end on while others write to it; nothing heavy is imported."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from autopeft.errors import StudyError

__all__ = ["RUN_LOG", "Line", "follow_log", "in_words", "read_log", "time_of"]

#: File in a run folder that says what happened in it, one JSON object a line.
RUN_LOG = "run.jsonl"

#: What every line says.
_KEYS = frozenset({"time", "event", "process"})


@dataclass(frozen=True)
class Line:
    """One line of a log.

    Args:
        number: Its place in the file, from 1.
        text: The line as it is.
        entry: What it says; None where it is torn: its writer was killed, or the disk was full.
    """

    number: int
    text: str
    entry: Mapping[str, Any] | None


def read_log(folder: Path) -> Iterator[Line]:
    """Yield the lines there are.

    Raises:
        StudyError: When the folder has no log.
    """
    if not (folder / RUN_LOG).is_file():
        raise StudyError(
            f"no log in {folder}: expected {folder / RUN_LOG}, which runs of earlier versions lack; "
            "give the folder of a run, as `autopeft search` printed it, or --follow to wait for one"
        )
    return follow_log(folder, lambda last: True)


def follow_log(folder: Path, over: Callable[[Mapping[str, Any] | None], bool], pause: float = 0.5) -> Iterator[Line]:
    """Yield the lines there are, and those that come, also where there is no file yet.

    Args:
        folder: The run folder.
        over: Tells, when there are no more lines, by what the last whole one says whether no more will come.
        pause: Seconds between looks at the file.
    """
    path, offset, number, rest = folder / RUN_LOG, 0, 0, b""
    last: Mapping[str, Any] | None = None
    ending = False
    while True:
        more = _read(path, offset)
        offset += len(more)
        *whole, rest = (rest + more).split(b"\n")
        # The look after the end has been told finds what was written before it.
        ended = ending and not more
        for text in filter(None, [rest] if ended else whole):
            number += 1
            line = _line(number, text)
            last = line.entry or last
            yield line
        if ended:
            return
        ending = not more and over(last)
        if not (more or ending):
            time.sleep(pause)


def _read(path: Path, offset: int) -> bytes:
    try:
        with path.open("rb") as file:
            file.seek(offset)
            return file.read()
    except FileNotFoundError:
        return b""


def _line(number: int, text: bytes) -> Line:
    try:
        entry = json.loads(text)
    except ValueError:
        entry = None
    whole = isinstance(entry, dict) and entry.keys() >= _KEYS
    return Line(number, text.decode("ascii", "replace"), entry if whole else None)


def time_of(entry: Mapping[str, Any]) -> datetime:
    """Return when something happened."""
    return datetime.fromisoformat(entry["time"])


def in_words(entry: Mapping[str, Any]) -> str:
    """Say when something happened, in this machine's time, and what."""
    return f"{time_of(entry).astimezone():%Y-%m-%d %H:%M:%S}  {_what(entry)}"


def _what(entry: Mapping[str, Any]) -> str:
    message, status = entry.get("message", ""), entry.get("status")
    trial = f"trial {entry.get('trial')}"
    took = f" after {entry['seconds']:.0f} s" if "seconds" in entry else ""
    because = f": {message}" if message else ""
    reached = f"{entry['accuracy']:.4f}" if "accuracy" in entry else ""
    match entry["event"], status:
        case "opened", _:
            return f"process {entry['process']['pid']} on {entry['process']['host']} begins{because}"
        case "started", _:
            return f"{trial} began{because}"
        case "finished", "complete":
            return f"{trial} reached {reached}{took}"
        case "finished", "stopped":
            return f"{trial} was stopped{f' at {reached}' if reached else ''}{took}"
        case "finished", _:
            return f"{trial} failed, {status}{took}{because}"
        case "ended", _:
            return f"the work ended, {status}{took}{because}"
    return str(message)
