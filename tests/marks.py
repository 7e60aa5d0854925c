"""Which cases of a test run by default, which only with `-m slow`, and which only where the kernel guards programs."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pytest

from autopeft.sandbox import run

__all__ = ["mostly_slow", "sandboxed"]

_UNGUARDED = run([]).unguarded

#: Of tests that run programs in the sandbox.
sandboxed = pytest.mark.skipif(_UNGUARDED is not None, reason=f"this machine has no sandbox: {_UNGUARDED}")


def mostly_slow(cases: Iterable[Any]) -> list[Any]:
    """Return the cases of a test or fixture, all but the first of which are slow."""
    return [_slow(case) if number else case for number, case in enumerate(cases)]


def _slow(case: Any) -> Any:
    # What is a tuple stands for several arguments.
    return pytest.param(*(case if isinstance(case, tuple) else (case,)), marks=pytest.mark.slow)
