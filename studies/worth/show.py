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
        who: Whose picks.
        reached: Mean of the metric on test.
        difference: To the reference that is best on validation.
        params: Parameters, the geometric mean of several picks.
        share: Of those of the cheapest reference that is as good as the best.
        seconds: How long it took to pick; None where references were tried alone.
    """

    who: str
    reached: float
    difference: Difference
    params: float
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
    print("| task | best reference | who | on test | points above it | parameters | share | seconds | |")
    print("| --- | --- | --- | --- | --- | --- | --- | --- | --- |")
    for task, (reference, verdicts) in found.items():
        for each in verdicts:
            points = f"{100 * each.difference.mean:+.1f} ± {100 * each.difference.margin:.1f}"
            cells = [task, reference, each.who, f"{each.reached:.3f}", points, f"{each.params:,.0f}"]
            print("| " + " | ".join([*cells, f"{each.share:.2g}", f"{each.seconds:.0f}", each.in_a_word]) + " |")
    for who in _RIVALS:
        mine = [each for _, verdicts in found.values() for each in verdicts if each.who == who]
        if len(mine) > 1:
            mean, margin = over_tasks([each.difference.mean for each in mine])
            share = float(np.median([each.share for each in mine]))
            print(
                f"\n{who}, {len(mine)} tasks: {100 * mean:+.2f} ± {100 * margin:.2f} points, "
                f"a median of {share:.2g} of the parameters"
            )


def of_task(folder: Path) -> tuple[str, list[Verdict]]:
    """Return the best reference of a task, and how picks stand to it that have been trained whole.

    Several searches of the same count as one whose seeds are those of all.
    """
    picks = {key: pick for key, pick in picks_of(folder).items() if scores_file(folder, pick).is_file()}
    names = [name for name in TITLES if (BY_HAND, name) in picks]
    if not names:
        return "", []
    groups = {name: [picks[BY_HAND, name]] for name in names}
    for who, (file, name) in _RIVALS.items():
        mine = [pick for (stem, called), pick in picks.items() if stem.startswith(file) and called == name]
        groups |= {who: mine} if mine else {}
    scores = {who: [np.load(scores_file(folder, pick)) for pick in mine] for who, mine in groups.items()}
    test = estimate([np.concatenate([each["test"] for each in some]).astype(float) for some in scores.values()])
    best = max(names, key=lambda name: scores[name][0]["validation"].mean())
    places = {who: place for place, who in enumerate(groups)}
    apart = test.differences([(place, places[best]) for who, place in places.items() if who != best])
    as_good = [each for each in names if each == best or apart[places[each], places[best]].above(-MARGIN)]
    cheapest = min(groups[each][0].params for each in as_good)
    verdicts = []
    for who in (who for who in groups if who in _RIVALS):
        params = float(np.exp(np.mean(np.log([max(pick.params, 1) for pick in groups[who]]))))
        difference = apart[places[who], places[best]]
        reached = float(test.means[places[who]])
        verdicts.append(Verdict(who, reached, difference, params, params / cheapest, _seconds(folder, who)))
    return TITLES[best], verdicts


def over_tasks(differences: Sequence[float]) -> tuple[float, float]:
    """Return the mean of the tasks' differences and half the width of its interval over tasks.

    What searches, seeds and examples add to each difference is in their spread.
    """
    values = np.asarray(differences)
    error = values.std(ddof=1) / np.sqrt(len(values))
    return float(values.mean()), float(stats.t.isf((1 - CONFIDENCE) / 2, len(values) - 1) * error)


def _seconds(folder: Path, who: str) -> float:
    """Return the mean seconds it took somebody to pick."""
    file, name = _RIVALS[who]
    found: list[float | Mapping[str, float]] = [
        json.loads(each.read_text(encoding="utf8"))["seconds"] for each in sorted(folder.glob(f"{file}*.json"))
    ]
    return float(np.mean([each if isinstance(each, int | float) else each[name] for each in found]))


if __name__ == "__main__":
    main()
