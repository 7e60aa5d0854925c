"""Data for decoders: recognised by its columns, refused with the line that is at fault."""

import json

import pandas as pd
import pytest

from autopeft.errors import DataError
from autopeft.tasks import CausalTask, Task, TaskSpec, load_task
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
    assert isinstance(task, CausalTask)
    assert (task.form.name, task.metric) == (form, "token_accuracy")
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
    assert load_task(TaskSpec(data=path, kind="causal")).form.name == "text"
    assert recognise(TaskSpec(data=path, text="text"), ["text", "prompt", "completion"]) is None
    assert recognise(TaskSpec(data=path, kind="classification"), ["messages"]) is None
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


TOOL = {"role": "critic", "content": "x"}


@pytest.mark.parametrize(
    ("form", "row", "message"),
    [
        ("prompt", {"prompt": "q"}, r"line 3: no 'completion'; found 'prompt'"),
        ("prompt", {"prompt": "q", "completion": " "}, "line 3: 'completion' is empty"),
        ("prompt", {"prompt": ["q"], "completion": "a"}, "line 3, 'prompt': found a list; expected text"),
        ("prompt", ROWS["messages"], "line 3: no 'prompt'; found 'messages'. All examples must have one form"),
        ("messages", {"messages": "q"}, "line 3, 'messages': found a str; expected a list"),
        ("messages", {"messages": []}, "line 3, 'messages': found an empty list"),
        ("messages", {"messages": [{"role": "user"}]}, "line 3, 'messages', message 1: expected an object with"),
        ("messages", {"messages": [TOOL]}, "message 1: found the role 'critic'; expected one of: system, user"),
        ("messages", {"messages": [{"role": "user", "content": "q"}]}, "no message of the assistant"),
        ("text", {"text": ""}, "line 3: 'text' is empty"),
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
    with pytest.raises(DataError, match="unknown metric 'accuracy'; expected one of: token_accuracy"):
        load_task(TaskSpec(data=path, metric="accuracy"))
    with pytest.raises(DataError, match="unknown kind of task 'chat'"):
        TaskSpec(data=path, kind="chat")
    with pytest.raises(DataError, match="the task icd10 is packaged, for classification"):
        TaskSpec(name="icd10", prompt="prompt")
