"""Print what `make soak` recorded, as the tables of its page: python -m studies.soak.show."""

from __future__ import annotations

import json
import statistics
from collections import Counter
from pathlib import Path

__all__ = ["main"]

_HERE = Path(__file__).parent

_NAMES = {
    "driver": "the driver",
    "speaker": "the process that speaks to Ray",
    "worker": "a worker",
    "raylet": "Ray's raylet",
    "gcs_server": "Ray's GCS",
}


def main(folder: Path = _HERE) -> None:
    """Print the tables.

    Args:
        folder: Where the records are.
    """
    searches = [json.loads(line) for line in (folder / "kills.jsonl").read_text().splitlines()]
    kills: Counter[str] = Counter()
    for each in searches:
        kills.update(each["kills"])
    seconds = sorted(second for each in searches for second in each["seconds"])
    print("| killed | times |\n| --- | --- |")
    for kind, name in _NAMES.items():
        print(f"| {name} | {kills[kind]} |")
    print(f"\n{kills.total()} kills in {len(searches)} searches: ", end="")
    print(
        ", ".join(f"{sum(each[name] for each in searches)} {name}" for name in ("lost", "changed", "doubled")), end=""
    )
    print(f", {sum(each['missing'] for each in searches)} baselines missing.")
    within = sum(second < 30 for second in seconds)
    print(
        f"A trial began again after {statistics.median(seconds):.0f} s in the median, {seconds[-1]:.0f} s at most; "
        f"{within} of {len(seconds)} times within 30 s.\n"
    )
    inputs = json.loads((folder / "inputs.json").read_text())
    print("| drawn | inputs | they work | one message |\n| --- | --- | --- | --- |")
    for name, ends in inputs.items():
        every, works = sum(ends.values()), ends["it works"]
        print(f"| {name} | {every:,} | {works:,} | {every - works:,} |")
    trials = json.loads((folder / "trials.json").read_text())
    ended = ", ".join(f"{count} {status}" for status, count in trials["statuses"].items())
    print(
        f"\n{trials['trials']} trials: {ended}. The run folder held {trials['folder']['200']} MiB after 200, ", end=""
    )
    print(f"{trials['folder']['all']} MiB in the end; the process {trials['memory'][1]:.0f} MiB after 200 and ", end="")
    print(f"{trials['memory'][-1]:.0f} MiB in the end.")


if __name__ == "__main__":
    main()
