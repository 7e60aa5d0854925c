"""Queries that read the layers for the head: what they find, what the head makes of it, and that all else stays."""

import math
from dataclasses import replace

import pytest
import torch
from peft import PeftModel, get_peft_model
from torch.nn.functional import linear

from autopeft.backbones import Anatomy, head_parameters, load_backbone, load_embedder, load_tagger
from autopeft.costs import Costs
from autopeft.errors import BackboneError, ConfigurationError
from autopeft.exporting import export
from autopeft.methods import (
    VOCABULARY,
    adapter_parameters,
    apply,
    frozen_depth,
    remove,
    save,
    stays_in_layers,
    switch_training,
)
from autopeft.methods.builder import plan
from autopeft.methods.vqt_head import ReadOut
from autopeft.space import Configuration, canonical
from autopeft.testing.methods import logits, randomise, train
from autopeft.testing.models import tiny_backbone, tiny_batch
from autopeft.testing.targets import tiny_job
from autopeft.training.state import read_state, write_state
from autopeft.trials.head import reset_head
from autopeft.trials.regression.head import in_label_unit
from tests.marks import mostly_slow
from tests.methods.stepping import build, fresh

EACH = mostly_slow(["vit", "bert", "roberta", "distilbert"])
KNOBS = {"queries": {"0": 1, "2": 3}}
#: What else may be in a layer that queries go through.
BESIDE = {
    "prefix": {"length": 3},
    "lora": {"rank": 2, "targets": ["q", "k", "up"]},
    "serial_adapter": {"size": 4, "reads": "norm"},
    "parallel_adapter": {"size": 4},
}


@pytest.fixture
def read(monkeypatch):
    """What the queries of each layer find, in the order in which they run."""
    found, put = [], ReadOut.put
    monkeypatch.setattr(ReadOut, "put", lambda self, layer, each: found.append(each) or put(self, layer, each))
    return found


def layers_of(backbone, model):
    """Return the layers with queries, from the lowest up."""
    names = [backbone.anatomy.layer(index) for index in range(backbone.anatomy.count)]
    return [layer for layer in map(model.get_submodule, names) if hasattr(layer, "vqt_queries")]


def batch_of(backbone):
    return {key: value for key, value in tiny_batch(backbone).items() if key != "labels"}


def first(output):
    return output[0] if isinstance(output, tuple) else output


@pytest.mark.parametrize("backbone", EACH, indirect=True)
@pytest.mark.parametrize("attention", ["sdpa", "eager"])
def test_the_layers_compute_the_same_bits_with_queries_and_without(backbone, attention) -> None:
    plain = fresh(backbone)
    plain.set_attn_implementation(attention)
    expected = plain(**batch_of(backbone), output_hidden_states=True).hidden_states
    configuration = canonical({"modules": {"vqt": KNOBS}}, VOCABULARY, backbone.shape)
    apply(configuration, plain, backbone.anatomy, seed=1)
    randomise(plain)
    for training in (False, True):
        switch_training(plain, training)
        found = plain(**batch_of(backbone), output_hidden_states=True).hidden_states
        assert len(found) == len(expected)
        assert all(torch.equal(one, other) for one, other in zip(found, expected, strict=True))
    remove(plain)
    assert plain.config._attn_implementation == attention


@pytest.mark.parametrize("backbone", EACH, indirect=True)
@pytest.mark.parametrize("beside", [{}, BESIDE])
def test_queries_go_through_the_layer_in_front_of_tokens_that_do_not_see_them(backbone, beside, read) -> None:
    model, _ = build(backbone, {"vqt": KNOBS, **beside})
    randomise(model)
    calls = []
    layers = layers_of(backbone, model)
    for layer in layers:
        layer.base_layer.register_forward_hook(
            lambda _, args, kwargs, output: calls.append((args, kwargs, first(output))), with_kwargs=True
        )
    batch = batch_of(backbone)
    logits(model, batch)
    handed = list(calls)
    for layer, (args, kwargs, output), found in zip(layers, handed, read, strict=True):
        hidden, rest = args[0], args[1:]
        queries = layer.vqt_queries["default"].expand(len(hidden), -1, -1)
        size, length = queries.shape[1], hidden.shape[1]
        text = batch.get("attention_mask", torch.ones(hidden.shape[:2])).bool()
        seen = torch.cat([torch.zeros(len(hidden), size, dtype=torch.bool), text], dim=1)
        mask = seen[:, None, None].expand(-1, 1, size + length, -1)
        inputs = torch.cat([queries, hidden], dim=1)
        if rest:
            both = first(layer.base_layer(inputs, mask, *rest[1:], **kwargs))
        else:
            both = first(layer.base_layer(inputs, **{**kwargs, "attention_mask": mask}))
        torch.testing.assert_close(found, both[:, :size])
        torch.testing.assert_close(output[text], both[:, size:][text])


