"""Multiple-choice data: the right choice is learned, however a row names it."""

import json

import pandas as pd
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
    assert task.schema.name == "choices"
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
        ({"answer": 4}, "line 3, 'answer': found 4; expected the text of one of the 3 choices, its index from 0, or"),
        ({"answer": "D"}, "found 'D'"),
        ({"answer": "cat"}, "found 'cat'"),
        ({"answer": "C.0"}, "found 'C.0'"),
        ({"answer": "7" * 5000}, "found '7+...7+'; expected the text"),
        ({"answer": "\u0663" * 7}, "expected the text"),
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


NUMBERS = ["1", "2", "3", "4"]


def numbered(answers, choices=NUMBERS, count=60):
    return [{"question": f"q {n}", "choices": choices, "answer": answers[n % len(answers)]} for n in range(count)]


def learned(task):
    return {example[0].content: example[1].content for split in task.splits.values() for example in split.examples}


@pytest.mark.parametrize("kind", [int, str, float])
@pytest.mark.parametrize("choices", [NUMBERS, [1, 2, 3, 4]])
def test_numbers_that_are_choices_and_indices_are_decided_for_all_rows(tmp_path, kind, choices):
    # A 0 is no choice, and a 4 is no index.
    for last, offset in ((0, 1), (4, 0)):
        rows = numbered([kind(1), kind(2), kind(last)], choices)
        task = load_task(TaskSpec(data=write(tmp_path / "a.jsonl", rows)))
        table = pd.DataFrame([row | {"choices": json.dumps(row["choices"])} for row in rows])
        table.to_csv(tmp_path / "a.csv", index=False)
        assert learned(task) == {f"q {n}": str((1, 2, last)[n % 3] + offset) for n in range(60)}
        assert load_task(TaskSpec(data=str(tmp_path / "a.csv"))).fingerprint == task.fingerprint
        [(said, places)] = task.intake["train"].remarks.items()
        assert said.startswith(f"right choices taken by their {'index or letter' if offset else 'text'}, as in all")
        assert len(places) == 40


def test_rows_of_another_split_help_to_decide(tmp_path):
    path = write(tmp_path / "a.jsonl", numbered([1, 2]))
    held_out = write(tmp_path / "b.jsonl", numbered([0, 3]))
    assert set(learned(load_task(TaskSpec(data=path, validation=held_out))).values()) >= {"2", "3"}


@pytest.mark.parametrize(
    ("answers", "choices", "found"),
    [
        ([1, 2], NUMBERS, "line 1, 'answer': found 1,"),
        (["3", "1"], NUMBERS, "line 1, 'answer': found '3'"),
        ([1], [1, 2, 3, 4], "found 1"),
        (["C", "B", "A"], ["B", "A", "C"], "line 2, 'answer': found 'B'"),
        # Some by text alone, some by index alone.
        ([0, 4, 2], NUMBERS, "line 3, 'answer': found 2"),
    ],
)
def test_answers_that_name_two_choices_are_refused_where_no_row_decides(tmp_path, answers, choices, found):
    with pytest.raises(DataError, match=f"{found}.*text of one choice, and the index or letter of another.*by letters"):
        load_task(TaskSpec(data=write(tmp_path / "a.jsonl", numbered(answers, choices))))


def test_letters_that_are_choices_are_decided_for_all_rows(tmp_path):
    blood = numbered(["B", "D"], ["A", "AB", "B", "0"])
    assert set(learned(load_task(TaskSpec(data=write(tmp_path / "a.jsonl", blood)))).values()) == {"AB", "0"}
    named = numbered(["B", "AB"], ["A", "AB", "B", "0"])
    assert set(learned(load_task(TaskSpec(data=write(tmp_path / "b.jsonl", named)))).values()) == {"AB", "B"}


def test_true_and_false_are_choices(tmp_path):
    task = load_task(TaskSpec(data=write(tmp_path / "a.jsonl", numbered([True, False], ["true", "false"]))))
    assert set(learned(task).values()) == {"true", "false"}


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
