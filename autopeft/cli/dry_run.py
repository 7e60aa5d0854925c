"""What `autopeft search --dry-run` adds to what a search prints before it trains: time and memory."""

from __future__ import annotations

from typing import TYPE_CHECKING

from autopeft.cli.header import say_on

if TYPE_CHECKING:
    from rich.console import Console

    from autopeft.launch import Preparation

__all__ = ["foretell"]

#: Whom a selection trains beside the references, as long as nobody knows the front.
_OF_A_FRONT = 6


def foretell(console: Console, prepared: Preparation, *, selects: bool) -> None:
    """Measure a few steps, and print what a search would take; nothing is written.

    Args:
        console: Where to.
        prepared: The search.
        selects: Whether a selection would follow it.
    """
    from autopeft.launch import forecast
    from autopeft.reporting import clock
    from autopeft.selection import LEAST_SEEDS

    say = say_on(console)
    found = forecast(prepared)
    room = f"of {_gib(found.room)} that a worker has"
    for index, reach in enumerate(found.reaches):
        peak = "more than there is" if reach.peak is None else f"{_gib(reach.peak)} {room}"
        said = f"{reach.name} takes {peak}, on the longest texts; it trains {reach.params:,} parameters"
        say(f"{'' if index else 'memory':<8}{said}")
    steps = prepared.setting.steps
    at_once = f"{found.workers} at once" if found.workers > 1 else "one after the other"
    say(
        f"{'time':<8}stock LoRA takes {found.step:.2g} s a step, {clock(found.trial)} a trial of {steps:,} steps; "
        f"a worker has loaded model and data after {clock(found.start)}"
    )
    say(
        f"        {prepared.plan.trials} trials, {at_once}, take about {clock(found.search)}, less by what is "
        "stopped early, more by what is dearer than LoRA"
    )
    if selects:
        entries = len(prepared.baselines) + _OF_A_FRONT
        seconds = found.several(LEAST_SEEDS * entries)
        say(
            f"        the selection then takes about {clock(seconds)}: {LEAST_SEEDS} seeds of the references and of "
            f"{_OF_A_FRONT} others, if the front has as many"
        )
    say("nothing was written; leave --dry-run out to search")


def _gib(size: int) -> str:
    return f"{size / 2**30:.2f} GiB"
