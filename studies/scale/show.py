"""Print what the driver of a search costs: `python -m studies.scale.show`."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from studies.scale.measure import RESULTS

__all__ = ["busy", "main", "milliseconds", "saturating"]

#: Numbers of trials that are shown, each with the hundred before it.
_AT = (100, 200, 1_000, 3_000, 10_000)

#: What a driver does, as the columns are called; of each trial it does some of it several times.
_PARTS = {"ask": "ask", "begin": "begin", "rung": "rungs", "tell": "tell and report", "renew": "leases"}

#: The share of their time that workers shall be busy.
_WANTED = 0.95


def main(results: Path = RESULTS) -> None:
    """Print a table for each number of workers."""
    for file in sorted(results.glob("*.json"), key=lambda each: (int(each.stem.split("-")[0]), each.stem)):
        found = json.loads(file.read_text(encoding="utf8"))
        if found["windows"]:
            _print(found)


def milliseconds(windows: Sequence[dict[str, Any]], what: str) -> float:
    """Return what a trial costs of a part of the driver's work, over some windows."""
    return 1000 * _sum(windows, what) / _ended(windows)


def busy(windows: Sequence[dict[str, Any]]) -> float:
    """Return the share of the workers' time in which they train."""
    return _sum(windows, "trained") / (_sum(windows, "trained") + _sum(windows, "waited"))


def saturating(windows: Sequence[dict[str, Any]], workers: int) -> float:
    """Return how long trials are at least at work, in seconds, where so many workers leave the driver time to spare."""
    each = sum(milliseconds(windows, what) for what in _PARTS) / 1000
    return workers * each / _WANTED


def _print(found: dict[str, Any]) -> None:
    every, workers = found["windows"], found["workers"]
    print(
        f"{workers} workers, trials of {found['seconds']:g} s where they are not stopped; {found['processor']}, "
        f"{found['cores']} cores, PostgreSQL {found['postgresql']}:\n"
    )
    heads = ["trials", *(f"{name}, ms" for name in _PARTS.values()), "in all, ms", "of that on the processor, ms"]
    heads += ["a trial at work, s", "busy", f"{_WANTED:.0%} busy from, s", "memory, MiB", "database, MiB"]
    print(f"| {' | '.join(heads)} |\n|{' --- |' * len(heads)}")
    for window in every:
        if window["told"] in _AT or window is every[-1]:
            _row(f"{window['told'] - window['ended'] + 1:,} to {window['told']:,}", [window], workers)
    _row("all", every, workers)
    stopped, ended = _sum(every, "stopped"), _ended(every)
    print(
        f"\n{ended:,} of {found['trials']:,} trials, {stopped / ended:.0%} of them stopped early, in "
        f"{found['clock'] / 3600:.1f} simulated hours; hypervolume {found['hypervolume']:.4f}.\n"
    )


def _row(name: str, windows: Sequence[dict[str, Any]], workers: int) -> None:
    parts = [milliseconds(windows, what) for what in _PARTS]
    cells = [name, *(f"{part:.0f}" for part in parts), f"{sum(parts):.0f}"]
    cells += [f"{milliseconds(windows, 'processor'):.0f}"]
    cells += [f"{_sum(windows, 'trained') / _ended(windows):.1f}", f"{busy(windows):.1%}"]
    cells += [f"{saturating(windows, workers):.0f}"]
    cells += [f"{windows[-1][what] / 2**20:.0f}" for what in ("memory", "database")]
    print(f"| {' | '.join(cells)} |")


def _sum(windows: Sequence[dict[str, Any]], what: str) -> float:
    return float(sum(window.get(what, 0) for window in windows))


def _ended(windows: Sequence[dict[str, Any]]) -> int:
    return int(_sum(windows, "ended"))


if __name__ == "__main__":
    main()
