"""Which tiny models a contract is tried on."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

__all__ = ["try_each"]


def try_each(metafunc: pytest.Metafunc, architectures: Sequence[str]) -> None:
    """Give a test that asks for one each `architecture` in turn; all but the first are slow."""
    if "architecture" in metafunc.fixturenames:
        first, *others = architectures
        slow = [pytest.param(each, marks=pytest.mark.slow) for each in others]
        metafunc.parametrize("architecture", [first, *slow], scope="class")
