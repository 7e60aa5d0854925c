"""Entities as seqeval counts them in its default mode."""

import warnings

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from seqeval.metrics import classification_report, f1_score, precision_score
from seqeval.metrics.sequence_labeling import get_entities

from autopeft.errors import DataError
from autopeft.tasks.tokens import count_entities
from autopeft.tasks.tokens.entities import spans_of
from autopeft.tasks.tokens.scheme import check_scheme, marks_entities

#: Types that look like other things: with hyphens, like `O`, like a prefix.
LABELS = ("O", *(f"{prefix}-{kind}" for prefix in "BIES" for kind in ("PER", "creative-work", "O", "B")))
PAIRS = st.lists(
    st.lists(st.tuples(st.sampled_from(LABELS), st.sampled_from(LABELS)), min_size=1, max_size=9),
    min_size=1,
    max_size=8,
)


def counted(sentences):
    """Count the entities of pairs of a true and a told tag."""
    sentence = np.repeat(np.arange(len(sentences)), [len(each) for each in sentences])
    truth, told = (np.array([LABELS.index(pair[k]) for each in sentences for pair in each]) for k in (0, 1))
    return count_entities(LABELS, sentence, truth, told)


@given(PAIRS)
def test_f1_is_that_of_seqeval(sentences):
    truth, told = ([[pair[k] for pair in each] for each in sentences] for k in (0, 1))
    found = counted(sentences)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert found.f1 == pytest.approx(f1_score(truth, told), abs=1e-9)
        told_rightly = found.right[0].sum() / max(1, found.told[0].sum())
        assert told_rightly == pytest.approx(precision_score(truth, told), abs=1e-9)
        report = classification_report(truth, told, output_dict=True) if found.there[0].sum() else {}
    for kind, there in zip(found.types, found.there[1], strict=True):
        assert there == report.get(kind, {"support": 0})["support"]


@given(st.lists(st.sampled_from(LABELS), min_size=1, max_size=20))
def test_entities_are_where_seqeval_finds_them(tags):
    expected = [(start, stop + 1, kind) for kind, start, stop in get_entities(tags)]
    assert spans_of(LABELS, [LABELS.index(tag) for tag in tags]) == expected


@given(PAIRS, st.randoms())
def test_the_order_of_sentences_does_not_matter(sentences, random):
    shuffled = random.sample(sentences, len(sentences))
    one, other = counted(sentences), counted(shuffled)
    assert one.f1 == other.f1
    assert sorted(one.f1_without) == sorted(other.f1_without)


@given(PAIRS.filter(lambda sentences: len(sentences) > 1))
def test_without_a_sentence_it_is_that_of_the_others(sentences):
    found = counted(sentences).f1_without
    for place, f1 in enumerate(found):
        assert f1 == pytest.approx(counted(sentences[:place] + sentences[place + 1 :]).f1, abs=1e-12)


@pytest.mark.parametrize(
    ("tags", "strange"),
    [(["O", "B-ORG", "PER"], "'PER' beside 'B-ORG'"), (["X-PER"], "'X-PER'"), (["O", "U-x"], "'U-x'")],
)
def test_another_scheme_is_refused_with_an_example(tags, strange):
    assert marks_entities(tags)
    with pytest.raises(DataError, match=f"found the tag {strange}.* --metric token_accuracy"):
        check_scheme(tags)


def test_parts_of_speech_mark_no_entities():
    assert not marks_entities(["NOUN", "-LRB-", "PRP$", "."])
    assert marks_entities(["O", "B-x"])
    check_scheme(["O", "B-x", "I-x", "E-x-y", "S-O"])
