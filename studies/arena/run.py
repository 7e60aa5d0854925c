"""Let samplers meet on benchmarks; the hypervolume after every trial is stored for each seed.

    python -m studies.arena.run                                   # all of it: hours
    python -m studies.arena.run --benchmarks peft --samplers pareto random --seeds 5 --long-seeds 0

A search that is stored already is not run again: remove its line from `studies/arena/results` after a change.
"""

from __future__ import annotations

import argparse
import json
import warnings
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import optuna
import torch

from studies.arena.catalogue import BENCHMARKS, load
from studies.arena.contestants import BEGUN, CONTESTANTS, FILLING, NUTS, SLOW, STEP
from studies.arena.ladders import LADDERS
from studies.arena.replay import replay

__all__ = ["LONG", "RESULTS", "SHORT", "stored"]

RESULTS = Path(__file__).parent / "results"

#: Trials of a search, and of a long one.
SHORT, LONG = 32, 100

#: Seeds of short and of long searches, for samplers that fit Gaussian processes and for others.
_SEEDS = {True: (15, 3), False: (50, 10)}


def stored(benchmark: str, folder: Path = RESULTS) -> list[dict[str, Any]]:
    """Return the stored searches of a benchmark: `sampler`, `trials`, `seed` and what `Replay` says."""
    file = folder / f"{benchmark}.jsonl"
    return [json.loads(line) for line in file.read_text(encoding="utf8").splitlines()] if file.is_file() else []


def run(
    benchmark: str, samplers: Sequence[str], seeds: int | None, long_seeds: int | None, folder: Path = RESULTS
) -> None:
    """Run the searches of a benchmark that are not stored yet.

    Args:
        benchmark: One of `BENCHMARKS`.
        samplers: Some of `CONTESTANTS`, `FILLING`, `BEGUN`, `LADDERS`, `NUTS` and `STEP`.
        seeds: Searches of 32 trials of each; None for the numbers of the study.
        long_seeds: Searches of 100, likewise; with early stopping there are none.
        folder: Where results are.
    """
    loaded = load(benchmark)
    done = {(row["sampler"], row["trials"], row["seed"]) for row in stored(benchmark, folder)}
    file = folder / f"{benchmark}.jsonl"
    file.parent.mkdir(parents=True, exist_ok=True)
    for sampler in samplers:
        short, long = _SEEDS[sampler in SLOW]
        plan = [(SHORT, seed) for seed in range(short if seeds is None else seeds)]
        if loaded.most > SHORT and not loaded.stopping:
            plan += [(LONG, seed) for seed in range(long if long_seeds is None else long_seeds)]
        for trials, seed in plan:
            if (sampler, trials, seed) not in done:
                found = replay(loaded, sampler, trials, seed)
                row = {"sampler": sampler, "trials": trials, "seed": seed, **asdict(found)}
                row["growth"] = [round(value, 6) for value in found.growth]
                row["found"] = [one and (one[0], *(round(value, 6) for value in one[1:])) for one in found.found]
                with file.open("a", encoding="utf8") as out:
                    out.write(json.dumps(row) + "\n")


def main() -> None:
    """Run what is asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--benchmarks", nargs="+", choices=sorted(BENCHMARKS), default=sorted(BENCHMARKS))
    every = (*CONTESTANTS, FILLING, *BEGUN, *LADDERS, NUTS, STEP)
    parser.add_argument("--samplers", nargs="+", choices=every, default=CONTESTANTS)
    parser.add_argument("--seeds", type=int, help="searches of 32 trials; default: 50, or 15 of slow samplers")
    parser.add_argument("--long-seeds", type=int, help="searches of 100 trials; default: 10, or 3 of slow samplers")
    given = parser.parse_args()
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    warnings.simplefilter("ignore")
    torch.set_num_threads(1)
    for benchmark in given.benchmarks:
        run(benchmark, given.samplers, given.seeds, given.long_seeds)


if __name__ == "__main__":
    main()
