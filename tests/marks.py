"""Which cases of a test run by default, and which only with `-m slow`."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pytest

__all__ = ["mostly_slow"]


def mostly_slow(cases: Iterable[Any], fast: int = 1) -> list[Any]:
    """Return the cases of a test or fixture, all but the first so many of which are slow."""
    return [case if number < fast else pytest.param(case, marks=pytest.mark.slow) for number, case in enumerate(cases)]
