"""Print what a search found as the tables of its study: its front, its finalists, and a fusion of one of them.

python -m studies.show FOLDER
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from autopeft.selection.finalists_file import FINALISTS, Finalist, read_finalists

__all__ = ["FUSED", "main"]

#: What `autopeft fuse --json` has printed.
FUSED = "fused.json"


def main(given: Sequence[str] | None = None) -> None:
    """Do it.

    Args:
        given: The arguments, those of the command line when left out.
    """
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, help=f"run folder, or one with its front.json, {FINALISTS} or {FUSED}")
    folder = parser.parse_args(given).folder
    shown = [*_front(folder / "front.json"), *_finalists(folder), *_fused(folder / FUSED)]
    print("\n".join(shown) if shown else f"{folder}: nothing is recorded there")


def _front(file: Path) -> Iterator[str]:
    """Yield the front with its baselines, by rising cost."""
    if not file.is_file():
        return
    found = json.loads(file.read_text(encoding="utf8"))
    known = {row["trial"]: row for row in (*found["front"], *found["baselines"])}
    rows = sorted(known.values(), key=lambda row: (row["params"], row["trial"]))
    figures = list(rows[0]["metrics"])
    yield from _table(
        ["parameters", *figures, "configuration"],
        *([f"{row['params']:,}", *_figures(row["metrics"], figures), _named(row)] for row in rows),
    )
    ended = ", ".join(f"{count} {state}" for state, count in found["trials"].items())
    yield from ("", f"Trials: {ended}; {found['verdict']}.", "")


def _finalists(folder: Path) -> Iterator[str]:
    """Yield what finalists reached on test, over seeds and examples."""
    found = read_finalists(folder)
    if found is None:
        return
    yield from _table(
        ["finalist", "parameters", "seeds", f"{found.metric} on test", f"points above {found.reference}"],
        *(_cells(row, found.reference) for row in found.finalists),
    )
    yield from ("", f"Verdict: {found.verdict}.", "")


def _fused(file: Path) -> Iterator[str]:
    """Yield each model of a fusion and all as one."""
    if not file.is_file():
        return
    rows = json.loads(file.read_text(encoding="utf8"))["models"]
    figures = list(rows[0]["figures"])
    yield from _table(
        ["model", *figures, "weight", "GFLOPs a token", "seconds"],
        *(
            [
                row["name"],
                *_figures(row["figures"], figures),
                "" if row["weight"] is None else f"{row['weight']:.2f}",
                "" if row["flops"] is None else f"{row['flops'] / 1e9:.3g}",
                f"{row['seconds']:.0f}",
            ]
            for row in rows
        ),
    )


def _cells(row: Finalist, reference: str) -> list[str]:
    against = row.against.get(reference)
    above = "" if against is None else _around(against.difference, 100, "+.1f")
    return [row.baseline or row.in_words, f"{row.params:,}", str(len(row.seeds)), _around(row.test, 1, ".3f"), above]


def _around(interval: Any, scale: int, form: str) -> str:
    margin = scale * (interval.high - interval.low) / 2
    return f"{scale * interval.mean:{form}} ± {margin:{form.lstrip('+')}}"


def _figures(found: dict[str, float], names: Sequence[str]) -> list[str]:
    return [f"{found[name]:.4f}" for name in names]


def _named(row: dict[str, Any]) -> str:
    return f"{row['in_words']} ({row['baseline']})" if row["baseline"] else str(row["in_words"])


def _table(*rows: Sequence[str]) -> Iterator[str]:
    """Yield the lines of a table in Markdown, whose first row is its head."""
    head, *others = rows
    return (f"| {' | '.join(each)} |" for each in (head, ["---"] * len(head), *others))


if __name__ == "__main__":
    main()
