"""Trained adapters with less kept of them: in the model, on disk and back."""

import json

import pytest
import torch
from safetensors.torch import load_file, save_file

from autopeft.backbones import head_parameters
from autopeft.costs import Costs
from autopeft.errors import ConfigurationError
from autopeft.methods import VOCABULARY, apply, compress, load, remove, save
from autopeft.methods.builder import applied
from autopeft.methods.compressing import starts_of
from autopeft.methods.compression import COMPRESSION, uncompressed
from autopeft.methods.storage import PACKED, save_plain
from autopeft.methods.tensors import stored_tensors
from autopeft.space import canonical
from autopeft.testing.methods import logits, randomise
from autopeft.testing.models import tiny_batch


@pytest.fixture(scope="module")
def bert(tiny):
    return tiny("bert")


def trained(backbone, modules, **training):
    """Return a model with adapters that have moved."""
    written = {"modules": modules, "training": {"compression": "compeft", **training}}
    configuration = canonical(written, VOCABULARY, backbone.shape)
    model = backbone.classifier(2)
    apply(configuration, model, backbone.anatomy, seed=1)
    randomise(model)
    return model, configuration


def tensors(model):
    """Return the stored tensors of a model's parts."""
    done = applied(model)
    return {
        each.part.name: {name: value.clone() for name, value in stored_tensors(each, done.anatomy).items()}
        for each in done.inserted
    }


@pytest.mark.parametrize("name", COMPRESSION.words)
def test_all_that_is_kept_is_all_there_was(bert, name):
    model, _ = trained(bert, {"lora": {"rank": 4}}, compression=name, **{f"{name}_density": "100%"})
    before, batch = tensors(model), tiny_batch(bert)
    expected = logits(model, batch)
    compress(model)
    assert torch.equal(logits(model, batch), expected)
    after = tensors(model)["lora"]
    assert all(torch.equal(value, after[key]) for key, value in before["lora"].items())


def test_changes_are_counted_from_0_in_lora_from_1_in_ia3_and_from_the_weights_in_what_trains_itself(bert):
    model, _ = trained(bert, {"lora": {"rank": 4}}, compeft_density=0.25, compeft_scale=2)
    changes = torch.cat([value.flatten() for _, value in sorted(tensors(model)["lora"].items())])
    size = 2 * changes.std().item()
    compress(model)
    found = torch.cat([value.flatten() for _, value in sorted(tensors(model)["lora"].items())])
    assert sorted(set(found.tolist())) == pytest.approx([-size, 0, size], rel=1e-5)
    assert (found != 0).sum() == len(changes) // 4 + 1

    model, _ = trained(bert, {"ia3": {}}, compeft_density=0.25)
    compress(model)
    values = {round(float(value), 5) for tensor in tensors(model)["ia3"].values() for value in tensor.flatten()}
    assert len(values) == 3
    assert sorted(values)[1] == 1

    model, configuration = trained(bert, {"full_layers": {"top_layers": 1}}, compeft_density=0.1)
    plain = bert.classifier(2)
    starts = starts_of(configuration, plain, bert.anatomy)["full_layers"]
    compress(model)
    after = tensors(model)["full_layers"]
    differing = torch.cat([(after[name] != starts[name]).flatten() for name in starts])
    assert differing.sum() == len(differing) // 10 + 1
    weight = bert.classifier(2).get_submodule(bert.anatomy.module(2, "up")).weight
    assert any(torch.equal(value, weight) for value in starts.values())


def test_each_method_is_compressed_by_itself_and_heads_and_weights_stay_as_they_are(bert, tmp_path):
    model, configuration = trained(bert, {"lora": {"rank": 4}, "serial_adapter": {"size": 6}})
    heads = {name: value.clone() for name, value in head_parameters(model).items()}
    counts = {part: sum(value.numel() for value in found.values()) for part, found in tensors(model).items()}
    compress(model)
    assert all(torch.equal(value, heads[name]) for name, value in head_parameters(model).items())
    for part, found in tensors(model).items():
        values = torch.cat([value.flatten() for value in found.values()])
        assert (values != 0).sum() == int(counts[part] * 0.2) + 1
        assert len(set(values.tolist())) == 3
    expected = logits(model, tiny_batch(bert))
    save(model, tmp_path)
    assert {path.name for path in tmp_path.rglob("*.safetensors")} == {PACKED, "head.safetensors"}
    twin = bert.classifier(2)
    assert load(tmp_path, twin, bert.anatomy) == configuration
    assert torch.equal(logits(twin, tiny_batch(bert)), expected)
    # Saved again it is the same to the byte, and not compressed twice.
    save(twin, tmp_path / "again")
    for part in counts:
        assert (tmp_path / part / PACKED).read_bytes() == (tmp_path / "again" / part / PACKED).read_bytes()
    remove(twin)
    fresh = {name: value for name, value in bert.classifier(2).state_dict().items() if name not in heads}
    assert all(torch.equal(value, fresh[name]) for name, value in twin.state_dict().items() if name in fresh)


