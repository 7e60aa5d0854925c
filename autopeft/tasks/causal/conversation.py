"""Conversations: lists of messages, in the forms of OpenAI and of ShareGPT."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from autopeft.errors import DataError
from autopeft.tasks.causal.formats import SYSTEM, TOOLS_COLUMN
from autopeft.tasks.causal.json_text import json_of, parsed
from autopeft.tasks.causal.marks import MARKS, MASK, marked, masked_value
from autopeft.tasks.causal.spot import LeftOut, Spot
from autopeft.tasks.causal.tools import CALLS, calls_of, spoken_calls, tools_of
from autopeft.tasks.causal.turns import ROLES, STAND_IN, Example, Turn
from autopeft.tasks.tables import is_missing, kind_in_words

__all__ = ["conversation_of", "is_message"]

#: What others call the speakers; the calls of tools are the assistant's.
_CALLING = "function_call"
_SPEAKERS = {
    **{role: role for role in ROLES},
    "developer": "system",
    "human": "user",
    **dict.fromkeys(("gpt", "model", "chatgpt", "bing", _CALLING), "assistant"),
    **dict.fromkeys(("function", "function_response", "observation"), "tool"),
}

#: Who speaks, and what, by the names that OpenAI and ShareGPT have for it.
_KEYS = (("role", "content"), ("from", "value"))

#: What chat templates may be told of a message beside role and content.
_THOUGHTS = ("reasoning_content", "reasoning", "thinking")
_TOLD = ("name", "tool_call_id")


def conversation_of(row: Mapping[str, Any], column: str, spot: Spot, *, asking: bool = False) -> Example:
    """Make an example of a conversation.

    Args:
        row: Values by column.
        column: The column with the messages.
        spot: Where the row stands.
        asking: Whether it is to be answered: what the assistant says at its end, if anything, gives way to a stand-in.

    Raises:
        DataError: When something has another form.
        LeftOut: When a message, or all that could be learned, is empty.
    """
    spot_there = spot.at(f"'{column}'")
    value = _messages(parsed(spot.filled(row, column), spot_there), spot_there)
    if not isinstance(value, list):
        # What begins like a list would have been read if it went on like one.
        broken = isinstance(value, str) and value.strip()[:1] in ("[", "{")
        found = "a text that is no list, as JSON or Python write one" if broken else kind_in_words(value)
        raise DataError(
            f"{spot_there}: found {found}; expected a list of messages with 'role' and 'content', or "
            "with 'from' and 'value'; texts to classify are named by --text and --label"
        )
    messages = [_message(each, spot_there.at(f"message {number}")) for number, each in enumerate(value, 1)]
    if asking:
        messages = _asked(messages)
    masked = masked_value(messages)
    turns = tuple(
        _turn(role, message, masked, column, spot_there.at(f"message {number}"))
        for number, (role, message) in enumerate(messages, 1)
    )
    if not any(turn.role == "assistant" for turn in turns):
        raise LeftOut("no message of the assistant, which is what is learned")
    if not any(turn.learned for turn in turns):
        raise LeftOut("marked as not to be learned")
    if turns[-1].role != "assistant":
        spot.remark("what follows the assistant's last turn is answered by nothing, and only read")
    system = row.get(SYSTEM)
    if not is_missing(system):
        if turns[0].role == "system":
            raise DataError(f"{spot}: found both a column '{SYSTEM}' and a first message of the system; keep one")
        turns = (Turn("system", spot.at(f"'{SYSTEM}'").text(system)), *turns)
    return (*tools_of(row.get(TOOLS_COLUMN), spot.at(f"'{TOOLS_COLUMN}'")), *turns)


def is_message(value: Any) -> bool:
    """Tell whether a value is a message: an object that says who speaks, and what."""
    return isinstance(value, Mapping) and any(speaker in value and said in value for speaker, said in _KEYS)


def _asked(messages: Sequence[tuple[str, dict[str, Any]]]) -> list[tuple[str, dict[str, Any]]]:
    """Return messages up to what the assistant is to answer, and a stand-in for its answer."""
    upto = max((number for number, (role, _) in enumerate(messages, 1) if role != "assistant"), default=0)
    if not upto:
        raise LeftOut("nothing is asked: there are no messages but the assistant's")
    return [*messages[:upto], ("assistant", {"role": "assistant", "content": STAND_IN})]


def _messages(value: Any, spot: Spot) -> Any:
    """Return an object of columns, a list of speakers and one of what they say, as messages; others as they are."""
    columns = {key: each for key, each in value.items() if each is not None} if is_message(value) else {}
    lists = [each for each in columns.values() if isinstance(each, list)]
    if not lists or len(lists) < len(columns) or len({len(each) for each in lists}) > 1:
        return value
    spot.remark(f"{spot.within.rpartition(', ')[2]} put together from lists of its keys")
    return [dict(zip(columns, each, strict=True)) for each in zip(*lists, strict=True)]


def _message(value: Any, spot: Spot) -> tuple[str, dict[str, Any]]:
    """Return who says a message, and its keys that hold something."""
    if not isinstance(value, Mapping):
        raise DataError(f"{spot}: found {kind_in_words(value)}; expected an object with 'role' and 'content'")
    message = {key: each for key, each in value.items() if each is not None}
    speaker = next((key for key, _ in _KEYS if key in message), None)
    if speaker is None:
        raise DataError(
            f"{spot}: found {_listed(message)}; expected an object with 'role' and 'content', or 'from' and 'value'"
        )
    name = str(message[speaker]).strip().lower()
    if name not in _SPEAKERS:
        raise DataError(f"{spot}: found the role '{message[speaker]}'; expected one of: {', '.join(ROLES)}")
    if name == "developer":
        spot.remark("a developer's message taken as the system's")
    return _SPEAKERS[name], message


def _turn(role: str, message: Mapping[str, Any], masked: bool | None, column: str, spot: Spot) -> Turn:
    speaker, said = next(keys for keys in _KEYS if keys[0] in message)
    learned = marked(message, role, masked, spot)
    calls = calls_of(message, spot) if role == "assistant" else []
    content = message.get(said)
    if str(message[speaker]).strip().lower() == _CALLING and not is_missing(content):
        calls, content = [*calls, *spoken_calls(content, spot)], ""
    known = {speaker, said, *_TOLD, *MARKS, MASK}
    if role == "assistant":
        known |= {CALLS, _CALLING, *_THOUGHTS}
    others = [key for key in message if key not in known]
    if said not in message and others and not calls:
        raise DataError(f"{spot}: found {_listed(message)}; expected an object with '{speaker}' and '{said}'")
    for key in others:
        spot.ledger.leave(f"{column}[].{key}")
    text = _content(content, column, spot)
    if role == "assistant" and learned and not calls and not text.strip():
        raise LeftOut("an answer is empty")
    if is_missing(content) and not calls and not isinstance(content, str):
        raise LeftOut("a message is empty")
    told: dict[str, Any] = {CALLS: calls} if calls else {}
    for key in (*_TOLD, *(_THOUGHTS if role == "assistant" else ())):
        if not is_missing(message.get(key)):
            told[key] = spot.at(f"'{key}'").text(message[key])
    further = spot.text(json_of(told)) if told else ""
    return Turn(role, text, further, skipped=role == "assistant" and not learned)


def _content(value: Any, column: str, spot: Spot) -> str:
    """Return what is said: a text, or the texts of its parts put together."""
    if is_missing(value) and not isinstance(value, str):
        return ""
    if not isinstance(value, list):
        return spot.text(value)
    texts = []
    for part in value:
        found = {"type": "text", "text": part} if isinstance(part, str) else part
        if not isinstance(found, Mapping) or found.get("type") not in (None, "text") or found.get("text") is None:
            kind = found.get("type") if isinstance(found, Mapping) else None
            raise DataError(
                f"{spot}: found a part of the content of type '{kind or kind_in_words(part)}'; only parts with "
                "'type' text and their 'text' can be read"
            )
        for key, each in found.items():
            if key not in ("type", "text") and each is not None:
                spot.ledger.leave(f"{column}[].content[].{key}")
        texts.append(spot.text(found["text"]))
    if value:
        spot.remark("parts of contents put together")
    return "".join(texts)


def _listed(message: Mapping[str, Any]) -> str:
    return ", ".join(f"'{key}'" for key in message) or "an object without keys that hold anything"
