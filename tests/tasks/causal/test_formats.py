"""Data for decoders: recognised by its columns, refused with the line that is at fault."""

import json

import pandas as pd
import pytest

from autopeft.errors import DataError
from autopeft.tasks import Task, TaskSpec, load_task
from autopeft.tasks.causal import Turn, recognise

ROWS = {
    "messages": {"messages": [{"role": "user", "content": "q {}"}, {"role": "assistant", "content": "a"}]},
    "prompt": {"prompt": "q {}", "completion": "a"},
    "instruction": {"instruction": "q {}", "input": "", "output": "a"},
    "choices": {"question": "q {}", "choices": ["a", "b"], "answer": "a"},
    "question": {"question": "q {}", "answer": "a"},
    "text": {"text": "q {} a"},
}


def rows_of(form, count=80):
    template = json.dumps(ROWS[form])
    return [json.loads(template.replace("{}", str(number))) for number in range(count)]


def write(path, rows):
    path.write_text("\n".join(json.dumps(row) for row in rows) + "\n")
    return str(path)


@pytest.mark.parametrize("form", ROWS)
@pytest.mark.parametrize("ending", ["jsonl", "parquet"])
def test_each_form_is_recognised_and_said(tmp_path, form, ending):
    path = tmp_path / f"rows.{ending}"
    if ending == "jsonl":
        write(path, rows_of(form))
    else:
        pd.DataFrame(rows_of(form)).to_parquet(path)
    task = load_task(TaskSpec(data=str(path)))
    assert task.kind.name == "causal"
    assert (task.schema.name, task.metric) == (form, "token_accuracy")
    assert any(f"'{next(iter(ROWS[form]))}'" in line for line in task.describe())
    assert sum(map(len, task.splits.values())) == 80
    said = {turn.role for example in task.train.examples for turn in example}
    assert said == ({"assistant"} if form == "text" else {"user", "assistant"})


def test_named_columns_go_before_found_ones(tmp_path):
    rows = [row | {"ask": f"other {number}", "say": "b"} for number, row in enumerate(rows_of("question"))]
    task = load_task(TaskSpec(data=write(tmp_path / "a.jsonl", rows), prompt="ask", completion="say"))
    assert all(example[0].content.startswith("other") for example in task.train.examples)


def test_text_with_labels_is_for_classification_unless_told_otherwise(tmp_path):
    rows = [{"text": f"word {number}", "label": number % 2} for number in range(80)]
    path = write(tmp_path / "a.jsonl", rows)
    assert isinstance(load_task(TaskSpec(data=path)), Task)
    assert load_task(TaskSpec(data=path, kind="causal")).schema.name == "text"
    assert recognise(TaskSpec(data=path, text="text"), ["text", "prompt", "completion"]) is None
    # Which of several columns is the label is for the user to say.
    assert recognise(TaskSpec(data=path), ["text", "category"]) is None


def test_an_input_is_part_of_the_prompt_where_there_is_one(tmp_path):
    rows = [row | {"input": "more" if number % 2 else ""} for number, row in enumerate(rows_of("instruction"))]
    task = load_task(TaskSpec(data=write(tmp_path / "a.jsonl", rows)))
    contents = {example[0].content.partition("\n\n")[2] for example in task.train.examples}
    assert contents == {"", "more"}


def test_equal_prompts_stay_on_one_side(tmp_path):
    rows = [{"prompt": f"q {number // 2}", "completion": f"a {number}"} for number in range(200)]
    task = load_task(TaskSpec(data=write(tmp_path / "a.jsonl", rows)))
    asked = [{example[0] for example in split.examples} for split in task.splits.values()]
    assert len(set.union(*asked)) == sum(map(len, asked)) == 100


def test_equal_data_has_an_equal_fingerprint(tmp_path):
    path = write(tmp_path / "a.jsonl", rows_of("prompt"))
    one, other = load_task(TaskSpec(data=path)), load_task(TaskSpec(data=path))
    assert one.fingerprint == other.fingerprint != load_task(TaskSpec(data=path, seed=1)).fingerprint
    assert one.train.examples[0][1] == Turn("assistant", "a")


CRITIC = {"role": "critic", "content": "x"}


