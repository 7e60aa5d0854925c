"""Print the table of the stored searches and draw the figure.

python -m studies.arena.show --out studies/arena/arena.png
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from studies.arena.catalogue import BENCHMARKS, load
from studies.arena.compare import CHECKPOINTS, Standing, Test, against, holm, standings
from studies.arena.contestants import BEGUN, CONTESTANTS, NUTS
from studies.arena.run import SHORT, stored

_COLOURS = dict(zip(CONTESTANTS, ("#d1622b", "#9a9fa6", "#1f5fa8", "#5aa469", "#8a5fb0", "#c2a12b"), strict=True))
_SIGNIFICANT = 0.05


def main() -> None:
    """Print and draw."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True, help="PNG file of the figure")
    given = parser.parse_args()
    order = (*CONTESTANTS, *BEGUN, NUTS)
    found = {name: rows for name in BENCHMARKS if (rows := stored(name))}
    for rows in found.values():
        rows.sort(key=lambda row: order.index(row["sampler"]))
    best = {name: load(name).best() for name in found}
    with_random: list[Test] = []
    with_cold: list[Test] = []
    for name, rows in found.items():
        print(f"\n{name}: best known {best[name]:.4f}\n\n{table(standings(rows, best[name]))}")
        with_random += against("random", name, rows, best[name])
        with_cold += [test for test in against("pareto", name, rows, best[name]) if test.sampler in BEGUN]
    print(f"\n{differences('random', with_random)}\n\n{differences('pareto', with_cold)}")
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
