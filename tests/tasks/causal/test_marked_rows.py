"""Columns that say which rows are learned: honoured, or refused where they say no to some and are not understood."""

import json

import pytest

from autopeft.errors import DataError
from autopeft.tasks import TaskSpec, load_task

TALK = [{"role": "user", "content": "q {}"}, {"role": "assistant", "content": "a"}]
FORMS = {"messages": {"messages": TALK}, "prompt": {"prompt": "q {}", "completion": "a"}, "text": {"text": "q {}"}}


def write(path, form, column, values, count=60):
    rows = [
        json.loads(json.dumps(FORMS[form]).replace("{}", str(n))) | {column: values[n % len(values)]}
        for n in range(count)
    ]
    path.write_text("\n".join(map(json.dumps, rows)) + "\n")
    return str(path)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize(
    ("column", "values", "where"),
    [
        ("weight", [1, 0.25, 0], "line 2: found the weight 0.25, and in line 3 0;"),
        ("loss_weight", ["2", "1", "0.00"], "line 1: found the loss_weight '2', and in line 3 '0.00';"),
        ("train", ["yes", "no"], "line 1: found the train 'yes', and in line 2 'no';"),
        ("trainable", [True, "N", None], "line 2: found the trainable 'N', and in line 2 'N';"),
        ("weight", [False, 0.7], "line 2: found the weight 0.7, and in line 1 False;"),
    ],
)
def test_a_mark_that_says_no_to_some_and_is_not_understood_is_refused(tmp_path, form, column, values, where):
    path = write(tmp_path / "a.jsonl", form, column, values)
    with pytest.raises(DataError, match=where):
        load_task(TaskSpec(data=path, kind="causal"))


@pytest.mark.parametrize("values", [[0.5, 2], ["heavy", "light"]])
def test_a_column_that_leaves_nothing_out_is_named_as_not_used(tmp_path, values):
    account = load_task(TaskSpec(data=write(tmp_path / "a.jsonl", "prompt", "weight", values))).intake["train"]
    assert (account.dropped, account.unused) == (0, ("weight",))


def test_what_is_learned_is_no_mark(tmp_path):
    path = write(tmp_path / "a.jsonl", "prompt", "weight", [0, 1, 2.5])
    task = load_task(TaskSpec(data=path, prompt="prompt", completion="weight"))
    assert task.intake["train"].used == 60
    assert {example[1].content for example in task.train.examples} == {"0", "1", "2.5"}