@pytest.mark.parametrize("backbone", EACH, indirect=True)
def test_the_head_reads_its_own_vector_and_that_of_each_layer_of_length_one(backbone, read) -> None:
    model, _ = build(backbone, {"vqt": KNOBS})
    head, seen = model.get_submodule(backbone.anatomy.head), {}
    head.register_forward_pre_hook(lambda _, args: seen.update(own=args[0]), prepend=True)
    plain = fresh(backbone)
    plain.get_submodule(backbone.anatomy.head).register_forward_pre_hook(lambda _, args: seen.update(frozen=args[0]))
    logits(plain, batch_of(backbone))
    found = logits(model, batch_of(backbone))
    assert torch.equal(seen["own"], seen["frozen"])
    parts = [seen["own"], *(each.flatten(1) for each in read)]
    assert [part.shape[1] for part in parts] == [32, 32, 3 * 32]
    parts = [part / part.norm(dim=1, keepdim=True) for part in parts]
    weight = torch.cat([head.weight, head.read_out], dim=1)
    torch.testing.assert_close(found, linear(torch.cat(parts, dim=1), weight, head.bias))


def test_a_vits_own_vector_is_the_cls_token_behind_the_last_norm(tiny) -> None:
    backbone = tiny("vit")
    model, _ = build(backbone, {"vqt": KNOBS})
    seen = {}
    model.get_submodule("vit.layernorm").register_forward_hook(lambda _, args, output: seen.update(last=output))
    model.classifier.register_forward_pre_hook(lambda _, args: seen.update(own=args[0]), prepend=True)
    logits(model, batch_of(backbone))
    assert torch.equal(seen["own"], seen["last"][:, 0])
    # Queries do not go through that norm.
    assert seen["last"].shape[1] == 5


@pytest.mark.parametrize("backbone", mostly_slow(["vit", "bert"]), indirect=True)
def test_nothing_is_kept_for_the_backward_pass_of_the_layers_own_tokens(backbone, read) -> None:
    model, _ = build(backbone, {"vqt": KNOBS})
    found = []
    for layer in layers_of(backbone, model):
        layer.base_layer.register_forward_hook(lambda _, args, output: found.append(first(output).requires_grad))
    model(**tiny_batch(backbone)).loss.backward()
    assert found == [False, False]
    assert all(each.requires_grad for each in read)
    assert all(value.grad.any() for value in adapter_parameters(model).values())


@pytest.mark.parametrize("backbone", EACH, indirect=True)
def test_queries_are_counted_and_what_the_head_has_more_is_told_apart(backbone) -> None:
    d, labels = backbone.shape.hidden, 2
    before = sum(value.numel() for value in head_parameters(fresh(backbone)).values())
    model, configuration = build(backbone, {"vqt": KNOBS})
    costs = Costs(backbone)
    assert costs.params(configuration) == (1 + 3) * d
    assert sum(value.numel() for value in adapter_parameters(model).values()) == (1 + 3) * d
    assert costs.head_inputs(configuration) == (1 + 3) * d
    more = sum(value.numel() for value in head_parameters(model).values()) - before
    assert more == labels * costs.head_inputs(configuration)
    assert costs.head_inputs(Configuration.from_dict({"modules": {}, "training": {}})) == 0


@pytest.mark.parametrize(("architecture", "bound"), [("vit", 6 / (3 * 4 * 4 + 32)), ("bert", 6 / (32 + 32))])
def test_queries_start_uniform_by_the_size_of_patches(tiny, architecture, bound) -> None:
    model, _ = build(tiny(architecture), {"vqt": {"queries": 20}})
    values = torch.cat([value.flatten() for value in adapter_parameters(model).values()])
    assert 0.97 * math.sqrt(bound) < values.abs().max() <= math.sqrt(bound)
    assert abs(values.mean()) < 0.1 * math.sqrt(bound)


