"""From the bytes of a text file to its text, whatever encoding it has."""

from __future__ import annotations

import codecs
import re

from autopeft.errors import DataError
from autopeft.tasks.tables.lines import line_ends

__all__ = ["decode"]

#: Marks at the beginning of a file that name its encoding; the longer ones first, which begin as the shorter do.
_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)

#: Windows' code pages of alphabets, the commonest first. Those of East Asia cannot be told from each other well enough.
_CODE_PAGES = ["cp1252", "cp1251", *(f"cp125{number}" for number in (0, 3, 4, 5, 6, 7, 8))]

#: How much worse than the best guess a commoner one may be, and how bad the best, by charset_normalizer's measure.
_AS_GOOD, _TOO_BAD = 0.1, 0.2

#: Bytes that are looked at to guess.
_LOOKED_AT = 2**20

#: What switches to Japanese letters in ISO-2022-JP, whose bytes are all ASCII.
_SWITCHES = (b"\x1b$@", b"\x1b$B", b"\x1b(J")

_ESCAPED = re.compile("[\udc80-\udcff]+")


def decode(raw: bytes, source: str) -> tuple[str, tuple[str, ...]]:
    """Decode a file: as its byte-order mark says, else as UTF-8, else as a code page that is guessed.

    Args:
        raw: All of its bytes.
        source: Its name, for messages.

    Returns:
        The text without the mark, and what there is to say of how it was decoded.

    Raises:
        DataError: When it is broken UTF-8, or no encoding fits.
    """
    text, notes = _decoded(raw, source)
    if "\0" in text:
        line = line_ends(text, 0, text.index("\0")) + 1
        raise DataError(f"data file '{source}', line {line}: found a zero byte, which no text has; save it as UTF-8")
    # Files that were put together may begin with several marks.
    return text.lstrip("\ufeff"), notes


def _decoded(raw: bytes, source: str) -> tuple[str, tuple[str, ...]]:
    for mark, encoding in _MARKS:
        if raw.startswith(mark):
            text = _strictly(raw[len(mark) :], encoding, source, "as its byte-order mark says")
            named = "" if encoding == "utf-8" else f", read as {encoding.upper()}"
            return text, (f"begins with a byte-order mark{named}",)
    wide = _without_mark(raw)
    if wide is not None:
        why = "as every other byte is zero"
        return _strictly(raw, wide, source, why), (f"read as {wide.upper()}, {why}",)
    if any(switch in raw for switch in _SWITCHES):
        raise DataError(f"data file '{source}' seems to be ISO-2022-JP; save it as UTF-8")
    try:
        return raw.decode("utf-8"), ()
    except UnicodeDecodeError:
        _refuse_damaged(raw, source)
    return _by_code_page(raw, source)


def _strictly(raw: bytes, encoding: str, source: str, why: str) -> str:
    try:
        return raw.decode(encoding)
    except UnicodeDecodeError as error:
        line = line_ends(raw[: error.start].decode(encoding, "ignore")) + 1
        raise DataError(
            f"data file '{source}', line {line}: its bytes are no {encoding.upper()} ({error.reason}), {why}; "
            "save it as UTF-8"
        ) from error


def _without_mark(raw: bytes) -> str | None:
    """Recognise UTF-16 of mostly Latin letters that no mark begins: half of the bytes are zero."""
    head = raw[:4096]
    if len(head) < 4 or b"\0" not in head:
        return None
    even, odd = head[0::2].count(0), head[1::2].count(0)
    if min(even, odd) > 0.1 * max(even, odd) or max(even, odd) < 0.3 * len(head) / 2:
        return None
    return "utf-16-be" if even > odd else "utf-16-le"


def _refuse_damaged(raw: bytes, source: str) -> None:
    """Refuse UTF-8 in which single bytes are broken: read as a code page, all its other letters would be wrong."""
    text = raw.decode("utf-8", "surrogateescape")
    broken = _ESCAPED.findall(text)
    whole = sum(1 for letter in text if ord(letter) > 127) - sum(map(len, broken))
    if whole > len(broken):
        first = _ESCAPED.search(text)
        assert first is not None
        line = line_ends(text, 0, first.start()) + 1
        raise DataError(
            f"data file '{source}', line {line}: {len(broken):,} places are no UTF-8, though the other "
            f"{whole:,} letters beyond ASCII are; mend those bytes, or save the file as UTF-8 again"
        )


def _by_code_page(raw: bytes, source: str) -> tuple[str, tuple[str, ...]]:
    from charset_normalizer import from_bytes

    # Each guess may stand for several, by which the text is the same.
    chaos = {
        name: match.chaos
        for match in from_bytes(raw[:_LOOKED_AT], cp_isolation=_CODE_PAGES)
        for name in (match.encoding, *match.could_be_from_charset)
    }
    least = min(chaos.values(), default=1.0)
    for encoding in _CODE_PAGES if least <= _TOO_BAD else ():
        if chaos.get(encoding, 1.0) > least + _AS_GOOD:
            continue
        try:
            text = raw.decode(encoding)
        except UnicodeDecodeError:
            continue
        example = next((word for word in text.split() if not word.isascii()), "")[:40]
        return text, (f"no UTF-8: read as {encoding}, a guess, by which a word of it is '{example}'; UTF-8 is sure",)
    raise DataError(f"data file '{source}' is no UTF-8, and in which encoding it is cannot be told; save it as UTF-8")
