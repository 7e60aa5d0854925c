"""Budgets are read as people write them, and rounded down."""

import pytest

from autopeft.costs import Budget
from autopeft.errors import BudgetError


@pytest.mark.parametrize(
    ("text", "limit"),
    [
        ("1%", 227_132),
        ("0.3%", 68_139),
        ("100%", 22_713_216),
        ("300k", 300_000),
        ("2M", 2_000_000),
        ("1.5m", 1_500_000),
        ("1B", 10**9),
        ("12345", 12_345),
        (" 0.1 % ", 22_713),
    ],
)
def test_reads_and_rounds_down(text, limit) -> None:
    budget = Budget.parse(text)
    assert budget.limit(22_713_216) == limit
    assert str(budget) == text.strip()


@pytest.mark.parametrize("text", ["", "abc", "1 percent", "-1%", "-5", "1e6", "1%%", "nan", "1,000"])
def test_refuses_what_is_no_budget(text) -> None:
    with pytest.raises(BudgetError, match=r"cannot read the budget .*expected a share"):
        Budget.parse(text)


@pytest.mark.parametrize("text", ["0", "0%", "0k"])
def test_refuses_nothing(text) -> None:
    with pytest.raises(BudgetError, match="nothing to train"):
        Budget.parse(text)


def test_refuses_more_than_everything() -> None:
    with pytest.raises(BudgetError, match="more than the backbone has"):
        Budget.parse("101%")


@pytest.mark.parametrize("text", ["16GiB", "16 GB", "500MiB"])
def test_memory_is_not_available_yet(text) -> None:
    with pytest.raises(BudgetError, match="memory budgets are not available yet"):
        Budget.parse(text)


@pytest.mark.parametrize("text", ["0.001%", "0.5"])
def test_less_than_one_parameter(text) -> None:
    with pytest.raises(BudgetError, match="less than one parameter"):
        Budget.parse(text).limit(1000)
