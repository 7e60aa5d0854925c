"""Splits of different difficulty are told from those that chance makes differ."""

from dataclasses import replace

import numpy as np

from autopeft.selection.gap import gap_of
from autopeft.selection.statistics import estimate
from autopeft.tasks import KINDS
from autopeft.tasks.classification.schema import Classes
from autopeft.tasks.intake import Intake
from autopeft.tasks.ranking.queries import Queries, Query
from autopeft.tasks.rerank.kind import Pairs
from autopeft.tasks.texts import LabelledTexts
from autopeft.testing.tasks import task_of

TASK = task_of(KINDS["classification"], Classes(("a", "b")), LabelledTexts(["x", "y"], [0, 1]))


def reached(level, seed, count=400):
    rng = np.random.default_rng(seed)
    return estimate([(rng.random((3, count)) < level).astype(float)] * 2)


def test_chance_explains_what_it_may():
    said = [gap_of(TASK, reached(0.7, seed), reached(0.7, seed + 500), 0) for seed in range(100)]
    assert sum(map(bool, said)) <= 8


def test_harder_splits_are_told_with_what_may_be_why():
    validation, test = reached(0.69, 0), reached(0.81, 1)
    said = gap_of(TASK, validation, test, 0)
    assert f"validation ({validation.means[0]:.4f}) and test ({test.means[0]:.4f}) are" in said
    assert "may be the one time in twenty" in said
    assert "hold other groups" in gap_of(replace(TASK, groups={"test": ["g", "h"]}), validation, test, 0)
    queries = [Queries([Query("q", ("a",) * count, (1,) * count)] * 2, {"a": "text"}) for count in (5, 10, 20)]
    ranked = task_of(KINDS["rerank"], Pairs(), *queries)
    assert ": a query of validation has 10 documents to be ranked, and one of test 20. " in gap_of(
        ranked, validation, test, 0
    )
    given = replace(TASK, intake={"train": Intake("a.csv", 2), "test": Intake("b.csv", 2)})
    assert "not split off the same rows" in gap_of(given, validation, test, 0)
