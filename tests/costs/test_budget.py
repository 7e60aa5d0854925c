"""Budgets are read as people write them, and rounded down."""

import pytest

from autopeft.costs import Budget, memory_limit
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
        ("1e5", 100_000),
        ("2.5E3", 2_500),
        (" 0.1 % ", 22_713),
    ],
)
def test_reads_and_rounds_down(text, limit) -> None:
    budget = Budget.parse(text)
    assert budget.limit(22_713_216) == limit
    assert str(budget) == text.strip()


@pytest.mark.parametrize("text", ["", "abc", "1 percent", "-1%", "-5", "1e", "1%%", "nan", "1,000"])
def test_refuses_what_is_no_budget(text) -> None:
    with pytest.raises(BudgetError, match=r"cannot read the budget .*expected a share"):
        Budget.parse(text)


def test_asks_whether_a_share_was_meant() -> None:
    with pytest.raises(BudgetError, match=r"less than one parameter: is 0\.1% meant\?"):
        Budget.parse("0.1")


@pytest.mark.parametrize("text", ["0", "0%", "0k"])
def test_refuses_nothing(text) -> None:
    with pytest.raises(BudgetError, match="nothing to train"):
        Budget.parse(text)


def test_refuses_more_than_everything() -> None:
    with pytest.raises(BudgetError, match="more than the backbone has"):
        Budget.parse("101%")


@pytest.mark.parametrize("text", ["0.001%", "0.5"])
def test_less_than_one_parameter(text) -> None:
    with pytest.raises(BudgetError, match="less than one parameter"):
        Budget.parse(text).limit(1000)


@pytest.mark.parametrize(
    ("text", "limit", "memory"),
    [
        ("1%, 16GiB", 227_132, 16 * 2**30),
        ("1.5 GB,300k", 300_000, 1_500_000_000),
        ("512mib", 22_713_216, 512 * 2**20),
        ("2%", 454_264, None),
    ],
)
def test_memory_stands_beside_parameters_or_alone(text, limit, memory) -> None:
    assert Budget.parse(text).limit(22_713_216) == limit
    assert memory_limit(text) == memory


@pytest.mark.parametrize("text", ["1%,2%", "1GiB,2GiB", "1%,1GiB,2%", "1%,"])
def test_refuses_two_of_a_kind(text) -> None:
    with pytest.raises(BudgetError, match="cannot read the budget"):
        Budget.parse(text)


def test_refuses_no_memory() -> None:
    with pytest.raises(BudgetError, match="allows no memory"):
        memory_limit("0GiB")
