"""Adapters of several tasks: which embedding an example gets, how it is told, counted, stored and refused."""

import json

import pytest
import torch
from peft import PeftModel

from autopeft.costs import Costs
from autopeft.errors import ConfigurationError
from autopeft.methods import VOCABULARY, adapter_parameters, load, remove, save, telling
from autopeft.space import canonical
from autopeft.testing.methods import logits, randomise
from autopeft.testing.models import tiny_batch
from autopeft.trials.checkpointing import recompute_layers
from tests.marks import mostly_slow
from tests.methods.stepping import build, fresh

EACH = mostly_slow(["bert", "vit", "gpt2", "llama"])
KNOBS = {"size": 8, "kernel": 2, "rank": 3, "embedding": 5, "tasks": 3}


@pytest.fixture
def apart(backbone):
    """Return a model whose adapters of three tasks all do something, and a batch without labels."""
    model, _ = build(backbone, {"hyper_adapter": KNOBS})
    randomise(model)
    return model, {name: value for name, value in tiny_batch(backbone).items() if name != "labels"}


def templates(model, name="default"):
    [found] = [part for part in model.modules() if name in getattr(part, "hyper_adapter_templates", ())]
    return found.hyper_adapter_templates[name]


def told(model, batch, ids):
    return logits(model, {**batch, "task_ids": torch.tensor(ids)})


def ids_for(batch):
    return [number % 3 for number in range(len(next(iter(batch.values()))))]


@pytest.mark.parametrize("backbone", EACH, indirect=True)
def test_an_example_is_adapted_by_the_embedding_of_its_task(backbone, apart) -> None:
    model, batch = apart
    ids = ids_for(batch)
    alone = torch.stack([told(model, batch, [task] * len(ids)) for task in range(3)])
    assert not torch.allclose(alone[0], alone[1], atol=1e-4)
    mixed = told(model, batch, ids)
    torch.testing.assert_close(mixed, alone[ids, torch.arange(len(ids))])
    moved = [(task + 1) % 3 for task in ids]
    torch.testing.assert_close(told(model, batch, moved), alone[moved, torch.arange(len(ids))])
    with torch.no_grad():
        templates(model).embedding.copy_(templates(model).embedding[[1, 2, 0]].clone())
    # The embedding that was that of task 1 is now that of task 0.
    torch.testing.assert_close(told(model, batch, ids), alone[moved, torch.arange(len(ids))])


@pytest.mark.parametrize("backbone", ["bert"], indirect=True)
def test_equal_embeddings_make_equal_adapters_those_of_one_task(backbone, apart) -> None:
    model, batch = apart
    with torch.no_grad():
        templates(model).embedding.copy_(templates(model).embedding[:1].expand(3, -1).clone())
    found = told(model, batch, ids_for(batch))
    torch.testing.assert_close(found, told(model, batch, [2] * len(found)))
    one, _ = build(backbone, {"hyper_adapter": {**KNOBS, "tasks": 1}})
    values = {name: value.detach() for name, value in adapter_parameters(model).items()}
    with torch.no_grad():
        for name, parameter in adapter_parameters(one).items():
            parameter.copy_(values[name][0] if name.endswith("embedding") else values[name])
    torch.testing.assert_close(found, logits(one, batch))


