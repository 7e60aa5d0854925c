"""Print the tables of the stored searches and draw the figure.

python -m studies.arena.show --out studies/arena/arena.png
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from studies.arena.benchmarks import Benchmark, Best
from studies.arena.catalogue import BENCHMARKS, load
from studies.arena.compare import CHECKPOINTS, Standing, Test, against, holm, means, standings
from studies.arena.contestants import BEGUN, CONTESTANTS, FILLING, NUTS, STEP
from studies.arena.ladders import LADDERS
from studies.arena.picks import SCORES, scored
from studies.arena.run import SHORT, stored
from studies.arena.tinker import PREFIX

_COLOURS = dict(zip(CONTESTANTS, ("#d1622b", "#9a9fa6", "#1f5fa8", "#5aa469", "#8a5fb0", "#c2a12b"), strict=True))
_SIGNIFICANT = 0.05

#: Trials after which searches of few are compared.
_FEW = (4, 8)


def main() -> None:
    """Print and draw."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True, help="PNG file of the figure")
    given = parser.parse_args()
    order = (*CONTESTANTS, FILLING, STEP, *LADDERS, *BEGUN, NUTS)
    found = {name: rows for name in BENCHMARKS if (rows := stored(name))}
    for rows in found.values():
        rows.sort(key=lambda row: order.index(row["sampler"]))
    benchmarks = {name: load(name) for name in found}
    known = {name: benchmark.best() for name, benchmark in benchmarks.items()}
    best = {name: each.hypervolume for name, each in known.items()}
    few = {name: rows for name, rows in found.items() if name.startswith(PREFIX)}
    print(of_few_trials(few, benchmarks, known) if few else "")
    found = {name: rows for name, rows in found.items() if name not in few}
    with_random: list[Test] = []
    with_cold: list[Test] = []
    with_gp: dict[str, list[Test]] = {score: [] for score in SCORES}
    for name, rows in found.items():
        print(f"\n{name}: best known {best[name]:.4f}\n\n{table(standings(rows, best[name]))}")
        for score, compute in SCORES.items():
            if mine := scored(rows, compute, benchmarks[name], known[name]):
                print(f"\n{score}:\n\n{picked(mine)}")
                with_gp[score] += against("gp", name, mine, 1.0)
        with_random += against("random", name, rows, best[name])
        with_cold += [test for test in against("pareto", name, rows, best[name]) if test.sampler in (FILLING, *BEGUN)]
    print(f"\n{differences('random', with_random)}\n\n{differences('pareto', with_cold)}")
    for score, compared in with_gp.items():
        print(f"\n{score}: {differences('gp', compared)}")
    draw(found, best, given.out)


def table(lines: Sequence[Standing]) -> str:
    """Return the standings of a benchmark as a Markdown table; checkpoints and steps only where they say something."""
    checkpoints = [checkpoint for checkpoint in CHECKPOINTS if any(checkpoint in each.shares for each in lines)]
    steps = ["steps"] if any(each.steps < 1 for each in lines) else []
    head = ["sampler", "seeds", *map(str, checkpoints), "area", "to 95 %", "get there", "s a suggestion", *steps]
    rows = [
        [
            each.sampler,
            str(each.seeds),
            *(_interval(*each.shares[c]) if c in each.shares else "" for c in checkpoints),
            f"{each.area:.3f}",
            f"{each.goal:.0f}" if np.isfinite(each.goal) else f"> {each.within}",
            f"{each.reached:.0%}",
            f"{each.seconds:.2f}",
            *(f"{each.steps:.0%}" for _ in steps),
        ]
        for each in lines
    ]
    return "\n".join("| " + " | ".join(row) + " |" for row in (head, ["---"] * len(head), *rows))


