"""Frozen weights pruned on the way: which, what is left of adapters beside them, on disk, merged and back."""

import shutil

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch.utils.flop_counter import FlopCounterMode
from transformers import LlamaConfig

from autopeft.backbones import load_backbone
from autopeft.costs import Costs
from autopeft.errors import ConfigurationError
from autopeft.methods import VOCABULARY, apply, is_settled, load, remove, save
from autopeft.methods.builder import applied
from autopeft.methods.pruning import heads_of, matrices_of
from autopeft.methods.storage import MASK
from autopeft.space import canonical
from autopeft.testing.methods import logits, randomise, train
from autopeft.testing.models import tiny_batch
from tests.marks import mostly_slow

LORA = {"lora": {"rank": 4, "targets": ["q", "v"]}}
UNSTRUCTURED = {"pruning": "unstructured", "unstructured_share": 0.3}
HEADS = {"pruning": "heads", "heads_count": 1}
FIRST = ("k", "o", "up", "gate", "down")


@pytest.fixture(scope="module")
def bert(tiny):
    return tiny("bert")


def asked(backbone, modules, training):
    return canonical({"modules": modules, "training": training}, VOCABULARY, backbone.shape)


def built(backbone, modules, training, moved=True):
    model = backbone.classifier(2)
    apply(asked(backbone, modules, training), model, backbone.anatomy, seed=1)
    if moved:
        randomise(model)
    return model, applied(model).pruners[0]


def weight_of(model, backbone, matrix):
    """Return the frozen weight of a matrix, `[outputs, inputs]`."""
    module = model.get_submodule(matrix.name)
    weight = getattr(module, "get_base_layer", lambda: module)().weight.detach()
    return weight.T if backbone.anatomy.transposed else weight


@pytest.mark.parametrize("architecture", mostly_slow(["bert", "llama", "gpt2"]))
def test_the_same_share_of_two_groups_becomes_0_over_all_layers(tiny, architecture):
    backbone = tiny(architecture)
    targets = ["qkv" if architecture == "gpt2" else "q"]
    model, pruner = built(backbone, {"lora": {"rank": 4, "targets": targets}}, UNSTRUCTURED)
    matrices = matrices_of(model, backbone.anatomy)
    assert {"k", "up", "down", "o"} - {each.role for each in matrices} <= {"k"}
    before = {each.name: weight_of(model, backbone, each).clone() for each in matrices}
    pruner.prune()
    for first in (True, False):
        group = [each for each in matrices if (each.role in FIRST) is first]
        zeros = {each.name: weight_of(model, backbone, each) == 0 for each in group}
        assert sum(int(mask.sum()) for mask in zeros.values()) == round(0.3 * sum(each.size for each in group))
        shares = {float(mask.float().mean()) for mask in zeros.values()}
        assert len(shares) > 1, "each matrix has the same share"
        if first:
            pruned = torch.cat([before[name][mask].abs() for name, mask in zeros.items()])
            left = torch.cat([before[name][~mask].abs() for name, mask in zeros.items()])
            assert pruned.max() <= left.min()
    assert all(torch.equal(pruner.masks.chosen[each.name], weight_of(model, backbone, each) == 0) for each in matrices)


