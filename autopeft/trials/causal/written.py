"""Examples for decoders as text, stretch by stretch, as tools that train language models take them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from autopeft.tasks import IGNORED, Task
from autopeft.tasks.causal import TOOLS, Example, Format, Turn, encode_causal, render
from autopeft.trials.writing import Message, Segment, Writing, WrittenRow

__all__ = ["message_of", "segments", "stretches", "writing_of"]


def writing_of(task: Task, tokenizer: Any, max_length: int, everything: bool = False) -> Writing:
    """Return the training and validation examples that have something left to learn once cut.

    Args:
        task: The data.
        tokenizer: The backbone's.
        max_length: Tokens after which an example is cut.
        everything: Whether prompts are learned too, in training.
    """
    form = task.schema
    found: dict[str, list[WrittenRow]] = {}
    for name in ("train", "validation"):
        split = task.splits[name]
        inputs = encode_causal(split, form, tokenizer).inputs
        found[name] = []
        for example, *encoded in zip(split.examples, inputs["input_ids"], inputs["labels"], strict=True):
            ids, labels = (values[:max_length] for values in encoded)
            # The first token follows nothing, so it is never predicted.
            if any(label != IGNORED for label in labels[1:]):
                cut = segments(example, form, tokenizer)
                text = cut if len(ids) == len(encoded[0]) else _until(cut, len(ids), tokenizer)
                row = WrittenRow([*map(message_of, example)], ids, labels, cut, text)
                found[name].append(_wholly_learned(row) if everything and name == "train" else row)
    return Writing(found, form.plain)


def stretches(row: WrittenRow) -> Mapping[str, Any]:
    """Return an example as text, and where in it the learned stretches begin and end."""
    text, learned = "", []
    for part, is_learned in row.whole:
        if is_learned:
            learned.append([len(text), len(text) + len(part)])
        text += part
    return {"text": text, "learned": learned}


def _wholly_learned(row: WrittenRow) -> WrittenRow:
    whole, text = ([("".join(part for part, _ in cut), True)] for cut in (row.whole, row.text))
    messages = [replace(message, learned=True) for message in row.messages]
    return WrittenRow(messages, row.ids, row.ids, whole, text)


def message_of(turn: Turn) -> Message:
    """Return what one speaker says, as tools take it."""
    return Message(turn.message(), turn.learned, not turn.told and turn.role != TOOLS)


def segments(example: Example, form: Format, tokenizer: Any) -> list[Segment]:
    """Return an example as the model reads it, special tokens and all, cut where learning begins and ends.

    Tokenised together without adding special tokens, the segments are what trials train on.
    """
    found = render(example, form, tokenizer)
    text, stretches = found.text, list(found.learned)
    if not found.templated:
        begins = tokenizer("a")["input_ids"][:1] == [tokenizer.bos_token_id]
        before = tokenizer.bos_token if begins else ""
        text, stretches = before + text, [(start + len(before), end + len(before)) for start, end in stretches]
        if tokenizer.eos_token is not None:
            start, end = stretches[-1]
            text, stretches[-1] = text + tokenizer.eos_token, (start, end + len(tokenizer.eos_token))
    cut: list[Segment] = []
    done = 0
    for start, end in stretches:
        cut += [(text[done:start], False), (text[start:end], True)]
        done = end
    return [(part, learned) for part, learned in (*cut, (text[done:], False)) if part]


def _until(cut: Sequence[Segment], count: int, tokenizer: Any) -> list[Segment]:
    """Return segments up to the end of a token; one before where the next has characters of the same letter."""
    text = "".join(part for part, _ in cut)
    places = tokenizer(text, add_special_tokens=False, return_offsets_mapping=True)["offset_mapping"]
    while 0 < count < len(places) and places[count][0] < places[count - 1][1]:
        count -= 1
    left = places[count - 1][1] if count else 0
    found: list[Segment] = []
    for part, learned in cut:
        found.append((part[:left], learned))
        left -= len(found[-1][0])
    return [(part, learned) for part, learned in found if part]
