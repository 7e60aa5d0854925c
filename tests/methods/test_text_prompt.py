"""Prompt tuning that starts from a text."""

import json

import pytest
import torch

from autopeft.backbones import load_backbone, load_decoder
from autopeft.costs import Costs
from autopeft.errors import ConfigurationError, SpaceError
from autopeft.methods import VOCABULARY, adapter_parameters, apply, save
from autopeft.space import SearchSpace, canonical
from autopeft.testing.decoders import tiny_decoder
from autopeft.testing.models import tiny_backbone

TEXT = "the film was a good story | and off..on"


@pytest.fixture(scope="module", params=["llama", "gpt2"])
def decoder(request, tmp_path_factory):
    return load_decoder(tiny_decoder(request.param, tmp_path_factory.mktemp("model")))


def prompted(backbone, text=TEXT):
    return canonical({"modules": {"text_prompt": {"text": text}}}, VOCABULARY, backbone.shape)


def test_it_has_as_many_tokens_as_the_text_and_starts_as_they_are(decoder, tmp_path):
    ids = decoder.tokenizer()(TEXT)["input_ids"]
    configuration = prompted(decoder)
    model = decoder.language_model()
    apply(configuration, model, decoder.anatomy, seed=0)
    [prompt] = adapter_parameters(model).values()
    assert len(prompt) == len(ids) > 4
    embeddings = model.get_input_embeddings().weight
    assert torch.equal(prompt, embeddings[torch.tensor(ids)])
    assert Costs(decoder).params(configuration) == prompt.numel() == len(ids) * decoder.shape.hidden
    save(model, tmp_path)
    config = json.loads((tmp_path / "adapter_config.json").read_text())
    named = {name: config[name] for name in ("num_virtual_tokens", "prompt_tuning_init", "prompt_tuning_init_text")}
    assert named == {
        "num_virtual_tokens": len(ids),
        "prompt_tuning_init": "TEXT",
        "prompt_tuning_init_text": TEXT,
    }
    assert config["tokenizer_name_or_path"] == decoder.path


def test_texts_are_searched_as_they_stand(decoder):
    given = [TEXT, "what of it?\n"]
    space = SearchSpace(name="texts", modules={"text_prompt": {"text": given}}).bind(VOCABULARY, decoder.shape)
    [parameter] = [each for each in space.parameters if each.name == "text_prompt.text"]
    assert parameter.values == tuple(given)
    for text in given:
        configuration = space.decode({**space.defaults, "text_prompt.text": text})
        assert configuration.modules["text_prompt"]["text"] == text
        assert space.encode(configuration)["text_prompt.text"] == text
        assert "\n" not in configuration.describe()
    alone = SearchSpace(name="texts", modules={"text_prompt": {"text": TEXT}}).bind(VOCABULARY, decoder.shape)
    assert [each.name for each in alone.parameters] == ["text_prompt.learning_rate"]


@pytest.mark.parametrize("written", [7, "", "  ", None, ["a text", 7], {"per": "layer", "values": "a"}])
def test_what_is_no_text_is_refused(written, decoder):
    with pytest.raises(SpaceError, match=r"text_prompt.text: found .*, expected a text"):
        SearchSpace(name="texts", modules={"text_prompt": {"text": written}}).bind(VOCABULARY, decoder.shape)
    with pytest.raises(ConfigurationError, match=r"text_prompt.text: .*expected "):
        prompted(decoder, written)


def test_what_reads_no_text_has_none(tmp_path):
    backbone = load_backbone(tiny_backbone("vit", tmp_path))
    with pytest.raises(ConfigurationError, match=r"text_prompt: .*the model has no tokenizer"):
        Costs(backbone).params(prompted(backbone))
