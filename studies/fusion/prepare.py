"""Make a small decoder of the vocabulary of SmolLM2: its own first ten layers, trained on what the whole model writes.

    python -m studies.fusion.prepare OUT

SmolLM2-135M-Instruct is given nothing but the beginning of a user's turn, and writes question and answer itself (Xu et
al. 2024, "Magpie"); ten of its thirty layers, between its embeddings and its head, learn to tell what the whole model
would say next there. `OUT/small` is the model, to be tuned; both have one tokenizer.
"""

from __future__ import annotations

import argparse
from copy import deepcopy
from pathlib import Path

import numpy as np
import torch
from torch.nn.functional import kl_div
from transformers import GenerationConfig, PreTrainedModel

from autopeft.backbones import load_decoder
from autopeft.trials.hardware import autocast, resolve_precision

_BEGIN = "<|im_start|>user\n"
_LAYERS, _BATCH, _RATE = 10, 8, 1e-3
_CPU = torch.device("cpu")


def main() -> None:
    """Do it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=Path)
    parser.add_argument("--texts", type=int, default=256, help="texts that the whole model writes")
    parser.add_argument("--tokens", type=int, default=256, help="tokens of each")
    parser.add_argument("--epochs", type=int, default=4)
    given = parser.parse_args()
    torch.manual_seed(0)
    decoder = load_decoder("smollm2")
    large, tokenizer = decoder.language_model(), decoder.tokenizer()
    begin = torch.tensor(tokenizer(_BEGIN, add_special_tokens=False)["input_ids"])
    texts = _written(large, begin, given.texts, given.tokens)
    small = _first_layers(large)
    _learn(small, large, texts, given.epochs)
    small.save_pretrained(given.out / "small")
    tokenizer.save_pretrained(given.out / "small")
    print(f"{sum(each.numel() for each in small.parameters()):,} parameters in {given.out / 'small'}")


def _written(model: PreTrainedModel, begin: torch.Tensor, texts: int, tokens: int) -> torch.Tensor:
    """Return what a model writes of itself, `[texts, tokens]`; what ends a turn ends no text."""
    # Its own settings would end a text with its first turn.
    model.generation_config = GenerationConfig()
    written = []
    for start in range(0, texts, 4 * _BATCH):
        ids = begin.expand(min(4 * _BATCH, texts - start), -1)
        how = {"max_new_tokens": tokens - len(begin), "do_sample": True, "top_k": 0}
        with torch.no_grad(), autocast(_CPU, resolve_precision()):
            written.append(model.generate(ids, attention_mask=torch.ones_like(ids), **how))
        print(f"{start + len(ids):,} of {texts:,} texts written", flush=True)
    return torch.cat(written)


def _first_layers(model: PreTrainedModel) -> PreTrainedModel:
    """Return a copy of a model with its first layers alone."""
    small = deepcopy(model)
    small.model.layers = small.model.layers[:_LAYERS]
    small.config.num_hidden_layers = _LAYERS
    return small


def _learn(small: PreTrainedModel, large: PreTrainedModel, texts: torch.Tensor, epochs: int) -> None:
    """Train all of a model in place to tell what another does at each token (Hinton et al. 2015), and print how far."""
    rng = np.random.default_rng(0)
    optimiser = torch.optim.AdamW(small.parameters(), lr=_RATE, weight_decay=0.0)
    steps = max(1, epochs * (len(texts) // _BATCH))
    scheduler = torch.optim.lr_scheduler.OneCycleLR(optimiser, _RATE, total_steps=steps)
    small.train()
    for epoch in range(epochs):
        apart = []
        order = rng.permutation(len(texts))
        for start in range(0, len(order) - _BATCH + 1, _BATCH):
            ids = texts[order[start : start + _BATCH]]
            with autocast(_CPU, resolve_precision()):
                with torch.no_grad():
                    wanted = large(input_ids=ids).logits
                told = small(input_ids=ids).logits
            told, wanted = (each.float().log_softmax(dim=2).flatten(0, 1) for each in (told, wanted))
            loss = kl_div(told, wanted, log_target=True, reduction="batchmean")
            loss.backward()
            optimiser.step()
            scheduler.step()
            optimiser.zero_grad()
            apart.append(loss.item())
        print(f"epoch {epoch + 1}: {np.mean(apart):.3f} nats from the whole model", flush=True)
    small.eval()


if __name__ == "__main__":
    main()
