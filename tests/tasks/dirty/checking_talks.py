"""The rule for conversations: what is learned are the stretches that were marked, token by token."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

from hypothesis import strategies as st
from tokenizers import Regex, Tokenizer
from tokenizers.models import WordLevel
from tokenizers.pre_tokenizers import Split
from transformers import PreTrainedTokenizerFast

from autopeft.errors import AutopeftError
from autopeft.tasks import IGNORED, Task, TaskSpec, load_task
from autopeft.tasks.causal import encode_causal
from autopeft.testing.decoders import CHAT_TEMPLATE
from autopeft.testing.models import tiny_tokenizer
from autopeft.trials.causal.setting import choose_causal_setting
from tests.tasks.dirty.checking import fates_met
from tests.tasks.dirty.dirty_talks import TALK_DIRT
from tests.tasks.dirty.forms import FORMATS, written
from tests.tasks.dirty.recipe import Recipe
from tests.tasks.dirty.talks import FORMS, TEMPLATE, VOCABULARY, Fate, Talks, sheet_of

__all__ = ["TALK_FORMATS", "TalkRecipe", "check_talks", "suited", "talk_recipes", "tokenizers"]

#: The formats that examples come in, and what one file of each may be.
TALK_FORMATS = {name: tuple(each for each in kinds if each != "tsv") for name, kinds in FORMATS.items()}
del TALK_FORMATS["tsv"], TALK_FORMATS["xlsx"]


@dataclass(frozen=True)
class TalkRecipe:
    """How known examples are written.

    Args:
        file: How their rows are.
        form: A name of `talks.FORMS`.
        templated: Whether the model has a chat template that knows tools; conversations have a plain one else.
        dirt: A name of `TALK_DIRT`, or nothing.
    """

    file: Recipe
    form: str
    templated: bool
    dirt: str


def tokenizers() -> dict[str, Any]:
    """Return tokenizers with a template that knows tools, with a plain one, and with none, by these words."""
    found = {"none": _without_template()}
    for name, template in (("tools", TEMPLATE), ("plain", CHAT_TEMPLATE)):
        found[name] = tiny_tokenizer(decoder=True, padding=False, vocabulary=VOCABULARY)
        found[name].chat_template = template
    return found


def _without_template() -> PreTrainedTokenizerFast:
    """Return a tokenizer that takes the blank before a word into its token, as most do."""
    words = sorted({word for text in VOCABULARY for word in text.split()})
    pieces = ["[UNK]", "[EOS]", "\n", " ", *words, *(f" {word}" for word in words)]
    tokenizer = Tokenizer(WordLevel({piece: number for number, piece in enumerate(pieces)}, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = Split(Regex(r" ?\S+|\s"), "isolated")
    return PreTrainedTokenizerFast(tokenizer_object=tokenizer, unk_token="[UNK]", eos_token="[EOS]")


def suited(format: str) -> list[str]:
    """Return the kinds of dirt that a format can have."""
    return [name for name, dirt in TALK_DIRT.items() if set(dirt.kinds) & set(TALK_FORMATS[format])]


@st.composite
def talk_recipes(draw: st.DrawFn, format: str, dirt: str | None = None) -> TalkRecipe:
    """Draw how examples are written in a format, with a given kind of dirt ("" for none), or any."""
    name = draw(st.sampled_from(["", *suited(format)])) if dirt is None else dirt
    put = TALK_DIRT.get(name)
    form = draw(st.sampled_from(put.forms if put else FORMS))
    kind = draw(st.sampled_from([each for each in TALK_FORMATS[format] if not put or each in put.kinds]))
    templated = draw(st.booleans()) if put is None or put.templated is None else put.templated
    text = kind in ("csv", "jsonl", "json")
    file = Recipe(
        format=format,
        kind=kind,
        dirt=(),
        packing=draw(st.sampled_from(["", "", ".gz", ".zst", ".zip"])) if text else "",
        delimiter=draw(st.sampled_from([",", ";"])) if kind == "csv" else ",",
        line_end=draw(st.sampled_from(["\n", "\r\n"])) if text else "\n",
        encoding=draw(st.sampled_from(["utf-8", "utf-8-sig", "utf-16-le"])) if text else "utf-8",
        seed=draw(st.integers(0, 2**20)),
    )
    return TalkRecipe(file, form, templated, name)


def check_talks(recipe: TalkRecipe, folder: Path, models: dict[str, Any]) -> str:
    """Write the examples of a recipe, read and tokenise them, and hold what is learned against what was marked.

    Args:
        recipe: How they are written.
        folder: Where.
        models: What `tokenizers` returned.

    Returns:
        `read` or `refused`.

    Raises:
        AssertionError: When the rule is broken.
    """
    rng = Random(recipe.file.seed)
    talks = Talks.clean(recipe.form, recipe.file.kind, recipe.templated, rng, 60)
    if recipe.dirt:
        TALK_DIRT[recipe.dirt].put(talks, rng)
        talks.verdicts.add(TALK_DIRT[recipe.dirt].verdict)
    sheet = sheet_of(talks, recipe.file.delimiter, recipe.file.encoding)
    named = written({"train": sheet}, recipe.file, folder)
    plain = "plain" if recipe.form in ("messages", "sharegpt", "history") else "none"
    tokenizer = models["tools" if recipe.templated else plain]
    try:
        task = load_task(TaskSpec.of(**named))
        assert task.kind.name == "causal", "taken for a task of classification"
        _, notes = choose_causal_setting(task, tokenizer, precision="fp32")
        learned = [each for split in task.splits.values() for each in _learned(split, task, tokenizer)]
    except AutopeftError as error:
        _check_refusal(str(error), talks, [row.line for row in sheet.rows if row.touched], folder)
        return "refused"
    assert "refused" not in talks.verdicts, "read, and should have been refused"
    _check_reading(task, talks, learned, notes)
    return "read"


def _learned(split: Any, task: Task, tokenizer: Any) -> list[Fate]:
    """Return the stretches that are learned of each example, without the tokens that end them."""
    encoded = encode_causal(split, task.schema, tokenizer)
    found = []
    for ids, labels in zip(encoded.inputs["input_ids"], encoded.inputs["labels"], strict=True):
        stretches: list[list[int]] = []
        for place, label in enumerate(labels):
            if label == IGNORED:
                continue
            assert label == ids[place]
            if place == 0 or labels[place - 1] == IGNORED:
                stretches.append([])
            stretches[-1].append(label)
        found.append(tuple(_words(stretch, tokenizer) for stretch in stretches))
    return found


def _words(ids: list[int], tokenizer: Any) -> str:
    words = tokenizer.convert_ids_to_tokens(ids)
    assert words[-1] == "[EOS]", f"its end is not learned: {words}"
    return " ".join(" ".join(words[:-1]).split())


def _check_refusal(message: str, talks: Talks, lines: list[int | None], folder: Path) -> None:
    assert talks.verdicts - {"read"}, f"refused, and should have been read: {message}"
    assert not talks.about or any(word in message for word in talks.about), f"none of {talks.about} in: {message}"
    if not talks.about:
        stems = [path.name.partition(".")[0] for path in folder.rglob("*")]
        assert any(stem in message for stem in stems), f"no file is named: {message}"
        known = [line for line in lines if line is not None]
        assert not known or any(f"line {line}" in message for line in known), f"it was line {known}: {message}"


def _check_reading(task: Task, talks: Talks, learned: list[Fate], notes: tuple[str, ...]) -> None:
    intake = task.intake["train"]
    assert intake.rows == len(talks.talks), f"{intake.rows} rows counted, there are {len(talks.talks)}"
    assert intake.used == len(learned) == sum(map(len, task.splits.values()))
    assert intake.used + sum(map(len, intake.drops.values())) == intake.rows
    fates_met([talk.fates for talk in talks.talks], learned)
    said = " ".join([*task.describe(), *notes, *intake.unused])
    for name in talks.unused:
        assert any(name in each for each in intake.unused), f"{name} is not named: {intake.unused}"
    assert all(word in said for word in talks.said), f"not all of {talks.said} in: {said}"
    if talks.remarked and not intake.drops:
        assert intake.remarks, "nothing is remarked"
