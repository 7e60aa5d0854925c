"""Decoders' data on which others went wrong, where it lies beside this checkout: learned as it should be."""

from pathlib import Path

import pytest
from transformers import AutoTokenizer

from autopeft.tasks import TaskSpec, load_task
from autopeft.tasks.causal import ask, survey
from autopeft.trials.causal.setting import choose_causal_setting

CASES = Path(__file__).parents[3].parent / "shared" / "cases"

pytestmark = pytest.mark.skipif(not CASES.is_dir(), reason=f"no cases in {CASES}")


def looked_at(name, model):
    """Return a task, its tokenizer, and what is learned of its first example."""
    task = load_task(TaskSpec(data=str(CASES / name)))
    tokenizer = AutoTokenizer.from_pretrained(str(CASES / "models" / model))
    found = survey("train", task.train.take([0]), task.schema, tokenizer)
    labels = [label for label in found.encoded.inputs["labels"][0] if label >= 0]
    return task, tokenizer, tokenizer.decode(labels)


@pytest.mark.parametrize("model", ["llama-chatml", "gpt2-plain"])
def test_alpacas_system_and_history_are_used(model):
    task, tokenizer, learned = looked_at("alpaca-history.jsonl", model)
    ended = "<|im_end|>" if model == "llama-chatml" else ""
    assert learned.startswith(f"NUMBER 1 NOTED{ended}ANSWER 2")
    [question] = ask(task.train.take([0]), task.schema, tokenizer)
    assert "Answer in capital letters." in tokenizer.decode(question.prompt)
    assert task.intake["train"].unused == ()
    assert task.intake["train"].used == task.intake["train"].rows == 120


def test_calls_of_tools_are_learned_and_what_the_template_leaves_out_is_named():
    task, tokenizer, learned = looked_at("tool-calls.jsonl", "llama-chatml")
    assert learned.startswith('<tool_call>[{"id": "call_0", "type": "function", "function": {"name": "find_item", ')
    assert '"arguments": {"item": "kettle", "room": 1}' in learned
    _, notes = choose_causal_setting(task, tokenizer)
    assert any(note.startswith("left out,") and note.endswith("'name', 'tool_call_id', 'tools'") for note in notes)


def test_the_blank_before_a_word_is_learned_with_it():
    task, tokenizer, learned = looked_at("prompt-ends-in-blank.jsonl", "gpt2-plain")
    assert learned == " yes<|endoftext|>"
    _, notes = choose_causal_setting(task, tokenizer)
    assert any("110 of 110 train, 20 of 20 validation, 20 of 20 test" in note for note in notes)
    assert any(note.startswith("50% of the learned tokens end a text") for note in notes)


@pytest.mark.parametrize(("name", "learned"), [("sharegpt.jsonl", "In room 1."), ("alpaca-array.json", "Room 0.")])
def test_other_forms_are_read(name, learned):
    task, _, found = looked_at(name, "llama-chatml")
    assert found == f"{learned}<|im_end|>"
    assert sum(map(len, task.splits.values())) == task.intake["train"].rows == 120
