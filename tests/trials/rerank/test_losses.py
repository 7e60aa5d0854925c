"""Losses are what their formulas say, whatever the order of queries and documents, and how they are divided."""

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from autopeft.trials.rerank.losses import LOSSES


def by_hand(name, queries):
    """Return a summed loss and its terms; queries are lists of scores with grades."""
    total, terms = 0.0, 0
    for rows in queries:
        if name == "pointwise":
            total += sum(math.log1p(math.exp(-score if grade > 0 else score)) for score, grade in rows)
            terms += len(rows)
        elif name == "pairwise":
            pairs = [(high, low) for high, better in rows for low, worse in rows if better > worse]
            total += sum(math.log1p(math.exp(low - high)) for high, low in pairs)
            terms += len(pairs)
        elif any(grade > 0 for _, grade in rows):
            gains = sum(max(grade, 0) for _, grade in rows)
            whole = math.log(sum(math.exp(score) for score, _ in rows))
            total -= sum(max(grade, 0) / gains * (score - whole) for score, grade in rows)
            terms += 1
    return total, terms


def of(name, queries):
    """Return the loss of a batch of queries."""
    rows = [(score, grade, number) for number, query in enumerate(queries) for score, grade in query]
    scores, grades, numbers = zip(*rows, strict=True)
    total, terms = LOSSES[name](
        torch.tensor(scores, dtype=torch.float64), torch.tensor(grades, dtype=torch.float64), torch.tensor(numbers)
    )
    return float(total), terms


QUERIES = st.lists(
    st.lists(st.tuples(st.floats(-6, 6), st.integers(-1, 3)), min_size=1, max_size=5), min_size=1, max_size=4
)


@pytest.mark.parametrize("name", LOSSES)
@given(queries=QUERIES, random=st.randoms())
def test_they_are_those_of_the_formulas(name, queries, random):
    expected, terms = by_hand(name, queries)
    assert of(name, queries) == (pytest.approx(expected, abs=1e-9), terms)
    shuffled = [random.sample(query, len(query)) for query in random.sample(queries, len(queries))]
    assert of(name, shuffled) == (pytest.approx(expected, abs=1e-9), terms)
    parts = [of(name, [query]) for query in queries]
    assert sum(total for total, _ in parts) == pytest.approx(expected, abs=1e-9)
    assert sum(count for _, count in parts) == terms


@pytest.mark.parametrize("name", LOSSES)
def test_better_orders_lose_less_and_gradients_are_finite(name):
    grades, number = torch.tensor([2.0, 0.0, 0.0, 1.0, 0.0]), torch.tensor([0, 0, 0, 1, 1])
    good = torch.tensor([3.0, -1.0, -2.0, 2.0, -3.0], requires_grad=True)
    better, worse = LOSSES[name](good, grades, number)[0], LOSSES[name](-good, grades, number)[0]
    assert better < worse
    better.backward()
    assert torch.isfinite(good.grad).all()
    assert good.grad[0] < 0 < good.grad[1]


@pytest.mark.parametrize("name", ["pairwise", "listwise"])
def test_queries_whose_documents_are_alike_count_for_nothing(name):
    assert of(name, [[(1.0, 0), (2.0, 0)]]) == (0.0, 0)
