"""Lists that are written out in a text, or come as columns of their keys, and lists where texts are expected."""

import json

import pandas as pd
import pytest

from autopeft.errors import DataError
from autopeft.tasks import TaskSpec, load_task


def talk(number):
    return [{"role": "user", "content": f"what's {number}?"}, {"role": "assistant", "content": f'it is "{number}"'}]


def jsonl(path, rows):
    path.write_text("\n".join(map(json.dumps, rows)) + "\n")
    return str(path)


def csv(path, rows):
    pd.DataFrame(rows).to_csv(path, index=False)
    return str(path)


@pytest.fixture
def usual(tmp_path):
    return load_task(TaskSpec(data=jsonl(tmp_path / "usual.jsonl", [{"messages": talk(n)} for n in range(60)])))


@pytest.mark.parametrize("write", [csv, jsonl])
def test_lists_as_python_writes_them_are_read_and_that_is_said(tmp_path, usual, write):
    rows = [{"messages": repr(talk(n))} for n in range(60)]
    task = load_task(TaskSpec(data=write(tmp_path / f"a.{write.__name__}", rows)))
    assert task.fingerprint == usual.fingerprint
    assert any("'messages' read from Python text in 60 rows" in line for line in task.describe())


def test_choices_as_python_writes_them_are_read(tmp_path):
    rows = [{"question": f"q {n}", "choices": repr(["it's", "not"]), "answer": "A"} for n in range(60)]
    task = load_task(TaskSpec(data=csv(tmp_path / "a.csv", rows)))
    assert {example[1].content for example in task.train.examples} == {"it's"}


def test_columns_of_keys_are_put_together(tmp_path, usual):
    rows = [
        {"messages": {key: [turn[key] for turn in talk(n)] for key in ("role", "content")} | {"name": None}}
        for n in range(60)
    ]
    task = load_task(TaskSpec(data=jsonl(tmp_path / "a.jsonl", rows)))
    assert task.fingerprint == usual.fingerprint
    assert any("'messages' put together from lists of its keys in 60 rows" in line for line in task.describe())
    rows[4]["messages"]["role"] = ["user"]
    with pytest.raises(DataError, match="line 5, 'messages': found an object; expected a list of messages"):
        load_task(TaskSpec(data=jsonl(tmp_path / "b.jsonl", rows)))


@pytest.mark.parametrize(
    "text", ["[{'role': 'user'", "[{'role': user}]", "{'a', 'b'}", "[b'a']", "[" * 100_000, "[" + "9" * 5000 + "]"]
)
def test_a_text_that_is_no_list_is_refused(tmp_path, text):
    rows = [{"messages": talk(n)} for n in range(60)]
    rows[2] = {"messages": text}
    with pytest.raises(DataError, match="line 3, 'messages': found a text that is no list, as JSON or Python write"):
        load_task(TaskSpec(data=jsonl(tmp_path / "a.jsonl", rows)))


@pytest.mark.parametrize("form", [list, json.dumps, repr])
@pytest.mark.parametrize("columns", [("prompt", "completion"), ("instruction", "output"), ("text",)])
def test_messages_in_place_of_texts_are_refused_with_a_way_to_mend(tmp_path, form, columns):
    for column in columns:
        rows = [dict.fromkeys(columns, f"words {n}") for n in range(60)]
        for n, row in enumerate(rows):
            row[column] = form([{"from": "human", "value": f"q {n}"}])
        with pytest.raises(DataError, match=f"line 1, '{column}': found a list of messages; .*by --messages COLUMN"):
            load_task(TaskSpec(data=jsonl(tmp_path / "a.jsonl", rows)))


def test_lists_that_are_no_messages_are_texts(tmp_path):
    written = ['[{"city": "Bonn", "role": "capital"}]', "[1, 2]", "[]", '["user"]']
    rows = [{"prompt": f"q {n}", "completion": written[n % 4]} for n in range(60)]
    task = load_task(TaskSpec(data=jsonl(tmp_path / "a.jsonl", rows)))
    assert {example[1].content for example in task.train.examples} == set(written)


@pytest.mark.parametrize(("pair", "found"), [(["q"], "a list of 1"), (["q", "a", "b"], "a list of 3"), ("q", "a text")])
def test_a_pair_of_a_history_says_how_many_it_holds(tmp_path, pair, found):
    rows = [{"instruction": f"q {n}", "output": "a", "history": [pair]} for n in range(60)]
    with pytest.raises(DataError, match=f"pair 1: found {found}; expected a list of two, question and answer"):
        load_task(TaskSpec(data=jsonl(tmp_path / "a.jsonl", rows)))


@pytest.mark.parametrize("columns", [("instruction", "context", "response"), ("dialogue", "summary"), ("_id", "text")])
def test_columns_of_no_known_form_are_refused_with_what_decoders_need(tmp_path, columns):
    rows = [{column: f"{column} {n}" for column in columns} for n in range(60)]
    with pytest.raises(DataError, match="for a decoder, with --prompt and --completion or --messages, or give --kind"):
        load_task(TaskSpec(data=jsonl(tmp_path / "a.jsonl", rows)))


@pytest.mark.parametrize(
    ("asked", "different"), [(lambda n: "summarise", "1 different prompt,"), (lambda n: f"do {n % 3}", "3 different")]
)
def test_prompts_too_much_alike_to_be_split_are_named(tmp_path, asked, different):
    rows = [{"prompt": asked(n), "completion": f"a {n}"} for n in range(45)]
    path = jsonl(tmp_path / "a.jsonl", rows)
    with pytest.raises(DataError, match=f"the 45 examples have {different}.* equal prompts stay .*--validation and"):
        load_task(TaskSpec(data=path))
    split = {name: jsonl(tmp_path / f"{name}.jsonl", rows[:10]) for name in ("validation", "test")}
    assert len(load_task(TaskSpec(data=path, **split)).train) == 45
