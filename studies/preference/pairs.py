"""Writes pairs of a true and a false answer to questions of order: `python studies/preference/pairs.py FOLDER`.

Both answers have the same words in another order, so that neither length nor vocabulary tells the better one.
"""

from __future__ import annotations

import json
import random
import sys
from collections.abc import Callable
from pathlib import Path

#: Pairs of each file.
COUNTS = {"train": 200, "validation": 100, "test": 200}

MONTHS = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
]
ANIMALS = ["ant", "mouse", "rat", "rabbit", "cat", "goat", "pig", "donkey", "horse", "cow", "elephant", "whale"]


def numbers(rng: random.Random) -> tuple[str, str, str]:
    """Return which of two numbers is larger."""
    small, large = sorted(rng.sample(range(10, 1000), 2))
    return "Which number is larger, {} or {}?", f"{large} is larger than {small}.", f"{small} is larger than {large}."


def months(rng: random.Random) -> tuple[str, str, str]:
    """Return which of two months comes first."""
    first, last = sorted(rng.sample(range(len(MONTHS)), 2))
    before, after = MONTHS[first], MONTHS[last]
    return "Which month comes first, {} or {}?", f"{before} comes before {after}.", f"{after} comes before {before}."


def animals(rng: random.Random) -> tuple[str, str, str]:
    """Return which of two animals is bigger."""
    small, big = (ANIMALS[place] for place in sorted(rng.sample(range(len(ANIMALS)), 2)))
    return (
        "Which animal is bigger, a {} or a {}?",
        f"A {big} is bigger than a {small}.",
        f"A {small} is bigger than a {big}.",
    )


def words(rng: random.Random) -> tuple[str, str, str]:
    """Return which of two words stands first in a dictionary."""
    first, last = sorted(rng.sample([*MONTHS, *ANIMALS], 2), key=str.lower)
    return (
        "Which word stands first in a dictionary, {} or {}?",
        f"{first} stands before {last}.",
        f"{last} stands before {first}.",
    )


QUESTIONS: tuple[Callable[[random.Random], tuple[str, str, str]], ...] = (
    numbers,
    words,
    months,
    numbers,
    words,
    animals,
)


def pairs(count: int, rng: random.Random, known: set[str]) -> list[dict[str, str]]:
    """Return so many pairs whose prompts are not known yet; these are known then."""
    found: list[dict[str, str]] = []
    while len(found) < count:
        asked, chosen, rejected = QUESTIONS[len(found) % len(QUESTIONS)](rng)
        named = [word for word in chosen.rstrip(".").split() if word not in ("A", "a", "is", "than", "before")]
        two = rng.sample([named[0], named[-1]], 2)
        prompt = asked.format(*two)
        if prompt not in known:
            known.add(prompt)
            found.append({"prompt": prompt, "chosen": chosen, "rejected": rejected})
    return found


if __name__ == "__main__":
    folder, rng, known = Path(sys.argv[1]), random.Random(0), set[str]()
    folder.mkdir(parents=True, exist_ok=True)
    for name, count in COUNTS.items():
        lines = "".join(json.dumps(pair) + "\n" for pair in pairs(count, rng, known))
        (folder / f"{name}.jsonl").write_text(lines, encoding="utf8")
