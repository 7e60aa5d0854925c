"""At which learning rate a contender goes on: all are tried up to a rung, the best goes on."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from autopeft.errors import Mishap
from autopeft.selection.contenders import Contender
from autopeft.selection.records import Records

__all__ = ["Looks"]


class Looks:
    """Tries the learning rates of roles that have several.

    Where all of a role have been trained whole, by an earlier version or another setting of the race, that decides.

    Args:
        contenders: Those of one role differ in their learning rates.
        records: What they have left.
        say: Hears what a user should know.

    Attributes:
        decided: Who goes on so far: one of each role, in the order in which that was known.
    """

    def __init__(self, contenders: Sequence[Contender], records: Records, say: Callable[[str], None]) -> None:
        self._records = records
        self._say = say
        self._waiting: list[Contender] = []
        self._open: dict[str, list[Contender]] = {}
        self.decided: list[Contender] = []
        roles: dict[str, list[Contender]] = {}
        for each in contenders:
            roles.setdefault(each.role, []).append(each)
        for role, group in roles.items():
            if len(group) == 1:
                self.decided += group
            elif all(map(records.validation, group)):
                self._decide(group, {each.name: float(np.mean(records.validation(each))) for each in group})
            else:
                self._open[role] = group
                self._waiting += [each for each in group if records.looked(each) is None]
                self._close(role, under_way=())
        # The longest first, so that nobody waits for one in the end.
        self._waiting.sort(key=lambda each: -each.seconds)

    @property
    def settled(self) -> bool:
        """Whether the rate of every role is known."""
        return not self._open

    def next(self) -> Contender | None:
        """Return whom to look at next; None when nobody is left."""
        return self._waiting.pop(0) if self._waiting else None

    def done(
        self, contender: Contender, accuracy: float | None, message: str, under_way: Sequence[Contender] = ()
    ) -> None:
        """Take in what a look showed.

        Args:
            contender: Who was looked at.
            accuracy: What it reached; None where it failed.
            message: What went wrong.
            under_way: Who is being looked at still.
        """
        if accuracy is None:
            # Not recorded: a fault of the machine may be gone the next time.
            self._say(Mishap(f"{contender.name} failed, and is left out: {message}"))
        else:
            self._records.keep_look(contender, accuracy)
        self._close(contender.role, under_way)

    def _close(self, role: str, under_way: Sequence[Contender]) -> None:
        """Decide a role of which everyone has been looked at."""
        if any(each.role == role for each in (*self._waiting, *under_way)):
            return
        # Where nothing tells them apart, as where none has learned yet, the rate of the trial goes on.
        group = sorted(self._open.pop(role), key=lambda each: each.trial is None)
        reached = {each.name: seen for each in group if (seen := self._records.looked(each)) is not None}
        seen_at = {_rate(each): reached[each.name] for each in group if each.name in reached}
        rates = ", ".join(f"{rate:g}: {seen:.4f}" for rate, seen in sorted(seen_at.items()))
        if reached:
            self._say(f"{role} goes on at the best of its learning rates after a quarter of the steps, {rates}")
        else:
            self._say(Mishap(f"{role} failed at every learning rate, and is left out"))
        self._decide(group, reached)

    def _decide(self, group: Sequence[Contender], reached: dict[str, float]) -> None:
        self.decided += [each for each in group if each.name == max(reached, key=reached.__getitem__, default=None)]


def _rate(contender: Contender) -> float:
    return float(contender.configuration.training["learning_rate"])
