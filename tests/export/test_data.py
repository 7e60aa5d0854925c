"""What the files of an export teach is, token by token, what trials teach; what a tool learns otherwise is refused."""

import json
from dataclasses import replace

import pytest

from autopeft.backbones import load_decoder
from autopeft.errors import ConfigurationError
from autopeft.export import TARGETS, export
from autopeft.tasks import CausalSplit, CausalTask, encode_causal
from autopeft.tasks.causal import FORMATS, IGNORED, TOOLS, Turn
from autopeft.testing.decoders import tiny_decoder
from autopeft.testing.targets import tiny_job
from tests.tasks.causal.tokenizers import FULL, byte_level

FORM = {form.name: form for form in FORMATS}
LORA = {"lora": {"rank": 4, "alpha": 8, "targets": ["q", "v"]}}

PROMPT = (Turn("user", "Question: is the kettle there? Answer: "), Turn("assistant", "yes"))
EARLIER = (Turn("user", "is it?"), Turn("assistant", "no"), *PROMPT)
SKIPPED = (EARLIER[0], EARLIER[1]._replace(skipped=True), *PROMPT)
CALL = {"type": "function", "function": {"name": "find", "arguments": {"item": "kettle"}}}
CALLING = (
    Turn(TOOLS, json.dumps([{"name": "find"}])),
    Turn("user", "is it there?"),
    Turn("assistant", "", json.dumps({"tool_calls": [CALL]})),
    Turn("tool", "1"),
    Turn("assistant", "yes"),
)
TRAILED = (*PROMPT, Turn("user", "thanks"))


@pytest.fixture(scope="module")
def backbones(tmp_path_factory):
    found = {}
    for name, template in (("plain", None), ("chat", FULL)):
        folder = tiny_decoder("llama", tmp_path_factory.mktemp(name))
        byte_level(template).save_pretrained(folder)
        found[name] = load_decoder(folder)
    return found


def job_of(backbone, example, form):
    split = CausalSplit([example] * 16)
    return replace(
        tiny_job(backbone, LORA, causal=True), task=CausalTask("t", FORM[form], "token_accuracy", split, split, split)
    )


def ours(job):
    encoded = encode_causal(job.task.train.take([0]), job.task.form, job.backbone.tokenizer()).inputs
    return encoded["input_ids"][0], [label != IGNORED for label in encoded["labels"][0]]


def row_of(job, target, folder):
    """Write an export without its check, whose tiny model knows fewer tokens; return its first row."""
    lines = TARGETS[target].write(job, folder)
    return json.loads((folder / "data" / "train.jsonl").read_text().splitlines()[0]), lines


def together(parts, tokenizer):
    """Return ids and marks of parts that are tokenised one by one."""
    ids, marks = [], []
    for text, learned in parts:
        found = tokenizer(text, add_special_tokens=False)["input_ids"]
        ids += found
        marks += [learned] * len(found)
    return ids, marks


CASES = [
    ("plain", PROMPT, "prompt"),
    ("plain", EARLIER, "instruction"),
    ("plain", (Turn("assistant", "is the kettle there?"),), "text"),
    ("chat", PROMPT, "prompt"),
    ("chat", EARLIER, "messages"),
    ("chat", SKIPPED, "messages"),
    ("chat", CALLING, "messages"),
    ("chat", TRAILED, "messages"),
]


@pytest.mark.parametrize(("model", "example", "form"), CASES)
def test_segments_are_the_tokens_of_trials(backbones, tmp_path, model, example, form):
    job = job_of(backbones[model], example, form)
    tokenizer = job.backbone.tokenizer()
    row, lines = row_of(job, "axolotl", tmp_path)
    assert together([(part["text"], part["label"]) for part in row["segments"]], tokenizer) == ours(job)
    assert lines == ["axolotl train axolotl.yaml"]


@pytest.mark.parametrize(("model", "example", "form"), CASES)
def test_alpacas_turns_are_the_tokens_of_trials_up_to_the_last_answer(backbones, tmp_path, model, example, form):
    job = job_of(backbones[model], example, form)
    row, _ = row_of(job, "llamafactory", tmp_path)
    turns = [*row["history"], [row["instruction"], row["output"]]]
    ids, marks = together(
        [(text, learned) for turn in turns for text, learned in zip(turn, (False, True), strict=True)],
        job.backbone.tokenizer(),
    )
    wanted, learned = ours(job)
    assert ids == wanted[: len(ids)]
    assert marks == learned[: len(ids)]
    assert not any(learned[len(ids) :])


@pytest.mark.parametrize(("model", "example", "form"), CASES)
def test_stretches_are_the_tokens_of_trials(backbones, tmp_path, model, example, form):
    job = job_of(backbones[model], example, form)
    row, _ = row_of(job, "transformers", tmp_path)
    found = job.backbone.tokenizer()(row["text"], add_special_tokens=False, return_offsets_mapping=True)
    marks = [any(s <= a and b <= e for s, e in row["learned"]) for a, b in found["offset_mapping"]]
    assert (found["input_ids"], marks) == ours(job)


def test_prompts_and_completions_of_trl_are_the_tokens_of_trials(backbones, tmp_path):
    job = job_of(backbones["plain"], PROMPT, "prompt")
    row, _ = row_of(job, "trl", tmp_path)
    tokenizer = job.backbone.tokenizer()
    ids = tokenizer(row["prompt"] + row["completion"])["input_ids"]
    before = len(tokenizer(row["prompt"])["input_ids"])
    assert (ids, [place >= before for place in range(len(ids))]) == ours(job)


@pytest.mark.parametrize("example", [SKIPPED, TRAILED])
def test_the_only_answer_that_is_learned_is_trls_completion(backbones, tmp_path, example):
    job = job_of(backbones["chat"], example, "messages")
    row, _ = row_of(job, "trl", tmp_path)
    assert row["completion"] == [{"role": "assistant", "content": "yes"}]
    assert row["prompt"] == [turn.message() for turn in example][: 3 if example is SKIPPED else 1]


MANY_SKIPPED = (*SKIPPED, *EARLIER)


@pytest.mark.parametrize(
    ("target", "model", "example", "form", "reason"),
    [
        ("trl", "chat", CALLING, "messages", "calls of tools"),
        ("torchtune", "chat", CALLING, "messages", "calls of tools"),
        ("trl", "chat", (Turn("user", "a", '{"name": "Ann"}'), PROMPT[1]), "messages", "its messages hold 'name'"),
        ("trl", "chat", MANY_SKIPPED, "messages", "marked as not to be learned"),
        ("torchtune", "chat", SKIPPED, "messages", "marked as not to be learned"),
        ("trl", "plain", EARLIER, "instruction", "without a chat template it learns only the last"),
    ],
)
def test_what_a_tool_would_learn_otherwise_is_refused_and_who_does_not_is_named(
    backbones, tmp_path, target, model, example, form, reason
):
    job = job_of(backbones[model], example, form)
    with pytest.raises(ConfigurationError, match=rf"{target} cannot train on t: .*{reason}.*expected --to t"):
        export(job, target, tmp_path)


def test_examples_that_are_other_tokens_in_parts_are_counted(backbones, tmp_path):
    # One word in one token, parted.
    job = job_of(backbones["plain"], (Turn("user", "is the ket"), Turn("assistant", "tle")), "prompt")
    _, lines = row_of(job, "axolotl", tmp_path)
    assert "32 of 32 examples are other tokens there than in trials: prompts and answers are tokenised apart" in lines
