"""Share of worker time spent in steps and validation, of a finished run: `python -m tests.benchmarks.busy RUN`.

From the start of the first trial to the end of the last one; the run must be one search, not resumed.
"""

import argparse
from pathlib import Path

from autopeft.study import load_study


def main() -> None:
    """Print the share, and where the rest went."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("run", type=Path)
    parser.add_argument("--workers", type=int, default=2)
    given = parser.parse_args()
    spans = []
    for trial in load_study(given.run, None, None).trials:
        outcome = trial.user_attrs.get("outcome")
        if outcome is not None and trial.datetime_complete is not None:
            end = trial.datetime_complete.timestamp()
            spans.append((end - outcome["seconds"], end, outcome["seconds"], outcome["busy"]))
    starts, ends, seconds, busy = zip(*spans, strict=True)
    took = max(ends) - min(starts)
    total = given.workers * took
    print(
        f"{len(spans)} trials in {took:.0f} s on {given.workers} workers: {sum(busy) / total:.1%} of "
        f"worker time in steps and validation, {(sum(seconds) - sum(busy)) / total:.1%} in the rest of trials, "
        f"{1 - sum(seconds) / total:.1%} between trials"
    )


if __name__ == "__main__":
    main()
