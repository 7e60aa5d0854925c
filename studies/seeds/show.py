"""Print the tables of published systems, and draw them: `python -m studies.seeds.show`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import numpy as np

from studies.seeds.measure import HOW, TASKS, file_of
from studies.seeds.systems import BESIDE, SYSTEMS

__all__ = ["FIGURE", "rows_of"]

FIGURE = Path(__file__).parent / "seeds.png"


def rows_of(task: str) -> dict[str, dict[str, dict[str, Any]]]:
    """Return what has been measured of a task, by system and how it was trained."""
    found: dict[str, dict[str, dict[str, Any]]] = {}
    for name in (*BESIDE, *SYSTEMS):
        for how in HOW:
            file = file_of(task, name, how)
            if file.is_file():
                found.setdefault(name, {})[how] = json.loads(file.read_text(encoding="utf8"))
    return found


def main() -> None:
    """Print a table for each task that has been measured."""
    for task in TASKS:
        rows = rows_of(task)
        if not rows:
            continue
        print(f"`{task}`:\n")
        print("| system | trains | published: test | trains | searched: test | seconds of search |")
        print("| --- | --- | --- | --- | --- | --- |")
        for name, each in rows.items():
            published, searched = (each.get(how) for how in HOW)
            cells = [name, _trains(published), _test(published), _trains(searched), _test(searched), _seconds(searched)]
            print(f"| {' | '.join(cells)} |")
        print()
    _draw()


def _trains(row: dict[str, Any] | None) -> str:
    if row is None:
        return ""
    more = f" ({row['active']:,} at once)" if row["active"] != row["params"] else ""
    return f"{row['params']:,}{more}"


def _test(row: dict[str, Any] | None) -> str:
    return "" if row is None else f"{np.mean(row['test']):.3f} ± {np.std(row['test'], ddof=1):.3f}"


def _seconds(row: dict[str, Any] | None) -> str:
    return "" if row is None else f"{row['seconds']['search']:,.0f}"


def _draw() -> None:
    measured = [task for task in TASKS if rows_of(task)]
    if not measured:
        return
    figure, axes = plt.subplots(1, len(measured), figsize=(7 * len(measured), 6), squeeze=False)
    for axis, task in zip(axes[0], measured, strict=True):
        for name, each in rows_of(task).items():
            for how, row in each.items():
                mark = {"marker": "o" if how == HOW[1] else "x", "color": "C3" if name in BESIDE else "C0"}
                axis.errorbar(row["params"], np.mean(row["test"]), np.std(row["test"], ddof=1), capsize=2, **mark)
                axis.annotate(
                    name, (row["params"], np.mean(row["test"])), fontsize=7, xytext=(3, 3), textcoords="offset points"
                )
        axis.set(
            xscale="log",
            xlabel="trainable parameters",
            ylabel="accuracy on test",
            title=f"{task} (x published, o searched)",
        )
        # Names stand to the right of their points.
        axis.margins(x=0.2)
    figure.tight_layout()
    figure.savefig(FIGURE, dpi=150)


if __name__ == "__main__":
    main()