def test_queries_and_values_go_by_what_was_learned_beside_them_unless_something_else_is_asked(bert):
    found = {}
    for score in ("update", "weight", "sum", "random"):
        model, pruner = built(bert, LORA, {**UNSTRUCTURED, "unstructured_score": score})
        second = [each for each in matrices_of(model, bert.anatomy) if each.role in ("q", "v")]
        scores = {}
        for each in second:
            layer = model.get_submodule(each.name)
            update = layer.scaling["default"] * layer.lora_B["default"].weight @ layer.lora_A["default"].weight
            weight = weight_of(model, bert, each)
            scores[each.name] = {"update": update, "weight": weight, "sum": update + weight}.get(score)
        pruner.prune()
        masks = {each.name: pruner.masks.chosen[each.name] for each in second}
        found[score] = torch.cat([mask.flatten() for mask in masks.values()])
        if score != "random":
            scores = {name: value.detach().abs() for name, value in scores.items()}
            pruned = torch.cat([scores[name][mask] for name, mask in masks.items()])
            left = torch.cat([scores[name][~mask] for name, mask in masks.items()])
            assert pruned.max() <= left.min() + 1e-6
    assert len({tuple(each.tolist()) for each in found.values()}) == 4
    assert len({int(each.sum()) for each in found.values()}) == 1
    # Beside nothing that was learned they go by their size, as at the very start.
    model, pruner = built(bert, LORA, {**UNSTRUCTURED, "unstructured_at": 0.0}, moved=False)
    pruner.prune()
    at_start = torch.cat([mask.flatten() for name, mask in pruner.masks.chosen.items() if name in masks])
    assert torch.equal(at_start, found["weight"])


@pytest.mark.parametrize("training", [UNSTRUCTURED, HEADS], ids=["unstructured", "heads"])
def test_it_is_done_once_a_share_of_the_steps_is_over_and_zeros_stay_when_training_goes_on(bert, training):
    model, batch = bert.classifier(2), tiny_batch(bert)
    before = logits(model, batch)
    configuration = asked(bert, LORA, {**training, f"{training['pruning']}_at": 0.4})
    apply(configuration, model, bert.anatomy, seed=1)
    assert torch.equal(logits(model, batch), before)
    done = []

    def look(step, optimiser):
        zeros = sum(int((weight_of(model, bert, each) == 0).sum()) for each in matrices_of(model, bert.anatomy))
        done.append((step, zeros, is_settled(model)))

    train(model, batch, 10, of=10, each=look)
    costs = Costs(bert)
    expected = (costs.nonzero(asked(bert, LORA, {})) - costs.nonzero(configuration)) / 4
    assert done == [(step, expected if step > 4 else 0, step > 4) for step in range(1, 11)]


@pytest.mark.parametrize("architecture", mostly_slow(["bert", "llama", "gpt2", "qwen2", "vit"]))
@pytest.mark.parametrize("training", [UNSTRUCTURED, HEADS], ids=["unstructured", "heads"])
def test_masks_come_back_from_disk_and_weights_when_they_are_taken_off(tiny, tmp_path, architecture, training):
    backbone = tiny(architecture)
    modules = {"lora": {"rank": 4, "targets": ["o", "up", "qkv" if architecture == "gpt2" else "q"]}}
    model, pruner = built(backbone, modules, training)
    batch = tiny_batch(backbone)
    with pytest.raises(ConfigurationError, match="what is to be pruned has not been"):
        save(model, tmp_path)
    before = logits(model, batch)
    pruner.prune()
    expected = logits(model, batch)
    assert not torch.equal(expected, before)
    save(model, tmp_path)
    twin = backbone.classifier(2)
    load(tmp_path, twin, backbone.anatomy)
    assert torch.equal(logits(twin, batch), expected)
    size = sum(value.nbytes for value in load_file(tmp_path / MASK).values())
    costs, plain = Costs(backbone), asked(backbone, modules, {})
    configuration = asked(backbone, modules, training)
    assert costs.bytes(configuration) == costs.bytes(plain) + size
    zeros = sum(int((weight_of(twin, backbone, each) == 0).sum()) for each in matrices_of(twin, backbone.anatomy))
    assert costs.nonzero(plain) - costs.nonzero(configuration) == 4 * zeros
    remove(twin)
    fresh, layers = backbone.classifier(2).state_dict(), backbone.anatomy.layers
    assert all(torch.equal(value, fresh[name]) for name, value in twin.state_dict().items() if name.startswith(layers))
    assert not any(module._forward_pre_hooks for module in twin.modules())


