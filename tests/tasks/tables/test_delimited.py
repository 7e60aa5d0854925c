"""Delimited text: which delimiter, what quotes mean, and which line is wrong."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autopeft.errors import DataError
from autopeft.tasks.tables.delimited import read_delimited

LABELS = ("good", "bad")


def read(text, usual=",", named=()):
    return read_delimited("a.csv", text, usual, named)


def cells(table):
    return [tuple(row.values()) for _, row in table.rows]


def lines(count, text="text {}"):
    return [f"{text.format(number)},{LABELS[number % 2]}" for number in range(count)]


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_the_delimiter_is_found_and_said(delimiter):
    text = f"text{delimiter}label\n" + "".join(f"a{delimiter}b\n" for _ in range(5))
    for usual in (",", "\t"):
        table = read(text, usual)
        assert cells(table) == [("a", "b")] * 5
        assert any("separated by" in note for note in table.notes) == (delimiter != usual)


def test_delimiters_in_texts_do_not_matter_where_all_rows_fit_one():
    text = "review;stars\n" + "".join(f"yes, {number}, and so on;{number}\n" for number in range(5))
    assert cells(read(text))[1] == ("yes, 1, and so on", "1")


def test_the_columns_that_are_named_tell_the_delimiter():
    text = "text;label,x\n" + "a;b,c\n" * 3
    assert read(text, named=("text", "label,x")).columns == ("text", "label,x")
    assert read(text, named=("x",)).columns == ("text;label", "x")


def test_a_stray_quote_that_nothing_closes_makes_quotes_mean_nothing():
    rows = lines(30)
    rows[10] = '"not closed,good'
    table = read("text,label\n" + "\n".join(rows))
    assert cells(table)[10] == ('"not closed', "good")
    assert len(table.rows) == 30
    assert table.notes == ("quotes mean nothing: line 12 has one that nothing closes",)


def test_a_stray_quote_that_a_later_one_closes_swallows_no_rows():
    rows = lines(30)
    rows[10], rows[20] = '"not closed,good', 'closed far below",bad'
    table = read("text,label\n" + "\n".join(rows))
    assert len(table.rows) == 30
    assert "quotes mean nothing: line 12 begins a text" in table.notes[0]
    # Where other rows need their quotes, no reading holds all rows.
    rows[25] = '"quoted, for its comma",good'
    with pytest.raises(DataError, match="line 12: a quote opens a text and closes lines below"):
        read("text,label\n" + "\n".join(rows))


def test_texts_over_several_lines_are_texts():
    rows = [*lines(10), '"Dear sir, hello\nwhat, now?\nbye",good', *lines(5)]
    table = read("text,label\n" + "\n".join(rows))
    assert cells(table)[10] == ("Dear sir, hello\nwhat, now?\nbye", "good")
    assert table.notes == ("1 row goes over several lines, the longest from line 12 to line 14",)
    assert table.rows[11][0] == "line 15"


def test_a_quote_in_a_file_that_needs_quotes_is_refused_with_its_line():
    rows = [*lines(5), '"with, a comma",good', '"stray,bad', *lines(5)]
    with pytest.raises(DataError, match=r"'a\.csv', line 8: a quote opens a text there and is not closed"):
        read("text,label\n" + "\n".join(rows))


def test_a_stray_quote_where_texts_are_quoted_is_refused_and_no_text_keeps_its_quotes():
    rows = [f'"text {number}",good' for number in range(9)]
    rows[4] = '"a "quoted" word",bad'
    with pytest.raises(DataError, match=r"line 6: a quote opens a text there and is not closed"):
        read("text,label\n" + "\n".join(rows))


def test_quotes_may_be_marked_by_backslashes():
    table = read('text,label\n"She said \\"no\\", twice",bad\n"plain, too",good\n')
    assert cells(table) == [('She said "no", twice', "bad"), ("plain, too", "good")]
    assert table.notes == ("quotes within texts are marked by backslashes",)


def test_quotes_in_tsv_are_marks_only_where_they_must_be():
    assert cells(read('text\tlabel\n"unbalanced\tx\nplain\ty\n', "\t")) == [('"unbalanced', "x"), ("plain", "y")]
    wrapped = read('text\tlabel\n"all of it"\tx\nplain\ty\n', "\t")
    assert (cells(wrapped)[0], wrapped.notes) == (('"all of it"', "x"), ("quotes belong to the texts",))
    doubled = read('text\tlabel\n"She said ""no"""\tx\nplain\ty\n', "\t")
    assert cells(doubled)[0] == ('She said "no"', "x")
    broken = read('text\tlabel\n"a\tb"\tx\nplain\ty\n', "\t")
    assert cells(broken)[0] == ("a\tb", "x")


