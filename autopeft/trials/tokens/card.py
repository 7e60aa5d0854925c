"""The Python on cards of what tags words."""

from __future__ import annotations

from collections.abc import Sequence

from autopeft.backbones import Backbone
from autopeft.tasks.tokens import marks_entities
from autopeft.trials.card_code import TEXTS, trusting

__all__ = ["piping_code", "tagging_code"]


def tagging_code(max_length: int, blank: str) -> list[str]:
    """Return the lines that tag the words of two texts.

    Args:
        max_length: Where sentences are cut.
        blank: What stands before each word that the tokenizer reads.
    """
    words = f"[{blank!r} + word for word in words]" if blank else "words"
    note = ["    # As words are read within a text: after a blank."] if blank else []
    return [
        f"texts = {TEXTS}",
        "for text in texts:",
        "    words = text.split()",
        *note,
        f"    inputs = tokenizer({words}, is_split_into_words=True, truncation=True, max_length={max_length}, "
        'return_tensors="pt")',
        "    with torch.inference_mode():",
        '        best = model(**inputs).logits[0].argmax(dim=-1)[-inputs["input_ids"].shape[1] :]',
        "    tags = {}",
        "    for word, number in zip(inputs.word_ids(), best.tolist()):",
        "        tags.setdefault(word, config.id2label[number])  # the first token of a word tells its tag",
        "    print([(word, tags.get(number)) for number, word in enumerate(words)])",
    ]


def piping_code(backbone: Backbone, labels: Sequence[str]) -> list[str]:
    """Return the lines that use a pipeline; where tags mark entities, it puts their words together."""
    together = ', aggregation_strategy="simple"' if marks_entities(labels) else ""
    name = "entity_group" if together else "entity"
    return [
        "from transformers import pipeline",
        "",
        f'tag = pipeline("token-classification", model="."{trusting(backbone)}{together})',
        f"texts = {TEXTS}",
        "for text, found in zip(texts, tag(texts)):",
        f'    print(text, [(each["word"], each["{name}"], float(each["score"])) for each in found])',
    ]
