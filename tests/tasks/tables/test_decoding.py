"""Bytes of any encoding become the text that was written, and what was guessed is said."""

import codecs

import pytest

from autopeft.errors import DataError
from autopeft.tasks.tables.decoding import decode

GERMAN = "Der Kühlschrank ist schön leise, die Tür schließt gut für den Preis\n" * 6
RUSSIAN = "Холодильник работает тихо и хорошо, дверь закрывается плотно\n" * 6
PLAIN = "The fridge is quiet and the door closes well\n" * 6


@pytest.mark.parametrize("text", [GERMAN, RUSSIAN, PLAIN])
def test_utf8_needs_no_words(text):
    assert decode(text.encode(), "a.csv") == (text, ())


@pytest.mark.parametrize(
    ("mark", "encoding"),
    [(codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be")],
)
def test_a_byte_order_mark_tells_the_encoding(mark, encoding):
    text, [note] = decode(mark + RUSSIAN.encode(encoding), "a.csv")
    assert text == RUSSIAN
    assert "byte-order mark" in note


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be"])
def test_utf16_is_recognised_without_a_mark(encoding):
    text, [note] = decode(GERMAN.encode(encoding), "a.csv")
    assert text == GERMAN
    assert encoding.upper() in note


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        (GERMAN, "cp1252"),
        (RUSSIAN, "cp1251"),
        ("пример текста номер два про вещи\n" * 30, "cp1251"),
        ("jag såg en älg på vägen och den är stor\n" * 30, "cp1252"),
        ("não é possível, a refeição está ótima\n" * 30, "cp1252"),
        ("it costs £10 and the café is fine\n" * 30, "cp1252"),
        ("zażółć gęślą jaźń, to jest bardzo dobre i ładne\n" * 30, "cp1250"),
        ("το ψυγείο είναι αθόρυβο και η πόρτα κλείνει καλά\n" * 30, "cp1253"),
    ],
)
def test_code_pages_are_guessed_and_the_guess_is_said(text, encoding):
    found, [note] = decode(text.encode(encoding), "a.csv")
    assert found == text
    assert "a guess" in note
    assert next(word for word in text.split() if not word.isascii()) in note


def test_damaged_utf8_is_refused_with_its_line_and_not_read_as_a_code_page():
    raw = GERMAN.encode().replace("schön".encode(), b"sch\xf6n", 1)
    with pytest.raises(DataError, match=r"'a\.csv', line 1: 1 places are no UTF-8, though the other 29"):
        decode(raw, "a.csv")


def test_a_mark_that_is_untrue_is_refused_with_its_line():
    with pytest.raises(DataError, match="line 2: its bytes are no UTF-8"):
        decode(codecs.BOM_UTF8 + b"fine\nnot \xff\n", "a.csv")


@pytest.mark.parametrize(
    ("raw", "message"),
    [
        (
            "冷蔵庫はとても静かです。ドアもよく閉まります\n".encode("cp932") * 30,
            "in which encoding it is cannot be told",
        ),
        ("静かです\n".encode("iso2022_jp"), "seems to be ISO-2022-JP"),
        (b"text,label\na,b\nc\0,d\n", "line 3: found a zero byte"),
    ],
)
def test_what_cannot_be_told_is_refused(raw, message):
    with pytest.raises(DataError, match=message):
        decode(raw, "a.csv")


def test_several_marks_are_no_text():
    assert decode(codecs.BOM_UTF8 * 2 + b"text", "a.csv")[0] == "text"
