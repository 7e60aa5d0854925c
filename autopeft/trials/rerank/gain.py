"""What an order of documents is worth; a script of its own has this as well."""

from __future__ import annotations

import math
from collections.abc import Sequence

__all__ = ["gain_of"]

#: Documents of a ranking that count.
_DEEP = 10


def gain_of(grades: Sequence[float]) -> float:
    """Return the discounted gain of grades in their order (Järvelin and Kekäläinen 2002), cut at ten documents."""
    return sum(max(grade, 0) / math.log2(place + 2) for place, grade in enumerate(grades[:_DEEP]))
