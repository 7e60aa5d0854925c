"""Measure what searching is worth, in pieces of at most 20 minutes; the same command goes on where it stopped.

    python -m studies.worth.measure --minutes 60       # begins no piece after an hour
    python -m studies.worth.measure --tasks trec
    python -m studies.worth.show                       # prints the tables of README.md

A piece is a search, the tries by hand, a search of the careful script, or the trainings of one pick on the whole
training split. Each writes a file in `studies/worth/results`. Seconds are compared, so that nothing else may run.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from autopeft.launch import Preparation, SearchPlan, prepare
from autopeft.methods.lengths import suited
from autopeft.space import Configuration
from studies.worth.contenders import Pick, by_hand, by_script, by_search
from studies.worth.tasks import TASKS
from studies.worth.whole import whole, whole_setting

__all__ = ["BY_HAND", "RESULTS", "picks_of", "scores_file"]

RESULTS = Path(__file__).parent / "results"

#: The file of what is tried by hand.
BY_HAND = "by-hand"


@dataclass(frozen=True)
class _Piece:
    """What is measured at once.

    Args:
        file: What it writes.
        make: Does it.
    """

    file: Path
    make: Callable[[], None]


def main() -> None:
    """Measure what is missing."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tasks", nargs="+", choices=TASKS, default=list(TASKS))
    parser.add_argument("--minutes", type=float, default=np.inf, help="begin no piece after so long")
    given = parser.parse_args()
    began = time.monotonic()
    for task in given.tasks:
        for piece in _pieces(task):
            if time.monotonic() - began > 60 * given.minutes:
                return
            if not piece.file.is_file():
                started = time.monotonic()
                piece.file.parent.mkdir(parents=True, exist_ok=True)
                piece.make()
                print(f"{piece.file}: {time.monotonic() - started:.0f} s", flush=True)


def _pieces(task: str) -> Iterator[_Piece]:
    """Yield the pieces of a task, in order; later ones read what earlier ones wrote."""
    one, folder = TASKS[task], RESULTS / task
    data = Path("runs") / "worth" / task
    prepared = prepare(SearchPlan.of(one.plan(data)))
    for seed in one.searches:
        file, other = folder / f"search-{seed}.json", folder / f"script-{seed}.json"
        yield _Piece(file, partial(_search, one.plan(data, seed), file))
        yield _Piece(other, partial(_script, prepared, seed, file, other))
    by = folder / f"{BY_HAND}.json"
    yield _Piece(by, partial(_by_hand, prepared, by))
    for pick in picks_of(folder).values():
        file = scores_file(folder, pick)
        yield _Piece(file, partial(_whole, prepared, pick, file))


def picks_of(folder: Path) -> dict[tuple[str, str], Pick]:
    """Return what was picked for a task, by the file it stands in and its name there."""
    return {
        (file.stem, name): Pick(Configuration.from_dict(each["configuration"]), each["params"], each["steps"])
        for file in sorted(folder.glob("*.json"))
        for name, each in json.loads(file.read_text(encoding="utf8"))["picks"].items()
    }


def scores_file(folder: Path, pick: Pick) -> Path:
    """Return where the scores of a pick are that was trained on the whole training split."""
    return folder / "whole" / f"{pick.configuration.hash}.npz"


def _search(plan: Mapping[str, Any], file: Path) -> None:
    with tempfile.TemporaryDirectory() as scratch:
        _write(file, *by_search(plan, Path(scratch)))


def _by_hand(prepared: Preparation, file: Path) -> None:
    _write(file, *by_hand(prepared))


def _script(prepared: Preparation, seed: int, search: Path, file: Path) -> None:
    """Let the script search as long as autopeft did with the same seed."""
    seconds = json.loads(search.read_text(encoding="utf8"))["seconds"]
    _write(file, *by_script(prepared, seed, seconds))


def _whole(prepared: Preparation, pick: Pick, file: Path) -> None:
    """Train a pick at the learning rate that suits the length."""
    configuration = suited(pick.configuration, pick.steps, whole_setting(prepared).steps)
    scores = {split: values.astype(np.float32) for split, values in whole(prepared, configuration).items()}
    partial = file.with_name(f".{file.name}")
    np.savez_compressed(partial, trained=configuration.text, **scores)
    partial.replace(file)


def _write(file: Path, picks: Mapping[str, Pick], seconds: Any) -> None:
    data = {
        "seconds": seconds,
        "picks": {
            name: {**asdict(pick), "configuration": pick.configuration.to_dict()} for name, pick in picks.items()
        },
    }
    file.write_text(json.dumps(data, indent=1) + "\n", encoding="utf8")


if __name__ == "__main__":
    main()