@pytest.mark.parametrize(
    ("row", "message"),
    [
        (
            "x,y,z",
            r"line 3: found 3 fields, expected 2 as in the first line \(line 3 has 3\); quote texts that hold commas",
        ),
        ("x", r"line 3: found 1 field, expected 2"),
    ],
)
def test_rows_with_other_numbers_of_fields_are_refused_with_their_lines(row, message):
    with pytest.raises(DataError, match=message):
        read(f"text,label\na,b\n{row}\nc,d\n")


def test_an_index_without_a_name_and_ends_of_rows_are_understood():
    table = read("text,label\n1,a,b\n2,c,d\n")
    assert table.columns == ("(column 1, without a name)", "text", "label")
    assert cells(table) == [("1", "a", "b"), ("2", "c", "d")]
    ended = read("text,label\na,b,\nc,d,\n")
    assert cells(ended) == [("a", "b"), ("c", "d")]
    assert read(",text,label\n0,a,b\n").columns == ("(column 1, without a name)", "text", "label")


def test_texts_that_all_hold_a_delimiter_are_no_rows_with_an_index():
    with pytest.raises(DataError, match="line 2: found 3 fields, expected 2"):
        read("text,label\nHello, world,good\nBye, all,bad\n")


def test_empty_lines_are_no_rows_and_lines_of_delimiters_are():
    assert cells(read("text,label\n\na,b\n  \n,\n")) == [("a", "b"), ("", "")]


def test_one_column_needs_no_quotes():
    table = read("text\nHello, world\nplain\n\n")
    assert cells(table) == [("Hello, world",), ("plain",), ("",)]
    assert cells(read('text\n"Hello, ""world"""\nplain\n')) == [('Hello, "world"',), ("plain",)]


def test_old_line_ends_are_said():
    table = read("text,label\ra,b\rc,d\r")
    assert (cells(table), table.notes) == ([("a", "b"), ("c", "d")], ("lines end in carriage returns alone",))
    assert cells(read("text,label\r\na,b\r\n")) == [("a", "b")]


WORDS = st.text(st.sampled_from('ab "\n,;\t|\\'), max_size=12)


@given(st.lists(st.tuples(WORDS, st.sampled_from(LABELS)), min_size=8, max_size=20), st.sampled_from(",;\t|"))
def test_what_the_csv_module_writes_is_read_back(rows, delimiter):
    import csv
    import io

    written = io.StringIO()
    csv.writer(written, delimiter=delimiter, quoting=csv.QUOTE_ALL).writerows([("text", "label"), *rows])
    assert cells(read(written.getvalue(), delimiter, ("text", "label"))) == rows


def test_quotes_in_tsv_are_not_blamed_for_rows_of_other_numbers_of_fields():
    with pytest.raises(
        DataError, match=r"line 3: found 3 fields, expected 2 .*is there a tab, or a line end, in a text"
    ):
        read('text\tlabel\n"unbalanced\tx\na\tb\tc\n', "\t")


def test_a_quote_that_is_not_closed_is_blamed_between_tabs_too():
    rows = [f'"text\t{number}"\t"good"' for number in range(6)]
    rows[3] = '"not closed\t"good"'
    with pytest.raises(DataError, match="line 5: a quote opens a text there and is not closed"):
        read('"text"\t"label"\n' + "\n".join(rows), "\t")


