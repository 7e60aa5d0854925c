"""Texts and labels as people have them, within what a way of writing can hold."""

from __future__ import annotations

from random import Random
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tests.tasks.dirty.recipe import Recipe

__all__ = ["LABELS", "label_values", "text_of"]

_WORDS = (
    "the",
    "film",
    "was",
    "a",
    "fine",
    "story",
    "with",
    "many",
    "good",
    "songs",
    "but",
    "rather",
    "long",
    "and",
    "its",
    "end",
    "came",
    "too",
    "soon",
)

#: Words beyond ASCII, by the encodings that have them.
_LETTERS = {
    "cp1252": ["größer", "café", "naïve", "señor", "Übung"],
    "cp1251": ["хорошо", "плохой", "фильм", "очень", "книга"],
    "utf": ["größer", "хорошо", "電影", "🎬", "naïve", "İstanbul", "e\u0301tude"],
}

#: Bits of text that some way of writing could stumble over.
_ANYWHERE = ["it's", "C:\\new", "#tag", "50%", "<b>", "NA", "-", "3.50", "a/b", "&amp;", "{x}", "null", "TRUE"]
_QUOTED = ['"so"', 'a "fine, long" one', 'he said: "no"']
_SEPARATORS = [",", ";", "|", "\t"]
_LINE_ENDS = ["\n", "\r\n", "\n\n"]

#: What is written for labels, and what each is called: all of a column is of one type.
LABELS: dict[str, list[tuple[Any, str]]] = {
    "words": [("good", "good"), ("bad", "bad"), ("so so", "so so")],
    "numbers": [(1, "1"), (2, "2"), (10, "10")],
    "floats": [(0.0, "0"), (1.0, "1"), (2.0, "2")],
    "numbers as texts": [("1", "1"), ("2", "2"), ("3", "3")],
    "booleans": [(True, "true"), (False, "false")],
}


def text_of(rng: Random, number: int, recipe: Recipe) -> str:
    """Make a text that no other row has and that the recipe can hold."""
    words = rng.choices(_WORDS, k=rng.randint(3, 8))
    spices = list(_ANYWHERE)
    if recipe.quoting == "backslash":
        spices.remove("C:\\new")
    delimited = recipe.kind in ("csv", "tsv")
    if not delimited or recipe.quoting != "none":
        spices += _QUOTED + _SEPARATORS + _LINE_ENDS[: 1 if recipe.kind == "xlsx" else None]
    else:
        spices = [each for each in spices + _SEPARATORS if recipe.delimiter not in each]
    letters = _LETTERS["utf" if recipe.encoding.startswith("utf") else recipe.encoding]
    for _ in range(rng.randint(0, 2)):
        words.insert(rng.randint(1, len(words) - 1), rng.choice(spices))
    for _ in range(rng.randint(0, 2)):
        words.insert(rng.randint(1, len(words)), rng.choice(letters))
    return " ".join([f"n{number}", *words, rng.choice(_WORDS)])


def label_values(kind: str, rng: Random, size: int) -> tuple[list[Any], list[str]]:
    """Return labels as they are written, and their names; each about as often as the others."""
    chosen = [LABELS[kind][index % len(LABELS[kind])] for index in range(size)]
    rng.shuffle(chosen)
    return [value for value, _ in chosen], [name for _, name in chosen]
