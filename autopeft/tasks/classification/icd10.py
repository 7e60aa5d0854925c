"""The packaged task `icd10`: the description of a diagnosis -> the body system it belongs to.

The texts are the descriptions of ICD-10-CM (a classification by the US government, in the public domain), as
packaged by `simple-icd-10-cm`.
"""

from __future__ import annotations

from collections import defaultdict

import numpy as np

from autopeft.errors import DataError
from autopeft.tasks.classification.kind import Classification
from autopeft.tasks.classification.schema import Classes
from autopeft.tasks.task import Task
from autopeft.tasks.texts import LabelledTexts

__all__ = ["load_icd10"]

#: Chapter -> label: neoplasms, then the body systems, chapters 6-14.
_CHAPTERS = {
    "2": "neoplasms",
    "6": "nervous system",
    "7": "eye",
    "8": "ear",
    "9": "circulatory system",
    "10": "respiratory system",
    "11": "digestive system",
    "12": "skin",
    "13": "musculoskeletal system",
    "14": "genitourinary system",
}

#: Texts a label has in each split; the smallest chapter has about 450 in all.
_PER_LABEL = {"test": 120, "validation": 60, "train": 240}

_SEED = 0


def load_icd10(metric: str | None = None) -> Task:
    """Return the task: ten labels, balanced; no 3-character category of the classification crosses a split.

    Raises:
        DataError: When the package with the data is not installed.
    """
    try:
        import simple_icd_10_cm as icd
    except ImportError as error:
        raise DataError(
            "task 'icd10' needs the package simple-icd-10-cm, which is not installed; "
            "run  pip install 'autopeft[demo]'  or bring your own data: "
            "--data FILE --text COLUMN --label COLUMN"
        ) from error
    rng = np.random.default_rng(_SEED)
    drawn: dict[str, list[tuple[str, int]]] = defaultdict(list)
    seen: set[str] = set()
    for number, chapter in enumerate(_CHAPTERS):
        categories: dict[str, list[str]] = defaultdict(list)
        for code in icd.get_descendants(chapter):
            description = icd.get_description(code)
            # Blocks span categories; a description that repeats, in whatever chapter, counts once.
            if icd.is_block(code) or description.lower() in seen:
                continue
            seen.add(description.lower())
            categories[code[:3]].append(description)
        for split, texts in _draw(categories, rng).items():
            drawn[split] += [(text, number) for text in texts]
    splits = {}
    for split, pairs in drawn.items():
        order = rng.permutation(len(pairs))
        splits[split] = LabelledTexts(tuple(pairs[i][0] for i in order), tuple(pairs[i][1] for i in order))
    return Classification().task("icd10", Classes(tuple(_CHAPTERS.values())), splits, metric)


def _draw(categories: dict[str, list[str]], rng: np.random.Generator) -> dict[str, list[str]]:
    """Give whole categories to the splits, each to the one that lacks most, then draw the texts."""
    sizes = {category: len(texts) for category, texts in categories.items()}
    total, wanted = sum(sizes.values()), sum(_PER_LABEL.values())
    lacking = {split: count / wanted * total for split, count in _PER_LABEL.items()}
    pools: dict[str, list[tuple[int, str]]] = {split: [] for split in _PER_LABEL}
    names = sorted(categories)
    # The large ones first: what comes late must be small to fill what is left.
    for category in sorted((names[i] for i in rng.permutation(len(names))), key=lambda name: -sizes[name]):
        split = max(lacking, key=lambda name: lacking[name] / _PER_LABEL[name])
        texts = categories[category]
        pools[split] += [(rank, texts[i]) for rank, i in enumerate(rng.permutation(len(texts)))]
        lacking[split] -= sizes[category]
    # Round by round over the categories: some hold hundreds of texts that differ in `left` and `right` only.
    return {split: [text for _, text in sorted(pool)[: _PER_LABEL[split]]] for split, pool in pools.items()}