@pytest.mark.parametrize("backbone", EACH, indirect=True)
def test_it_starts_as_nothing_with_embeddings_that_differ(backbone) -> None:
    batch = {name: value for name, value in tiny_batch(backbone).items() if name != "labels"}
    expected = logits(fresh(backbone), batch)
    model, configuration = build(backbone, {"hyper_adapter": KNOBS})
    assert torch.equal(told(model, batch, ids_for(batch)), expected)
    embedding = templates(model).embedding.detach()
    first, *others = embedding
    assert not any(torch.equal(first, other) for other in others)
    assert 0.5 < float(embedding.min()) < float(embedding.max()) < 1.5
    d, n, s, k, rank = backbone.shape.hidden, 8, 2, 5, 3
    count = sum(parameter.numel() for parameter in adapter_parameters(model).values())
    assert count == 2 * k * rank * (d + n) // s + 3 * s**2 + 3 * k
    assert Costs(backbone).params(configuration) == count
    assert Costs(backbone).bytes(configuration) == 4 * count
    one = canonical({"modules": {"hyper_adapter": {**KNOBS, "tasks": 1}}}, VOCABULARY, backbone.shape)
    # Of each task templates are made, in each of three layers, by maps and by products of their factors.
    templates_of_a_task = 2 * 2 * rank * (k * (d + n) // s + d * n // s**2)
    flops = Costs(backbone).flops
    assert flops(configuration) - flops(one) == pytest.approx(
        2 * 3 * templates_of_a_task / backbone.tokens_of_blank(128)
    )


@pytest.mark.parametrize("recomputed", [False, True])
@pytest.mark.parametrize("backbone", ["bert"], indirect=True)
def test_only_embeddings_of_the_tasks_in_a_batch_learn(backbone, apart, recomputed) -> None:
    model, batch = apart
    if recomputed:
        recompute_layers(model)
    labels = torch.zeros(len(ids_for(batch)), dtype=torch.long)
    ids = torch.tensor([2 * (number % 2) for number in range(len(labels))])
    model(**batch, labels=labels, task_ids=ids).loss.backward()
    assert [bool(each.any()) for each in templates(model).embedding.grad] == [True, False, True]
    # The layers compute again what they did, told or not.
    again = templates(model).embedding.grad.clone()
    model.zero_grad()
    model.eval()
    model(**batch, labels=labels, task_ids=ids[:, None]).loss.backward()
    torch.testing.assert_close(templates(model).embedding.grad, again)


@pytest.mark.parametrize("backbone", ["bert"], indirect=True)
def test_what_is_not_told_or_told_wrongly_is_refused(backbone, apart) -> None:
    model, batch = apart
    count = len(ids_for(batch))
    told(model, batch, ids_for(batch))
    with pytest.raises(ConfigurationError, match="tell 3 tasks apart, and were not told of which task each example is"):
        logits(model, batch)
    # What it was told before counts no more, even of a part of it that is called by itself.
    told(model, batch, ids_for(batch))
    with torch.no_grad(), pytest.raises(ConfigurationError, match="not told of which task"):
        model.base_model(**batch)
    for wrong in ([0] * (count - 1) + [3], [-1] * count):
        with pytest.raises(ConfigurationError, match="expected numbers from 0 to 2"):
            told(model, batch, wrong)
    with pytest.raises(ConfigurationError, match=f"found those of {count - 1} examples, expected those of {count}"):
        told(model, batch, [0] * (count - 1))
    for odd in ([0.0] * count, [True] * count, [[0, 1]] * count):
        with pytest.raises(ConfigurationError, match="expected the number of the task of each example"):
            told(model, batch, odd)
    model._is_replica = True
    with pytest.raises(ConfigurationError, match="cannot be in copies of a model"):
        told(model, batch, ids_for(batch))


@pytest.mark.parametrize("backbone", ["bert"], indirect=True)
def test_one_can_be_told_by_a_call_within(backbone, apart) -> None:
    model, batch = apart
    with telling(model, 1):
        found = logits(model, batch)
        with telling(model, ids_for(batch)):
            torch.testing.assert_close(logits(model, batch), told(model, batch, ids_for(batch)))
        torch.testing.assert_close(logits(model, batch), found)
    torch.testing.assert_close(found, told(model, batch, [1] * len(found)))
    with pytest.raises(ConfigurationError, match="not told"):
        logits(model, batch)


@pytest.mark.parametrize("backbone", EACH, indirect=True)
def test_it_is_saved_and_loaded_by_autopeft_and_by_peft(backbone, apart, tmp_path) -> None:
    model, batch = apart
    expected = told(model, batch, ids_for(batch))
    save(model, tmp_path)
    twin = fresh(backbone)
    load(tmp_path, twin, backbone.anatomy)
    assert torch.equal(told(twin, batch, ids_for(batch)), expected)
    by_peft = PeftModel.from_pretrained(fresh(backbone), str(tmp_path))
    with telling(by_peft, ids_for(batch)):
        assert torch.equal(logits(by_peft, batch), expected)
    with pytest.raises(ConfigurationError, match="not told"):
        logits(by_peft, batch)


@pytest.mark.parametrize("backbone", ["bert"], indirect=True)
def test_taken_out_it_leaves_nothing_to_be_told(backbone, apart) -> None:
    model, batch = apart
    plain = fresh(backbone)
    remove(model)
    assert torch.equal(logits(model, batch), logits(plain, batch))
    assert not model._forward_pre_hooks
    assert not model._forward_hooks
    assert vars(model).keys() == vars(plain).keys()


def test_lite_has_no_embeddings_and_one_task_says_nothing_of_tasks(tiny) -> None:
    backbone = tiny("bert")
    lite = canonical({"modules": {"hyper_adapter": {**KNOBS, "lite": True}}}, VOCABULARY, backbone.shape)
    with pytest.raises(ConfigurationError, match="lite has no embedding of a task, and so none for each of 3 tasks"):
        Costs(backbone).params(lite)
    one = [{"modules": {"hyper_adapter": {"size": 8, **more}}} for more in ({}, {"tasks": 1})]
    assert len({canonical(each, VOCABULARY, backbone.shape).text for each in one}) == 1
    with pytest.raises(ConfigurationError, match=r"hyper_adapter\.tasks: found 0"):
        canonical({"modules": {"hyper_adapter": {"size": 8, "tasks": 0}}}, VOCABULARY, backbone.shape)


def test_adapters_of_one_task_stay_what_they_were(tiny, tmp_path) -> None:
    backbone = tiny("bert")
    model, _ = build(backbone, {"hyper_adapter": {"size": 8, "embedding": 5}})
    assert torch.equal(templates(model).embedding, torch.ones(5))
    assert not model._forward_pre_hooks
    randomise(model)
    save(model, tmp_path)
    assert "tasks" not in (tmp_path / "autopeft.json").read_text()
    # As it was written before there were several.
    config = json.loads((tmp_path / "adapter_config.json").read_text())
    assert config.pop("tasks") == 1
    (tmp_path / "adapter_config.json").write_text(json.dumps(config))
    twin, batch = fresh(backbone), tiny_batch(backbone)
    load(tmp_path, twin, backbone.anatomy)
    by_peft = PeftModel.from_pretrained(fresh(backbone), str(tmp_path))
    for each in (twin, by_peft):
        assert torch.equal(logits(each, batch), logits(model, batch))
