"""The Python on cards of models that rank documents."""

from __future__ import annotations

from typing import Any

from autopeft.backbones import Backbone
from autopeft.tasks.rerank import Pairs
from autopeft.tasks.rerank.asked import HEAD, question_of
from autopeft.trials.card_code import ALONE, trusting

__all__ = ["answering_code", "asking_merged_code", "ranking_code", "scoring_code"]

_QUERY = 'query = "What is asked."'
_DOCUMENTS = 'documents = ["A short document.", "Another document, which is a little longer than the first one."]'


def scoring_code(max_length: int, alone: bool) -> list[str]:
    """Return the lines that let `model` score two documents, one by one where they must be read `alone`."""
    cut = f"truncation=True, max_length={max_length}"
    if alone:
        read = [
            *ALONE,
            "with torch.inference_mode():",
            f'    each = [tokenizer(query, text, {cut}, return_tensors="pt") for text in documents]',
            "    logits = torch.cat([model(**inputs).logits for inputs in each])",
        ]
    else:
        read = [
            f'inputs = tokenizer([query] * len(documents), documents, {cut}, padding=True, return_tensors="pt")',
            "with torch.inference_mode():",
            "    logits = model(**inputs).logits",
        ]
    return [
        _QUERY,
        _DOCUMENTS,
        *read,
        "for score, document in sorted(zip(logits[:, 0].tolist(), documents), reverse=True):",
        "    print(document, score)",
    ]


def ranking_code(backbone: Backbone, max_length: int) -> list[str]:
    """Return the lines that rank two documents by a plain model in their folder."""
    return [
        "from sentence_transformers import CrossEncoder",
        "",
        f'ranker = CrossEncoder(".", max_length={max_length}{trusting(backbone)})',
        _QUERY,
        _DOCUMENTS,
        "for found in ranker.rank(query, documents, return_documents=True):",
        '    print(found["text"], found["score"])',
    ]


def answering_code(schema: Pairs, tokenizer: Any, max_length: int) -> list[str]:
    """Return the lines that let a decoder, `model`, say of two documents how relevant they are."""
    question = question_of(schema.answers, tokenizer)
    head = HEAD.replace("{document}", "{text}")
    return [
        _QUERY,
        _DOCUMENTS,
        f"begin, question = {[*question.begin]}, {[*question.tail]}",
        f"answers = {[*question.answers]}  # {schema.answers[0]} to {schema.answers[-1]}",
        "scores = []",
        "for text in documents:",
        f'    ids = tokenizer(f{head!r}, add_special_tokens=False)["input_ids"][:{question.room(max_length)}]',
        "    with torch.inference_mode():",
        "        logits = model(torch.tensor([[*begin, *ids, *question]])).logits[0, -1]",
        f"    scores.append(float({_score(schema)}))",
        "for score, document in sorted(zip(scores, documents), reverse=True):",
        "    print(document, score)",
    ]


def _score(schema: Pairs) -> str:
    """Return what a score is of `logits` and `answers`, as code."""
    if schema.grades is None:
        return "logits[answers[1]] - logits[answers[0]]"
    if schema.expectation:
        return f"logits[answers].softmax(0) @ torch.arange({len(schema.answers)}.0)"
    return "logits[answers].argmax() * logits.softmax(0)[answers].max()"


def asking_merged_code(schema: Pairs, backbone: Backbone, max_length: int) -> list[str]:
    """Return the lines that rank two documents by a plain decoder in their folder."""
    here = f'"."{trusting(backbone)}'
    return [
        "import torch",
        "from transformers import AutoModelForCausalLM, AutoTokenizer",
        "",
        f"tokenizer = AutoTokenizer.from_pretrained({here})",
        f"model = AutoModelForCausalLM.from_pretrained({here}).eval()",
        *answering_code(schema, backbone.tokenizer(), max_length),
    ]
