"""JSON in its usual layouts; what is none names its line."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autopeft.errors import DataError
from autopeft.tasks.tables.json_rows import read_json

ROW = st.dictionaries(st.text(max_size=4), st.none() | st.booleans() | st.integers() | st.text(max_size=8), max_size=3)


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
        ('{"text":\n {"0": "x"}, "label":\n {"0": "y"}}', "is one object with 'text', 'label'; expected an array"),
    ],
)
def test_what_is_no_json_names_its_line(text, message):
    with pytest.raises(DataError, match=message):
        read_json("a.json", text)
