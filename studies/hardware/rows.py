"""The rows and columns of the table of what ran on which hardware."""

from __future__ import annotations

from collections.abc import Mapping

__all__ = ["COLUMNS", "PRETENDED", "ROWS"]

#: What is tried, by the name under which `tests/gpu` marks it, in the table's words.
ROWS: Mapping[str, str] = {
    "trials": "trials: LoRA, adapters, prefixes together",
    "methods": "every other method",
    "decoders": "trials of decoders",
    "answers": "answers that decoders write",
    "sandbox": "programs that decoders write, in the sandbox",
    "prefix_cache": "layers below the adapters computed once",
    "lemo": "`context: lemo`",
    "checkpointing": "gradient checkpointing",
    "parts": "a batch in parts after running out of memory",
    "4bit": "`--load-in-4bit`",
    "8bit": "`--load-in-8bit`",
    "bits_checkpointing": "gradient checkpointing in 4 or 8 bits",
    "search": "`autopeft search`, to its finalists",
    "train": "`autopeft train`",
    "export": "`autopeft export`, and the script that it writes",
    "workers": "several workers",
}

#: Kinds of device, number of devices and precision that a record tells of, in the table's words.
COLUMNS: Mapping[str, str] = {
    "cpu-fp32": "CPU, fp32",
    "cpu-bf16": "CPU, bf16",
    "cuda": "one CUDA GPU",
    "cudas": "several",
}

#: What tests play where nothing was recorded: memory that is said to have run out, and GPUs that Ray is only told of.
PRETENDED = frozenset({("parts", "cpu-fp32"), ("parts", "cpu-bf16"), ("workers", "cudas")})
