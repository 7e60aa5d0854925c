"""Whatever the lengths of words and sentences, each word is told just once, and read as within a text."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import GPT2Tokenizer, PreTrainedTokenizerFast

from autopeft.errors import AutopeftError
from autopeft.tasks import IGNORED
from autopeft.tasks.tokens import Sentences, blank_before, encode_words
from autopeft.tasks.tokens.windows import windows
from autopeft.testing.models import TEXTS, tiny_tokenizer

END = "<|endoftext|>"


def of_bytes(family):
    """Return a tokenizer of bytes as GPT-2 has one, or as Llama 3 and Qwen split words first."""
    raw = Tokenizer(models.BPE())
    raw.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    raw.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    raw.train_from_iterator(
        TEXTS * 9, trainers.BpeTrainer(vocab_size=400, special_tokens=[END], initial_alphabet=alphabet)
    )
    if family == "gpt2":
        model = json.loads(raw.to_str())["model"]
        return GPT2Tokenizer(vocab=model["vocab"], merges=[tuple(each) for each in model["merges"]])
    split = pre_tokenizers.Split(Regex(r"[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+|\s+"), "isolated")
    raw.pre_tokenizer = pre_tokenizers.Sequence([split, pre_tokenizers.ByteLevel(False, use_regex=False)])
    return PreTrainedTokenizerFast(tokenizer_object=raw, eos_token=END)


def of_pieces():
    """Return a tokenizer that writes blanks into its pieces, as T5 and Llama 2 have them."""
    raw = Tokenizer(models.BPE(unk_token="<unk>"))
    raw.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme="first")
    raw.train_from_iterator(TEXTS * 9, trainers.BpeTrainer(vocab_size=120, special_tokens=["<unk>", "</s>"]))
    return PreTrainedTokenizerFast(tokenizer_object=raw, unk_token="<unk>", eos_token="</s>")


TOKENIZERS = {
    "encoder": tiny_tokenizer(False, True),
    "decoder": tiny_tokenizer(True, False),
    "gpt2": of_bytes("gpt2"),
    "llama3": of_bytes("llama3"),
    "pieces": of_pieces(),
}
WORDS = st.one_of(
    st.sampled_from(["heart", "don't", "U.S.A.", "\u200b", "", "a b", "[SEP]", "\U0001f600", "x-" * 20, "\ufe0f"]),
    st.text(max_size=12),
)


@given(st.lists(st.integers(1, 9), min_size=1, max_size=40), st.integers(1, 16))
def test_windows_tell_each_word_once_and_read_what_is_around_it(lengths, room):
    found = windows(lengths, room)
    assert [place for window in found for place in range(window.first, window.end)] == [*range(len(lengths))]
    for window in found:
        assert window.start <= window.first < window.end <= window.stop
        assert sum(min(length, room) for length in lengths[window.start : window.stop]) <= room
    if sum(lengths) <= room:
        assert len(found) == 1


def test_long_sentences_are_read_with_context_on_both_sides():
    found = windows([1] * 40, 16)
    assert [tuple(window) for window in found] == [(0, 16, 0, 14), (12, 28, 14, 26), (24, 40, 26, 40)]


@pytest.mark.parametrize("name", TOKENIZERS)
@settings(max_examples=60, deadline=None)
@given(sentences=st.lists(st.lists(WORDS, min_size=1, max_size=12), min_size=1, max_size=4), room=st.integers(1, 14))
def test_each_word_is_told_once(name, sentences, room):
    tokenizer = TOKENIZERS[name]
    most = room + tokenizer.num_special_tokens_to_add(pair=False)
    numbers = iter(range(10**6))
    tags = [tuple(next(numbers) for _ in words) for words in sentences]
    encoded = encode_words(Sentences([tuple(words) for words in sentences], tags), tokenizer, most)
    told = [label for row in encoded.inputs["labels"] for label in row if label != IGNORED]
    # In the order of rows and places these are the words in their order.
    assert told == [tag for each in tags for tag in each]
    assert encoded.lengths.max() <= most
    assert [len(row) for row in encoded.inputs["labels"]] == encoded.lengths.tolist()
    by_row = [{label for label in row if label != IGNORED} for row in encoded.inputs["labels"]]
    assert all(found and found <= set(tags[number]) for found, number in zip(by_row, encoded.example, strict=True))
    assert encoded.examples == len(sentences)


@pytest.mark.parametrize("name", TOKENIZERS)
def test_words_are_read_as_within_a_text(name):
    tokenizer = TOKENIZERS[name]
    words = ("the", "heart", "don't", "left")
    encoded = encode_words(Sentences([words], [(0, 1, 2, 3)]), tokenizer, 100)
    whole = tokenizer("of " + " ".join(words), add_special_tokens=False)["input_ids"]
    before = len(tokenizer("of", add_special_tokens=False)["input_ids"])
    special = tokenizer.all_special_ids
    own = [token for token in encoded.inputs["input_ids"][0] if token not in special]
    assert own == [token for token in whole[before:] if token not in special]
    assert own


def test_only_tokenizers_of_bytes_need_a_blank():
    assert {name: blank_before(each) for name, each in TOKENIZERS.items()} == {
        "encoder": "",
        "decoder": "",
        "gpt2": " ",
        "llama3": " ",
        "pieces": "",
    }


def test_the_first_token_of_a_word_has_its_tag():
    encoded = encode_words(Sentences([("x-x", "heart")], [(5, 7)]), TOKENIZERS["encoder"], 20)
    assert encoded.inputs["labels"] == [[IGNORED, 5, IGNORED, IGNORED, 7, IGNORED]]


def test_words_of_which_nothing_is_made_are_read_as_unknown():
    tokenizer = TOKENIZERS["encoder"]
    encoded = encode_words(Sentences([("", "heart")], [(4, 6)]), tokenizer, 20)
    assert encoded.inputs["input_ids"][0][1] == tokenizer.unk_token_id
    assert encoded.inputs["labels"] == [[IGNORED, 4, 6, IGNORED]]


def test_no_sentences_are_no_rows_and_no_room_is_refused():
    assert len(encode_words(Sentences((), ()), TOKENIZERS["encoder"], 20)) == 0
    with pytest.raises(AutopeftError, match="no room for a word beside 2 special tokens; expected 3 or more"):
        encode_words(Sentences([("a",)], [(0,)]), TOKENIZERS["encoder"], 2)
