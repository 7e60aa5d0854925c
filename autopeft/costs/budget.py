"""Hard limits on the number of trainable parameters and on memory."""

from __future__ import annotations

import re
from dataclasses import dataclass
from fractions import Fraction

from autopeft.errors import BudgetError

__all__ = ["Budget", "memory_limit"]

_SUFFIXES = {"": 1, "k": 10**3, "m": 10**6, "b": 10**9}
_POWERS = "kmgt"
#: Digits that no budget has more of, and that are quickly read.
_DIGITS = r"[0-9]{1,18}"
_COUNT = re.compile(rf"((?:{_DIGITS}(?:\.{_DIGITS})?|\.{_DIGITS})(?:[eE][+-]?[0-9]{{1,2}})?)\s*(%|[kKmMbB]?)")
_MEMORY = re.compile(rf"({_DIGITS}(?:\.{_DIGITS})?)\s*([kmgt])(i?)b", re.IGNORECASE)
_EXPECTED = (
    "expected a share of the backbone such as `1%`, or a number of parameters such as `300k`, `2M` or `12345`, with or "
    "without an amount of memory such as `1%, 16GiB`"
)


@dataclass(frozen=True)
class Budget:
    """At most so many trainable parameters, the task head not counted.

    Args:
        text: The budget as written, e.g. `1%`.
        amount: The number of parameters, or the share of the backbone's.
        relative: Whether `amount` is a share.
    """

    text: str
    amount: Fraction
    relative: bool

    @classmethod
    def parse(cls, text: str) -> Budget:
        """Read a budget: `1%`, `300k`, `2M`, `1B` or `12345`; what it says of memory (`1%, 16GiB`) is passed over.

        Raises:
            BudgetError: The text is none of these, or not above zero, or above 100 %.
        """
        parts = [part.strip() for part in str(text).split(",")]
        counts = [part for part in parts if not _MEMORY.fullmatch(part)]
        if not counts and len(parts) == 1:
            return cls(str(text), Fraction(1), True)
        if len(counts) != 1 or len(parts) > 2:
            raise BudgetError(f"cannot read the budget {str(text)!r:.60}: it has {len(parts)} parts; {_EXPECTED}")
        written = counts[0]
        match = _COUNT.fullmatch(written)
        if match is None:
            raise BudgetError(f"cannot read the budget {written!r:.60}; {_EXPECTED}")
        number, unit = Fraction(match[1]), match[2].lower()
        relative = unit == "%"
        amount = number / 100 if relative else number * _SUFFIXES[unit]
        if amount <= 0:
            raise BudgetError(f"budget {written!r} leaves nothing to train; {_EXPECTED}")
        if not relative and amount < 1:
            raise BudgetError(f"budget {written!r} is less than one parameter: is {match[1]}% meant? {_EXPECTED}")
        if relative and amount > 1:
            raise BudgetError(f"budget {written!r} is more than the backbone has; {_EXPECTED}")
        return cls(written, amount, relative)

    def limit(self, num_parameters: int) -> int:
        """Return the largest number of trainable parameters allowed.

        Args:
            num_parameters: Number of parameters of the backbone.

        Raises:
            BudgetError: Not a single parameter is allowed.
        """
        limit = int(self.amount * num_parameters) if self.relative else int(self.amount)
        if limit < 1:
            raise BudgetError(
                f"budget {self.text} of {num_parameters:,} parameters is less than one parameter; raise it"
            )
        return limit

    def __str__(self) -> str:
        return self.text


def memory_limit(text: str) -> int | None:
    """Return the bytes that a budget such as `16GiB` or `1%, 16GiB` allows training at its peak; None without any.

    Raises:
        BudgetError: When nothing is allowed.
    """
    found = [match for part in str(text).split(",") if (match := _MEMORY.fullmatch(part.strip()))]
    if not found:
        return None
    amount, prefix, binary = found[0].groups()
    limit = int(Fraction(amount) * (1024 if binary else 1000) ** (1 + _POWERS.index(prefix.lower())))
    if limit < 1:
        raise BudgetError(f"budget {text!r} allows no memory; expected an amount such as `16GiB`")
    return limit
