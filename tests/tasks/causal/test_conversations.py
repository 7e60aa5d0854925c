"""Conversations in the forms that people have: what is read of each, left out, dropped or refused, and where."""

import json

import pandas as pd
import pytest

from autopeft.errors import DataError
from autopeft.tasks import TaskSpec, load_task
from autopeft.tasks.causal import TOOLS, Turn


def write(path, rows):
    path.write_text("\n".join(json.dumps(row) for row in rows) + "\n")
    return str(path)


def said(role, content, **further):
    return {"role": role, "content": content, **further}


def usual(number):
    return [said("user", f"q {number}"), said("assistant", "a")]


def rows_with(messages, column="messages", count=80, **beside):
    """Return rows of usual conversations, the third of which is another."""
    rows = [{column: usual(number)} for number in range(count)]
    rows[2] = {column: messages, **beside}
    return rows


def load(tmp_path, rows, **given):
    return load_task(TaskSpec(data=write(tmp_path / "a.jsonl", rows), **given))


def third(task):
    """Return the example of line 3."""
    return next(
        example
        for split in task.splits.values()
        for example, place in zip(split.examples, split.places, strict=True)
        if place.endswith("line 3")
    )


def read(tmp_path, messages, **beside):
    return third(load(tmp_path, rows_with(messages, **beside)))


def refused(tmp_path, messages, match, **beside):
    with pytest.raises(DataError, match=match) as error:
        load(tmp_path, rows_with(messages, **beside))
    assert "a.jsonl', line 3" in str(error.value)


def dropped(tmp_path, messages, reason):
    task = load(tmp_path, rows_with(messages))
    assert dict(task.intake["train"].drops) == {reason: ("line 3",)}
    assert sum(map(len, task.splits.values())) == 79


@pytest.mark.parametrize("column", ["messages", "conversations", "conversation"])
@pytest.mark.parametrize("keys", [("role", "content"), ("from", "value")])
def test_openai_and_sharegpt_are_one(tmp_path, column, keys):
    names = {"user": "human", "assistant": "gpt"} if keys[0] == "from" else {"user": "user", "assistant": "assistant"}
    rows = [
        {column: [dict(zip(keys, (names[turn["role"]], turn["content"]), strict=True)) for turn in usual(number)]}
        for number in range(80)
    ]
    task = load(tmp_path, rows)
    assert task.schema.columns == (column,)
    assert third(task) == (Turn("user", "q 2"), Turn("assistant", "a"))
    assert task.intake["train"].unused == ()


@pytest.mark.parametrize(
    ("name", "role"),
    [
        *((name, "user") for name in ("human", "user", "Human")),
        *((name, "assistant") for name in ("gpt", "assistant", "model", "chatgpt", "bing")),
        *((name, "tool") for name in ("tool", "function_response", "observation", "function")),
        ("system", "system"),
        ("developer", "system"),
    ],
)
def test_speakers_have_many_names(tmp_path, name, role):
    example = read(tmp_path, [{"from": name, "value": "x"}, {"from": "gpt", "value": "a"}])
    assert example[0] == Turn(role, "x")


def test_a_developers_words_are_the_systems_and_that_is_said(tmp_path):
    task = load(tmp_path, rows_with([said("developer", "be short"), *usual(2)]))
    assert dict(task.intake["train"].remarks) == {"a developer's message taken as the system's": ("line 3",)}


def test_content_in_parts_is_put_together_or_refused(tmp_path):
    parts = [{"type": "text", "text": "one "}, "two ", {"text": "three", "cache_control": {"type": "x"}}]
    task = load(tmp_path, rows_with([said("user", parts), said("assistant", [{"type": "text", "text": "a"}])]))
    assert third(task) == (Turn("user", "one two three"), Turn("assistant", "a"))
    assert dict(task.intake["train"].remarks) == {"parts of contents put together": ("line 3",)}
    assert task.intake["train"].unused == ("messages[].content[].cache_control",)
    image = [{"type": "image_url", "image_url": "x"}, {"type": "text", "text": "what is it"}]
    refused(tmp_path, [said("user", image), said("assistant", "a")], "message 1: found a part .* of type 'image_url'")
    refused(tmp_path, [said("user", [3]), said("assistant", "a")], "of type 'the number 3'")


@pytest.mark.parametrize("answer", ["", " \n", None, []])
def test_an_empty_answer_drops_its_example(tmp_path, answer):
    dropped(tmp_path, [said("user", "q"), said("assistant", answer)], "an answer is empty")
    # One among others would teach to say nothing, too.
    dropped(tmp_path, [said("user", "q"), said("assistant", answer), *usual(2)], "an answer is empty")


