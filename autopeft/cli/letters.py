"""Show another letter where a terminal lacks one."""

from __future__ import annotations

import codecs
import io
import sys
import unicodedata

__all__ = ["show_other_letters"]

#: What stands for signs that have no simpler form.
_SIGNS = {
    "\N{PLUS-MINUS SIGN}": "+-",
    "\N{EN DASH}": "-",
    "\N{EM DASH}": "-",
    "\N{MULTIPLICATION SIGN}": "x",
    "\N{GREATER-THAN OR EQUAL TO}": ">=",
    "\N{LESS-THAN OR EQUAL TO}": "<=",
    "\N{RIGHTWARDS ARROW}": "->",
    "\N{FRACTION SLASH}": "/",
    "\N{LEFT DOUBLE QUOTATION MARK}": '"',
    "\N{RIGHT DOUBLE QUOTATION MARK}": '"',
    "\N{RIGHT SINGLE QUOTATION MARK}": "'",
}


def show_other_letters() -> None:
    """Let standard output and error write a letter like it, or a question mark, for one that they cannot."""
    codecs.register_error("autopeft.letters", _like_it)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="autopeft.letters")


def _like_it(error: UnicodeError) -> tuple[str, int]:
    """Replace what cannot be encoded."""
    assert isinstance(error, UnicodeEncodeError)
    # `½` is taken apart into 1, a stroke and 2, `é` into e and an accent.
    parts = unicodedata.normalize("NFKD", error.object[error.start : error.end])
    return "".join(_simpler(part) for part in parts if not unicodedata.combining(part)), error.end


def _simpler(letter: str) -> str:
    return letter if letter.isascii() else _SIGNS.get(letter, "?")