def test_backslashes_are_understood_in_the_first_line_too():
    table = read('"body","the \\"class\\""\n"a text","good"\n"other","bad"\n')
    assert (table.columns, cells(table)) == (("body", 'the "class"'), [("a text", "good"), ("other", "bad")])
    assert cells(read('"text"\t"label"\n"she said \\"no\\""\t"bad"\n', "\t")) == [('she said "no"', "bad")]
    with pytest.raises(DataError, match="line 3: found 1 field, expected 2"):
        read('text,label\n"a \\"b\\", c",good\nshort\n')
    with pytest.raises(DataError, match="line 3: a quote opens a text there and is not closed"):
        read('text,label\n"a \\"b\\", c",good\n"cut sh')


def test_verses_are_texts_though_their_lines_are_alike():
    songs = [f'"Oh baby, oh baby\nOh baby, oh baby\nCome on {number}",{LABELS[number % 2]}' for number in range(20)]
    assert len(read("text,label\n" + "\n".join(songs)).rows) == 20
    mixed = [*lines(20), songs[0], *(f'"two\nlines {number}",good' for number in range(20))]
    assert len(read("text,label\n" + "\n".join(mixed)).rows) == 41


def test_a_label_that_stands_first_is_no_sign_of_rows():
    texts = [f'{LABELS[number % 2]},"first, line {number}\nodd, line"' for number in range(20)]
    texts += [f"{LABELS[number % 2]},plain {number}" for number in range(20)]
    # Each text's first line begins with the label of the row.
    table = read("label,text\n" + "\n".join(texts[:1] + texts[20:]))
    assert len(table.rows) == 21


def test_blanks_before_quotes_are_no_text():
    table = read('label, text\ngood, "a text, indeed"\nbad, "another"\n')
    assert (table.columns, cells(table)) == (("label", "text"), [("good", "a text, indeed"), ("bad", "another")])
    assert "blanks between delimiters and quotes left out" in table.notes
    with pytest.raises(DataError, match="line 1: a quote opens a text there and is not closed"):
        read('"text" ,"label"\n"a" ,"good"\n')


def test_a_column_that_is_quoted_throughout_is_quoted_between_tabs_too():
    assert cells(read('text\tlabel\n"a text"\tgood\n"other"\tbad\n', "\t")) == [("a text", "good"), ("other", "bad")]


def test_a_header_that_stands_again_is_no_row():
    table = read("text,label\na,b\n\ufefftext,label\nc,d\n")
    assert cells(table) == [("a", "b"), ("c", "d")]
    assert "the names of the columns stand again in line 3, which is no row" in table.notes


def test_what_excel_says_of_its_delimiter_is_heard():
    table = read("sep=;\r\ntext;label\r\na, b;c\r\n")
    assert (table.columns, cells(table), table.rows[0][0]) == (("text", "label"), [("a, b", "c")], "line 3")


def test_a_table_of_markdown_is_refused():
    with pytest.raises(DataError, match="line 2: found the rule of a Markdown table"):
        read("| text | label |\n|---|:-:|\n| a | b |\n")


def test_a_quoted_word_at_a_lines_beginning_is_text_in_a_file_of_one_column():
    table = read('text\n"To be or not", he said\nplain\n')
    assert cells(table) == [('"To be or not", he said',), ("plain",)]


def test_swallowed_rows_are_found_where_rows_end_with_a_delimiter():
    rows = [f"{line}," for line in lines(30)]
    rows[10], rows[20] = '"not closed,good,', 'closed far below",bad,'
    assert len(read("text,label\n" + "\n".join(rows)).rows) == 30


def test_the_row_that_is_short_is_blamed_where_some_texts_are_quoted():
    rows = ["text\tlabel", *('"a\ttab"\tgood' for _ in range(5)), "short", *("plain\tbad" for _ in range(5))]
    with pytest.raises(DataError, match="line 7: found 1 field"):
        read("\n".join(rows), "\t")
