"""The grammar of values."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autopeft.space.grammar import GrammarError, Per, Range, Subset, Word, parse_per, parse_values


@pytest.mark.parametrize(
    ("text", "choices"),
    [
        ("off | d/512..d by x2", (Word("off"), Range("d/512", "d", "x2", False))),
        ("0|2..64 by x2", (Word("0"), Range("2", "64", "x2", False))),
        ("1e-5..1e-2 log", (Range("1e-5", "1e-2", None, True),)),
        ("0.01%..1% log", (Range("0.01%", "1%", None, True),)),
        ("0..10 by 2", (Range("0", "10", "2", False),)),
        (".5..1", (Range(".5", "1", None, False),)),
        ("subset of q, k,v", (Subset(("q", "k", "v")),)),
        ("1r | 2r", (Word("1r"), Word("2r"))),
        (8, (Word(8),)),
        (False, (Word(False),)),
        (["off", 8, "2..4 by 1"], (Word("off"), Word(8), Range("2", "4", "1", False))),
    ],
)
def test_what_it_reads(text, choices):
    assert parse_values(text).choices == choices


@pytest.mark.parametrize(
    "text", ["", "1 |", "1..", "..2", "1..2 by", "1..2 by y2", "1..9 by 2 log", "subset of ", "a b", []]
)
def test_what_it_refuses_says_what_was_expected(text):
    with pytest.raises(GrammarError, match=r"\w"):
        parse_values(text)


@given(st.text())
def test_any_text_is_read_or_refused(text):
    try:
        choices = parse_values(text).choices
    except GrammarError:
        return
    assert choices


@pytest.mark.parametrize(
    ("text", "per"),
    [
        ("layer", Per("layer")),
        ("role", Per("role")),
        ("4 layer groups", Per("group", 4)),
        ("1 layer group", Per("group", 1)),
    ],
)
def test_per(text, per):
    assert parse_per(text) == per


@pytest.mark.parametrize("text", ["layers", "0 layer groups", 4, None])
def test_per_refuses(text):
    with pytest.raises(GrammarError):
        parse_per(text)
