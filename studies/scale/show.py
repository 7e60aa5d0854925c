"""Print what the driver of a search costs: `python -m studies.scale.show`."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from scipy.optimize import brentq

from studies.scale.measure import RESULTS
from studies.scale.simulate import WINDOW
from studies.scale.spans import SPANS

__all__ = ["busy", "busy_from", "main", "milliseconds"]

#: Trials that a row of the table is of.
_ROW = 200

#: What a driver does, as the columns are called; of each trial it does some of it several times.
_PARTS = {"ask": "ask", "begin": "begin", "rung": "rungs", "tell": "tell and report", "renew": "leases"}

#: What it does once a trial.
_ONCE = ("ask", "begin")

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
    # As long as workers get their first trials more begin than end.
    trials = _sum(windows, f"{what}s") if what in _ONCE else _ended(windows)
    return 1000 * _sum(windows, what) / trials if trials else 0.0


def busy(windows: Sequence[dict[str, Any]]) -> float:
    """Return the share of the workers' time in which they train."""
    return _sum(windows, "trained") / (_sum(windows, "trained") + _sum(windows, "waited"))


def busy_from(windows: Sequence[dict[str, Any]], workers: int) -> float:
    """Return how long trials have to be at work, in seconds, for so many workers to be busy as much as is wanted."""
    each = sum(milliseconds(windows, what) for what in _PARTS) / 1000

    def missed(work: float) -> float:
        return work / (work + _in_queue(work, each, workers)) - _WANTED

    # No worker waits longer than for what all want of the driver.
    found: float = brentq(missed, 0, workers * each / (1 - _WANTED))
    return found


def _in_queue(work: float, each: float, workers: int) -> float:
    """Return for how long a worker that wants something of the driver waits until it has it.

    By mean value analysis of one server with a queue (Reiser and Lavenberg 1980, doi:10.1145/322186.322195), as if what
    the driver does for a trial took an exponential time: it varies less, and workers wait less.

    Args:
        work: Seconds between that and what it wants next.
        each: Seconds that the driver takes for it.
        workers: How many there are.
    """
    queue, lasts = 0.0, 0.0
    for count in range(1, workers + 1):
        lasts = each * (1 + queue)
        queue = count * lasts / (work + lasts)
    return lasts


def _print(found: dict[str, Any]) -> None:
    every, workers = found["windows"], found["workers"]
    print(
        f"{workers} workers, trials of {found['seconds']:g} s where they are not stopped; {found['processor']}, "
        f"{found['cores']} cores, PostgreSQL {found['postgresql']}:\n"
    )
    heads = ["trials", *(f"{name}, ms" for name in _PARTS.values()), "in all, ms", "on the processor"]
    heads += ["a trial at work, s", "busy", f"{_WANTED:.0%} busy from, s", "memory, MiB", "database, MiB"]
    print(f"| {' | '.join(heads)} |\n|{' --- |' * len(heads)}")
    # As many trials as there are workers are proposed before one of theirs ends.
    ahead = WINDOW * math.ceil(workers / WINDOW)
    for end in dict.fromkeys([_ROW, *(end - ahead for _, end in SPANS)]):
        row = [window for window in every if end - _ROW < window["told"] <= end]
        if row and row[-1]["told"] == end:
            _row(f"{end - _ROW + 1:,} to {end:,}", row, workers)
    stopped, ended = _sum(every, "stopped"), _ended(every)
    print(
        f"\n{ended:,} of {found['trials']:,} trials, {stopped / ended:.0%} of them stopped early, in "
        f"{found['clock'] / 3600:.1f} simulated hours.\n"
    )


def _row(name: str, windows: Sequence[dict[str, Any]], workers: int) -> None:
    parts = [milliseconds(windows, what) for what in _PARTS]
    cells = [name, *(f"{part:.0f}" for part in parts), f"{sum(parts):.0f}"]
    cells += [f"{_sum(windows, 'processor') / sum(_sum(windows, what) for what in _PARTS):.0%}"]
    cells += [f"{_sum(windows, 'trained') / _ended(windows):.1f}", f"{busy(windows):.1%}"]
    cells += [f"{busy_from(windows, workers):.0f}"]
    cells += [f"{windows[-1][what] / 2**20:.0f}" for what in ("memory", "database")]
    print(f"| {' | '.join(cells)} |")


def _sum(windows: Sequence[dict[str, Any]], what: str) -> float:
    return float(sum(window.get(what, 0) for window in windows))


def _ended(windows: Sequence[dict[str, Any]]) -> int:
    return int(_sum(windows, "ended"))


if __name__ == "__main__":
    main()
