"""From words to tokens: the first token of each word has the word's tag; long sentences are read in windows."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from autopeft.errors import AutopeftError
from autopeft.tasks.encoding import IGNORED, Encoded, pad_id_of
from autopeft.tasks.tokens.sentences import Sentences
from autopeft.tasks.tokens.windows import Window, windows

__all__ = ["Windowed", "blank_before", "encode_words", "reads", "words_as_read"]

#: What tokenizers write in place of a blank.
_BLANKS = "Ġ▁"


@dataclass(frozen=True)
class Windowed:
    """Sentences as a tokenizer reads them.

    Args:
        words: The words of each sentence, in the form in which the tokenizer takes them.
        lengths: Tokens of each word, sentence by sentence; each has one or more.
        room: Tokens of a window, without the special ones.
        unreadable: Words of which the tokenizer makes nothing; others stand for them.
    """

    words: Sequence[Sequence[str]]
    lengths: Sequence[np.ndarray]
    room: int
    unreadable: int

    def parts(self) -> Iterator[tuple[int, Window]]:
        """Yield the windows, each with the number of its sentence."""
        for number, lengths in enumerate(self.lengths):
            for window in windows(lengths, self.room):
                yield number, window


def blank_before(tokenizer: Any) -> str:
    """Return what has to stand before each word to be read as it is within a text: a blank, or nothing.

    Tokenizers of bytes, such as those of GPT-2, RoBERTa and Llama 3, tell a word after a blank from the same without
    one, and take words that are split already as if nothing stood before them.
    """
    apart, within = (
        tokenizer.convert_ids_to_tokens(
            tokenizer([word], is_split_into_words=True, add_special_tokens=False)["input_ids"]
        )
        for word in ("a", " a")
    )
    return " " if apart != within and within and within[0][:1] in _BLANKS else ""


def words_as_read(sentences: Sequence[Sequence[str]], tokenizer: Any) -> tuple[list[list[str]], list[np.ndarray], int]:
    """Return words in the form in which a tokenizer takes them.

    Args:
        sentences: The words of each sentence.
        tokenizer: A fast tokenizer of transformers.

    Returns:
        The words, tokens of each, and of how many words the tokenizer makes nothing: of those the unknown token stands
        there.

    Raises:
        AutopeftError: When the tokenizer does not tell which token is of which word.
    """
    if not tokenizer.is_fast:
        raise AutopeftError(
            f"{type(tokenizer).__name__} does not tell which token is of which word; choose a model with a fast "
            "tokenizer (a tokenizer.json) to tag words"
        )
    blank = blank_before(tokenizer)
    read = [[blank + word for word in words] for words in sentences]
    if not read:
        return read, [], 0
    found = tokenizer(read, is_split_into_words=True, add_special_tokens=False, verbose=False)
    stand_in = tokenizer.unk_token or tokenizer.convert_ids_to_tokens(pad_id_of(tokenizer))
    lengths, unreadable = [], 0
    for number, words in enumerate(read):
        count = np.bincount([word for word in found.word_ids(number) if word is not None], minlength=len(words))
        for place in np.flatnonzero(count == 0):
            words[place] = stand_in
            unreadable += 1
        lengths.append(np.maximum(count, 1))
    return read, lengths, unreadable


def reads(sentences: Sequence[Sequence[str]], tokenizer: Any, max_length: int) -> Windowed:
    """Return how a tokenizer reads sentences in windows of so many tokens.

    Raises:
        AutopeftError: When a window has no room for a word.
    """
    special = tokenizer.num_special_tokens_to_add(pair=False)
    if max_length <= special:
        raise AutopeftError(
            f"max_length is {max_length}, which leaves no room for a word beside {special} special tokens; expected "
            f"{special + 1} or more"
        )
    words, lengths, unreadable = words_as_read(sentences, tokenizer)
    return Windowed(words, lengths, max_length - special, unreadable)


def encode_words(split: Sentences, tokenizer: Any, max_length: int) -> Encoded:
    """Tokenise sentences.

    Args:
        split: The sentences, their tags by number.
        tokenizer: A fast tokenizer of transformers.
        max_length: Tokens of a row at most, special ones included. A sentence that is longer has several rows, which
            overlap; a word that is longer alone is cut.

    Returns:
        Rows with `labels`: at the first token of each word that the row tells the number of its tag, elsewhere
        `IGNORED`. Row by row, from left to right, these are the words of the sentences.

    Raises:
        AutopeftError: When the tokenizer cannot do so.
    """
    read = reads(split.words, tokenizer, max_length)
    parts = [*read.parts()]
    inputs: dict[str, list[list[int]]] = {"input_ids": []}
    labels: list[list[int]] = []
    example = np.array([number for number, _ in parts], np.int64)
    if parts:
        found = tokenizer(
            [read.words[number][window.start : window.stop] for number, window in parts],
            is_split_into_words=True,
            return_attention_mask=False,
            verbose=False,
        )
        inputs = {key: [] for key in ("input_ids", "token_type_ids") if key in found}
        for row, (number, window) in enumerate(parts):
            words = found.word_ids(row)
            kept = _fitting(words, max_length)
            for key, rows in inputs.items():
                rows.append([found[key][row][place] for place in kept])
            labels.append(_labels([words[place] for place in kept], split.tags[number], window))
    return Encoded({**inputs, "labels": labels}, None, example=example)


def _fitting(words: Sequence[int | None], most: int) -> list[int]:
    """Return the places of a row that are kept: all, unless its one word is too long; special tokens stay."""
    places = range(len(words))
    past = len(words) - most
    if past <= 0:
        return [*places]
    own = [place for place in places if words[place] is not None]
    return [place for place in places if place not in own[-past:]]


def _labels(words: Sequence[int | None], tags: Sequence[int], window: Window) -> list[int]:
    """Return the label of each token of a window."""
    labels = []
    before: int | None = None
    for word in words:
        place = None if word is None else window.start + word
        fresh = place is not None and word != before and window.first <= place < window.end
        labels.append(tags[place] if fresh and place is not None else IGNORED)
        before = word
    return labels