@pytest.mark.parametrize(
    ("form", "row", "message"),
    [
        ("prompt", {"prompt": ["q"], "completion": "a"}, "line 3, 'prompt': found a list; expected text"),
        ("prompt", {"prompt": "q", "completion": {"a": 1}}, "line 3, 'completion': found an object; expected text"),
        ("prompt", ROWS["messages"], "several forms: conversations of column 'messages'.* prompts of 'prompt'"),
        ("messages", {"messages": "q"}, "line 3, 'messages': found a text; expected a list"),
        ("messages", {"messages": {"role": "user"}}, "line 3, 'messages': found an object; expected a list"),
        ("messages", {"messages": ["q"]}, "line 3, 'messages', message 1: found a text; expected an object with"),
        ("messages", {"messages": [{"content": "q"}]}, "message 1: found 'content'; expected an object with 'role'"),
        ("messages", {"messages": [{"role": "user", "text": "q"}]}, "found 'role', 'text'; expected an object with"),
        ("messages", {"messages": [CRITIC]}, "message 1: found the role 'critic'; expected one of: system, user"),
        ("text", {"text": ["a", "b"]}, "line 3, 'text': found a list; expected text"),
    ],
)
def test_a_bad_example_is_refused_with_its_line(tmp_path, form, row, message):
    rows = rows_of(form)
    rows[2] = row
    with pytest.raises(DataError, match=message):
        load_task(TaskSpec(data=write(tmp_path / "a.jsonl", rows)))


def test_data_that_cannot_carry_a_search_is_refused(tmp_path):
    with pytest.raises(DataError, match="train has 6 examples, expected at least 16"):
        load_task(TaskSpec(data=write(tmp_path / "a.jsonl", rows_of("prompt", 10))))
    path = write(tmp_path / "b.jsonl", rows_of("prompt"))
    with pytest.raises(DataError, match=r"no column 'answer'; found: prompt, completion"):
        load_task(TaskSpec(data=path, prompt="prompt", completion="answer"))
    with pytest.raises(
        DataError, match="unknown metric 'accuracy' of a task of causal; expected one of: token_accuracy"
    ):
        load_task(TaskSpec(data=path, metric="accuracy"))
    with pytest.raises(DataError, match="unknown kind of task 'chat'"):
        load_task(TaskSpec(data=path, kind="chat"))
    with pytest.raises(DataError, match="the task icd10 is packaged, for classification"):
        load_task(TaskSpec(name="icd10", prompt="prompt"))


@pytest.mark.parametrize(
    ("form", "row", "reason"),
    [
        ("prompt", {"prompt": "q"}, "'completion' is empty"),
        ("prompt", {"prompt": "q", "completion": " "}, "'completion' is empty"),
        ("prompt", {"prompt": "q", "completion": None}, "'completion' is empty"),
        ("prompt", {"prompt": "", "completion": "a"}, "'prompt' is empty"),
        ("instruction", {"instruction": "", "input": None, "output": "a"}, "'instruction' is empty"),
        ("choices", {"question": "q", "choices": None, "answer": "a"}, "'choices' is empty"),
        ("choices", {"question": "q", "choices": ["a", "b"], "answer": None}, "'answer' is empty"),
        ("question", {}, "'question' is empty"),
        ("text", {"text": ""}, "'text' is empty"),
        ("messages", {"messages": None}, "'messages' is empty"),
        ("messages", {"messages": []}, "no message of the assistant, which is what is learned"),
        ("messages", {"messages": [{"role": "user", "content": "q"}]}, "no message of the assistant, which is what is"),
    ],
)
def test_an_example_with_something_missing_is_dropped_and_counted(tmp_path, form, row, reason):
    rows = rows_of(form)
    rows[2] = row
    task = load_task(TaskSpec(data=write(tmp_path / "a.jsonl", rows)))
    assert sum(map(len, task.splits.values())) == task.intake["train"].used == 79
    [(said, places)] = task.intake["train"].drops.items()
    assert said.startswith(reason)
    assert places == ("line 3",)
    assert any(line.startswith("a.jsonl: 1 row of 80 dropped, " + reason) for line in task.describe())


def test_where_nothing_is_left_the_reason_is_said(tmp_path):
    path = write(tmp_path / "a.jsonl", [{"prompt": f"q {n}", "completion": None} for n in range(30)])
    with pytest.raises(DataError, match="30 rows, and none that can be learned from: 'completion' is empty in 30"):
        load_task(TaskSpec(data=path))
    rows = [row | ({"completion": ""} if n > 20 else {}) for n, row in enumerate(rows_of("prompt", 50))]
    with pytest.raises(DataError, match="expected at least 16, for 29 of 50 rows were dropped"):
        load_task(TaskSpec(data=write(tmp_path / "b.jsonl", rows)))


def test_rows_of_another_form_are_refused_where_one_is_named(tmp_path):
    rows = rows_of("prompt")
    rows[2] = ROWS["messages"]
    path = write(tmp_path / "a.jsonl", rows)
    with pytest.raises(DataError, match=r"line 3: no 'prompt'; found 'messages'. All examples must have one form"):
        load_task(TaskSpec(data=path, prompt="prompt", completion="completion"))


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        (["messages", "prompt", "completion"], "fit several forms: conversations .*; prompts of 'prompt'.* --messages"),
        (["messages", "conversations"], "column 'messages'.*column 'conversations'"),
        (["instruction", "output", "question", "answer"], "prompts of 'instruction'.*prompts of 'question'"),
        (["prompt", "completion", "label"], "--kind causal.* or --text COLUMN.*whether an answer is right"),
    ],
)
def test_what_could_be_two_things_is_asked_for(columns, message):
    with pytest.raises(DataError, match=message):
        recognise(TaskSpec(data="a.jsonl"), columns)


