"""The code on a card of a decoder."""

from __future__ import annotations

from typing import Any

import numpy as np

from autopeft.backbones import Backbone
from autopeft.tasks import Task, choose_max_length
from autopeft.tasks.causal import ask, stop_strings
from autopeft.trials.card_code import ALONE, TEXTS, trusting

__all__ = ["answer_tokens", "answering_code", "generating_code"]

#: Of so many training examples it is learned how long answers are; no longer ones are written unasked.
_FEW, _MOST_TOKENS = 256, 512

#: Tokens with which a plain text is gone on with.
_GO_ON = 64


def answer_tokens(task: Task, tokenizer: Any) -> int:
    """Return how many tokens answers need, by those that were learned."""
    if task.schema.plain:
        return _GO_ON
    few = task.train.take(range(min(_FEW, len(task.train))))
    lengths = [len(each.completion) for each in ask(few, task.schema, tokenizer)]
    return choose_max_length(np.array(lengths), _MOST_TOKENS)


def generating_code(backbone: Backbone, task: Task) -> list[str]:
    """Return the lines that use a plain decoder by a pipeline, in its folder."""
    return [
        "from transformers import pipeline",
        "",
        f'generate = pipeline("text-generation", model="."{trusting(backbone)})',
        f"prompts = {_prompts(backbone, task)}",
        f"for [answer] in generate(prompts, max_new_tokens={answer_tokens(task, backbone.tokenizer())}, "
        "return_full_text=False):",
        '    print(answer["generated_text"])',
    ]


def _prompts(backbone: Backbone, task: Task) -> str:
    """Return two prompts as Python: messages where the chat template writes them, else as the data's form has it."""
    asked = ("What is this?", "What is this, and what may it be good for?")
    if task.schema.plain:
        return TEXTS
    if getattr(backbone.tokenizer(), "chat_template", None):
        return repr([[{"role": "user", "content": text}] for text in asked])
    return repr([task.schema.before.format(text).rstrip(" \t") for text in asked])


def answering_code(backbone: Backbone, task: Task, alone: bool) -> list[str]:
    """Return the lines that let a decoder go on with two prompts.

    Args:
        backbone: On what it was trained.
        task: For what.
        alone: Whether prompts must be read one by one.
    """
    prompts = _prompts(backbone, task)
    tokenizer = backbone.tokenizer()
    stops = "".join(f".partition({stop!r})[0]" for stop in stop_strings(task.schema, tokenizer))
    how = f"**inputs, generation_config=how, max_new_tokens={answer_tokens(task, tokenizer)}"
    begin = [f"prompts = {prompts}", 'how = GenerationConfig.from_pretrained(".")']
    if alone:
        return [
            *begin,
            *ALONE,
            "for prompt in prompts:",
            *(f"    {line}" for line in _reading("prompt", prompts, "")),
            "    with torch.inference_mode():",
            f"        written = model.generate({how})",
            '    answer = tokenizer.decode(written[0, inputs["input_ids"].shape[1] :], skip_special_tokens=True)',
            f"    print(answer{stops})",
        ]
    return [
        *begin,
        "# Short prompts are filled on the left, so that all answers begin at the same place.",
        'tokenizer.padding_side = "left"',
        *_reading("prompts", prompts, "padding=True, "),
        "with torch.inference_mode():",
        f"    written = model.generate({how})",
        'for answer in tokenizer.batch_decode(written[:, inputs["input_ids"].shape[1] :], skip_special_tokens=True):',
        f"    print(answer{stops})",
    ]


def _reading(name: str, prompts: str, padding: str) -> list[str]:
    """Return the lines that tokenise prompts: by the chat template where they are messages."""
    if prompts.startswith("[["):
        how = f'add_generation_prompt=True, {padding}return_dict=True, return_tensors="pt"'
        return ["inputs = tokenizer.apply_chat_template(", f"    {name}, {how}", ")"]
    return [f'inputs = tokenizer({name}, {padding}return_tensors="pt")']