def test_thoughts_without_an_answer_are_an_empty_answer(tmp_path):
    dropped(tmp_path, [said("user", "q"), said("assistant", "", reasoning_content="hm")], "an answer is empty")


def test_a_message_that_holds_nothing_drops_its_example(tmp_path):
    dropped(tmp_path, [said("user", None), said("assistant", "a")], "a message is empty")
    dropped(tmp_path, [{"role": "user"}, said("assistant", "a")], "a message is empty")
    # A text without letters is one.
    assert read(tmp_path, [said("user", ""), said("assistant", "a")])[0] == Turn("user", "")


def test_what_nobody_answers_is_said(tmp_path):
    task = load(tmp_path, rows_with([*usual(2), said("user", "thanks")]))
    assert third(task)[-1] == Turn("user", "thanks")
    [remark] = task.intake["train"].remarks
    assert remark.startswith("what follows the assistant's last turn")


def test_equal_questions_stay_on_one_side_whatever_follows_the_answers(tmp_path):
    rows = [
        {
            "messages": [
                said("user", f"q {n // 2}"),
                said("assistant", f"a {n}"),
                *([said("user", "ta")] if n % 2 else []),
            ]
        }
        for n in range(200)
    ]
    task = load(tmp_path, rows)
    asked = [{example[0] for example in split.examples} for split in task.splits.values()]
    assert len(set.union(*asked)) == sum(map(len, asked)) == 100


CALL = {"id": "c1", "type": "function", "function": {"name": "find", "arguments": {"item": "kettle", "room": 1}}}
ANSWERED = [said("tool", "1 found", tool_call_id="c1", name="find"), said("assistant", "One.")]


@pytest.mark.parametrize(
    "calling",
    [
        said("assistant", "", tool_calls=[CALL]),
        said("assistant", None, tool_calls=[CALL]),
        {"role": "assistant", "tool_calls": [CALL]},
        said("assistant", "", tool_calls=json.dumps([CALL])),
        said(
            "assistant",
            "",
            tool_calls=[{**CALL, "function": {"name": "find", "arguments": '{"item":"kettle", "room":1}'}}],
        ),
    ],
)
def test_calls_of_tools_have_one_form(tmp_path, calling):
    example = read(tmp_path, [said("user", "q"), calling, *ANSWERED])
    assert (example[1].role, example[1].content, example[1].told) == ("assistant", "", {"tool_calls": [CALL]})
    assert example[1].learned
    assert example[2].told == {"name": "find", "tool_call_id": "c1"}


@pytest.mark.parametrize(
    "value",
    [
        '{"name": "find", "arguments": {"item": "kettle"}}',
        '[{"name": "find", "arguments": "{\\"item\\": \\"kettle\\"}"}]',
    ],
)
def test_calls_of_sharegpt_and_of_old_are_calls(tmp_path, value):
    wanted = [{"type": "function", "function": {"name": "find", "arguments": {"item": "kettle"}}}]
    turns = [("human", "q"), ("function_call", value), ("observation", "1 found"), ("gpt", "One.")]
    example = read(tmp_path, [{"from": who, "value": what} for who, what in turns])
    assert [turn.role for turn in example] == ["user", "assistant", "tool", "assistant"]
    assert example[1].told == {"tool_calls": wanted}
    old = {"name": "find", "arguments": '{"item": "kettle"}'}
    called = said("assistant", None, function_call=old)
    example = read(tmp_path, [said("user", "q"), called, said("function", "1", name="find"), said("assistant", "One.")])
    assert example[1].told == {"tool_calls": wanted}


@pytest.mark.parametrize(
    ("calling", "message"),
    [
        ({"tool_calls": "find it"}, "'tool_calls': found a text; expected a list of calls"),
        ({"tool_calls": ["find"]}, "message 2: found a text for a call"),
        ({"tool_calls": [{"function": {}}]}, "a call without the name of a function"),
        ({"tool_calls": [{"name": "find", "arguments": "{kettle}"}]}, "find: the arguments are not JSON"),
        ({"tool_calls": [{"name": "find", "arguments": "[1]"}]}, "find: the arguments are a list; expected an object"),
    ],
)
def test_calls_of_another_form_are_refused(tmp_path, calling, message):
    refused(tmp_path, [said("user", "q"), said("assistant", "", **calling)], message)


def test_a_call_of_sharegpt_that_is_not_json_is_refused(tmp_path):
    turns = [{"from": "human", "value": "q"}, {"from": "function_call", "value": "find(kettle)"}]
    refused(tmp_path, turns, "message 2: found a call that is not JSON")