def test_in_trials_every_class_begins_at_odds_of_one_to_ninety_nine(tiny, monkeypatch) -> None:
    backbone = tiny("vit")
    configuration = canonical({"modules": {"vqt": {"queries": 5}}}, VOCABULARY, backbone.shape)
    model = backbone.classifier(50)
    reset_head(model, 3, configuration)
    apply(configuration, model, backbone.anatomy, seed=3)
    head = model.classifier
    for weight in (head.weight, head.read_out):
        assert float(weight.detach().std()) == pytest.approx(math.sqrt(2 / 50), rel=0.1)
    monkeypatch.setattr(ReadOut, "put", lambda self, layer, each: self._found.update({layer: 0 * each.flatten(1)}))
    head.register_forward_pre_hook(lambda _, args: (torch.zeros_like(args[0]),))
    nothing = logits(model, batch_of(backbone))
    torch.testing.assert_close(nothing, torch.full_like(nothing, -math.log(99)))
    again = backbone.classifier(50)
    reset_head(again, 3, configuration)
    assert torch.equal(again.classifier.weight, head.weight)
    reset_head(again, 3)
    assert not again.classifier.bias.any()
    # One output is of no class.
    alone = backbone.classifier(1)
    reset_head(alone, 3, configuration)
    assert not alone.classifier.bias.any()


def test_only_queries_are_dropped_while_they_train(tiny) -> None:
    backbone = tiny("bert")
    model, _ = build(backbone, {"vqt": {"queries": 5, "dropout": 0.5}})
    batch = batch_of(backbone)
    expected = logits(model, batch)
    switch_training(model, True)
    assert not torch.equal(model(**batch).logits, expected)
    assert not any(
        module.training
        for name, module in model.named_modules()
        if isinstance(module, torch.nn.Dropout) and "vqt_dropout" not in name
    )
    switch_training(model, False)
    assert torch.equal(logits(model, batch), expected)
    other, _ = build(backbone, {"vqt": {"queries": 5, "dropout": 0.0}})
    switch_training(other, True)
    assert torch.equal(other(**batch).logits, logits(other, batch))


def test_padding_has_no_say(tiny) -> None:
    backbone = tiny("bert")
    model, configuration = build(backbone, {"vqt": {"queries": 3, "layers": [1, 2]}})
    assert frozen_depth(configuration, backbone.anatomy) == 1
    # The head reads more of the highest layer than its first token.
    assert not stays_in_layers(configuration)
    randomise(model)
    batch = {key: value[:1, :4] for key, value in batch_of(backbone).items()}
    batch["attention_mask"] = torch.ones_like(batch["attention_mask"])
    padded = {key: torch.cat([value, torch.zeros_like(value)], dim=1) for key, value in batch.items()}
    torch.testing.assert_close(logits(model, padded), logits(model, batch))


def test_peft_trains_saves_and_loads_it_with_the_head(tiny, tmp_path) -> None:
    backbone = tiny("bert")
    configuration = canonical({"modules": {"vqt": KNOBS}}, VOCABULARY, backbone.shape)
    ((_, method, cells),) = plan(configuration)
    config = method.peft_config(cells, backbone.anatomy)
    config.task_type = "SEQ_CLS"
    base = fresh(backbone)
    expected = logits(base, batch_of(backbone))
    model = get_peft_model(base, config)
    with torch.no_grad():
        for value in model.parameters():
            if value.requires_grad:
                value.normal_()
    adapted = logits(model, batch_of(backbone))
    with model.disable_adapter():
        assert torch.equal(logits(model, batch_of(backbone)), expected)
    model.save_pretrained(tmp_path)
    assert torch.equal(logits(PeftModel.from_pretrained(fresh(backbone), tmp_path), batch_of(backbone)), adapted)
    with pytest.raises(ValueError, match="cannot be merged"):
        model.merge_and_unload()
    assert model.unload().config._attn_implementation == "sdpa"


