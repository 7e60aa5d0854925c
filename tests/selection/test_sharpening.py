"""Seeds go to what is open, and to nothing else."""

import numpy as np
import pytest

from autopeft.errors import AutopeftError
from autopeft.selection.racing import Entry
from autopeft.selection.sharpening import Until, sharpen

#: The head, a reference, and two that were searched, by place.
HEAD, REFERENCE, FIRST, SECOND = range(4)


def entries(levels, seeds=(3, 3, 3, 3), luck=0.02, count=2_000):
    rng, found = np.random.default_rng(0), []
    hard = rng.random(count)
    for place, (level, trained) in enumerate(zip(levels, seeds, strict=True)):
        drawn = [(hard < level + luck * rng.normal()).astype(float) for _ in range(trained)]
        found.append(Entry((float(place),), drawn, stays=place < 2))
    return found


def named(found, **changes):
    asked = {"width": 0.0, "margin": 0.01, "most": 13, "units": 2_000} | changes
    return set(sharpen(found, [REFERENCE], [FIRST, SECOND], **asked))


def test_what_is_open_gets_seeds_with_what_it_is_compared_with():
    assert named(entries([0.5, 0.8, 0.8, 0.5])) == {REFERENCE, FIRST}
    assert named(entries([0.5, 0.8, 0.5, 0.6])) == set()
    assert named(entries([0.5, 0.6, 0.9, 0.95])) == set()


def test_it_ends_where_the_width_is_reached_or_seeds_tell_no_more():
    open_one = entries([0.5, 0.8, 0.8, 0.5])
    assert named(open_one, width=0.5) == set()
    assert named(open_one, width=0.02) == {REFERENCE, FIRST}
    # So few units of test leave more unknown than that.
    assert named(open_one, width=0.0001, units=50) == set()
    assert named(open_one, most=3) == set()
    assert named(entries([0.5, 0.8, 0.8, 0.5], seeds=(3, 13, 3, 3))) == {FIRST}


def test_who_has_fewest_seeds_is_told_most_of():
    found = entries([0.5, 0.8, 0.8, 0.5], seeds=(3, 12, 3, 3))
    assert sharpen(found, [REFERENCE], [FIRST], width=0.0, margin=0.01, most=13, units=2_000)[0] == FIRST


@pytest.mark.parametrize(
    ("text", "until"),
    [
        ("1pt", Until(width=0.01)),
        (" 0.5 pt", Until(width=0.005)),
        ("30m", Until(seconds=1_800)),
        ("1h30m", Until(seconds=5_400)),
    ],
)
def test_points_and_times_are_read(text, until):
    assert Until.parse(text) == until


@pytest.mark.parametrize("text", ["", "1", "0pt", "-1pt", "100pt", "soon", "1 point"])
def test_anything_else_is_refused(text):
    with pytest.raises(AutopeftError, match="expected points such as 1pt, or a time such as 30m"):
        Until.parse(text)