def picked(rows: Sequence[Mapping[str, Any]], checkpoints: Sequence[int] = CHECKPOINTS) -> str:
    """Return a score of what people pick as a Markdown table, a line for each sampler.

    Args:
        rows: What `studies.arena.picks.scored` returns.
        checkpoints: After how many trials.
    """
    by = {
        sampler: means([row for row in rows if row["sampler"] == sampler], checkpoints=checkpoints)
        for sampler in dict.fromkeys(row["sampler"] for row in rows)
    }
    shown = [checkpoint for checkpoint in checkpoints if any(checkpoint in each for each in by.values())]
    head = ["sampler", *map(str, shown)]
    lines = [[sampler, *(_interval(*each[c]) if c in each else "" for c in shown)] for sampler, each in by.items()]
    return "\n".join("| " + " | ".join(row) + " |" for row in (head, ["---"] * len(head), *lines))


def of_few_trials(
    found: Mapping[str, Sequence[Mapping[str, Any]]],
    benchmarks: Mapping[str, Benchmark],
    known: Mapping[str, Best],
) -> str:
    """Return how samplers do on benchmarks of few trials: means over seeds, intervals over benchmarks."""
    said = []
    for title, compute in {"share of the best hypervolume known": None, **SCORES}.items():
        rows = []
        for index, (name, stored_rows) in enumerate(found.items()):
            for sampler in dict.fromkeys(row["sampler"] for row in stored_rows):
                mine = [row for row in stored_rows if row["sampler"] == sampler]
                if compute is not None:
                    mine = scored(mine, compute, benchmarks[name], known[name])
                shortest = min(len(row["growth"]) for row in mine)
                unit = known[name].hypervolume if compute is None else 1.0
                growth = np.mean([row["growth"][:shortest] for row in mine], axis=0) / unit
                rows.append({"sampler": sampler, "trials": SHORT, "seed": index, "growth": growth.tolist()})
        said.append(f"{len(found)} models, {title}:\n\n{picked(rows, _FEW)}")
    return "\n\n".join(said)


def differences(rival: str, compared: Sequence[Test]) -> str:
    """Say where a sampler differs significantly from a rival, all tests of it corrected by Holm."""
    said = []
    for sampler in dict.fromkeys(test.sampler for test in compared):
        mine = [test for test in compared if test.sampler == sampler]
        for test, p in zip(mine, holm([test.p for test in mine]), strict=True):
            if p < _SIGNIFICANT:
                said.append(f"{sampler} on {test.benchmark} at {test.checkpoint}: {test.difference:+.3f} (p = {p:.1g})")
    return "\n".join([f"Against {rival}, significant after Holm's correction:", *(said or ["nothing"])])


def draw(found: Mapping[str, Sequence[Mapping[str, Any]]], best: Mapping[str, float], path: Path) -> None:
    """Draw the mean share of the best known hypervolume over trials, a panel for each benchmark."""
    columns = min(len(found), 3)
    lines = -(-len(found) // columns)
    figure = Figure(figsize=(4.2 * columns, 3.4 * lines), dpi=100, layout="constrained")
    for axes, (name, rows) in zip(figure.subplots(lines, columns, squeeze=False).flat, found.items(), strict=False):
        for sampler in CONTESTANTS:
            curves = [row["growth"] for row in rows if row["sampler"] == sampler and row["trials"] == SHORT]
            if curves:
                mean = np.mean(curves, axis=0) / best[name]
                axes.plot(range(1, len(mean) + 1), mean, color=_COLOURS[sampler], label=sampler)
        axes.set(title=name, xlabel="trials", ylim=(0.2, 1.01))
        axes.grid(True, color="#e6e6e6", lw=0.6)
    figure.axes[0].set_ylabel("share of the best hypervolume known")
    figure.axes[0].legend(frameon=False, fontsize=8)
    figure.savefig(path)


def _interval(mean: float, half: float) -> str:
    return f"{mean:.3f}" if np.isnan(half) else f"{mean:.3f} ± {half:.3f}"


if __name__ == "__main__":
    main()
