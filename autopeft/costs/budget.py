"""A hard limit on the number of trainable parameters."""

from __future__ import annotations

import re
from dataclasses import dataclass
from fractions import Fraction

from autopeft.errors import BudgetError

__all__ = ["Budget"]

_SUFFIXES = {"": 1, "k": 10**3, "m": 10**6, "b": 10**9}
_EXPECTED = "expected a share of the backbone such as `1%`, or a number of parameters such as `300k`, `2M` or `12345`"


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
        """Read a budget: `1%`, `300k`, `2M`, `1B` or `12345`.

        Raises:
            BudgetError: The text is none of these, or not above zero, or above 100 %.
        """
        written = str(text).strip()
        if re.fullmatch(r"[\d.]+\s*[kmgt]i?b", written, re.IGNORECASE):
            raise BudgetError(
                f"budget {written!r} is an amount of memory; memory budgets are not available yet; {_EXPECTED}"
            )
        match = re.fullmatch(r"(\d+(?:\.\d+)?|\.\d+)\s*(%|[kKmMbB]?)", written)
        if match is None:
            raise BudgetError(f"cannot read the budget {written!r}; {_EXPECTED}")
        number, unit = Fraction(match[1]), match[2].lower()
        relative = unit == "%"
        amount = number / 100 if relative else number * _SUFFIXES[unit]
        if amount <= 0:
            raise BudgetError(f"budget {written!r} leaves nothing to train; {_EXPECTED}")
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
            raise BudgetError(f"budget {self.text} of {num_parameters:,} parameters is less than one parameter")
        return limit

    def __str__(self) -> str:
        return self.text
