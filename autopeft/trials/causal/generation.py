"""Generation in batches, greedy or by beams, with the keys and values of earlier tokens kept."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from transformers import GenerationConfig, PreTrainedModel, StoppingCriteria, StoppingCriteriaList

from autopeft.methods import decodes_stepwise
from autopeft.trials.hardware import autocast

__all__ = ["generate", "generate_all"]

#: Prompts that go through a model together; a step for one token costs hardly more for many.
_TOGETHER = 16


@torch.no_grad()
def generate(
    model: PreTrainedModel,
    prompts: Sequence[Sequence[int]],
    tokenizer: Any,
    *,
    ends: Collection[int],
    stops: Sequence[str] = (),
    cap: int,
    pad_id: int,
    precision: str,
    candidates: int = 1,
) -> list[list[str]]:
    """Let a model go on with prompts, by the most likely token each time, or by as many beams as candidates.

    Args:
        model: The model, with all its layers and adapters.
        prompts: Token ids of each, of any length; they go through the model together.
        tokenizer: The backbone's.
        ends: Tokens after which a text is finished.
        stops: Strings before which it is.
        cap: Tokens after which it is in any case.
        pad_id: Token id that fills short prompts, on the left.
        precision: `bf16` or `fp32`.
        candidates: How many texts to write to each prompt.

    Returns:
        For each prompt what the model wrote, without what ended it, the likeliest first.
    """
    device = next(model.parameters()).device
    longest = max(map(len, prompts))
    ids = torch.tensor([[pad_id] * (longest - len(prompt)) + list(prompt) for prompt in prompts], device=device)
    lengths = torch.tensor([len(prompt) for prompt in prompts], device=device)
    how = GenerationConfig(
        do_sample=False,
        num_beams=candidates,
        num_return_sequences=candidates,
        early_stopping=candidates > 1,
        max_new_tokens=cap,
        eos_token_id=sorted(ends) or None,
        pad_token_id=pad_id,
        use_cache=decodes_stepwise(model),
    )
    with _plainly(model), autocast(device, precision):
        written = model.generate(
            input_ids=ids,
            attention_mask=(torch.arange(longest, device=device) >= longest - lengths[:, None]).long(),
            generation_config=how,
            stopping_criteria=StoppingCriteriaList([_Stop(stops, tokenizer, longest)] if stops else []),
        )
    texts = [_text(row[longest:].tolist(), tokenizer, ends, stops) for row in written]
    return [texts[start : start + candidates] for start in range(0, len(texts), candidates)]


def generate_all(
    model: PreTrainedModel, prompts: Sequence[Sequence[int]], tokenizer: Any, **how: Any
) -> list[list[str]]:
    """Let a model go on with any number of prompts, those of like lengths together; further as `generate`."""
    # Padding is computed too.
    order = sorted(range(len(prompts)), key=lambda number: len(prompts[number]))
    texts: list[list[str]] = [[] for _ in prompts]
    at_once = max(1, _TOGETHER // how.get("candidates", 1))
    for start in range(0, len(order), at_once):
        together = order[start : start + at_once]
        written = generate(model, [prompts[number] for number in together], tokenizer, **how)
        for number, text in zip(together, written, strict=True):
            texts[number] = text
    return texts


class _Stop(StoppingCriteria):
    """Ends the texts in which a string has come up; transformers' own does not know every kind of tokenizer."""

    def __init__(self, stops: Sequence[str], tokenizer: Any, start: int) -> None:
        self._stops = stops
        self._tokenizer = tokenizer
        self._start = start

    def __call__(self, input_ids: torch.Tensor, scores: torch.Tensor, **kwargs: Any) -> torch.Tensor:
        """Tell for each text whether it is finished."""
        texts = self._tokenizer.batch_decode(input_ids[:, self._start :])
        found = [any(stop in text for stop in self._stops) for text in texts]
        return torch.tensor(found, device=input_ids.device)


def _text(ids: Sequence[int], tokenizer: Any, ends: Collection[int], stops: Sequence[str]) -> str:
    """Return the text of generated tokens up to what ends it."""
    upto = next((place for place, token in enumerate(ids) if token in ends), len(ids))
    text: str = tokenizer.decode(ids[:upto], skip_special_tokens=True)
    for stop in stops:
        text = text.partition(stop)[0]
    return text.strip()


@contextmanager
def _plainly(model: PreTrainedModel) -> Iterator[None]:
    """Take from a model what would change its greedy generation, for as long as the context lasts.

    Its authors' settings, which are for sampling, may punish repetition; layers that are computed again for the
    backward pass keep no keys and values.
    """
    training = [module for module in model.modules() if module.training]
    settings = model.generation_config
    model.eval()
    model.generation_config = GenerationConfig()
    try:
        yield
    finally:
        model.generation_config = settings
        for module in training:
            module.training = True
