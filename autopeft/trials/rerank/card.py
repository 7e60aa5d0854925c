"""The Python on cards of models that rank documents."""

from __future__ import annotations

from autopeft.backbones import Backbone
from autopeft.trials.card_code import ALONE, trusting

__all__ = ["ranking_code", "scoring_code"]

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