def test_a_folder_is_opened_by_peft_after_training(tiny, tmp_path) -> None:
    backbone = tiny("roberta")
    model, _ = build(backbone, {"vqt": KNOBS})
    train(model, tiny_batch(backbone), 3, of=3)
    save(model, tmp_path)
    stock = PeftModel.from_pretrained(fresh(backbone), str(tmp_path))
    assert torch.equal(logits(stock, batch_of(backbone)), logits(model, batch_of(backbone)))


def test_a_checkpoint_holds_queries_and_the_whole_head(tiny, tmp_path) -> None:
    backbone = tiny("bert")
    model, _ = build(backbone, {"vqt": KNOBS})
    train(model, tiny_batch(backbone), 3, of=3)
    write_state(model, tmp_path)
    again, _ = build(backbone, {"vqt": KNOBS})
    read_state(again, tmp_path)
    assert torch.equal(logits(again, batch_of(backbone)), logits(model, batch_of(backbone)))


@pytest.mark.parametrize("beside", [{}, {"lora": {"rank": 2}}])
def test_exports_hold_what_the_head_has_more(tiny, tmp_path, beside) -> None:
    job = tiny_job(tiny("bert"), {"vqt": KNOBS, **beside}, causal=False)
    export(job, "autopeft", tmp_path / "own")
    # No config of PEFT's says how the head starts.
    with pytest.raises(ConfigurationError, match=r"vqt \(how the task head starts\)"):
        export(job, "peft", tmp_path / "refused")
    export(job, "peft", tmp_path / "peft", allow_lossy=True)


@pytest.mark.parametrize("architecture", ["gpt2", "llama"])
def test_decoders_are_refused_when_costs_are_asked_for(tiny, architecture) -> None:
    backbone = tiny(architecture)
    configuration = canonical({"modules": {"vqt": {"queries": 1}}}, VOCABULARY, backbone.shape)
    with pytest.raises(ConfigurationError, match="of which a decoder sees those before; expected an encoder"):
        Costs(backbone).params(configuration)


@pytest.mark.parametrize("load", [load_tagger, load_embedder])
def test_models_without_such_a_head_are_refused(load, tmp_path) -> None:
    backbone = load(tiny_backbone("bert", tmp_path))
    configuration = canonical({"modules": {"vqt": {"queries": 1}}}, VOCABULARY, backbone.shape)
    with pytest.raises(ConfigurationError, match="no task head that reads one vector of an input"):
        Costs(backbone).params(configuration)


def test_what_else_cannot_be_is_refused(tiny, monkeypatch) -> None:
    backbone = tiny("vit")
    configuration = canonical({"modules": {"vqt": {"queries": 1}}}, VOCABULARY, backbone.shape)
    number = backbone.classifier(1)
    in_label_unit(number, 10.0, 3.0)
    with pytest.raises(ConfigurationError, match="tells numbers in a unit of their own"):
        apply(configuration, number, backbone.anatomy)
    closed = replace(backbone.anatomy, attention_open=False)
    with pytest.raises(BackboneError, match="nor can queries"):
        apply(configuration, fresh(backbone), closed)
    layer = type(fresh(backbone).get_submodule(backbone.anatomy.layer(0)))

    def turned(self, hidden_states, attention_mask=None, position_embeddings=None, **kwargs):
        return hidden_states

    monkeypatch.setattr(layer, "forward", turned)
    with pytest.raises(ConfigurationError, match="are handed position_embeddings"):
        apply(configuration, fresh(backbone), backbone.anatomy)


@pytest.mark.parametrize("other", ["conv_adapter", "shadow"])
def test_what_queries_cannot_go_through_stands_in_no_space_with_them(tiny, other) -> None:
    knobs = {"size": 4} if other == "conv_adapter" else {"rank": 4}
    with pytest.raises(ConfigurationError, match=f"{other}|vqt"):
        canonical({"modules": {"vqt": {"queries": 1}, other: knobs}}, VOCABULARY, tiny("bert").shape)


def test_the_head_of_a_given_anatomy_is_found_too(tiny) -> None:
    backbone = tiny("bert")
    given = Anatomy("encoder.layer", backbone.anatomy.roles, backbone.anatomy.attention)
    assert load_backbone(backbone.path, roles=given).anatomy.head == "classifier"