def test_pairs_are_another_kind_unless_the_better_answers_are_named():
    columns = ["prompt", "chosen", "rejected"]
    assert recognise(TaskSpec(data="a.jsonl"), columns) is None
    assert recognise(TaskSpec(data="a.jsonl", prompt="prompt"), columns) is None
    with pytest.raises(DataError, match=r"which --kind causal does not tell apart.*--messages chosen"):
        recognise(TaskSpec(data="a.jsonl", kind="causal"), columns)


def test_the_user_says_which_of_two_things_is_meant():
    columns = ["messages", "conversations", "prompt", "completion", "chosen", "rejected", "label"]
    for given in ({"messages": "messages"}, {"messages": "chosen"}, {"prompt": "prompt", "completion": "chosen"}):
        assert recognise(TaskSpec(data="a.jsonl", **given), columns).columns == tuple(given.values())
    assert recognise(TaskSpec(data="a.jsonl", kind="causal"), ["prompt", "completion", "label"]).name == "prompt"
    # A question with choices is one form, and a text beside it belongs to it.
    assert recognise(TaskSpec(data="a.jsonl"), ["question", "choices", "answer", "text"]).name == "choices"


@pytest.mark.parametrize("column", ["label", "kto_tag", "is_correct"])
@pytest.mark.parametrize("form", ["prompt", "question", "messages"])
@pytest.mark.parametrize("no", [False, 0, "False"])
def test_answers_marked_as_wrong_are_refused(tmp_path, form, column, no):
    rows = [row | {column: no if number % 5 == 4 else True} for number, row in enumerate(rows_of(form))]
    path = write(tmp_path / "a.jsonl", rows)
    with pytest.raises(DataError, match=f"'{column}' that says yes or no of each answer, and no first in line 5"):
        load_task(TaskSpec(data=path, kind="causal"))
    rows = [row | {column: "maths"} for row in rows_of(form)]
    assert load_task(TaskSpec(data=write(tmp_path / "b.jsonl", rows), kind="causal")).intake["train"].unused == (
        column,
    )


def test_columns_that_are_not_used_are_named_once(tmp_path):
    rows = [row | {"id": number, "source": "s"} for number, row in enumerate(rows_of("prompt"))]
    task = load_task(TaskSpec(data=write(tmp_path / "a.jsonl", rows)))
    assert [line for line in task.describe() if "not used" in line] == ["a.jsonl: not used: id, source"]


def test_numbers_dates_and_halves_of_characters_are_text(tmp_path):
    odd = [1, 2.5, True, "a\r\nb", "end \ud83d"]
    rows = [row | {"completion": odd[n % 5], "prompt": f"q {n}"} for n, row in enumerate(rows_of("prompt"))]
    task = load_task(TaskSpec(data=write(tmp_path / "a.jsonl", rows)))
    said = {example[1].content for split in task.splits.values() for example in split.examples}
    assert said == {"1", "2.5", "true", "a\nb", "end \N{REPLACEMENT CHARACTER}"}
    [places] = task.intake["train"].remarks.values()
    assert places[:2] == ("line 5", "line 10")
    assert len(places) == 16


def test_a_row_that_is_marked_as_not_to_be_learned_is_left_out(tmp_path):
    rows = [row | {"weight": int(n % 4 > 0), "loss": 0.5} for n, row in enumerate(rows_of("prompt"))]
    task = load_task(TaskSpec(data=write(tmp_path / "a.jsonl", rows)))
    account = task.intake["train"]
    assert {reason: len(places) for reason, places in account.drops.items()} == {
        "marked as not to be learned by 'weight'": 20
    }
    # A column that says something else, and no of none, is no such mark.
    assert account.unused == ("loss",)


def test_choices_of_a_csv_file_are_read_as_json(tmp_path):
    table = pd.DataFrame([row | {"choices": json.dumps(row["choices"])} for row in rows_of("choices")])
    table.to_csv(tmp_path / "a.csv", index=False)
    task = load_task(TaskSpec(data=str(tmp_path / "a.csv")))
    assert task.fingerprint == load_task(TaskSpec(data=write(tmp_path / "a.jsonl", rows_of("choices")))).fingerprint
    assert any("'choices' read from JSON text in 80 rows" in line for line in task.describe())


def test_repeated_columns_and_missing_ones_are_refused(tmp_path):
    lines = ["prompt,completion,prompt", *(f"q {n},a,b" for n in range(80))]
    (tmp_path / "a.csv").write_text("\n".join(lines) + "\n")
    with pytest.raises(DataError, match="several columns called 'prompt'"):
        load_task(TaskSpec(data=str(tmp_path / "a.csv")))
