"""Print what searching is worth, from the pieces that are there.

python -m studies.worth.show
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy import stats

from autopeft.methods import TITLES
from autopeft.selection.statistics import CONFIDENCE, Difference, estimate
from autopeft.selection.verdict import MARGIN
from studies.arena.record import TASKS as RECORDED
from studies.worth.measure import BY_HAND, RESULTS, picks_of, scores_file
from studies.worth.tasks import TASKS

__all__ = ["Verdict", "main", "of_task", "over_tasks"]

#: Who is compared with the best reference, by what files of picks begin with and the name of the pick there.
_RIVALS = {
    "autopeft": ("search", "cheapest-within 0.5pt"),
    "autopeft's best": ("search", "best"),
    "ladder": (BY_HAND, "ladder"),
    "ladder of top layers": (BY_HAND, "ladder-top"),
    "careful script": ("script", "script"),
}


@dataclass(frozen=True)
class Verdict:
    """How somebody's picks stand to the best reference of a task.

    Args:
        who: Whose pick.
        source: The file it stands in: which search it is of.
        reached: Mean of the metric on test.
        difference: To the reference that is best on validation.
        params: Its parameters.
        share: Of those of the cheapest reference that is as good as the best.
        seconds: How long it took to pick.
    """

    who: str
    source: str
    reached: float
    difference: Difference
    params: int
    share: float
    seconds: float

    @property
    def in_a_word(self) -> str:
        """Better, as good, worse or open."""
        if self.difference.above(0):
            return "better"
        if self.difference.above(-MARGIN):
            return "as good"
        return "worse" if self.difference.mean + self.difference.margin < 0 else "open"


def main(folder: Path = RESULTS) -> None:
    """Print a table of tasks and what all of them say."""
    found = {task: of_task(folder / task) for task in TASKS if (folder / task).is_dir()}
    print("| task | best reference | who | search | on test | points above it | parameters | share | seconds | |")
    print("| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |")
    for task, (reference, verdicts) in found.items():
        for each in verdicts:
            points = f"{100 * each.difference.mean:+.1f} ± {100 * each.difference.margin:.1f}"
            cells = [task, reference, each.who, each.source, f"{each.reached:.3f}", points, f"{each.params:,}"]
            print("| " + " | ".join([*cells, f"{each.share:.2g}", f"{each.seconds:.0f}", each.in_a_word]) + " |")
    for title, tasks in {
        "all": list(found),
        "new to the portfolio": [task for task in found if task not in RECORDED],
    }.items():
        for who in _RIVALS:
            mine = [[each for each in found[task][1] if each.who == who] for task in tasks]
            mine = [searches for searches in mine if searches]
            if len(mine) > 1:
                mean, margin = over_tasks([float(np.mean([each.difference.mean for each in some])) for some in mine])
                share = float(np.median([each.share for some in mine for each in some]))
                print(
                    f"\n{who}, {len(mine)} tasks ({title}): {100 * mean:+.2f} ± {100 * margin:.2f} points, "
                    f"a median of {share:.2g} of the parameters"
                )


def of_task(folder: Path) -> tuple[str, list[Verdict]]:
    """Return the best reference of a task, and how picks stand to it that have been trained whole, search by search."""
    picks = {key: pick for key, pick in picks_of(folder).items() if scores_file(folder, pick).is_file()}
    names = [name for name in TITLES if (BY_HAND, name) in picks]
    if not names:
        return "", []
    keys = [(BY_HAND, name) for name in names]
    for file, called in _RIVALS.values():
        keys += [(stem, name) for stem, name in picks if stem.startswith(file) and name == called]
    scores = {key: np.load(scores_file(folder, picks[key])) for key in keys}
    test = estimate([scores[key]["test"].astype(float) for key in keys])
    best = max(names, key=lambda name: scores[BY_HAND, name]["validation"].mean())
    places = {key: place for place, key in enumerate(keys)}
    at = places[BY_HAND, best]
    apart = test.differences([(place, at) for place in places.values() if place != at])
    as_good = [each for each in names if each == best or apart[places[BY_HAND, each], at].above(-MARGIN)]
    cheapest = min(picks[BY_HAND, each].params for each in as_good)
    verdicts = []
    for who, (file, called) in _RIVALS.items():
        for stem, name in (key for key in keys if key[0].startswith(file) and key[1] == called):
            params, place = picks[stem, name].params, places[stem, name]
            reached, seconds = float(test.means[place]), _seconds(folder / f"{stem}.json", name)
            verdicts.append(Verdict(who, stem, reached, apart[place, at], params, params / cheapest, seconds))
    return TITLES[best], verdicts


def over_tasks(differences: Sequence[float]) -> tuple[float, float]:
    """Return the mean of the tasks' differences and half the width of its interval over tasks.

    What searches, seeds and examples add to each difference is in their spread.
    """
    values = np.asarray(differences)
    error = values.std(ddof=1) / np.sqrt(len(values))
    return float(values.mean()), float(stats.t.isf((1 - CONFIDENCE) / 2, len(values) - 1) * error)


def _seconds(file: Path, name: str) -> float:
    """Return the seconds it took to pick, of all picks of a file or of each."""
    seconds: float | Mapping[str, float] = json.loads(file.read_text(encoding="utf8"))["seconds"]
    return seconds[name] if isinstance(seconds, dict) else float(seconds)  # type: ignore[arg-type]


if __name__ == "__main__":
    main()
