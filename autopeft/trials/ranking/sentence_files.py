"""The files by which sentence-transformers 6 knows what a folder holds."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

__all__ = ["AS_IT_IS", "Files", "bi_encoder", "cross_encoder", "write_files"]

#: What is done to the score of a cross-encoder: nothing, so that it is that of trials.
AS_IT_IS = "torch.nn.modules.linear.Identity"

#: JSON data by the name of a file inside a folder.
Files = Mapping[str, Any]

_POOLINGS = {"mean": "mean", "first": "cls", "last": "lasttoken"}


def cross_encoder() -> Files:
    """Return the files of a model that reads a document together with the query, and answers with one score."""
    return {
        "modules.json": _modules(("", "base.modules.transformer.Transformer")),
        "sentence_bert_config.json": {
            **_transformer("sequence-classification", "logits", "scores"),
            "config_kwargs": {"num_labels": 1},
        },
        "config_sentence_transformers.json": {
            "model_type": "CrossEncoder",
            "activation_fn": AS_IT_IS,
            "prompts": {},
            "default_prompt_name": None,
        },
    }


def bi_encoder(size: int, pooling: str, prompts: Mapping[str, str]) -> Files:
    """Return the files of a model that makes vectors of length 1.

    Args:
        size: How many numbers a vector has.
        pooling: What a text is made of: `mean`, `first` or `last`.
        prompts: What stands before a `query` and a `document`.
    """
    return {
        "modules.json": _modules(
            ("", "base.modules.transformer.Transformer"),
            ("1_Pooling", "sentence_transformer.modules.pooling.Pooling"),
            ("2_Normalize", "base.modules.normalize.Normalize"),
        ),
        "sentence_bert_config.json": _transformer("feature-extraction", "last_hidden_state", "token_embeddings"),
        "config_sentence_transformers.json": {
            "model_type": "SentenceTransformer",
            "prompts": {"query": "", "document": "", **prompts},
            "default_prompt_name": None,
            "similarity_fn_name": "cosine",
        },
        "1_Pooling/config.json": {
            "embedding_dimension": size,
            "pooling_mode": _POOLINGS[pooling],
            "include_prompt": True,
        },
        "2_Normalize/config.json": {
            "module_input_name": "sentence_embedding",
            "module_output_name": "sentence_embedding",
        },
    }


def write_files(files: Files, folder: Path) -> None:
    """Write them into a folder."""
    for name, content in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(json.dumps(content, indent=2) + "\n", encoding="utf8")


def _modules(*parts: tuple[str, str]) -> list[dict[str, Any]]:
    return [
        {"idx": number, "name": str(number), "path": path, "type": f"sentence_transformers.{kind}"}
        for number, (path, kind) in enumerate(parts)
    ]


def _transformer(task: str, answer: str, output: str) -> dict[str, Any]:
    return {
        "transformer_task": task,
        "modality_config": {"text": {"method": "forward", "method_output_name": answer}},
        "module_output_name": output,
    }
