"""Tokenizers whose words begin with the blank before them, as those of most models do."""

from __future__ import annotations

from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import PreTrainedTokenizerFast

TEXTS = (
    "Question: is the kettle in room one? Answer: yes",
    "Question: is the lamp in room two? Answer: no",
    "user assistant system tool",
)


def byte_level(template: str | None = None) -> PreTrainedTokenizerFast:
    """Return a tokenizer like GPT-2's, with the marks of turns of ChatML, that knows the words of some texts."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=600, special_tokens=["[EOS]"], initial_alphabet=pre_tokenizers.ByteLevel.alphabet()
    )
    tokenizer.train_from_iterator(TEXTS * 4, trainer)
    tokenizer.add_special_tokens([AddedToken(mark, special=True) for mark in ("<|im_start|>", "<|im_end|>")])
    found = PreTrainedTokenizerFast(tokenizer_object=tokenizer, eos_token="[EOS]", model_max_length=256)
    found.chat_template = template
    return found


_BODY = (
    "{% for message in messages %}{{ '<|im_start|>' + message.role + '\\n' }}BODY{{ '<|im_end|>\\n' }}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|im_start|>assistant\\nOPENING' }}{% endif %}"
)

#: Writes content alone.
PLAIN = _BODY.replace("BODY", "{{ message.content }}").replace("OPENING", "")

#: Writes functions, calls, names and thoughts as well.
FULL = "{% if tools %}{{ tools | tojson + '\\n' }}{% endif %}" + _BODY.replace(
    "BODY",
    "{% if message.name %}{{ message.name + ': ' }}{% endif %}"
    "{% if message.reasoning_content %}{{ '<think>' + message.reasoning_content + '</think>' }}{% endif %}"
    "{% for call in message.tool_calls or [] %}{{ '<call>' + call.function | tojson + '</call>' }}{% endfor %}"
    "{{ message.content }}",
).replace("OPENING", "")

#: Has the assistant begin with a thought where it is to write.
THINKING = _BODY.replace("BODY", "{{ message.content }}").replace("OPENING", "<think>\\n")

#: Writes an empty thought before the last turn alone.
LAST = _BODY.replace(
    "BODY", "{% if loop.last and message.role == 'assistant' %}{{ '<think></think>' }}{% endif %}{{ message.content }}"
).replace("OPENING", "")
