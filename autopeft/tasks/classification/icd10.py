"""The packaged tasks `icd10` and `icd10-chapters`: the description of a diagnosis -> the chapter it stands in.

The texts are the descriptions of ICD-10-CM (a classification by the US government, in the public domain), as
packaged by `simple-icd-10-cm`.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from autopeft.errors import DataError
from autopeft.tasks.classification.kind import Classification
from autopeft.tasks.classification.schema import Classes
from autopeft.tasks.task import Task
from autopeft.tasks.texts import LabelledTexts

__all__ = ["ICD10", "ICD10_CHAPTERS", "Cut", "load_cut"]

_SEED = 0


@dataclass(frozen=True)
class Cut:
    """Which descriptions a task is made of.

    Args:
        name: Name of the task.
        chapters: Number of a chapter -> its label.
        per_label: Texts that a label has in each split.
        most: A larger category counts as one of so many texts when categories are given out, so that none is a split
            by itself; each counts in full when left out.
    """

    name: str
    chapters: Mapping[str, str]
    per_label: Mapping[str, int]
    most: int | None = None


#: Neoplasms, then the body systems, chapters 6-14; the smallest has about 450 texts in all.
ICD10 = Cut(
    "icd10",
    {
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
    },
    {"test": 120, "validation": 60, "train": 240},
)

#: All chapters that have 450 texts, chosen among three cuts (studies/icd10-chapters).
ICD10_CHAPTERS = Cut(
    "icd10-chapters",
    {
        "1": "infections",
        "4": "endocrine and metabolic diseases",
        "5": "mental disorders",
        **ICD10.chapters,
        "15": "pregnancy and childbirth",
        "16": "perinatal conditions",
        "17": "congenital malformations",
        "18": "symptoms and findings",
        "19": "injuries and poisonings",
        "20": "external causes",
        "21": "factors that influence health",
    },
    {"test": 225, "validation": 60, "train": 120},
    most=30,
)


def load_cut(cut: Cut, metric: str | None = None) -> Task:
    """Return the task of a cut: labels balanced; no 3-character category of the classification crosses a split.

    Args:
        cut: The cut.
        metric: One of the metrics of classification; the usual one when left out.

    Raises:
        DataError: When the package with the data is not installed.
    """
    try:
        import simple_icd_10_cm as icd
    except ImportError as error:
        raise DataError(
            f"task '{cut.name}' needs the package simple-icd-10-cm, which is not installed; "
            "run  pip install 'autopeft[demo]'  or bring your own data: "
            "--data FILE --text COLUMN --label COLUMN"
        ) from error
    rng = np.random.default_rng(_SEED)
    drawn: dict[str, list[tuple[str, int, str]]] = defaultdict(list)
    seen: set[str] = set()
    for number, chapter in enumerate(cut.chapters):
        categories: dict[str, list[str]] = defaultdict(list)
        for code in icd.get_descendants(chapter):
            description = icd.get_description(code)
            # Blocks span categories; a description that repeats, in whatever chapter, counts once.
            if icd.is_block(code) or description.lower() in seen:
                continue
            seen.add(description.lower())
            categories[code[:3]].append(description)
        for split, found in _draw(categories, cut, rng).items():
            drawn[split] += [(text, number, category) for category, text in found]
    splits, groups = {}, {}
    for split, rows in drawn.items():
        texts, labels, named = zip(*(rows[i] for i in rng.permutation(len(rows))), strict=True)
        splits[split], groups[split] = LabelledTexts(texts, labels), named
    return replace(
        Classification().task(cut.name, Classes(tuple(cut.chapters.values())), splits, metric), groups=groups
    )


def _draw(categories: dict[str, list[str]], cut: Cut, rng: np.random.Generator) -> dict[str, list[tuple[str, str]]]:
    """Give whole categories to the splits, each to the one that lacks most, then draw the texts."""
    sizes = {category: min(len(texts), cut.most or len(texts)) for category, texts in categories.items()}
    total, wanted = sum(sizes.values()), sum(cut.per_label.values())
    lacking = {split: count / wanted * total for split, count in cut.per_label.items()}
    pools: dict[str, list[tuple[int, str, str]]] = {split: [] for split in cut.per_label}
    names = sorted(categories)
    # The large ones first: what comes late must be small to fill what is left.
    for category in sorted((names[i] for i in rng.permutation(len(names))), key=lambda name: -sizes[name]):
        split = max(lacking, key=lambda name: lacking[name] / cut.per_label[name])
        texts = categories[category]
        pools[split] += [(rank, texts[i], category) for rank, i in enumerate(rng.permutation(len(texts)))]
        lacking[split] -= sizes[category]
    # Round by round over the categories: some hold hundreds of texts that differ in `left` and `right` only.
    return {
        split: [(category, text) for _, text, category in sorted(pool)[: cut.per_label[split]]]
        for split, pool in pools.items()
    }
