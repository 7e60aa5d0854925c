"""What was found, in plain words: is it better than what people use, or as good for less?"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from autopeft.costs import OBJECTIVES
from autopeft.errors import AutopeftError
from autopeft.selection.statistics import Difference

__all__ = ["MARGIN", "Compared", "Reference", "margin_of", "overall", "verdict_of"]

#: What counts as equally good where the user says nothing: a point.
MARGIN = 0.01

#: Beyond so many times as much nobody would measure.
_MOST = 1000


@dataclass(frozen=True)
class Reference:
    """What finalists are compared with: the best of what people use.

    Args:
        name: What it is called.
        untouched: What the model is called to which nothing was added.
        gain: How much better it is than that on test; None where that could not be measured.
        margin: How much worse than it is as good as it.
        cheapest: Of the references that are as good as it the one of the lowest first cost, of which shares are; itself
            when left out.
    """

    name: str
    untouched: str
    gain: Difference | None
    margin: float
    cheapest: str | None = None

    @property
    def usable(self) -> str:
        """What to use where searching did not help, and why."""
        if self.cheapest in (None, self.name):
            return self.name
        return f"{self.cheapest}, which is as good as {self.name} {self.within}"

    @property
    def within(self) -> str:
        """The margin in words."""
        return f"within {100 * self.margin:g} point{'s' * (self.margin != 0.01)}"

    @property
    def helps(self) -> bool:
        """Whether it is shown to be better than the untouched model."""
        return self.gain is not None and self.gain.above(0)

    @property
    def carries(self) -> bool:
        """Whether to be as good as it says something: it helps, and the margin is at most half of what it gains."""
        return self.gain is not None and self.helps and self.margin <= self.gain.mean / 2


@dataclass(frozen=True)
class Compared:
    """A finalist beside a reference; all that is said of finalists holds at once.

    Args:
        name: What it is called.
        difference: How much better it is on test.
        shares: Its costs that are objectives, as multiples of those of the cheapest reference that is as good; infinite
            where that has none.
        gain: How much better it is than the untouched model; None where that could not be measured.
    """

    name: str
    difference: Difference
    shares: Mapping[str, float]
    gain: Difference | None = None

    @property
    def helps(self) -> bool:
        """Whether it is shown to be better than the untouched model."""
        return self.gain is not None and self.gain.above(0)

    @property
    def cheaper(self) -> bool:
        """Whether it costs less than that reference, and nowhere more."""
        shares = self.shares.values()
        return all(share <= 1 for share in shares) and any(share < 1 for share in shares)

    @property
    def better(self) -> bool:
        """Whether its interval lies above 0."""
        return self.difference.above(0)

    @property
    def worse(self) -> bool:
        """Whether its interval lies below 0."""
        return self.difference.mean + self.difference.margin < 0

    def as_good(self, margin: float) -> bool:
        """Whether its interval lies above minus a margin."""
        return self.difference.above(-margin)


def margin_of(text: str) -> float:
    """Read a margin, such as `1pt`.

    Returns:
        A share of the metric: 0.01.

    Raises:
        AutopeftError: When it is none.
    """
    found = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*pt\s*", text)
    if found is None or not 0 < float(found[1]) < 100:
        raise AutopeftError(f"--margin is {text!r}; expected points of the metric, such as 1pt or 0.5pt")
    return float(found[1]) / 100


def verdict_of(compared: Compared, reference: Reference) -> str:
    """Say how one finalist stands to a reference."""
    share = _at_share(compared.shares, reference)
    size, margin = 100 * abs(compared.difference.mean), 100 * compared.difference.margin
    sign = "+" if compared.difference.mean >= 0 else "-"
    signed = f"({sign}{size:.1f} ± {margin:.1f} points)"
    if compared.better:
        return f"better than {reference.name} by {size:.1f} ± {margin:.1f} points{share}"
    if compared.as_good(reference.margin):
        return f"as good as {reference.name} {reference.within} {signed}{share}"
    if compared.worse:
        return f"worse than {reference.name} by {size:.1f} ± {margin:.1f} points{share}"
    return f"not to be told from {reference.name} {signed}{share}"


def overall(found: Sequence[Compared], reference: Reference) -> str:
    """Say whether searching helped.

    Args:
        found: What the search found, the best on validation first.
        reference: What it is compared with.
    """
    better = next((each for each in found if each.better and (each.helps or reference.helps)), None)
    if better is not None:
        return f"{better.name} is {verdict_of(better, reference)}"
    if not reference.helps:
        helping = next((each for each in found if each.helps), None)
        if helping is None:
            return f"nothing beyond {reference.untouched} is shown to help: {_no_gain(found, reference)}"
        return (
            f"{helping.name} is {_points(helping.gain)} above {reference.untouched}, which {reference.name} "
            f"({_points(reference.gain)}) is not shown to be; it is {verdict_of(helping, reference)}"
        )
    if not found:
        return f"searching did not help: nothing that it found is among the finalists; use {reference.usable}"
    cheaper = [each for each in found if each.as_good(reference.margin) and each.cheaper]
    if cheaper and reference.carries:
        least = min(cheaper, key=lambda each: next(iter(each.shares.values())))
        return f"{least.name} is {verdict_of(least, reference)}"
    if all(each.worse and not each.as_good(reference.margin) for each in found):
        use = "that" if reference.usable == reference.name else reference.usable
        return f"searching did not help: nothing it found is as good as {reference.name}; use {use}"
    if not reference.carries:
        return (
            f"searching did not help: nothing it found is shown to be better than {reference.name}, and to be as good "
            f"{reference.within} says little where that is {_points(reference.gain)} above {reference.untouched}; use "
            f"{reference.usable}"
        )
    closest = max(found, key=lambda each: each.difference.mean)
    wanted = max(closest.difference.mean + reference.margin, -closest.difference.mean)
    instead = "" if reference.usable == reference.name else f"; use {reference.usable}"
    return (
        f"searching did not help: nothing it found is shown to be better than {reference.name}, or as good "
        f"{reference.within} for less; {closest.name} is {verdict_of(closest, reference)}"
        f"{_needed(closest.difference.margin, wanted)}{instead}"
    )


def _no_gain(found: Sequence[Compared], reference: Reference) -> str:
    if reference.gain is None:
        return f"{reference.untouched} could not be measured"
    gains = [(each.gain, each.name) for each in found if each.gain is not None]
    gain, name = max(gains, key=lambda each: each[0].mean, default=(reference.gain, ""))
    nearest = f", {name} {_points(gain)}" if gain.mean > reference.gain.mean else ""
    most = gain if nearest else reference.gain
    return f"{reference.name} is {_points(reference.gain)} above it{nearest}{_needed(most.margin, most.mean)}"


def _points(difference: Difference | None) -> str:
    assert difference is not None
    return f"{100 * difference.mean:+.1f} ± {100 * difference.margin:.1f} points"


def _needed(margin: float, wanted: float) -> str:
    """Say how much more it would take to tell: widths of intervals fall with the root of what is measured."""
    if wanted <= 0 or margin <= wanted:
        return ""
    times = math.ceil((margin / wanted) ** 2)
    return "" if times > _MOST else f"; about {times} times as many test examples and seeds would tell"


def _at_share(shares: Mapping[str, float], reference: Reference) -> str:
    """Say at which share of what; nothing where nothing can be divided."""
    if not shares:
        return ""
    own = reference.cheapest in (None, reference.name)
    parts = [
        f"{_percent(share)} of {'its' if own else 'the'} {OBJECTIVES[name].noun}"
        for name, share in shares.items()
        if math.isfinite(share)
    ]
    parts += [f"{OBJECTIVES[name].noun} where it has none" for name, share in shares.items() if math.isinf(share)]
    whose = "" if own else f" of {reference.cheapest}, the reference of the lowest cost that is as good"
    return f" at {' and '.join(parts)}{whose}"


def _percent(ratio: float) -> str:
    percent = 100 * ratio
    return f"{percent:.0f}%" if percent >= 10 else f"{percent:.2g}%"
