"""What levers make of the loss of a batch: mixing that is none with a share of 1, a term that is none with weight 0."""

import math

import numpy as np
import pytest
import torch
from torch.nn.functional import cross_entropy, linear, normalize

from autopeft.backbones import last_of_head, load_backbone
from autopeft.methods import VOCABULARY, adapter_parameters, apply, remove
from autopeft.space import canonical
from autopeft.testing.models import tiny_backbone
from autopeft.trials import kind_of, use_threads
from autopeft.trials.contrast import reading, supervised
from autopeft.trials.mixing import mixed, mixed_share
from tests.marks import mostly_slow
from tests.trials.test_levers import CPU, make_task

TERM = {"contrastive": "supervised", "supervised_weight": 0.5, "supervised_temperature": 0.2}
MIXUP = {"augment": "mixup", "mixup_alpha": 0.5}


def batch_of(count=6, outputs=3):
    torch.manual_seed(0)
    return torch.randn(count, outputs, requires_grad=True), torch.arange(count) % outputs


def gradient(loss, logits):
    return torch.autograd.grad(loss, logits)[0]


def test_a_share_of_1_is_the_plain_loss_to_the_bit():
    logits, labels = batch_of()
    plain, one = cross_entropy(logits, labels), mixed(logits, labels, 1.0, cross_entropy)
    assert plain.item() == one.item()
    assert torch.equal(gradient(plain, logits), gradient(one, logits))


def test_no_mixing_is_asked_for_by_an_alpha_of_0():
    assert mixed_share(0.0) == 1.0
    torch.manual_seed(0)
    drawn = [mixed_share(0.4) for _ in range(400)]
    assert 0 <= min(drawn) < 0.05 < 0.95 < max(drawn) <= 1
    assert np.mean(drawn) == pytest.approx(0.5, abs=0.06)


def test_mixing_logits_is_mixing_what_the_last_layer_reads():
    torch.manual_seed(0)
    features, weight, bias, labels = torch.randn(5, 4), torch.randn(3, 4), torch.randn(3), torch.arange(5) % 3
    torch.manual_seed(7)
    found = mixed(linear(features, weight, bias), labels, 0.3, cross_entropy)
    torch.manual_seed(7)
    others = torch.randperm(5)
    logits = linear(0.3 * features + 0.7 * features[others], weight, bias)
    expected = 0.3 * cross_entropy(logits, labels) + 0.7 * cross_entropy(logits, labels[others])
    assert found.item() == pytest.approx(expected.item(), rel=1e-5)


def test_the_contrastive_term_is_the_papers_sum():
    torch.manual_seed(0)
    features, labels, temperature = torch.randn(6, 4), [0, 1, 0, 0, 1, 2], 0.3
    z = normalize(features, dim=1).tolist()
    dot = [[sum(a * b for a, b in zip(one, two, strict=True)) / temperature for two in z] for one in z]
    terms = []
    for i, label in enumerate(labels):
        partners = [p for p, other in enumerate(labels) if other == label and p != i]
        whole = sum(math.exp(dot[i][a]) for a in range(6) if a != i)
        if partners:
            terms.append(-sum(math.log(math.exp(dot[i][p]) / whole) for p in partners) / len(partners))
    expected = sum(terms) / len(terms)
    assert supervised(features, torch.tensor(labels), temperature).item() == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("labels", [[0], [0, 1, 2]])
def test_without_partners_the_term_is_0_and_so_is_its_gradient(labels):
    features = torch.randn(len(labels), 4, requires_grad=True)
    term = supervised(features, torch.tensor(labels), 0.1)
    assert term.item() == 0
    assert torch.equal(torch.autograd.grad(term, features)[0], torch.zeros_like(features))


@pytest.fixture(scope="module", params=mostly_slow(["bert", "gpt2", "roberta"]))
def backbone(request, tmp_path_factory):
    use_threads(1)
    return load_backbone(tiny_backbone(request.param, tmp_path_factory.mktemp("model")))


def model_and_batch(backbone, task):
    kind = kind_of(task)
    torch.manual_seed(0)
    model = kind.model(backbone, CPU)
    tokenizer = backbone.tokenizer()
    encoded = kind.encode(task.train.take(range(8)), tokenizer, 16)
    return kind, model, kind.collate(encoded, np.arange(8), tokenizer.pad_token_id)


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_what_a_head_reads_is_what_its_logits_are_made_of(backbone, precision):
    _, model, batch = model_and_batch(backbone, make_task())
    inputs = {name: value for name, value in batch.items() if name != "labels"}
    with torch.autocast("cpu", torch.bfloat16, enabled=precision == "bf16"), reading(model) as read:
        logits = model(**inputs).logits
        head = model.get_submodule(last_of_head(model))
        again = linear(read.pooled(logits), head.weight, head.bias)
    assert torch.allclose(again.float(), logits.float(), atol=1e-2 if precision == "bf16" else 1e-6)
    assert not head._forward_hooks
    assert not head._forward_pre_hooks


def test_a_weight_of_0_is_the_plain_loss_and_another_is_not(backbone):
    kind, model, batch = model_and_batch(backbone, make_task())
    plain = kind.loss(model, batch, CPU, "fp32").item()
    assert kind.by_levers({**TERM, "supervised_weight": 0.0}).loss(model, batch, CPU, "fp32").item() == plain
    assert kind.by_levers(TERM).loss(model, batch, CPU, "fp32").item() > plain
    assert kind.loss(model, batch, CPU, "fp32").item() == plain


def test_a_batch_whose_examples_are_compared_is_not_divided():
    kind = kind_of(make_task())
    assert kind.divides
    assert kind.by_levers(MIXUP).divides
    assert not kind.by_levers(TERM).divides


def test_the_term_reaches_what_queries_find_for_the_head(tmp_path):
    """VQT changes nothing of what the head reads but what it reads beside it."""
    backbone = load_backbone(tiny_backbone("bert", tmp_path))
    _, model, batch = model_and_batch(backbone, make_task())
    written = {"modules": {"vqt": {"queries": 2}}, "training": {"learning_rate": 1e-2}}
    apply(canonical(written, VOCABULARY, backbone.shape), model, backbone.anatomy, seed=0)
    inputs = {name: value for name, value in batch.items() if name != "labels"}
    with reading(model) as read:
        logits = model(**inputs).logits
    term = supervised(read.pooled(logits), batch["labels"], 0.2)
    found = torch.autograd.grad(term, list(adapter_parameters(model).values()), allow_unused=True)
    assert any(each is not None and each.abs().sum() > 0 for each in found)
    remove(model)
    assert not hasattr(model.get_submodule(last_of_head(model)), "reads_beside")