@pytest.mark.parametrize("architecture", mostly_slow(["bert", "llama"]))
@pytest.mark.parametrize("training", [UNSTRUCTURED, HEADS], ids=["unstructured", "heads"])
def test_zeros_survive_merging(tiny, architecture, training):
    backbone = tiny(architecture)
    model, pruner = built(backbone, {"lora": {"rank": 4, "targets": ["q", "o"]}}, training)
    pruner.prune()
    expected, chosen = logits(model, tiny_batch(backbone)), dict(pruner.masks.chosen)
    matrices = {each.name: each for each in matrices_of(model, backbone.anatomy)}
    updates = {name: pruner._update(name) for name in matrices}
    for inserted in applied(model).inserted:
        inserted.tuner.merge_and_unload()
    pruner.masks.merged()
    assert torch.allclose(logits(model, tiny_batch(backbone)), expected, atol=1e-5)
    for name, mask in chosen.items():
        weight = weight_of(model, backbone, matrices[name])
        if mask.dim() == 1:
            columns = mask.repeat_interleave(weight.shape[1] // len(mask))
            assert not weight[:, columns].any()
        elif updates[name] is None:
            assert not weight[mask].any()
        else:
            # The weight stays away; what was learned beside it is what is left there.
            assert torch.allclose(weight[mask], updates[name][mask], atol=1e-6)


def test_the_heads_that_go_are_those_beside_which_least_was_learned(bert):
    model, pruner = built(bert, LORA, {"pruning": "heads", "heads_count": 2})
    heads = heads_of(model, bert.anatomy).count
    learned = {}
    for layer in range(bert.anatomy.count):
        total = torch.zeros(heads)
        for role in ("q", "v"):
            each = model.get_submodule(bert.anatomy.module(layer, role))
            update = each.scaling["default"] * each.lora_B["default"].weight @ each.lora_A["default"].weight
            total += update.detach().abs().reshape(heads, -1).sum(dim=1)
        learned[bert.anatomy.module(layer, "o")] = total
    pruner.prune()
    for name, total in learned.items():
        assert set(pruner.masks.chosen[name].nonzero().flatten().tolist()) == set(total.argsort()[:2].tolist())
        assert pruner.masks.chosen[name].sum() == 2


def test_nothing_goes_through_a_dropped_head_whatever_its_queries_keys_values_and_outputs_learn(bert):
    modules = {"lora": {"rank": 4, "targets": ["q", "k", "v", "o"]}}
    model, pruner = built(bert, modules, HEADS)
    pruner.prune()
    batch = tiny_batch(bert)
    expected = logits(model, batch)
    for layer in range(bert.anatomy.count):
        mask = pruner.masks.chosen[bert.anatomy.module(layer, "o")]
        for role in ("q", "k", "v"):
            factor = model.get_submodule(bert.anatomy.module(layer, role)).lora_B["default"].weight
            rows = mask.repeat_interleave(len(factor) // len(mask))
            with torch.no_grad():
                factor[rows] += 5.0
    assert torch.equal(logits(model, batch), expected)


@pytest.mark.parametrize("shared", [False, True], ids=["own keys", "shared keys"])
def test_flops_fall_as_in_a_model_with_fewer_heads(tiny, tmp_path, shared):
    def of_heads(count, keys):
        model = tiny("llama").classifier(2)
        config = LlamaConfig.from_pretrained(tiny("llama").path)
        config.update({"num_attention_heads": count, "num_key_value_heads": keys, "head_dim": 4})
        folder = tmp_path / f"{count}-{keys}"
        shutil.copytree(tiny("llama").path, folder, dirs_exist_ok=True)
        type(model)(config).save_pretrained(folder)
        return load_backbone(folder)

    backbone = of_heads(8, 4 if shared else 8)
    costs = Costs(backbone, tokens=16)
    plain, fewer = (asked(backbone, LORA, training) for training in ({}, {"pruning": "heads", "heads_count": 4}))

    def counted(count, keys):
        model = of_heads(count, keys).meta().eval()
        with torch.no_grad(), FlopCounterMode(display=False) as counter:
            model(input_ids=torch.zeros(1, 16, dtype=torch.long, device="meta"))
        return counter.get_total_flops() / 16

    if not shared:
        assert costs.flops(plain) - costs.flops(fewer) == pytest.approx(counted(8, 8) - counted(4, 4))
        assert costs.forward(plain) == pytest.approx(counted(8, 8))
    else:
        # Of shared keys and values none goes, since another head has them too.
        keys_and_values = 2 * (2 * 4) * backbone.shape.hidden
        kept = 2 * keys_and_values * backbone.anatomy.count
        assert costs.flops(plain) - costs.flops(fewer) == pytest.approx(counted(8, 4) - counted(4, 2) - kept)
    assert costs.flops(asked(backbone, LORA, UNSTRUCTURED)) == costs.flops(plain) == 0


def test_what_cannot_be_pruned_is_refused(bert, tmp_path):
    with pytest.raises(ConfigurationError, match="lora puts other weights in place of the frozen ones"):
        built(bert, {"lora": {"rank": 4, "init": "pissa"}}, UNSTRUCTURED)
    with pytest.raises(ConfigurationError, match="found heads with full, beside which it can only be none"):
        asked(bert, {"full": {}}, HEADS)
    heads = heads_of(bert.classifier(2), bert.anatomy).count
    for refuse in (lambda it: built(bert, LORA, it), lambda it: Costs(bert).params(asked(bert, LORA, it))):
        with pytest.raises(
            ConfigurationError,
            match=f"training.heads_count: found {heads}, and there are {heads} heads; expected fewer",
        ):
            refuse({"pruning": "heads", "heads_count": heads})


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (
            lambda masks: masks.update(another=torch.zeros(3, dtype=torch.uint8)),
            "it holds masks of 19 matrices",
        ),
        (
            lambda masks: masks.update({next(iter(masks)): torch.zeros(3, dtype=torch.uint8)}),
            "has 3 numbers, not 128 bytes",
        ),
        (lambda masks: masks.update({next(iter(masks)): next(iter(masks.values())).float()}), "bytes"),
        (lambda masks: masks.pop(next(iter(masks))), "it holds masks of 17 matrices, not those of 18"),
        (
            lambda masks: masks.update({name: torch.zeros_like(mask) for name, mask in masks.items()}),
            "0 weights are 0 where",
        ),
        (lambda masks: masks.update({name: mask | 1 for name, mask in masks.items()}), "weights are 0 where"),
    ],
)
def test_damaged_masks_are_told(bert, tmp_path, spoil, said):
    model, pruner = built(bert, LORA, UNSTRUCTURED)
    pruner.prune()
    save(model, tmp_path)
    masks = load_file(tmp_path / MASK)
    spoil(masks)
    save_file(masks, tmp_path / MASK)
    with pytest.raises(ConfigurationError, match=f"mask.safetensors does not fit the model: .*{said}"):
        load(tmp_path, bert.classifier(2), bert.anatomy)
    (tmp_path / MASK).unlink()
    with pytest.raises(ConfigurationError, match="cannot read the weights in"):
        load(tmp_path, bert.classifier(2), bert.anatomy)


def test_what_is_kept_of_compressed_adapters_stands_beside_the_same_zeros(bert, tmp_path):
    model, pruner = built(bert, LORA, {**UNSTRUCTURED, "compression": "compeft"})
    pruner.prune()
    chosen = {name: mask.clone() for name, mask in pruner.masks.chosen.items()}
    save(model, tmp_path)
    after = applied(model).pruners[0].masks.chosen
    assert all(torch.equal(after[name], mask) for name, mask in chosen.items())
    twin = bert.classifier(2)
    load(tmp_path, twin, bert.anatomy)
    assert torch.equal(logits(twin, tiny_batch(bert)), logits(model, tiny_batch(bert)))
