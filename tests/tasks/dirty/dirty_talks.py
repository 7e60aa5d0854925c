"""The kinds of dirt in conversations and instructions, by name."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from random import Random

from tests.tasks.dirty.sheet import Verdict
from tests.tasks.dirty.talks import FORMS, Talk, Talks

__all__ = ["TALK_DIRT", "TalkDirt"]

_CHATS = ("messages", "sharegpt")
_ASKED = ("alpaca", "prompt", "question")
_KINDS = ("csv", "jsonl", "json", "parquet", "saved")
#: Files whose rows may differ in what type they have where.
_LOOSE = ("csv", "jsonl", "json")


@dataclass(frozen=True)
class TalkDirt:
    """A kind of dirt.

    Args:
        put: Puts it on examples.
        forms: The forms that can have it.
        kinds: What files can have it.
        verdict: What a reader must do.
        templated: Whether the model must have a chat template; None if that is all the same.
    """

    put: Callable[[Talks, Random], None]
    forms: tuple[str, ...]
    kinds: tuple[str, ...] = _KINDS
    verdict: Verdict = "read"
    templated: bool | None = None


#: All kinds, by name.
TALK_DIRT: dict[str, TalkDirt] = {}


def _dirt(name: str, forms: tuple[str, ...], **how: object) -> Callable[[Callable[[Talks, Random], None]], None]:
    def enter(put: Callable[[Talks, Random], None]) -> None:
        TALK_DIRT[name] = TalkDirt(put, forms, **how)  # type: ignore[arg-type]

    return enter


def _without(talk: Talk, places: set[int]) -> list[tuple[str, ...] | None]:
    """Return what is learned when some answers are not: nothing, and so the example is left out, where none is."""
    answers = [said for role, said in talk.turns if role == "assistant"]
    left = tuple(said for place, said in enumerate(answers) if place not in places)
    return [left or None]


def _answer_column(talks: Talks) -> str:
    return {"alpaca": "output", "history": "output", "prompt": "completion", "question": "answer"}[talks.form]


@_dirt("contents in parts", _CHATS, kinds=_LOOSE)
def _(talks: Talks, rng: Random) -> None:
    said = talks.keys[1]
    for talk in talks.pick(rng):
        for message in talk.messages:
            first, space, rest = message[said].partition(" ")
            message[said] = [{"type": "text", "text": first + space}, {"type": "text", "text": rest}]


@_dirt("an image among parts", _CHATS, kinds=_LOOSE, verdict="either")
def _(talks: Talks, rng: Random) -> None:
    for talk in talks.pick(rng):
        image = {"type": "image_url", "image_url": {"url": "a.png"}}
        message = rng.choice(talk.messages)
        message[talks.keys[1]] = [{"type": "text", "text": "so"}, image]
        talk.fates = [None]


def _marked(key: str, values: tuple[object, object]) -> Callable[[Talks, Random], None]:
    def put(talks: Talks, rng: Random) -> None:
        # Of each example some answers are marked as not to be learned; all have the key, as one file has it.
        for talk in talks.talks:
            answers = talk.answers()
            skipped = {place for place in range(len(answers)) if rng.random() < (0.3 if len(answers) > 1 else 0.05)}
            for place, message in enumerate(answers):
                message[key] = values[place not in skipped]
            if skipped:
                talk.touched = True
                talk.fates = _without(talk, skipped)

    return put


_dirt("weights of 0 and 1", _CHATS)(_marked("weight", (0, 1)))
_dirt("trained or not", _CHATS)(_marked("train", (False, True)))


@_dirt("a weight of 2", _CHATS, kinds=_LOOSE, verdict="either")
def _(talks: Talks, rng: Random) -> None:
    for talk in talks.pick(rng, 1):
        talk.answers()[0]["weight"] = 2
        talk.fates = [None]


@_dirt("calls of tools", ("messages",), kinds=_LOOSE, templated=True)
def _(talks: Talks, rng: Random) -> None:
    for talk in talks.pick(rng):
        _call(talk, rng)


@_dirt("calls that the template leaves out", ("messages",), kinds=_LOOSE, verdict="either", templated=False)
def _(talks: Talks, rng: Random) -> None:
    for talk in talks.pick(rng):
        _call(talk, rng)
        talk.fates = [None]


def _call(talk: Talk, rng: Random) -> None:
    """Let an answer be nothing but a call."""
    place = rng.randrange(len(talk.answers()))
    city = rng.choice(["paris", "rome", "oslo"])
    arguments: object = {"city": city}
    function = {"name": "weather", "arguments": json.dumps(arguments) if rng.random() < 0.5 else arguments}
    message = talk.answers()[place]
    message["content"] = rng.choice(["", None])
    message["tool_calls"] = [{"id": "c1", "type": "function", "function": function}]
    answers = [said for role, said in talk.turns if role == "assistant"]
    answers[place] = f"call weather city {city}"
    talk.fates = [tuple(answers)]


@_dirt("thoughts", ("messages",))
def _(talks: Talks, rng: Random) -> None:
    for talk in talks.talks:
        for message in talk.answers():
            message["reasoning_content"] = "he thinks so"
    talks.said.append("reasoning_content")


@_dirt("names", ("messages",))
def _(talks: Talks, rng: Random) -> None:
    for talk in talks.talks:
        for message in talk.messages:
            message["name"] = "Ann"
    talks.said.append("name")


@_dirt("further keys of messages", _CHATS)
def _(talks: Talks, rng: Random) -> None:
    for talk in talks.talks:
        for number, message in enumerate(talk.messages):
            message["message_id"] = number
    talks.unused.append("message_id")


@_dirt("further columns", FORMS)
def _(talks: Talks, rng: Random) -> None:
    for talk in talks.talks:
        talk.cells["source"] = "somewhere"
        talk.cells["score"] = rng.random()
    talks.unused += ["source", "score"]


@_dirt("keys that hold nothing", _CHATS, kinds=_LOOSE)
def _(talks: Talks, rng: Random) -> None:
    for talk in talks.talks:
        for message in talk.messages:
            message |= dict.fromkeys(("tool_calls", "weight", "name", "train", "reasoning_content"))


@_dirt("an empty last answer", _CHATS)
def _(talks: Talks, rng: Random) -> None:
    for talk in talks.pick(rng):
        talk.answers()[-1][talks.keys[1]] = rng.choice(["", "  ", None])
        # What is answered before it may be learned.
        talk.fates = [None, *_without(talk, {len(talk.answers()) - 1})]


@_dirt("an empty answer on the way", _CHATS)
def _(talks: Talks, rng: Random) -> None:
    for talk in talks.pick(rng):
        talk.answers()[0][talks.keys[1]] = rng.choice(["", None])
        talk.fates = [None, *_without(talk, {0})]


@_dirt("no last answer", _CHATS)
def _(talks: Talks, rng: Random) -> None:
    for talk in talks.pick(rng):
        talk.fates = [None, *_without(talk, {len(talk.answers()) - 1})]
        talk.messages.pop()
        talk.turns.pop()


@_dirt("an answer without words", _CHATS, kinds=_LOOSE, verdict="either")
def _(talks: Talks, rng: Random) -> None:
    for talk in talks.pick(rng, 1):
        del talk.answers()[0][talks.keys[1]]
        talk.fates = [None, *_without(talk, {0})]


@_dirt("an unknown speaker", _CHATS, verdict="either")
def _(talks: Talks, rng: Random) -> None:
    for talk in talks.pick(rng, 1):
        rng.choice(talk.messages)[talks.keys[0]] = "narrator"
        talk.fates = [None]


@_dirt("no conversation", _CHATS)
def _(talks: Talks, rng: Random) -> None:
    for talk in talks.pick(rng):
        for column in talk.cells:
            talk.cells[column] = None
        talk.fates = [None]


@_dirt("an empty conversation", _CHATS, verdict="either")
def _(talks: Talks, rng: Random) -> None:
    for talk in talks.pick(rng):
        talk.messages.clear()
        talk.turns.clear()
        talk.fates = [None]


@_dirt("conversations as JSON in a text", _CHATS, kinds=("jsonl", "json", "parquet", "saved"))
def _(talks: Talks, rng: Random) -> None:
    for talk in talks.talks:
        [column] = talk.cells
        talk.cells[column] = json.dumps(talk.cells[column])


@_dirt("half a character", FORMS, kinds=("jsonl", "json"))
def _(talks: Talks, rng: Random) -> None:
    for talk in talks.pick(rng):
        if talks.form in _CHATS:
            asked = next(place for place, (role, _) in enumerate(talk.turns) if role == "user")
            talk.messages[asked][talks.keys[1]] += " \ud83d"
        else:
            column = next(iter(talk.cells))
            talk.cells[column] += " \ud83d so"
        talk.fates = [*talk.fates, None]
    talks.remarked = True


@_dirt("a number as answer", (*_CHATS, *_ASKED), kinds=_LOOSE)
def _(talks: Talks, rng: Random) -> None:
    for talk in talks.pick(rng):
        value, said = rng.choice([(7, "7"), (True, "true"), ("7", "7")])
        if talks.form in _CHATS:
            talk.answers()[-1][talks.keys[1]] = value
            talk.fates = [(*talk.fates[0][:-1], said)] if talk.fates[0] else [None]
        else:
            answer = _answer_column(talks)
            # After a prompt without a blank at its end a bare number would be part of its last word.
            if not talk.cells[answer].startswith(" "):
                talk.cells[answer] = value
                talk.fates = [(said,)]


@_dirt("a list as answer", _ASKED, kinds=("jsonl", "json"), verdict="either")
def _(talks: Talks, rng: Random) -> None:
    for talk in talks.pick(rng, 1):
        talk.cells[_answer_column(talks)] = ["one", "two"]
        talk.fates = [None]


@_dirt("no answer", (*_ASKED, "history"))
def _(talks: Talks, rng: Random) -> None:
    for talk in talks.pick(rng):
        talk.cells[_answer_column(talks)] = rng.choice([None, "", "  "])
        talk.fates = [None]


@_dirt("no prompt", ("prompt", "question"))
def _(talks: Talks, rng: Random) -> None:
    for talk in talks.pick(rng):
        talk.cells[next(iter(talk.cells))] = rng.choice([None, ""])
        # An answer may be learned after nothing.
        talk.fates = [*talk.fates, None]


@_dirt("prompts that end in a blank", _ASKED, templated=False)
def _(talks: Talks, rng: Random) -> None:
    for talk in talks.talks:
        talk.cells[next(iter(talk.cells))] += " "
        answer = _answer_column(talks)
        talk.cells[answer] = talk.cells[answer].lstrip()


@_dirt("prompts that run into their answers", ("prompt",), templated=False, verdict="refused")
def _(talks: Talks, rng: Random) -> None:
    for talk in talks.talks:
        talk.cells["completion"] = talk.cells["completion"].lstrip()
    talks.about += ["token", "word"]


@_dirt("answers marked as wrong", ("prompt", "messages"), verdict="refused")
def _(talks: Talks, rng: Random) -> None:
    for place, talk in enumerate(talks.talks):
        talk.cells["label"] = place % 2 == 0
    talks.about.append("label")


@_dirt("two forms in one file", ("messages", "alpaca"), verdict="refused")
def _(talks: Talks, rng: Random) -> None:
    for talk in talks.talks:
        talk.cells |= {"prompt": "what", "completion": "bad"}
    talks.about += ["prompt", "completion"]


@_dirt("a row of another form", ("messages",), kinds=("jsonl", "json"), verdict="either")
def _(talks: Talks, rng: Random) -> None:
    for talk in talks.pick(rng, 1):
        talk.cells = {"instruction": "what", "output": "bad"}
        talk.fates = [None]
    talks.about.append("instruction")


@_dirt("masks of tokens", ("messages", "prompt"), kinds=("jsonl", "json", "parquet", "saved"), verdict="refused")
def _(talks: Talks, rng: Random) -> None:
    name = "assistant_masks" if talks.form == "messages" else "completion_mask"
    for talk in talks.talks:
        talk.cells[name] = [0, 1, 1]
    talks.about.append(name)
