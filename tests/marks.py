"""Which cases of a test run by default, and which only with `-m slow`."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pytest

__all__ = ["mostly_slow"]


def mostly_slow(cases: Iterable[Any]) -> list[Any]:
    """Return the cases of a test or fixture, all but the first of which are slow."""
    return [_slow(case) if number else case for number, case in enumerate(cases)]


def _slow(case: Any) -> Any:
    # What is a tuple stands for several arguments.
    return pytest.param(*(case if isinstance(case, tuple) else (case,)), marks=pytest.mark.slow)
