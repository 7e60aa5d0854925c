"""What chat templates write, and which stretches of that are learned."""

import json

import pytest

from autopeft.errors import DataError
from autopeft.tasks.causal import (
    FORMATS,
    IGNORED,
    TOOLS,
    CausalSplit,
    Turn,
    ask,
    describe,
    encode_causal,
    render,
    survey,
)
from tests.tasks.causal.tokenizers import FULL, LAST, PLAIN, THINKING, byte_level

FORM = {form.name: form for form in FORMATS}["messages"]
CALL = {"type": "function", "function": {"name": "find", "arguments": {"item": "kettle", "rooms": [1, 2]}}}
TALK = (Turn("user", "is it there?"), Turn("assistant", "yes"), Turn("user", "and the lamp?"), Turn("assistant", "no"))


def calling(**told):
    return Turn("assistant", "", json.dumps({"tool_calls": [CALL], **told}))


def stretches(example, template):
    """Return the texts that are learned, having checked that the tokens say the same."""
    tokenizer = byte_level(template)
    found = render(example, FORM, tokenizer)
    texts = [found.text[start:end] for start, end in found.learned]
    encoded = encode_causal(CausalSplit([example]), FORM, tokenizer)
    labels = [label for label in encoded.inputs["labels"][0] if label != IGNORED]
    assert tokenizer.decode(labels) == "".join(texts)
    assert tokenizer.decode(encoded.inputs["input_ids"][0]) == found.text
    return texts


def looked_at(example, template):
    return survey("train", CausalSplit([example]), FORM, byte_level(template))


def test_every_answer_and_its_end_are_learned():
    assert stretches(TALK, PLAIN) == ["yes<|im_end|>", "no<|im_end|>"]
    assert stretches((Turn("system", "be short"), *TALK, Turn("user", "ta")), PLAIN) == [
        "yes<|im_end|>",
        "no<|im_end|>",
    ]


def test_answers_that_are_marked_are_only_read():
    example = (TALK[0], TALK[1]._replace(skipped=True), *TALK[2:])
    assert stretches(example, PLAIN) == ["no<|im_end|>"]
    [question] = ask(CausalSplit([example]), FORM, byte_level(PLAIN))
    assert question.wanted == "no"
    # The last one read only: the one before is asked for.
    example = (*TALK[:3], TALK[3]._replace(skipped=True))
    [question] = ask(CausalSplit([example]), FORM, byte_level(PLAIN))
    assert question.wanted == "yes"
    assert byte_level(PLAIN).decode(question.completion) == "yes<|im_end|>"


def test_several_answers_in_a_row_and_one_at_the_start_are_learned():
    hello = (Turn("assistant", "hello"), *TALK[:2], Turn("assistant", "really"))
    assert stretches(hello, PLAIN) == ["hello<|im_end|>", "yes<|im_end|>", "really<|im_end|>"]
    assert stretches((Turn("assistant", "hello"),), PLAIN) == ["hello<|im_end|>"]


def test_calls_are_learned_as_the_template_writes_them():
    tools = Turn(TOOLS, json.dumps([{"name": "find"}]))
    example = (tools, TALK[0], calling(), Turn("tool", "1", '{"name": "find"}'), Turn("assistant", "yes"))
    written = f"<call>{json.dumps(CALL['function'])}</call><|im_end|>"
    assert stretches(example, FULL) == [written, "yes<|im_end|>"]
    assert render(example, FORM, byte_level(FULL)).text.startswith('[{"name": "find"}]\n<|im_start|>user')
    assert looked_at(example, FULL).unwritten == ()
    [question] = ask(CausalSplit([example[:3]]), FORM, byte_level(FULL))
    assert question.wanted == written.removesuffix("<|im_end|>")


@pytest.mark.parametrize("written", ["'<call>' + call.function.arguments", "'<call>' ~ call.function.arguments"])
def test_a_template_that_wants_arguments_as_text_gets_them_so(written):
    template = FULL.replace("'<call>' + call.function | tojson", written)
    arguments = json.dumps(CALL["function"]["arguments"])
    assert stretches((TALK[0], calling()), template) == [f"<call>{arguments}</call><|im_end|>"]


