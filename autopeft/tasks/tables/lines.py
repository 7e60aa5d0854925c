"""Which line of a text a place is in, however its lines end."""

from __future__ import annotations

__all__ = ["line_ends"]


def line_ends(text: str, start: int = 0, end: int | None = None) -> int:
    r"""Return how many lines end between two places of a text: by `\n`, `\r\n` or, as on old Macs, `\r`."""
    stop = len(text) if end is None else end
    return text.count("\n", start, stop) + text.count("\r", start, stop) - text.count("\r\n", start, stop)
