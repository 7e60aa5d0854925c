"""Whatever is written in a space, a budget, a configuration or a plan: it works, or one message says why not.

`python -m tests.bad_input.fuzz --amount 200000` draws so many and records how they ended. A record goes on where it was
left, and begins anew when it is whole.
"""

from __future__ import annotations

import argparse
import json
import signal
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

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


def ends_of(name: str, amount: int) -> Counter[str]:
    """Draw inputs of a kind and return how they ended: that it works, or the class of the error.

    Args:
        name: The kind, of `TARGETS`.
        amount: Inputs of all kinds together.

    Raises:
        Exception: What is no error of a user's.
    """
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
    return ends


def main() -> None:
    """Draw, and record how all of it ended."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--amount", type=int, default=200_000)
    parser.add_argument("--record", type=Path, help="a JSON file")
    asked = parser.parse_args()
    known = json.loads(asked.record.read_text()) if asked.record and asked.record.is_file() else {}
    found = {} if len(known) == len(TARGETS) else known
    for name in (name for name in TARGETS if name not in found):
        found[name] = dict(ends_of(name, asked.amount).most_common())
        print(name, found[name], flush=True)
        if asked.record:
            asked.record.write_text(json.dumps(found, indent=2) + "\n")


if __name__ == "__main__":
    main()