@pytest.mark.parametrize("as_text", [False, True])
def test_tools_come_first(tmp_path, as_text):
    tools = [{"type": "function", "function": {"name": "find", "parameters": {"type": "object", "x": None}}}]
    example = read(tmp_path, usual(2), tools=json.dumps(tools) if as_text else tools)
    assert example[0].role == TOOLS
    assert json.loads(example[0].content)[0]["function"] == {"name": "find", "parameters": {"type": "object"}}
    assert example[1:] == (Turn("user", "q 2"), Turn("assistant", "a"))
    refused(tmp_path, usual(2), "'tools': found a text; expected a list of functions", tools="find")
    assert read(tmp_path, usual(2), tools=[]) == (Turn("user", "q 2"), Turn("assistant", "a"))


def test_a_system_beside_a_conversation_speaks_first(tmp_path):
    assert read(tmp_path, usual(2), system="be short")[0] == Turn("system", "be short")
    assert read(tmp_path, usual(2), system="")[0] == Turn("user", "q 2")
    refused(tmp_path, [said("system", "x"), *usual(2)], "both a column 'system' and a first message", system="be short")


@pytest.mark.parametrize(
    ("mark", "no", "yes"),
    [
        ("weight", 0, 1),
        ("weight", 0.0, 1.0),
        ("loss_weight", 0.0, 1.0),
        ("train", False, True),
        ("trainable", "false", "true"),
        ("loss", False, True),
        ("loss_mask", 0, 1),
    ],
)
def test_marks_of_what_is_learned_are_honoured(tmp_path, mark, no, yes):
    talk = [
        said("user", "q", **{mark: no}),
        said("assistant", "wrong", **{mark: no}),
        said("user", "no"),
        said("assistant", "right", **{mark: yes}),
        said("user", "and"),
        said("assistant", "also"),
    ]
    task = load(tmp_path, rows_with(talk))
    assert [(turn.content, turn.learned) for turn in third(task) if turn.role == "assistant"] == [
        ("wrong", False),
        ("right", True),
        ("also", True),
    ]
    assert task.intake["train"].unused == ()
    # An empty answer that is only read does not matter.
    assert not read(tmp_path, [said("user", "q"), said("assistant", "", **{mark: no}), *usual(2)])[1].learned
    dropped(tmp_path, talk[:2], "marked as not to be learned")


@pytest.mark.parametrize(
    ("message", "error"),
    [
        (said("assistant", "a", weight=0.5), "message 2: found the weight 0.5; expected 1 .* or 0"),
        (said("assistant", "a", train="maybe"), "found the train 'maybe'"),
        (said("assistant", "a", weight=1, train=False), "'weight' and 'train' contradict each other"),
        (said("user", "b", train=True), "'train' asks to learn what the user says; only what the assistant says"),
        (said("assistant", "a", loss_mask=[0, 1]), "'loss_mask' marks single tokens"),
        (said("assistant", "a", train_detail=[{"begin_offset": 0}]), "'train_detail' marks single tokens"),
        (said("assistant", "a", mask=True), "'mask' may mark what is learned or what is not"),
    ],
)
def test_marks_that_cannot_be_honoured_are_refused(tmp_path, message, error):
    refused(tmp_path, [said("user", "q"), message, *usual(2)], error)


@pytest.mark.parametrize("masked", [True, False])
def test_a_mask_means_what_it_says_of_the_users_turns(tmp_path, masked):
    talk = [
        said("user", "q", mask=masked),
        said("assistant", "wrong", mask=masked),
        said("user", "no", mask=masked),
        said("assistant", "right", mask=not masked),
    ]
    assert [turn.learned for turn in read(tmp_path, talk)] == [False, False, False, True]


def test_marks_of_a_row_are_honoured_or_refused(tmp_path):
    refused(tmp_path, usual(2), "line 3: 'completion_mask' marks single tokens", completion_mask=[0, 1])
    refused(tmp_path, usual(2), "line 3: found the mask 'Assistant', which cannot be honoured", mask="Assistant")
    task = load(tmp_path, rows_with(usual(2), mask="User"))
    assert task.intake["train"].unused == ()
    task = load(tmp_path, rows_with(usual(2), train=False))
    assert dict(task.intake["train"].drops) == {"marked as not to be learned by 'train'": ("line 3",)}


def test_keys_that_are_not_used_are_named_once(tmp_path):
    talk = [said("user", "q", id=1, tool_calls=[]), said("assistant", "a", feedback="x"), *usual(2)]
    task = load(tmp_path, rows_with(talk, source="s"))
    assert set(task.intake["train"].unused) == {
        "source",
        "messages[].id",
        "messages[].feedback",
        "messages[].tool_calls",
    }


def test_names_and_thoughts_travel(tmp_path):
    talk = [said("user", "q", name="Ann"), said("assistant", "a", reasoning_content="hm", thinking="")]
    assert [turn.told for turn in read(tmp_path, talk)] == [{"name": "Ann"}, {"reasoning_content": "hm"}]


