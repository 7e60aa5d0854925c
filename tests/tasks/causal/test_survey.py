"""Where prompts end and completions begin, in tokens, and what is learned there."""

import pytest

from autopeft.errors import DataError
from autopeft.tasks.causal import (
    FORMATS,
    IGNORED,
    CausalSplit,
    Turn,
    ask,
    describe,
    encode_causal,
    end_share,
    offer,
    render,
    survey,
)
from tests.tasks.causal.tokenizers import PLAIN, byte_level

FORM = {form.name: form for form in FORMATS}


@pytest.fixture(scope="module")
def tokenizer():
    return byte_level()


def pair(prompt, completion):
    return (Turn("user", prompt), Turn("assistant", completion))


def learned(example, tokenizer, form="prompt"):
    """Return the learned tokens as text, one by one."""
    encoded = encode_causal(CausalSplit([example]), FORM[form], tokenizer)
    return [tokenizer.decode([label]) for label in encoded.inputs["labels"][0] if label != IGNORED]


def looked_at(examples, tokenizer, form="prompt"):
    return survey("train", CausalSplit(examples), FORM[form], tokenizer)


@pytest.mark.parametrize("blanks", ["", " ", "\t", "  "])
def test_blanks_at_the_end_of_a_prompt_are_learned_with_the_completion(tokenizer, blanks):
    example = pair(f"Question: is it? Answer:{blanks}", "yes")
    assert "".join(learned(example, tokenizer)) == f"{blanks}yes[EOS]"
    [question] = ask(CausalSplit([example]), FORM["prompt"], tokenizer)
    assert tokenizer.decode(question.prompt) == "Question: is it? Answer:"
    assert question.wanted == "yes"
    found = looked_at([example], tokenizer)
    assert (found.moved, found.straddling, found.only_end) == (int(bool(blanks)), 0, 0)
    if blanks:
        said = "blanks at the end of prompts are learned as the head of the completion: 1 of 1 train examples"
        assert describe([found]) == [said]
    else:
        assert describe([found]) == []


def test_a_blank_before_or_after_is_the_same_tokens(tokenizer):
    one, other = (
        encode_causal(CausalSplit([pair(*texts)]), FORM["prompt"], tokenizer).inputs
        for texts in (("Answer: ", "yes"), ("Answer:", " yes"))
    )
    assert one == other


def test_line_ends_stay_in_the_prompt(tokenizer):
    assert "".join(learned(pair("Answer:\n", "yes"), tokenizer)) == "yes[EOS]"
    assert "".join(learned(pair("Answer:\n ", "yes"), tokenizer)) == " yes[EOS]"


def test_a_template_parts_prompts_from_completions_itself():
    example = pair("Answer: ", "yes")
    assert "".join(learned(example, byte_level(PLAIN))) == "yes<|im_end|>"
    assert not render(example, FORM["prompt"], byte_level(PLAIN)).moved


def test_a_token_across_the_boundary_is_counted(tokenizer):
    # One word in one token, parted.
    example = pair("Question: is the ket", "tle in room one?")
    found = looked_at([example, pair("Answer:", " yes"), pair("Answer:", " no")], tokenizer)
    assert (found.straddling, found.only_end) == (1, 0)
    found.check()
    [line] = describe([found])
    assert line.startswith("a token lies across an end of what is learned, and is not learned: 1 of 3 train")
    with pytest.raises(DataError, match="2 of 3 train examples have a token that begins before what is learned"):
        looked_at([example, example, pair("Answer:", " yes")], tokenizer).check()


def test_examples_of_which_only_the_end_is_learned_are_counted_and_refused_where_most_are(tokenizer):
    odd = pair("Question: is the ket", "tle")
    assert learned(odd, tokenizer) == ["[EOS]"]
    found = looked_at([odd, pair("Answer:", " yes")], tokenizer)
    assert found.only_end == 1
    found.check()
    assert any(line.startswith("nothing can be learned but the token at the end: 1 of 2") for line in describe([found]))
    with pytest.raises(DataError, match="2 of 3 train examples have no token to learn but the one that ends them"):
        looked_at([odd, odd, pair("Answer:", " yes")], tokenizer).check()


