"""The Python on cards of models that find documents."""

from __future__ import annotations

from autopeft.backbones import Backbone
from autopeft.tasks.retrieve import Vectors
from autopeft.trials.card_code import ALONE, trusting

__all__ = ["encoding_code", "finding_code"]

_TEXTS = [
    'query = "What is asked."',
    'documents = ["A short document.", "Another document, which is a little longer than the first one."]',
]

#: What makes a vector of the hidden states of a text, by pooling; the first where texts are read one by one.
_ALONE = {"mean": "states[0].mean(0)", "first": "states[0, 0]", "last": "states[0, -1]"}
_TOGETHER = {
    "mean": "(states * mask.unsqueeze(-1)).sum(1) / mask.sum(1, keepdim=True)",
    "first": "states[:, 0]",
    "last": "states[torch.arange(len(states)), mask.sum(1) - 1]",
}


def encoding_code(schema: Vectors, max_length: int, alone: bool) -> list[str]:
    """Return the lines that let `model` make vectors of a query and two documents, one by one if `alone`."""
    assert schema.pooling is not None
    cut = f"truncation=True, max_length={max_length}"
    texts = f"[{_before(schema, 'query')}query, *{_documents(schema)}]"
    if alone:
        read = [
            *ALONE,
            "vectors = []",
            f"for text in {texts}:",
            "    with torch.inference_mode():",
            f'        states = model(**tokenizer(text, {cut}, return_tensors="pt")).last_hidden_state',
            f"    vectors.append({_ALONE[schema.pooling]})",
            "vectors = torch.stack(vectors)",
        ]
    else:
        read = [
            f'inputs = tokenizer({texts}, {cut}, padding=True, return_tensors="pt")',
            'mask = inputs["attention_mask"]',
            "with torch.inference_mode():",
            "    states = model(**inputs).last_hidden_state",
            f"vectors = {_TOGETHER[schema.pooling]}",
        ]
    return [
        *_TEXTS,
        *read,
        "vectors = torch.nn.functional.normalize(vectors, dim=1)",
        "for score, document in sorted(zip((vectors[1:] @ vectors[0]).tolist(), documents), reverse=True):",
        "    print(document, score)",
    ]


def finding_code(backbone: Backbone, max_length: int) -> list[str]:
    """Return the lines that find documents by a plain model in its folder."""
    return [
        "from sentence_transformers import SentenceTransformer",
        "",
        f'encoder = SentenceTransformer("."{trusting(backbone)})',
        f"encoder.max_seq_length = {max_length}",
        *_TEXTS,
        "scores = encoder.similarity(encoder.encode_query(query), encoder.encode_document(documents))[0]",
        "for score, document in sorted(zip(scores.tolist(), documents), reverse=True):",
        "    print(document, score)",
    ]


def _before(schema: Vectors, of: str) -> str:
    """Return the prompt of a query or of documents, as what a text is added to in code."""
    return f"{schema.prompt(of)!r} + " if schema.prompt(of) else ""


def _documents(schema: Vectors) -> str:
    before = _before(schema, "document")
    return f"[{before}text for text in documents]" if before else "documents"
