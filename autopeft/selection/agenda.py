"""What a selection does next: looks at learning rates and the trainings of a race in one queue, long ones first."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import count
from typing import Any

from autopeft.errors import Mishap, RunError
from autopeft.launch import Errand
from autopeft.methods import TITLES
from autopeft.selection.contenders import Contender
from autopeft.selection.errands import Train, Trained, TryRate
from autopeft.selection.racing import LEAST_SEEDS, Entry, certain, standing
from autopeft.selection.rates import Looks
from autopeft.selection.records import Records

__all__ = ["Agenda", "Job"]


@dataclass(frozen=True)
class Job:
    """Something under way.

    Args:
        contender: Who is trained.
        index: Index of the seed; None for a look at its learning rate.
    """

    contender: Contender
    index: int | None = None


class Agenda:
    """Names jobs until a race is over.

    Args:
        contenders: Who starts; those of one role differ in their learning rates.
        records: What they have left, and leave.
        most: How many seeds a contender may have.
        at_once: How many jobs are under way at a time.
        say: Hears what a user should know.
        keep: Keeps a finished training: who it is, the index of its seed, and how it ended.
        sharper: Names, given finalists and how they stand, those whom another seed is owed to when the race is over.
    """

    def __init__(
        self,
        contenders: Sequence[Contender],
        records: Records,
        most: int,
        at_once: int,
        say: Callable[[str], None],
        keep: Callable[[Contender, int, Trained], None],
        sharper: Callable[[Sequence[Contender], Sequence[Entry]], Sequence[int]] = lambda finalists, entries: (),
    ) -> None:
        self._records = records
        self._most = most
        self._at_once = at_once
        self._say = say
        self._keep = keep
        self._sharper = sharper
        self._looks = Looks(contenders, records, say)
        self._order = [each.name for each in contenders]
        self._failed: set[str] = set()
        self._under_way: list[Job] = []

    def next(self) -> tuple[Job, Errand] | None:
        """Return what to begin next; None where that is open until something under way is done, or the race is over.

        Raises:
            RunError: When no reference is left.
        """
        look = self._looks.next()
        job = self._training() if look is None else Job(look)
        if job is None:
            return None
        self._under_way.append(job)
        return job, self._errand(job)

    def done(self, job: Job, result: Any) -> None:
        """Take in what became of a job."""
        self._under_way.remove(job)
        if job.index is None:
            looking = [each.contender for each in self._under_way if each.index is None]
            accuracy, message = result
            self._looks.done(job.contender, accuracy, message, looking)
        elif result.validation is None:
            seed = self._records.seed_of(job.index)
            name = job.contender.name
            self._say(Mishap(f"{name} seed {seed} failed, so {name} is left out: {result.message}"))
            self._failed.add(name)
        else:
            self._keep(job.contender, job.index, result)
            if job.index not in self._records.trained(job.contender):
                # Or it would be trained again and again.
                folder = self._records.folder(job.contender, job.index)
                raise RunError(f"what was just trained cannot be read again from {folder}; look at that folder")

    def finalists(self) -> list[Contender]:
        """Return who is in the race still; when it is over these are the finalists."""
        racing = self._racing()
        live = standing(self._entries(racing), most=self._most, at_once=self._at_once).live
        out = [each.name for index, each in enumerate(racing) if index not in live]
        if out:
            self._say(f"left out, surpassed by something as cheap: {', '.join(out)}")
        return [racing[index] for index in live]

    def _training(self) -> Job | None:
        racing = self._racing()
        if self._looks.settled and not any(each.baseline in TITLES for each in racing):
            raise RunError("no reference could be trained, so that there is nothing to compare with")
        entries = self._entries(racing)
        begun = Counter(job.contender.name for job in self._under_way if job.index is not None)
        wanted, sharper = self._named(racing, entries) if self._looks.settled else ((), ())
        # Seeds beyond the least are as many at once as are named: what is under way counts.
        further = sum(job.index is not None and job.index >= LEAST_SEEDS for job in self._under_way)
        for named, limit in ((wanted, len(wanted)), (certain(entries), None), (sharper, self._at_once)):
            missing = Counter(racing[index].name for index in named) - begun
            chosen = [racing[index] for index in dict.fromkeys(named) if missing[racing[index].name]]
            for each in sorted(chosen, key=lambda each: -each.seconds):
                index = self._free(each)
                if limit is None or index < LEAST_SEEDS or further < limit:
                    return Job(each, index)
        return None

    def _named(self, racing: Sequence[Contender], entries: Sequence[Entry]) -> tuple[Sequence[int], Sequence[int]]:
        """Return who trains next in the race, and once it is over, who does to make a decision sharper."""
        race = standing(entries, most=self._most, at_once=self._at_once)
        if race.next:
            return race.next, ()
        live = race.live
        return (), [live[i] for i in self._sharper([racing[i] for i in live], [entries[i] for i in live])]

    def _free(self, contender: Contender) -> int:
        """Return the first index of a seed that nobody has trained with, or does: they may finish in any order."""
        taken = {*self._records.trained(contender)}
        taken |= {job.index for job in self._under_way if job.contender == contender and job.index is not None}
        return next(index for index in count() if index not in taken)

    def _racing(self) -> list[Contender]:
        there = [each for each in self._looks.decided if each.name not in self._failed]
        return sorted(there, key=lambda each: self._order.index(each.name))

    def _entries(self, racing: Sequence[Contender]) -> list[Entry]:
        return [
            Entry(
                each.costs,
                self._records.validation(each),
                stays=each.asked or each.baseline is not None,
                fixed=each.fixed,
                head=each.baseline == "head",
            )
            for each in racing
        ]

    def _errand(self, job: Job) -> Errand:
        text, full = job.contender.configuration.text, job.contender.baseline == "full"
        if job.index is None:
            # With the seed of the search: what is chosen by the luck of a seed shall not be raced with it.
            return TryRate(text, self._records.seed, full)
        folder = self._records.scratch(job.contender, job.index)
        return Train(text, self._records.seed_of(job.index), folder, full)