def test_calls_that_a_template_does_not_write_are_refused_with_their_place():
    split = CausalSplit([TALK, (*TALK[:3], calling())], None, ["'a.jsonl', line 1", "'a.jsonl', line 2"])
    with pytest.raises(DataError, match=r"'a.jsonl', line 2: the chat template .* does not write the calls of tools"):
        encode_causal(split, FORM, byte_level(PLAIN))


def test_what_a_template_does_not_write_is_named():
    tools = Turn(TOOLS, json.dumps([{"name": "find"}]))
    told = json.dumps({"name": "Ann", "reasoning_content": "hm", "thinking": "so"})
    example = (tools, TALK[0], Turn("assistant", "yes", told))
    assert looked_at(example, FULL).unwritten == ("thinking",)
    assert looked_at(example, PLAIN).unwritten == ("name", "reasoning_content", "thinking", TOOLS)
    [line] = describe([looked_at(example, PLAIN), looked_at(TALK, PLAIN)])
    assert line.startswith("left out, for the chat template of this model does not write it: ")
    assert line.endswith(": 'name', 'reasoning_content', 'thinking', 'tools'")
    assert stretches(example, FULL) == ["Ann: <think>hm</think>yes<|im_end|>"]


def test_a_thought_that_the_template_begins_cuts_nothing_off():
    """The prompt it writes is longer than what stands before the answer."""
    assert stretches(TALK, THINKING) == ["yes<|im_end|>", "no<|im_end|>"]
    assert stretches((TALK[0], Turn("assistant", "<b>yes")), THINKING) == ["<b>yes<|im_end|>"]
    assert stretches((TALK[0], Turn("assistant", "<think>\nhm</think>yes")), THINKING) == ["hm</think>yes<|im_end|>"]


def test_answers_that_a_template_rewrites_are_counted():
    assert stretches(TALK, LAST) == ["<think></think>no<|im_end|>"]
    assert looked_at(TALK, LAST).unlearned == 1
    [line] = describe([looked_at(TALK, LAST)])
    assert line.startswith(
        "answers are not learned, for the chat template writes them otherwise where other turns follow"
    )
    assert line.endswith(": 1 of 1 train examples")
    assert looked_at(TALK[:2], LAST).unlearned == 0


@pytest.mark.parametrize(
    "template",
    [
        "{{ raise_exception('only so') }}",
        "{{ messages[0].content + 3 }}",
        "{{ messages[0]['content']['x']['y'] }}",
        "{% if %}",
    ],
)
def test_an_example_that_cannot_be_written_names_its_place(template):
    split = CausalSplit([TALK], None, ["'a.jsonl', line 7"])
    with pytest.raises(DataError, match="line 7: the chat template of this model refuses a conversation of user"):
        encode_causal(split, FORM, byte_level(template))


def test_the_calls_of_long_conversations_are_looked_for_at_once(monkeypatch):
    tokenizer = byte_level(FULL)
    wholes = []
    write = type(tokenizer).apply_chat_template

    def counted(self, messages, **how):
        wholes.append(len(messages))
        return write(self, messages, **how)

    monkeypatch.setattr(type(tokenizer), "apply_chat_template", counted)
    example = tuple(turn for n in range(20) for turn in (Turn("user", f"q {n}"), calling()))
    render(example, FORM, tokenizer)
    # Beside the text itself, and the last turn's.
    assert wholes.count(len(example)) <= 4


def test_one_call_among_others_that_is_not_written_is_refused():
    # Writes the calls of the last turn alone.
    template = FULL.replace("message.tool_calls or []", "(message.tool_calls or [] if loop.last else [])")
    example = (Turn("user", "q"), calling(), Turn("user", "more"), calling())
    with pytest.raises(DataError, match="does not write the calls of tools"):
        render(example, FORM, byte_level(template))
