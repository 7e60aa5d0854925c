import pytest
from hypothesis import given
from hypothesis import strategies as st

from autopeft.errors import DataError
from autopeft.tasks.tables import read_source
from autopeft.tasks.tables.conll import read_conll

WORDS = st.text(st.characters(exclude_categories=["Z", "C"], exclude_characters="#-"), min_size=1, max_size=5)
SENTENCES = st.lists(st.lists(st.tuples(WORDS, WORDS), min_size=1, max_size=5), min_size=1, max_size=6)


def rows(text):
    return [(row["tokens"], row["tags"]) for _, row in read_conll("x", text).rows]


@given(SENTENCES, st.sampled_from(["\t", " ", "  ", "\tX\t"]), st.sampled_from(["\n", "\r\n", "\r"]), st.booleans())
def test_sentences_are_read_as_they_were_written(sentences, between, end, last):
    lines = [end.join(f"{word}{between}{tag}" for word, tag in sentence) for sentence in sentences]
    text = (end + end).join(lines) + end * last
    assert rows(text) == [([word for word, _ in each], [tag for _, tag in each]) for each in sentences]


def test_documents_and_comments_are_left_out_and_said():
    text = "-DOCSTART- -X- O O\n\n# id 5\nEU NNP B B-ORG\nrules NN O O\n\n-DOCSTART- -X- O O\n# id 6\nYes UH O O\n"
    table = read_conll("x", text)
    assert [(place, row["tokens"]) for place, row in table.rows] == [("line 4", ["EU", "rules"]), ("line 9", ["Yes"])]
    assert "2 lines, the first of them line 1 (-DOCSTART- between documents)" in table.notes[1]
    assert "2 lines, the first of them line 3 (a comment" in table.notes[2]


def test_a_hash_may_be_a_word():
    assert rows("a O\n# O\n\n# O\nb O\n\n#\tO\n") == [(["a", "#"], ["O"] * 2), (["#", "b"], ["O"] * 2), (["#"], ["O"])]


def test_lines_that_show_nothing_end_a_sentence_and_letters_that_look_blank_may_be_words():
    assert rows("a O\n\t\nb O\n  \nc O") == [(["a"], ["O"]), (["b"], ["O"]), (["c"], ["O"])]
    assert rows("\u3000\tO\na\u2028b\tO\n") == [(["\u3000", "a\u2028b"], ["O", "O"])]
    assert rows("New York\tB-place\n") == [(["New York"], ["B-place"])]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a O\nword\n", r"f\.conll', line 2: found 'word'; expected a word and its tag"),
        ("a\tO\nword\t\n", "line 2: found 'word '; expected a word and its tag"),
        ("a\tO\n\tO\n", "line 2: found ' O'; expected a word"),
        ("a NN O\n\nb O\n", "line 3: found 2 columns in 'b O', and 3 in the lines before"),
        ("a\tO\nb O\tO\textra\n", "line 2: found 3 columns"),
    ],
)
def test_a_broken_line_is_named(text, message, tmp_path):
    (tmp_path / "f.conll").write_text(text)
    with pytest.raises(DataError, match=message):
        read_source(str(tmp_path / "f.conll"))


@pytest.mark.parametrize("ending", [".conll", ".bio", ".iob"])
def test_files_are_known_by_their_endings(ending, tmp_path):
    (tmp_path / f"train{ending}").write_text("a\tO\n")
    (tmp_path / f"test{ending}").write_text("b\tO\n")
    found = read_source(str(tmp_path))
    assert {name: table.rows[0][1]["tokens"] for name, table in found.items()} == {"train": ["a"], "test": ["b"]}
