"""Cells of CSV and TSV files, which spreadsheets take for formulas where they begin as such."""

from __future__ import annotations

import re

__all__ = ["harmless"]

#: How formulas begin, the wide signs of East Asian keyboards among them.
_FORMULA = re.compile(r"[=+\-@\uff1d\uff0b\uff0d\uff20\t\r\n]")


def harmless(cell: str) -> str:
    """Return a cell as it is, or behind a `'`, which makes a text of it, where a spreadsheet would run it."""
    if not _FORMULA.match(cell):
        return cell
    try:
        float(cell)
    except ValueError:
        return f"'{cell}"
    return cell
