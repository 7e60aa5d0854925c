"""Workbooks as other programs, and damage, leave them."""

import io
import re
import zipfile

import pytest

from autopeft.errors import DataError
from autopeft.tasks.tables.excel import read_excel

openpyxl = pytest.importorskip("openpyxl")

ROWS = [["text", "label"], *([f"text {number}", "ab"[number % 2]] for number in range(30))]


def workbook(rows, **changes):
    """Return the bytes of a workbook; `changes` rewrite parts of its files."""
    book = openpyxl.Workbook()
    for row in rows:
        book.active.append(row)
    whole, changed = io.BytesIO(), io.BytesIO()
    book.save(whole)
    with zipfile.ZipFile(whole) as old, zipfile.ZipFile(changed, "w") as new:
        for name in old.namelist():
            stem = name.rsplit("/", 1)[-1].split(".")[0]
            new.writestr(name, changes.get(stem, lambda raw: raw)(old.read(name)))
    return changed.getvalue()


def pairs(table):
    return [[row["text"], row["label"]] for _, row in table.rows]


@pytest.mark.parametrize("stale", [b"A1:B11", b"A1:A31", b"A1", b"A1:D900"])
def test_all_rows_and_columns_are_read_whatever_the_sheet_says_of_its_size(stale):
    raw = workbook(ROWS, sheet1=lambda xml: re.sub(rb'(<dimension ref=")[^"]*', rb"\g<1>" + stale, xml))
    table = read_excel("a.xlsx", raw)
    assert (table.columns, pairs(table)) == (("text", "label"), ROWS[1:])


def test_rows_of_other_lengths_are_filled_up():
    table = read_excel("a.xlsx", workbook([["text", "label"], ["x"], [None, "b"], [], ["y", "a", "more"]]))
    assert table.columns == ("text", "label", "(column 3, without a name)")
    assert [(place, *row.values()) for place, row in table.rows] == [
        ("row 2", "x", None, None),
        ("row 3", None, "b", None),
        ("row 5", "y", "a", "more"),
    ]


def test_errors_are_no_texts_and_are_said():
    table = read_excel("a.xlsx", workbook([*ROWS[:3], ["#N/A", "a"], ["fine", "#REF!"]]))
    assert pairs(table)[2:] == [[None, "a"], ["fine", None]]
    assert table.notes == ("cells with an error, such as #N/A in A4, taken as empty: 2",)


def test_blanks_around_names_are_left_out_and_said():
    table = read_excel("a.xlsx", workbook([[" text", "label "], ["x", "a"]]))
    assert table.columns == ("text", "label")
    assert table.notes == ("blanks around the names of columns left out",)


def test_a_title_over_the_table_is_told_from_the_names_of_columns():
    message = r"row 2: found 'My data' alone, over rows of more cells; expected the names of the columns"
    with pytest.raises(DataError, match=message):
        read_excel("a.xlsx", workbook([[], ["My data"], [], *ROWS]))


def test_a_remark_beside_a_single_column_is_no_table_under_a_title():
    table = read_excel("a.xlsx", workbook([["text"], ["x"], ["y", "remark"], ["z"]]))
    assert [row["text"] for _, row in table.rows] == ["x", "y", "z"]


@pytest.mark.parametrize("part", ["sheet1", "workbook", "styles"])
def test_damage_is_one_message(part):
    raw = workbook(ROWS, **{part: lambda xml: xml[: len(xml) // 2]})
    with pytest.raises(DataError, match=r"'a\.xlsx' cannot be read as an Excel workbook"):
        read_excel("a.xlsx", raw)
