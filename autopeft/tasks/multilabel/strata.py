"""Of what rows with several labels are taken a like share, so that rare labels are spread and none is lost to train."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Hashable, Sequence

__all__ = ["strata"]


def strata(texts: Sequence[Hashable], sets: Sequence[Sequence[str]]) -> list[str]:
    """Return the stratum of each row: its rarest label.

    For each label one text stays in train, which is a stratum by itself (`autopeft.tasks.splits.hold_out`).

    Args:
        texts: What is kept on one side where it is equal, row by row.
        sets: The labels of each row.
    """
    counts = Counter(label for each in sets for label in each)
    # The label of fewest rows comes first, by name where several are as rare.
    rank = {label: place for place, label in enumerate(sorted(counts, key=lambda label: (counts[label], label)))}
    found = [min(each, key=rank.__getitem__) if each else "" for each in sets]
    first: dict[Hashable, int] = {}
    together: dict[Hashable, set[str]] = defaultdict(set)
    having: dict[str, int] = {}
    for row, (text, labels) in enumerate(zip(texts, sets, strict=True)):
        first.setdefault(text, row)
        together[text].update(labels)
        for label in labels:
            having.setdefault(label, row)
    learned: set[str] = set()
    for label in rank:
        if label not in learned:
            text = texts[having[label]]
            # A name that no label has, for names are without line ends around them.
            found[first[text]] = f"{label}\n"
            learned |= together[text]
    return found
