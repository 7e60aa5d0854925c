"""The strategy that draws recipes: whatever goes together."""

from __future__ import annotations

import zlib
from collections.abc import Callable
from typing import Any

from hypothesis import HealthCheck, given, seed, settings
from hypothesis import strategies as st

from tests.tasks.dirty.dirt import DELIMITED, DIRT, ENCODINGS, PLAIN, QUOTING
from tests.tasks.dirty.forms import FORMATS
from tests.tasks.dirty.recipe import NAMES, Recipe
from tests.tasks.dirty.words import LABELS

__all__ = ["applicable", "recipes", "repeated"]

#: For `repeated`: nothing is remembered, and nothing is too slow.
_STABLE = settings(deadline=None, database=None, suppress_health_check=list(HealthCheck))


def repeated(strategy: st.SearchStrategy[Any], files: int, name: str, check: Callable[[Any], None], **how: Any) -> None:
    """Draw recipes, the same ones every time, and check each.

    Args:
        strategy: What draws them.
        files: How many.
        name: What tells these draws from others.
        check: Raises where something is wrong.
        how: Further settings of hypothesis.
    """

    @seed(zlib.crc32(name.encode()))
    @settings(_STABLE, max_examples=files, **how)
    @given(recipe=strategy)
    def every(recipe: Any) -> None:
        check(recipe)

    every()


#: Formats whose files are one split together.
_SHARDED = ("folder", "glob")

_DELIMITERS = {"csv": (",", ";", "|", "\t"), "tsv": ("\t",)}

#: Kinds that set all of a column do not go together with others of it.
_OVERLAPS = {"texts": ("all texts",), "quotes": ("all texts",), "labels": ("all labels",)}


def applicable(format: str) -> list[str]:
    """Return the kinds of dirt that a format can have."""
    whole = format in _SHARDED
    return [
        name for name, dirt in DIRT.items() if set(dirt.kinds) & set(FORMATS[format]) and not (whole and dirt.apart)
    ]


@st.composite
def recipes(draw: st.DrawFn, format: str, dirt: str | None = None) -> Recipe:
    """Draw how rows are written in a format, with a given kind of dirt ("" for none), or any."""
    first = draw(st.sampled_from(["", *applicable(format)])) if dirt is None else dirt
    kinds = [kind for kind in FORMATS[format] if not first or kind in DIRT[first].kinds]
    kind = draw(st.sampled_from(kinds))
    found = [first] if first else []
    if first and draw(st.integers(0, 2)) == 0:
        others = [name for name in applicable(format) if kind in DIRT[name].kinds and _together(first, name)]
        found.append(draw(st.sampled_from(others)))
    chosen = [DIRT[name] for name in found]
    quoting = draw(st.sampled_from([each for each in QUOTING if all(each in one.quoting for one in chosen)]))
    encodings = [each for each in ENCODINGS if all(each in one.encodings for one in chosen)]
    # Half of the files are plain UTF-8.
    encoding = draw(st.one_of(st.just(encodings[0]), st.sampled_from(encodings))) if kind in PLAIN else "utf-8"
    labels = [each for each in LABELS if all(not one.labels or each in one.labels for one in chosen)]
    return Recipe(
        format=format,
        kind=kind,
        dirt=tuple(found),
        packing=draw(st.sampled_from(["", "", "", ".gz", ".zst", ".zip"])) if kind in PLAIN else "",
        delimiter=draw(st.sampled_from(_DELIMITERS[kind])) if kind in DELIMITED else ",",
        quoting=quoting if kind in DELIMITED else "all",
        line_end=draw(st.sampled_from(["\n", "\n", "\r\n", "\r"])) if kind in PLAIN else "\n",
        encoding=encoding,
        labels=draw(st.sampled_from(labels)),
        names=draw(st.sampled_from([place for place in range(len(NAMES)) if _named(place, kind, quoting, encoding)])),
        apart=_apart(draw, format, [one.apart for one in chosen]),
        label_first=draw(st.booleans()),
        seed=draw(st.integers(0, 2**20)),
    )


def _together(one: str, other: str) -> bool:
    """Tell whether two kinds of dirt may meet in a file."""
    a, b = DIRT[one], DIRT[other]
    groups = {a.group, *_OVERLAPS.get(a.group, ())} & {b.group, *_OVERLAPS.get(b.group, ())}
    alike = not a.labels or not b.labels or set(a.labels) & set(b.labels)
    split = None in (a.apart, b.apart) or a.apart == b.apart
    met = (set(a.quoting) & set(b.quoting)) and (set(a.encodings) & set(b.encodings))
    return bool(not groups and alike and split and met)


def _named(place: int, kind: str, quoting: str, encoding: str) -> bool:
    """Tell whether names of columns can be written as they are."""
    text = "".join(NAMES[place])
    if kind in PLAIN and encoding == "cp1251" and not text.isascii():
        return False
    return not (kind in DELIMITED and quoting == "none" and "," in text)


def _apart(draw: st.DrawFn, format: str, asked: list[bool | None]) -> bool:
    """Draw whether validation and test are in files of their own."""
    if format in _SHARDED or False in asked:
        return False
    return True in asked or draw(st.integers(0, 3)) == 0
