"""Multiple-choice data: the right choice is learned, however a row names it."""

import json

import pytest

from autopeft.errors import DataError
from autopeft.tasks import TaskSpec, load_task
from autopeft.tasks.causal import FORMATS, CausalSplit, Turn, ask, ending_tokens, offer, stop_strings
from autopeft.testing.decoders import CHAT_TEMPLATE
from autopeft.testing.models import TEXTS, tiny_tokenizer

FORM = {form.name: form for form in FORMATS}


def write(path, rows):
    path.write_text("\n".join(map(json.dumps, rows)) + "\n")
    return str(path)


def rows_of(answer, count=60):
    return [{"question": f"q {n}", "choices": ["a cat", "3", "two"], "answer": answer} for n in range(count)]


@pytest.mark.parametrize(
    ("answer", "right"), [("a cat", "a cat"), (2, "two"), ("2", "two"), ("B", "3"), ("c", "two"), ("3", "3")]
)
def test_the_right_choice_is_named_by_text_index_or_letter(tmp_path, answer, right):
    task = load_task(TaskSpec(data=write(tmp_path / "a.jsonl", rows_of(answer))))
    assert task.form.name == "choices"
    assert {example[1] for example in task.train.examples} == {Turn("assistant", right)}
    assert task.validation.choices == [("a cat", "3", "two")] * len(task.validation)
    assert task.train.take([3, 1]).choices == [("a cat", "3", "two")] * 2


def test_columns_are_named(tmp_path):
    rows = [{"ask": row["question"], "of": row["choices"], "key": row["answer"]} for row in rows_of("A")]
    spec = TaskSpec(data=write(tmp_path / "a.jsonl", rows), prompt="ask", choices="of", completion="key")
    assert load_task(spec).train.examples[0][1].content == "a cat"


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ({"answer": 3}, "line 3, 'answer': found 3; expected the text of one of the 3 choices, its index from 0, or"),
        ({"answer": "D"}, "found 'D'"),
        ({"answer": "cat"}, "found 'cat'"),
        ({"choices": "a cat"}, "line 3, 'choices': found 'a cat'; expected a list of at least two choices"),
        ({"choices": ["a", "a"]}, "each a text of its own"),
        ({"choices": ["a"]}, "at least two choices"),
        ({"question": ["q"]}, "line 3, 'question': found a list; expected text"),
    ],
)
def test_a_bad_row_is_refused_with_its_line(tmp_path, row, message):
    rows = rows_of("A")
    rows[2] = rows[2] | row
    with pytest.raises(DataError, match=message):
        load_task(TaskSpec(data=write(tmp_path / "a.jsonl", rows)))


def test_metrics_that_the_data_does_not_allow_are_refused(tmp_path):
    questions = write(tmp_path / "a.jsonl", [{"question": f"q {n}", "answer": "a"} for n in range(60)])
    with pytest.raises(DataError, match="the metric choice needs questions with choices, found prompts of 'question'"):
        load_task(TaskSpec(data=questions, metric="choice"))
    texts = write(tmp_path / "b.jsonl", [{"text": f"word {n}"} for n in range(60)])
    with pytest.raises(DataError, match="the metric rouge_l needs prompts to answer, found plain text"):
        load_task(TaskSpec(data=texts, metric="rouge_l"))


@pytest.mark.parametrize("template", [None, CHAT_TEMPLATE])
def test_a_question_is_what_comes_before_the_last_answer(template):
    tokenizer = tiny_tokenizer(decoder=True, padding=False, vocabulary=(*TEXTS, "user assistant question: answer:"))
    tokenizer.chat_template = template
    form = FORM["choices"]
    split = CausalSplit([(Turn("user", "what film"), Turn("assistant", "good"))], [("good", "bad story")])
    [question] = ask(split, form, tokenizer)
    before = "question : what film answer :" if template is None else "user what film [EOS] assistant"
    assert tokenizer.decode(question.prompt) == before
    assert (tokenizer.decode(question.completion), question.wanted) == ("good [EOS]", "good")
    assert ending_tokens([question], tokenizer) == {tokenizer.eos_token_id}
    [[first, second]] = offer(split, form, tokenizer)
    assert first == question
    assert (second.prompt, second.wanted) == (question.prompt, "bad story")
    assert tokenizer.decode(second.completion) == "bad story [EOS]"
    assert stop_strings(form, tokenizer) == ([] if template else ["Question:"])
