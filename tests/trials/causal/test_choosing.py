"""Multiple choice by log-likelihood per character, by hand and as lm-evaluation-harness has it (fixtures/record.py)."""

import json
from itertools import chain
from pathlib import Path

import pytest
import torch

from autopeft.backbones import load_decoder
from autopeft.tasks.causal import FORMATS, CausalSplit, Turn, offer
from autopeft.testing.decoders import CHAT_TEMPLATE, tiny_decoder
from autopeft.testing.models import TEXTS
from autopeft.trials import use_threads
from autopeft.trials.causal.choosing import Choosing, most_likely

REFERENCES = json.loads(
    (Path(__file__).parents[2] / "tasks" / "fixtures" / "references.json").read_text(encoding="utf8")
)
FORM = next(form for form in FORMATS if form.name == "choices")
CHOICES = [("good film", "story"), ("one two three four", "the left arm", "sad"), ("what", "who where when how", "it")]
SPLIT = CausalSplit(
    [(Turn("user", text), Turn("assistant", choices[0])) for text, choices in zip(TEXTS, CHOICES, strict=False)],
    CHOICES,
)


def test_the_choice_is_that_of_acc_norm():
    for choices, scores, right, found in REFERENCES["acc_norm"]:
        assert float(most_likely(scores, choices) == right) == found


@pytest.mark.parametrize("template", [None, CHAT_TEMPLATE])
def test_log_likelihoods_are_those_by_hand(tmp_path, template):
    use_threads(1)
    words = (*TEXTS, "user assistant question: answer:")
    decoder = load_decoder(tiny_decoder("llama", tmp_path, template=template, vocabulary=words))
    model, tokenizer = decoder.language_model(), decoder.tokenizer()
    scores = []
    for example, choices in zip(SPLIT.examples, CHOICES, strict=True):
        asked = example[0].content
        before = f"Question: {asked}\nAnswer:" if template is None else f"user {asked} [EOS] assistant "
        prompt = tokenizer(before)["input_ids"]
        row = []
        for choice in choices:
            ids = prompt + tokenizer(choice)["input_ids"]
            with torch.no_grad():
                logs = model(input_ids=torch.tensor([ids])).logits[0].log_softmax(dim=1)
            row.append(sum(logs[place - 1, ids[place]].item() for place in range(len(prompt), len(ids))))
        scores.append(row)
    questions = offer(SPLIT, FORM, tokenizer)
    right = [choices[most_likely(row, choices)] for row, choices in zip(scores, CHOICES, strict=True)]
    probe = Choosing(questions, right, tokenizer, batch_size=4)
    flat, found = [*chain(*questions)], [*chain(*scores)]
    assert probe._log_likelihoods(model, flat, "fp32") == pytest.approx(found, abs=1e-4)
    assert probe.scores(model, "fp32", most=3)["choice"].tolist() == [1.0, 1.0, 1.0]
    wrong = [choices[0] if best != choices[0] else choices[1] for best, choices in zip(right, CHOICES, strict=True)]
    other = Choosing(questions, [wrong[0], *right[1:]], tokenizer, 2)
    assert other.scores(model, "fp32", 3)["choice"].tolist() == [0.0, 1.0, 1.0]
    assert other.scores(model, "fp32", 1)["choice"].tolist() == [0.0]