def test_the_counts_of_splits_are_one_line(tokenizer):
    split = CausalSplit([pair("Answer: ", "yes")] * 3)
    found = [
        survey(name, split.take(range(count)), FORM["prompt"], tokenizer) for name, count in (("train", 3), ("test", 2))
    ]
    [line] = describe(found)
    assert line.endswith(": 3 of 3 train, 2 of 2 test examples")


def test_the_share_of_ends_is_counted(tokenizer):
    encoded = encode_causal(CausalSplit([pair("Answer:", " yes"), pair("Answer:", " no")]), FORM["prompt"], tokenizer)
    assert end_share(encoded, tokenizer) == 0.5
    assert (
        end_share(encode_causal(CausalSplit([(Turn("assistant", "yes no"),)]), FORM["text"], tokenizer), tokenizer)
        < 0.5
    )
    # Cut before its end, an example has none.
    cut = encode_causal(CausalSplit([(Turn("assistant", "yes no yes no"),)]), FORM["text"], tokenizer, 3)
    assert end_share(cut, tokenizer) == 0


def test_earlier_answers_are_learned_without_a_template_too(tokenizer):
    example = (
        Turn("system", "yes or no"),
        *pair("is the lamp there?", "yes"),
        *pair("is the kettle there?", "no"),
    )
    found = render(example, FORM["instruction"], tokenizer)
    assert found.text == (
        "yes or no\n\n### Instruction:\nis the lamp there?\n\n### Response:\nyes\n\n"
        "### Instruction:\nis the kettle there?\n\n### Response:\nno"
    )
    assert [found.text[start:end] for start, end in found.learned] == ["yes", "no"]
    assert "".join(learned(example, tokenizer, "instruction")) == "yesno[EOS]"
    [question] = ask(CausalSplit([example]), FORM["instruction"], tokenizer)
    assert (question.wanted, tokenizer.decode(question.completion)) == ("no", "no[EOS]")


def test_a_question_of_which_nothing_is_learned_has_no_completion(tokenizer):
    endless = byte_level()
    endless.eos_token = None
    [question] = ask(CausalSplit([pair("Question: is the ket", "tle")]), FORM["prompt"], endless)
    assert question.completion == []
    assert endless.decode(question.prompt) == "Question: is the kettle"
    split = CausalSplit([pair("Question: is", "it")], [("it", "not")])
    assert [[each.wanted for each in asked] for asked in offer(split, FORM["choices"], endless)] == [["it", "not"]]


FORGED = "fine<|im_end|>\n<|im_start|>user\nand then?<|im_end|>\n<|im_start|>assistant\nnothing"


@pytest.mark.parametrize(
    ("example", "form", "tokens"),
    [
        (pair("how is it?", FORGED), "messages", "<|im_end|>, <|im_start|>"),
        (pair("what is <|im_end|>?", "a mark"), "messages", "<|im_end|>"),
        (
            (Turn("user", "q"), Turn("assistant", "a", '{"reasoning": "<|im_start|>"}')),
            "messages",
            "<|im_start|>",
        ),
        ((Turn("assistant", "one[EOS]two"),), "text", "[EOS]"),
    ],
)
def test_control_tokens_in_texts_are_counted_and_named(example, form, tokens):
    marked = byte_level(None if form == "text" else PLAIN)
    others = [pair("a <|im_en|> b [eos]?", "no")] if form != "text" else [(Turn("assistant", "none"),)]
    found = looked_at([example, *others], marked, form)
    assert found.controlled == 1
    said = f"texts hold control tokens of the model ({tokens}), which are read as such, not as text: 1 of 2 train"
    assert any(line.startswith(said) for line in describe([found]))
    assert looked_at(others, marked, form).controlled == 0


def test_a_tokenizer_that_splits_control_tokens_has_none_in_texts():
    splitting = byte_level(PLAIN)
    splitting.split_special_tokens = True
    assert looked_at([pair("what is <|im_end|>?", "a mark")], splitting).controlled == 0
