"""What the files of an export teach is, token by token, what trials teach."""

import json
from dataclasses import replace

import pytest
import yaml

from autopeft.backbones import load_decoder
from autopeft.exporting import TARGETS
from autopeft.exporting.data import alike
from autopeft.tasks.causal import FORMATS, IGNORED, TOOLS, Causal, CausalSplit, Turn, encode_causal
from autopeft.testing.decoders import tiny_decoder
from autopeft.testing.targets import tiny_job
from autopeft.testing.tasks import task_of
from autopeft.trials.causal.setting import CausalSetting
from tests.tasks.causal.tokenizers import FULL, byte_level

FORM = {form.name: form for form in FORMATS}
LORA = {"lora": {"rank": 4, "alpha": 8, "targets": ["q", "v"]}}

#: A template that marks what the assistant says.
MARKED = (
    "{% for message in messages %}{{ '<|' + message['role'] + '|>' }}{% if message['role'] == 'assistant' %}"
    "{% generation %}{{ message['content'] + eos_token }}{% endgeneration %}"
    "{% else %}{{ message['content'] + eos_token }}{% endif %}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|assistant|>' }}{% endif %}"
)

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
    for name, template in (("plain", None), ("chat", FULL), ("marked", MARKED)):
        folder = tiny_decoder("llama", tmp_path_factory.mktemp(name))
        byte_level(template).save_pretrained(folder)
        found[name] = load_decoder(folder)
    return found


def job_of(backbone, example, form):
    split = CausalSplit([example] * 16)
    task = task_of(Causal(), FORM[form], split)
    job = tiny_job(backbone, LORA, causal=True)
    return replace(job, task=task, setting=replace(job.setting, max_length=1000))


def ours(job):
    encoded = encode_causal(job.task.train.take([0]), job.task.schema, job.backbone.tokenizer()).inputs
    return encoded["input_ids"][0], [label != IGNORED for label in encoded["labels"][0]]


def row_of(job, target, folder):
    """Write an export without its check, whose tiny model knows fewer tokens; return its first row and the guide."""
    guide = TARGETS[target].write(job, folder)
    return json.loads((folder / "data" / "train.jsonl").read_text().splitlines()[0]), guide


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
    row, guide = row_of(job, "axolotl", tmp_path)
    assert together([(part["text"], part["label"]) for part in row["segments"]], tokenizer) == ours(job)
    assert (guide.command, guide.notes) == ("axolotl train axolotl.yaml", ())


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


@pytest.mark.parametrize("target", ["transformers", "trl", "axolotl", "llamafactory", "torchtune"])
@pytest.mark.parametrize("model", ["plain", "chat", "marked"])
def test_prompts_are_learned_where_the_loss_covers_everything(backbones, tmp_path, model, target):
    job = job_of(backbones[model], PROMPT, "prompt")
    job = replace(job, setting=CausalSetting(**job.setting.to_dict(), loss="everything"))
    wanted, learned = ours(job)
    assert not all(learned)
    row_of(job, target, tmp_path)
    [(ids, labels)] = TARGETS[target].read(job, tmp_path, 1)
    assert list(ids) == wanted
    # torchtune says by a mask what is not learned.
    assert labels in (wanted, [False] * len(wanted))
    validation = json.loads((tmp_path / "data" / "validation.jsonl").read_text().splitlines()[0])
    assert validation != json.loads((tmp_path / "data" / "train.jsonl").read_text().splitlines()[0])


def test_prompts_and_completions_of_trl_are_the_tokens_of_trials(backbones, tmp_path):
    job = job_of(backbones["plain"], PROMPT, "prompt")
    row, _ = row_of(job, "trl", tmp_path)
    tokenizer = job.backbone.tokenizer()
    ids = tokenizer(row["prompt"] + row["completion"])["input_ids"]
    before = len(tokenizer(row["prompt"])["input_ids"])
    assert (ids, [place >= before for place in range(len(ids))]) == ours(job)