def test_saving_compresses_what_has_not_been_and_chance_is_left_as_it_is(bert, tmp_path):
    model, _ = trained(bert, {"lora": {"rank": 4}})
    state = torch.random.get_rng_state()
    save(model, tmp_path)
    assert torch.equal(torch.random.get_rng_state(), state)
    assert (tmp_path / PACKED).is_file()
    assert not (tmp_path / "adapter_model.safetensors").exists()
    twin = bert.classifier(2)
    load(tmp_path, twin, bert.anatomy)
    assert torch.equal(logits(twin, tiny_batch(bert)), logits(model, tiny_batch(bert)))


def test_what_is_packed_can_be_written_as_peft_has_it(bert, tmp_path):
    model, configuration = trained(bert, {"lora": {"rank": 4}})
    save(model, tmp_path / "packed")
    twin = bert.classifier(2)
    load(tmp_path / "packed", twin, bert.anatomy)
    save_plain(twin, tmp_path / "plain", uncompressed(configuration))
    assert not (tmp_path / "plain" / PACKED).exists()
    third = bert.classifier(2)
    assert "compression" not in load(tmp_path / "plain", third, bert.anatomy).training
    assert torch.equal(logits(third, tiny_batch(bert)), logits(model, tiny_batch(bert)))


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lambda packed: packed.pop("packed.count"), "what is packed is not whole"),
        (lambda packed: packed.update({"packed.high": packed["packed.high"][:-2]}), "what is packed is not whole"),
        (lambda packed: packed.update(another=torch.zeros(3)), "tensors of other names"),
    ],
)
def test_damaged_files_are_told(bert, tmp_path, spoil, said):
    model, _ = trained(bert, {"lora": {"rank": 4}})
    save(model, tmp_path)
    packed = load_file(tmp_path / PACKED)
    spoil(packed)
    save_file(packed, tmp_path / PACKED)
    with pytest.raises(ConfigurationError, match=said):
        load(tmp_path, bert.classifier(2), bert.anatomy)


def test_what_takes_a_part_of_the_weights_is_refused_and_what_has_more_than_it_trains_has_no_such_word(bert):
    with pytest.raises(ConfigurationError, match="lora begins with a part of the weights themselves"):
        trained(bert, {"lora": {"rank": 4, "init": "pissa"}})
    with pytest.raises(ConfigurationError, match="found compeft with vera, beside which it can only be none"):
        trained(bert, {"vera": {"rank": 4}})


@pytest.mark.parametrize("modules", [{"lt_sft": {"density": 0.05}}, {"sparse": {"density": 0.05, "scope": "global"}}])
def test_what_has_no_size_before_it_is_trained_is_refused_before_it_is(bert, modules):
    with pytest.raises(ConfigurationError, match=r"beside which it can only be none|cannot be compressed"):
        Costs(bert).params(
            canonical({"modules": modules, "training": {"compression": "compeft"}}, VOCABULARY, bert.shape)
        )


def test_a_model_whose_adapters_could_not_be_packed_still_has_some(bert, monkeypatch):
    model, _ = trained(bert, {"lora": {"rank": 4}})

    def fails(*args):
        raise ConfigurationError("of another size")

    monkeypatch.setattr("autopeft.methods.compressing.pack", fails)
    with pytest.raises(ConfigurationError, match="of another size"):
        compress(model)
    remove(model)


@pytest.mark.parametrize("training", [["compeft"], {"compression": ["compeft"]}, []])
def test_manifests_that_say_no_configuration_are_told(bert, tmp_path, training):
    model, _ = trained(bert, {"lora": {"rank": 4}})
    save(model, tmp_path)
    manifest = json.loads((tmp_path / "autopeft.json").read_text())
    manifest["configuration"]["training"] = training
    (tmp_path / "autopeft.json").write_text(json.dumps(manifest))
    with pytest.raises(ConfigurationError, match=r"no readable autopeft.json|training.compression: found"):
        load(tmp_path, bert.classifier(2), bert.anatomy)
