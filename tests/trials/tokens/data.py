"""Sentences that a tiny model can learn to tag: some words begin an entity, one goes on with it."""

from __future__ import annotations

from pathlib import Path

import numpy as np

TAGGED = ("the O", "heart B-organ", "and O", "left B-organ", "lung I-organ", "of O", "seven B-number", "it O")


def write_conll(path: Path, sentences: int = 240, longest: int = 90) -> str:
    """Write sentences of 3 to `longest` words; a few are longer than a window of 64 tokens."""
    rng = np.random.default_rng(0)
    sizes = rng.choice([3, 8, 20, longest], size=sentences, p=[0.3, 0.4, 0.25, 0.05])
    texts = ["\n".join(TAGGED[word] for word in rng.integers(len(TAGGED), size=size)) for size in sizes]
    path.write_text("\n\n".join(texts) + "\n")
    return str(path)