@pytest.mark.parametrize("example", [SKIPPED, TRAILED])
def test_the_only_answer_that_is_learned_is_trls_completion(backbones, tmp_path, example):
    job = job_of(backbones["marked"], example, "messages")
    row, _ = row_of(job, "trl", tmp_path)
    assert row["completion"] == [{"role": "assistant", "content": "yes"}]
    assert row["prompt"] == [turn.message() for turn in example][: 3 if example is SKIPPED else 1]


@pytest.mark.parametrize(
    ("model", "example", "form", "columns"),
    [
        ("plain", PROMPT, "prompt", {"prompt", "completion"}),
        ("plain", EARLIER, "instruction", {"input_ids", "labels"}),
        ("plain", (Turn("assistant", "is the kettle there?"),), "text", {"text"}),
        # TRL would learn the line's end, too, that ChatML has after an answer.
        ("chat", PROMPT, "messages", {"input_ids", "labels"}),
        ("marked", PROMPT, "messages", {"prompt", "completion"}),
        ("chat", EARLIER, "messages", {"input_ids", "labels"}),
        ("chat", CALLING, "messages", {"input_ids", "labels"}),
        ("chat", (*SKIPPED, *EARLIER), "messages", {"input_ids", "labels"}),
        ("chat", (Turn("user", "a", '{"name": "Ann"}'), PROMPT[1]), "messages", {"input_ids", "labels"}),
        ("marked", EARLIER, "messages", {"messages"}),
        ("marked", (*SKIPPED, *EARLIER), "messages", {"input_ids", "labels"}),
    ],
)
def test_trl_learns_what_trials_learn_from_text_where_it_can_and_else_from_tokens(
    backbones, tmp_path, model, example, form, columns
):
    job = job_of(backbones[model], example, form)
    row, _ = row_of(job, "trl", tmp_path)
    assert set(row) == columns
    [(ids, labels)] = TARGETS["trl"].read(job, tmp_path, 1)
    assert (ids, [label != IGNORED for label in labels]) == ours(job)
    settings = yaml.safe_load((tmp_path / "training.yaml").read_text())
    assert settings.get("assistant_only_loss", False) == ("messages" in columns)


@pytest.mark.parametrize(("model", "example", "form"), CASES)
def test_torchtune_is_given_the_tokens_of_trials(backbones, tmp_path, model, example, form):
    job = job_of(backbones[model], example, form)
    row, _ = row_of(job, "torchtune", tmp_path)
    assert (row["tokens"], [label != IGNORED for label in row["labels"]]) == ours(job)


@pytest.mark.parametrize("target", ["axolotl", "llamafactory"])
def test_examples_that_would_be_other_tokens_in_parts_are_written_as_tokens(backbones, tmp_path, target):
    # One word in one token, parted.
    job = job_of(backbones["plain"], (Turn("user", "is the ket"), Turn("assistant", "tle")), "prompt")
    _, guide = row_of(job, target, tmp_path)
    [note] = guide.notes
    assert "32 of 32 examples would be other tokens than in trials" in note
    [(ids, labels)] = TARGETS[target].read(job, tmp_path, 1)
    assert (ids, [label != IGNORED for label in labels]) == ours(job)


@pytest.mark.parametrize("target", ["trl", "axolotl", "llamafactory", "torchtune", "transformers"])
def test_what_is_left_of_long_examples_is_what_is_left_in_trials(backbones, tmp_path, target):
    job = job_of(backbones["chat"], EARLIER, "messages")
    whole, _ = ours(job)
    job = replace(job, setting=replace(job.setting, max_length=len(whole) - 3))
    wanted = job.writing.rows["train"][0].tokens
    row_of(job, target, tmp_path)
    [found] = TARGETS[target].read(job, tmp_path, 1)
    assert len(found[0]) <= len(whole) - 3
    assert alike(found, wanted)


def test_examples_with_nothing_left_to_learn_are_left_out(backbones, tmp_path):
    job = job_of(backbones["chat"], PROMPT, "prompt")
    long = (Turn("user", "is the kettle there? " * 40), PROMPT[1])
    split = CausalSplit([PROMPT, long])
    job = replace(job, task=replace(job.task, train=split), setting=replace(job.setting, max_length=100))
    row_of(job, "axolotl", tmp_path)
    assert len((tmp_path / "data" / "train.jsonl").read_text().splitlines()) == 1