def test_halves_of_characters_are_replaced_everywhere(tmp_path):
    call = {"function": {"name": "find", "arguments": {"item": "\ud83d"}}}
    task = load(tmp_path, rows_with([said("user", "\udc00"), said("assistant", "", tool_calls=[call])]))
    assert third(task)[0].content == "\N{REPLACEMENT CHARACTER}"
    assert "\ud83d" not in third(task)[1].further
    assert len(task.intake["train"].remarks) == 1


def conversations(count=80):
    found = []
    for number in range(count):
        call = {"id": f"c{number}", "type": "function", "function": {"name": "find", "arguments": {"item": "x"}}}
        if number % 2:
            call["function"]["arguments"]["room"] = number
        talk = [said("user", f"q {number}"), said("assistant", "", tool_calls=[call]), *ANSWERED]
        found.append({"messages": talk if number % 3 else usual(number), "tools": [{"name": "find"}]})
    return found


def test_conversations_are_the_same_in_every_kind_of_file(tmp_path):
    """Parquet gives all objects of a column the same keys, and CSV holds them as text."""
    rows = conversations()
    pd.DataFrame(rows).to_parquet(tmp_path / "a.parquet")
    pd.DataFrame([{key: json.dumps(value) for key, value in row.items()} for row in rows]).to_csv(
        tmp_path / "a.csv", index=False
    )
    (tmp_path / "a.json").write_text(json.dumps(rows))
    (tmp_path / "a.jsonl").write_text("\n".join(map(json.dumps, rows)))
    tasks = {
        kind: load_task(TaskSpec(data=str(tmp_path / f"a.{kind}"))) for kind in ("jsonl", "json", "parquet", "csv")
    }
    assert len({task.fingerprint for task in tasks.values()}) == 1
    assert "'messages' read from JSON text" in tasks["csv"].intake["train"].remarks
    assert tasks["parquet"].intake["train"].unused == ()


def test_the_fingerprint_knows_all_that_is_learned_and_is_what_it_was_for_the_rest(tmp_path):
    talks = [usual(2), [said("user", "q 2"), said("assistant", "a", weight=1)]]
    plain, same = (load(tmp_path, rows_with(talk)).fingerprint for talk in talks)
    assert plain == same
    others = [
        rows_with([said("user", "q 2"), said("assistant", "b", weight=0), said("assistant", "a")]),
        rows_with([said("user", "q 2"), said("assistant", "b"), said("assistant", "a")]),
        rows_with([said("user", "q 2", name="Ann"), said("assistant", "a")]),
        rows_with(usual(2), tools=[{"name": "find"}]),
    ]
    assert len({plain, *(load(tmp_path, rows).fingerprint for rows in others)}) == 5


def alpaca(number, **beside):
    return {"instruction": f"q {number}", "input": "", "output": "a", **beside}


@pytest.mark.parametrize("as_text", [False, True])
def test_alpacas_system_and_history_are_turns(tmp_path, as_text):
    history = [["one", "first"], ["two", "second"]]
    rows = [alpaca(number) for number in range(80)]
    rows[2] = alpaca(2, system="be short", history=json.dumps(history) if as_text else history)
    rows[3] = alpaca(3, system="", history=[])
    task = load(tmp_path, rows)
    said = ("be short", "one", "first", "two", "second", "q 2", "a")
    roles = ("system", "user", "assistant", "user", "assistant", "user", "assistant")
    assert third(task) == tuple(map(Turn, roles, said))
    assert {len(example) for split in task.splits.values() for example in split.examples} == {2, 7}
    assert any("'history' comes before the prompt, and is learned" in line for line in task.describe())
    assert task.intake["train"].unused == ()


@pytest.mark.parametrize(
    ("history", "message"),
    [
        ("before", "'history': found a text; expected a list of pairs"),
        (["one", "first"], "'history', pair 1: found a text; expected a list of two"),
        ([["one", "first", "x"]], "pair 1: found a list of [13]; expected a list of two"),
        ([["one", {}]], "pair 1: found an object; expected text"),
    ],
)
def test_a_history_of_another_form_is_refused(tmp_path, history, message):
    rows = [alpaca(number) for number in range(80)]
    rows[2] = alpaca(2, history=history)
    with pytest.raises(DataError, match=message):
        load(tmp_path, rows)


def test_an_empty_answer_in_a_history_drops_its_example(tmp_path):
    rows = [*map(alpaca, range(79)), alpaca(2, history=[["one", ""]])]
    assert dict(load(tmp_path, rows).intake["train"].drops) == {"a turn of the history is empty": ("line 80",)}
