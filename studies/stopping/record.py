"""Record a random search with curves, no trial stopped, as a table that `replay` reads.

    python -m studies.stopping.record --out runs/stopping --table studies/stopping/own.jsonl

The same command goes on with a search that was interrupted.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any
from unittest import mock

import optuna

from autopeft.launch import SearchPlan, prepare, run_search
from autopeft.samplers import finished_runs
from autopeft.study import Scale, head_only_accuracy
from studies.stopping.tables import Run, Table, write_table


def main() -> None:
    """Run the default job's search to the end of every trial, and write its table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True, help="run folder")
    parser.add_argument("--table", type=Path, required=True, help="JSONL file to write")
    parser.add_argument("--trials", type=int, default=200)
    parser.add_argument("--examples", type=int, help="training examples; default: as the search chooses")
    parser.add_argument("--workers", type=int, help="trials at once; default: as the search chooses")
    given = parser.parse_args()
    settings = {key: getattr(given, key) for key in ("examples", "workers") if getattr(given, key) is not None}
    record(given.out, given.table, trials=given.trials, **settings)


def record(folder: Path, table: Path, **settings: Any) -> None:
    """Run a random search in a folder and write its table.

    Args:
        folder: The run folder.
        table: The JSONL file.
        settings: Fields of the `SearchPlan`.
    """
    plan = SearchPlan.of({"out": folder, "sampler": "random", "seed": 0, **settings})
    # `--no-early-stopping` would not measure at the rungs; here trials are measured and go on.
    with mock.patch("autopeft.launch.desk.out_of_reach", return_value=False):
        result = run_search(prepare(plan))
    write_table(table_of(result.study), table)


def table_of(study: optuna.Study) -> Table:
    """Return the trials of a study that finished, and how they are scored.

    Raises:
        ValueError: When head-only has not finished.
    """
    scale, reference = Scale.recorded(study), head_only_accuracy(study)
    if reference is None:
        raise ValueError("the study has no finished head-only baseline to score by")
    runs = []
    for trial in study.trials:
        for finished in finished_runs([trial]):
            attrs = trial.user_attrs
            runs.append(Run(attrs["in_words"], finished, "baseline" in attrs))
    return Table(tuple(runs), scale.limit, reference, scale.cheapest)


if __name__ == "__main__":
    main()
