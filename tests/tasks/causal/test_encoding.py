"""What of an example is learned, token by token, with chat templates and without."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from autopeft.errors import DataError
from autopeft.tasks import collate
from autopeft.tasks.causal import FORMATS, IGNORED, CausalSplit, Turn, encode_causal, render
from autopeft.testing.decoders import CHAT_TEMPLATE
from autopeft.testing.models import TEXTS, tiny_tokenizer

FORM = {form.name: form for form in FORMATS}
WORDS = sorted({word for text in TEXTS for word in text.split()})
SPOKEN = st.lists(st.sampled_from(WORDS), min_size=1, max_size=8).map(" ".join)


@pytest.fixture(scope="module")
def plain():
    return tiny_tokenizer(decoder=True, padding=False)


@pytest.fixture(scope="module")
def chat():
    # With the words for the roles, which a template writes.
    tokenizer = tiny_tokenizer(decoder=True, padding=False, vocabulary=(*TEXTS, "user assistant system"))
    tokenizer.chat_template = CHAT_TEMPLATE
    return tokenizer


def learned(tokenizer, example, form, max_length=None):
    """Return the text of all tokens, and that of those learned."""
    encoded = encode_causal(CausalSplit([example]), FORM[form], tokenizer, max_length)
    ids, labels = encoded.inputs["input_ids"][0], encoded.inputs["labels"][0]
    assert all(label in (token, IGNORED) for token, label in zip(ids, labels, strict=True))
    return tokenizer.decode(ids), tokenizer.decode([label for label in labels if label != IGNORED])


@settings(max_examples=30, deadline=None)
@given(asked=SPOKEN, said=SPOKEN)
def test_of_a_prompt_and_its_completion_the_completion_and_the_end_are_learned(plain, asked, said):
    for form in ("prompt", "question", "instruction"):
        between = " " if form == "prompt" else ""
        whole, part = learned(plain, (Turn("user", asked + between), Turn("assistant", said)), form)
        assert part == f"{said} [EOS]"
        assert whole.endswith(part)


@settings(max_examples=30, deadline=None)
@given(text=SPOKEN)
def test_of_plain_text_all_is_learned_whatever_the_template(plain, chat, text):
    for tokenizer in (plain, chat):
        assert learned(tokenizer, (Turn("assistant", text),), "text") == (f"{text} [EOS]",) * 2


@settings(max_examples=30, deadline=None)
@given(said=st.lists(st.tuples(SPOKEN, SPOKEN), min_size=1, max_size=3))
def test_of_a_conversation_the_turns_of_the_assistant_are_learned(chat, said):
    turns = [Turn(role, words) for pair in said for role, words in zip(("user", "assistant"), pair, strict=True)]
    whole, part = learned(chat, tuple(turns), "messages")
    assert part == " ".join(f"{answer} [EOS]" for _, answer in said)
    # The template round-trips: what the model reads is what the template writes, once.
    messages = [turn._asdict() for turn in turns]
    assert whole == chat.apply_chat_template(messages, tokenize=False).strip()
    assert encode_causal(CausalSplit([tuple(turns)]), FORM["messages"], chat).inputs["input_ids"][0] == list(
        chat.apply_chat_template(messages, return_dict=False)
    )


def test_prompts_go_through_the_template_of_a_model_that_has_one(chat):
    example = (Turn("user", "a short text"), Turn("assistant", "good film"))
    for form in ("prompt", "question", "instruction"):
        whole, part = learned(chat, example, form)
        assert (whole, part) == ("user a short text [EOS] assistant good film [EOS]", "good film [EOS]")


def test_cutting_is_counted_and_leaves_out_what_has_nothing_to_learn(plain):
    short = (Turn("user", "good "), Turn("assistant", "film"))
    long = (Turn("user", "one two three four five "), Turn("assistant", "six seven"))
    for max_length, cut, left in ((20, 0.0, 0), (7, 0.5, 0), (5, 0.5, 1)):
        encoded = encode_causal(CausalSplit([short, long]), FORM["prompt"], plain, max_length)
        assert (encoded.truncated, encoded.dropped, len(encoded)) == (cut, left, 2 - left)
        assert max(encoded.lengths) <= max_length
    with pytest.raises(DataError, match=r"cut at 5 tokens, none of the 1 examples .* raise --max-length"):
        encode_causal(CausalSplit([long]), FORM["prompt"], plain, 5)


def test_a_batch_ignores_its_padding(plain):
    examples = [(Turn("user", "good "), Turn("assistant", said)) for said in ("film", "film and story of it")]
    encoded = encode_causal(CausalSplit(examples), FORM["prompt"], plain)
    batch = collate(encoded, np.array([0, 1]), pad_id=1)
    assert batch["labels"].shape == batch["input_ids"].shape == batch["attention_mask"].shape == (2, 7)
    assert (batch["labels"][batch["attention_mask"] == 0] == IGNORED).all()
    assert (batch["labels"] != IGNORED).sum(1).tolist() == [2, 6]


def test_a_template_that_is_lacking_or_refuses_is_named(plain, chat):
    example = (Turn("user", "good"), Turn("assistant", "film"))
    with pytest.raises(DataError, match="no chat template"):
        render(example, FORM["messages"], plain)
    chat.chat_template = "{{ raise_exception('no system turns') }}"
    try:
        with pytest.raises(DataError, match=r"refuses a conversation of user, assistant \(no system turns\)"):
            render(example, FORM["messages"], chat)
        chat.chat_template = "{% for message in messages %}{{ message['content'] }} {% endfor %}"
        with pytest.raises(DataError, match="let each conversation end with the assistant"):
            render(example[:1], FORM["messages"], chat)
    finally:
        chat.chat_template = CHAT_TEMPLATE


def test_where_a_template_rewrites_earlier_turns_the_last_is_learned(chat):
    chat.chat_template = (
        "{% for message in messages %}{% if loop.last and message['role'] == 'assistant' %}two {% endif %}"
        "{{ message['content'] + ' [EOS] ' }}{% endfor %}"
    )
    try:
        turns = tuple(Turn(role, word) for role, word in zip(("user", "assistant") * 2, WORDS, strict=False))
        assert learned(chat, turns, "messages")[1] == f"two {WORDS[3]} [EOS]"
    finally:
        chat.chat_template = CHAT_TEMPLATE
