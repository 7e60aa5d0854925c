"""Prompt tuning that starts from a text: as many trained tokens as the text has, each with the embedding of one."""

from __future__ import annotations

from functools import lru_cache

from peft import PromptTuningConfig
from transformers import AutoTokenizer
from typing_extensions import override

from autopeft.backbones import Anatomy
from autopeft.methods.method import Cells, learning_rate, shared_knob
from autopeft.methods.prompts import InFront
from autopeft.space.vocabulary import Knob, MethodWords

__all__ = ["TextPrompt"]

#: That of Weyssow et al. 2023, arXiv:2308.10462.
_TEXT = "Generate a Python code that solves the given problem.\n"


class TextPrompt(InFront):
    """PEFT's prompt tuning with the start `TEXT`; how long the prompt is depends on the tokenizer."""

    words = MethodWords(
        name="text_prompt",
        summary="trained token embeddings in front of the text, which start as those of a text",
        source="Lester et al. 2021, arXiv:2104.08691",
        knobs=(
            Knob("text", "text", "the text; the prompt has as many tokens", range=_TEXT),
            learning_rate("1e-3..1e-1 log"),
        ),
        placement="model",
    )
    peft_type = "PROMPT_TUNING"

    @override
    def peft_config(self, cells: Cells, anatomy: Anatomy) -> PromptTuningConfig:
        """Return the prompt's config, of as many tokens as the text has.

        Raises:
            ValueError: The model has no tokenizer.
        """
        text = shared_knob(cells, "text")
        if not anatomy.tokenizer:
            raise ValueError("the model has no tokenizer")
        return PromptTuningConfig(
            num_virtual_tokens=_tokens(anatomy.tokenizer, text),
            prompt_tuning_init="TEXT",
            prompt_tuning_init_text=text,
            tokenizer_name_or_path=anatomy.tokenizer,
        )


@lru_cache
def _tokens(tokenizer: str, text: str) -> int:
    """Return how many tokens a text has, with those that the tokenizer adds, as PEFT counts them."""
    return len(AutoTokenizer.from_pretrained(tokenizer)(text)["input_ids"])
