"""Whatever is written in a space, a budget, a configuration or a plan: it works, or one message says why not.

`make soak` draws 200,000 of them, `make slow` a tenth of that, and each test run a few.
"""

from __future__ import annotations

import signal
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

from autopeft.costs import Budget, memory_limit
from autopeft.errors import AutopeftError
from autopeft.launch import SearchPlan
from autopeft.methods import VOCABULARY
from autopeft.space import BackboneShape, SearchSpace, canonical
from tests.bad_input.mutations import budgets, configurations, plans, spaces

BERT = BackboneShape(layers=3, hidden=32, ffn=64, roles=("q", "k", "v", "o", "up", "gate", "down"))

#: Seconds after which something hangs.
LONG = 30


def read_space(text: str) -> None:
    SearchSpace.from_yaml(text, "mine.yaml").bind(VOCABULARY, BERT)


def read_budget(text: str) -> None:
    Budget.parse(text).limit(10**7)
    memory_limit(text)


def read_configuration(data: Any) -> None:
    canonical(data, VOCABULARY, BERT).describe()


def read_plan(data: Any) -> None:
    if isinstance(data, dict):
        SearchPlan.of(data).to_yaml()


#: What is read, what is drawn for it, and of how many tenths of all examples.
TARGETS: dict[str, tuple[Callable[[Any], None], st.SearchStrategy[Any], int]] = {
    "space": (read_space, spaces, 4),
    "budget": (read_budget, budgets, 2),
    "configuration": (read_configuration, configurations, 2),
    "plan": (read_plan, plans, 2),
}

AMOUNTS = [
    pytest.param(200, id="few"),
    pytest.param(20_000, marks=pytest.mark.slow, id="many"),
    pytest.param(200_000, marks=pytest.mark.soak, id="soak"),
]


@contextmanager
def no_longer_than(seconds: int) -> Iterator[None]:
    """Raise within when it takes longer."""

    def late(number: int, frame: Any) -> None:
        raise TimeoutError(f"this took longer than {seconds} s")

    before = signal.signal(signal.SIGALRM, late)
    signal.alarm(seconds)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


@pytest.mark.parametrize("amount", AMOUNTS)
@pytest.mark.parametrize("name", TARGETS)
def test_it_works_or_says_why_not(name, amount):
    read, drawn, tenths = TARGETS[name]
    ends: Counter[str] = Counter()

    @seed(0)
    @settings(
        max_examples=amount * tenths // 10,
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
        phases=(Phase.explicit, Phase.generate, Phase.shrink),
    )
    @given(drawn)
    def check(given: Any) -> None:
        with no_longer_than(LONG):
            try:
                read(given)
            except AutopeftError as error:
                ends[type(error).__name__] += 1
                said = str(error)
                assert said.strip()
                assert "Traceback" not in said
                assert "\n\n" not in said
            else:
                ends["it works"] += 1

    check()
    print(f"{name}: {sum(ends.values()):,} drawn; {', '.join(f'{end} {count:,}' for end, count in ends.most_common())}")
    assert ends["it works"]
    assert len(ends) > 1
