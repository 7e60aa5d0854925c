"""JSON in its usual layouts; what is none names its line."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autopeft.errors import DataError
from autopeft.tasks.tables.json_rows import read_json

KEY = st.text(max_size=4).filter(lambda key: key == key.strip())
ROW = st.dictionaries(KEY, st.none() | st.booleans() | st.integers() | st.text(max_size=8), max_size=3)


@given(st.lists(ROW, min_size=1, max_size=5), st.booleans(), st.sampled_from([None, 1]))
def test_lines_and_arrays_hold_the_same_rows(rows, escaped, indent):
    lines = "\n".join(json.dumps(row, ensure_ascii=escaped) for row in rows)
    array = json.dumps(rows, ensure_ascii=escaped, indent=indent)
    for text in (lines, array, f"\n  {array}\n"):
        assert [row for _, row in read_json("a.json", text).rows] == rows


def test_rows_under_one_key_are_found_and_said():
    table = read_json("a.json", json.dumps({"version": 2, "data": [{"text": "x"}, {"text": "y"}]}, indent=1))
    assert [row["text"] for _, row in table.rows] == ["x", "y"]
    assert table.notes == ("one object, whose rows are under 'data'; beside it, and left out: 'version'",)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{"text": "x"}\n{"text": "y"', "line 2: not JSON"),
        ('{"text": "x"\n', "line 1: not JSON"),
        ("[1]", "line 1: found the number 1; expected an object"),
        ('[{"a": 1},\n {"a": 2}\n {"a": 3}]', "line 3: not JSON .expected a comma"),
        ('[{"a": 1},\n {"a": }]', "line 2: not JSON"),
        ('[{"a": 1}', "line 1: not JSON"),
        ('[{"a": 1},\r{"a": 1},\r{"a": }]', "line 3: not JSON"),
        ('[{"a": 1},\r\n{"a": 1},\r\n{"a": }]', "line 3: not JSON"),
        ('[{"a": 1}] x', "something follows the end of the array"),
        ('{"a": 1}\n{"text": "x", "text": "y"}', "line 2: the key 'text' stands twice"),
        ('[{"a": 1},\n{"text": "x", "text": "y"}]', "line 2: the key 'text' stands twice"),
        ('{"text":\n {"0": "x"}, "label":\n {"1": "y"}}', "is one object with 'text', 'label'; expected an array"),
        ('{"a": [{"text": "x"}], "b": [{"text": "y"}]}', "is one object with 'a', 'b'; expected an array"),
        ('{"a": 1}\n{"id": ' + "9" * 5000 + "}", "line 2: not JSON .a number of too many digits"),
        ('[{"a": 1},\n{"id": -' + "9" * 5000 + "}]", "line 2: not JSON .a number of too many digits"),
        ('{"a": 1}\n{"a": ' + "[" * 200_000 + "]" * 200_000 + "}", "line 2: not JSON .lists or objects within"),
        ('{\n"a": ' + "[" * 200_000 + "]" * 200_000 + "}", "line 1: not JSON .lists or objects within"),
        ('{"data": [\n{"text": "x", "text": "y"}]}', "the key 'text' stands twice"),
        ('{"data": [{"text": "x"}],\n"data": [{"text": "y"}]}', "the key 'data' stands twice"),
        ('{"data": [{"text": "x"}], "data": [{"text": "y"}]}', "the key 'data' stands twice"),
        ('{"a": 1}\n{"a": }', r"line 2: not JSON \(Expecting value, at letter 7\)"),
        ('{"a": 1} {"a": 2}', "line 1: not JSON .something follows the object, at letter 10"),
        ('{\n"a": 1\n}\n{\n"a": }', r"line 5: not JSON \(Expecting value, at letter 6\)"),
        (
            json.dumps({"rows": [{"row_idx": 0, "row": {"text": "lo"}, "truncated_cells": ["text"]}]}),
            "row 1: text is cut short by the hub's viewer",
        ),
    ],
)
def test_what_is_no_json_names_its_line(text, message):
    with pytest.raises(DataError, match=message):
        read_json("a.json", text)


COLUMNS = {"text": ["x", "y"], "label": [1, 2]}


@pytest.mark.parametrize("indent", [None, 2])
@pytest.mark.parametrize(
    ("found", "said"),
    [
        ({"data": ["rows"]}, "whose rows are under 'data'"),
        (
            {"schema": {"fields": []}, "data": ["rows"]},
            "whose rows are under 'data'; beside it, and left out: 'schema'",
        ),
        (
            {"features": [{"name": "text"}], "rows": ["rows"]},
            "rows are under 'rows'; beside it, and left out: 'features'",
        ),
        (
            {"columns": ["text", "label"], "index": [0, 1], "data": [["x", 1], ["y", 2]]},
            "their columns under 'columns'",
        ),
        (COLUMNS, "one object of 2 columns"),
        ({name: {"0": values[0], "1": values[1]} for name, values in COLUMNS.items()}, "2 columns, by index"),
        ({"0": {"text": "x", "label": 1}, "1": {"text": "y", "label": 2}}, "one object of 2 rows, by index"),
    ],
)
def test_one_object_that_holds_the_rows_is_read_and_said(found, said, indent):
    rows = [{"text": text, "label": label} for text, label in zip(*COLUMNS.values(), strict=True)]
    if "features" in found:
        found = {**found, "rows": [{"row_idx": n, "row": row, "truncated_cells": []} for n, row in enumerate(rows)]}
    elif found.get("data") == ["rows"]:
        found = {**found, "data": rows}
    table = read_json("a.json", json.dumps(found, indent=indent))
    assert [row for _, row in table.rows] == rows
    assert said in table.notes[0]


def test_a_single_conversation_is_a_row_itself():
    row = {"tools": [{"name": "f"}], "messages": [{"role": "user", "content": "x"}]}
    for indent in (None, 1):
        assert read_json("a.json", json.dumps(row, indent=indent)).rows == [("line 1", row)]


def test_objects_one_after_another_are_read_and_said():
    rows = [{"text": "x"}, {"text": "y"}, {"text": "z"}]
    table = read_json("a.jsonl", "\n".join(json.dumps(row, indent=1) for row in rows))
    assert table.rows == [(f"line {3 * number + 1}", row) for number, row in enumerate(rows)]
    assert table.notes == ("objects one after another, over several lines each",)


def test_marks_of_files_that_were_put_together_are_left_out_and_said():
    table = read_json("a.jsonl", '{"text": "a\ufeff"}\n\ufeff{"text": "y"}\n')
    assert [row["text"] for _, row in table.rows] == ["a\ufeff", "y"]
    assert table.notes == ("a byte-order mark before line 2 left out",)


def test_blanks_around_names_are_left_out_as_in_csv():
    table = read_json("a.jsonl", '{" text": "x", "label ": " y "}')
    assert (table.columns, table.rows) == (("text", "label"), [("line 1", {"text": "x", "label": " y "})])
    assert table.notes == ("blanks around the names of columns left out",)
    assert read_json("a.jsonl", '{" text": "x", "text": "y"}').repeated == {"text"}
