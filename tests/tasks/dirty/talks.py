"""Known conversations on their way into a file: who says what, and which of it is to be learned."""

from __future__ import annotations

from dataclasses import dataclass, field
from random import Random
from typing import Any

from tests.tasks.dirty.sheet import ABSENT, Row, Sheet, Verdict

__all__ = ["FORMS", "TEMPLATE", "VOCABULARY", "Fate", "Talk", "Talks", "sheet_of"]

#: Stretches that are learned, in turn, each as its words.
Fate = tuple[str, ...]

_WORDS = ("good", "bad", "happy", "sad", "film", "story", "heart", "lung", "left", "right", "arm", "leg")

#: All words that a tokenizer has to know: those of templates, prompts and talks, the last with their numbers.
VOCABULARY = (
    "system user assistant tool function instruction response question answer call look place weather city name thinks",
    " ".join(_WORDS),
    "true false seven 7 12 paris rome oslo so end more",
    " ".join(f"n{number} m{number} k{number}" for number in range(90)),
)

#: A chat template that knows calls of tools, and no thoughts and names.
TEMPLATE = (
    "{% for message in messages %}{{ message['role'] + ' ' + (message['content'] or '') }}"
    "{% for call in message['tool_calls'] or [] %}{{ ' call ' + call['function']['name'] }}"
    "{% for key, value in call['function']['arguments'].items() %}{{ ' ' + key + ' ' + value }}{% endfor %}{% endfor %}"
    "{{ ' [EOS] ' }}{% endfor %}{% if add_generation_prompt %}{{ 'assistant ' }}{% endif %}"
)

#: The forms, each with what stands before it in a row.
FORMS = ("messages", "sharegpt", "alpaca", "history", "prompt", "question")

_SPEAKERS = {"user": ("human", "user"), "assistant": ("gpt", "assistant", "model"), "system": ("system",)}


@dataclass
class Talk:
    """An example.

    Args:
        turns: Who says what.
        cells: What is written, by column.
        fates: What may be learned of it; None stands for being left out and counted.
        touched: Whether dirt was put on it.
    """

    turns: list[tuple[str, str]]
    cells: dict[str, Any]
    fates: list[Fate | None]
    touched: bool = False

    @property
    def messages(self) -> list[Any]:
        """The messages as they are written."""
        return next(self.cells[name] for name in ("messages", "conversations") if name in self.cells)

    def answers(self) -> list[Any]:
        """Return the assistant's messages as they are written."""
        pairs = zip(self.turns, self.messages, strict=True)
        return [message for (role, _), message in pairs if role == "assistant"]


@dataclass
class Talks:
    """Examples of one form; `about`, `said`, `unused` and `remarked` as of a `Sheet`.

    Args:
        form: A name of `FORMS`.
        kind: The kind of file that they go into.
        talks: The examples.
        templated: Whether the model has a chat template.
        verdicts: What each kind of dirt lets a reader do.
    """

    form: str
    kind: str
    talks: list[Talk]
    templated: bool
    verdicts: set[Verdict] = field(default_factory=set)
    about: list[str] = field(default_factory=list)
    said: list[str] = field(default_factory=list)
    unused: list[str] = field(default_factory=list)
    remarked: bool = False

    @classmethod
    def clean(cls, form: str, kind: str, templated: bool, rng: Random, size: int) -> Talks:
        """Make examples that nothing is wrong with."""
        talks = []
        for number in range(size):
            turns = _turns(form, number, rng)
            learned = tuple(said for role, said in turns if role == "assistant")
            cells = _cells(form, turns, rng)
            if form == "prompt" and not templated:
                # Nothing else stands between a prompt and what follows it.
                cells["completion"] = f" {cells['completion']}"
            talks.append(Talk(turns, cells, [learned]))
        return cls(form, kind, talks, templated)

    @property
    def keys(self) -> tuple[str, str]:
        """The keys of a message: who speaks, and what is said."""
        return ("from", "value") if self.form == "sharegpt" else ("role", "content")

    def pick(self, rng: Random, most: int = 3) -> list[Talk]:
        """Choose some examples that nothing was done to, and mark them."""
        chosen = rng.sample([talk for talk in self.talks if not talk.touched], rng.randint(1, most))
        for talk in chosen:
            talk.touched = True
        return chosen


def sheet_of(talks: Talks, delimiter: str, encoding: str) -> Sheet:
    """Return examples as rows to be written."""
    columns = list(dict.fromkeys(name for talk in talks.talks for name in talk.cells))
    lacking = ABSENT if talks.kind in ("jsonl", "json") else None
    rows = [Row([talk.cells.get(name, lacking) for name in columns], [], talk.touched) for talk in talks.talks]
    return Sheet(columns, columns[0], columns[-1], rows, talks.kind, delimiter, "minimal", encoding, 0)


def _turns(form: str, number: int, rng: Random) -> list[tuple[str, str]]:
    """Make who says what; every example has words that no other has."""
    exchanges = rng.randint(1, 3) if form in ("messages", "sharegpt", "history") else 1
    turns = [("system", _says("k", number, rng))] if form in ("messages", "sharegpt") and rng.random() < 0.4 else []
    for _ in range(exchanges):
        turns += [("user", _says("n", number, rng)), ("assistant", _says("m", number, rng))]
    return turns


def _says(letter: str, number: int, rng: Random) -> str:
    return " ".join([f"{letter}{number}", *rng.choices(_WORDS, k=rng.randint(1, 4))])


def _cells(form: str, turns: list[tuple[str, str]], rng: Random) -> dict[str, Any]:
    *before, (_, asked), (_, answered) = turns
    match form:
        case "messages":
            return {"messages": [{"role": role, "content": said} for role, said in turns]}
        case "sharegpt":
            speakers = {role: rng.choice(names) for role, names in _SPEAKERS.items()}
            return {"conversations": [{"from": speakers[role], "value": said} for role, said in turns]}
        case "history":
            earlier = [[before[place][1], before[place + 1][1]] for place in range(0, len(before), 2)]
            return {"instruction": asked, "input": "", "output": answered, "system": "so", "history": earlier}
        case "alpaca":
            return {"instruction": asked, "input": rng.choice(["", "more", None]), "output": answered}
        case "prompt":
            return {"prompt": asked, "completion": answered}
    return {"question": asked, "answer": answered}
