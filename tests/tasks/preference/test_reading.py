"""Pairs are read in the forms that they come in; what cannot be learned from is left out and said, and adds up."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autopeft.errors import DataError
from autopeft.tasks import KINDS, TaskSpec, load_task
from autopeft.tasks.preference.pairs import alike
from autopeft.testing.models import TEXTS
from tests.trials.preference.data import plain, said, talks, task_of, whole_talks, written


def content(part):
    return [(turn.role, turn.content) for turn in part]


def every(task):
    return {content(pair.prompt)[-1][1]: pair for split in task.splits.values() for pair in split.pairs}


def test_the_same_pairs_are_read_of_every_form(tmp_path):
    forms = {"plain": plain(), "talks": talks(), "whole": whole_talks()}
    tasks = {}
    for name, rows in forms.items():
        (tmp_path / name).mkdir()
        tasks[name] = task_of(tmp_path / name, rows)
        assert tasks[name].kind.name == "preference"
        assert sum(len(split) for split in tasks[name].splits.values()) == 60
    assert every(tasks["talks"]) == every(tasks["whole"])
    for prompt, pair in every(tasks["plain"]).items():
        other = every(tasks["talks"])[prompt]
        assert content(pair.chosen) == [("assistant", " " + content(other.chosen)[0][1])]
        assert content(pair.rejected) == [("assistant", " " + content(other.rejected)[0][1])]


def test_a_question_beside_whole_conversations_is_theirs(tmp_path):
    rows = [{"prompt": row["prompt"]} | whole for row, whole in zip(plain(), whole_talks(), strict=True)]
    alone = task_of(tmp_path, whole_talks())
    assert every(task_of(tmp_path, rows)) == every(alone)
    # Answers alone beside a question that is text.
    rows = [answers | {"prompt": row["prompt"]} for row, answers in zip(plain(), talks(), strict=True)]
    found = every(task_of(tmp_path, rows))
    assert all(content(pair.prompt) == [("user", prompt)] for prompt, pair in found.items())


def test_lists_may_be_written_out_and_columns_have_other_names(tmp_path):
    names = {"prompt": "asked", "chosen": "won", "rejected": "lost"}
    rows = [{names[key]: json.dumps(value) for key, value in row.items()} for row in talks()]
    task = task_of(tmp_path, rows, prompt="asked", chosen="won", rejected="lost")
    assert every(task) == every(task_of(tmp_path, talks()))
    assert task.schema.columns == ("asked", "won", "lost")


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda row: row | {"rejected": row["chosen"]}, "say the same"),
        (lambda row: row | {"chosen": None}, "'chosen' is empty"),
        (lambda row: row | {"prompt": []}, "no prompt"),
        (lambda row: row | {"chosen": [*row["chosen"], said("user", "more")]}, "begin and end with the assistant"),
        (
            lambda row: row | {"rejected": [*row["chosen"], said("user", "a"), said("assistant", "b")]},
            "is the beginning",
        ),
        (lambda row: row | {"rejected": [said("assistant", " ")]}, "an answer is empty"),
    ],
)
def test_what_nothing_can_be_learned_from_is_left_out_and_said(tmp_path, change, reason):
    rows = talks()
    task = task_of(tmp_path, [*rows[:7], change(rows[7]), *rows[8:]])
    intake = task.intake["train"]
    assert (intake.rows, intake.used) == (60, 59)
    [(said_reason, places)] = intake.drops.items()
    assert reason in said_reason
    assert places == ("line 8",)
    assert sum(len(split) for split in task.splits.values()) == intake.used


def test_conversations_without_a_common_question_are_left_out(tmp_path):
    rows = whole_talks()
    rows[4] = {key: [said("user", f"{key} what"), said("assistant", key)] for key in ("chosen", "rejected")}
    assert "no prompt" in next(iter(task_of(tmp_path, rows).intake["train"].drops))


def test_pairs_of_one_prompt_stay_in_one_split(tmp_path):
    rows = [row | {"rejected": f"{row['rejected']} {word}"} for row in plain(50) for word in TEXTS[5].split()[:3]]
    task = task_of(tmp_path, rows)
    prompts = [{pair.prompt for pair in split.pairs} for split in task.splits.values()]
    assert sum(map(len, prompts)) == len(set.union(*prompts)) == 50


def test_what_the_system_says_and_the_tools_come_along(tmp_path):
    rows = [row | {"system": TEXTS[0]} for row in plain()]
    assert all(content(pair.prompt)[0] == ("system", TEXTS[0]) for pair in every(task_of(tmp_path, rows)).values())
    assert "system" not in task_of(tmp_path, rows).intake["train"].unused
    rows = [row | {"tools": [{"name": "find"}], "score": 1} for row in whole_talks()]
    task = task_of(tmp_path, rows)
    assert all(pair.prompt[0].role == "tools" for split in task.splits.values() for pair in split.pairs)
    assert task.intake["train"].unused == ("score",)


def test_the_kind_that_is_named_is_taken(tmp_path):
    path = written(tmp_path, plain())
    better = load_task(TaskSpec(data=path, prompt="prompt", completion="chosen"))
    assert better.kind.name == "causal"
    assert load_task(TaskSpec(data=path, kind="preference")).kind.name == "preference"
    with pytest.raises(DataError, match="--label is not for a task of preference"):
        load_task(TaskSpec(data=path, kind="preference", label="chosen"))


def test_overviews_show_both_answers(tmp_path):
    task = task_of(tmp_path, talks())
    found = KINDS["preference"].overview(task, None)
    assert [found["examples"][n][-1]["content"].split()[0] for n in range(6)] == ["good", "bad"] * 3


@given(st.lists(st.integers(0, 3)), st.lists(st.integers(0, 3)))
def test_what_begins_alike_is_the_longest_common_beginning(one, other):
    count = alike(one, other)
    assert one[:count] == other[:count]
    assert count == min(len(one), len(other)) or one[count] != other[count]
