"""Causal language models as backbones: counted once, adapted as predicted, refused where they are none."""

import pytest

from autopeft.backbones import head_parameters, load_decoder
from autopeft.costs import Costs
from autopeft.errors import BackboneError, ConfigurationError
from autopeft.methods import METHODS, VOCABULARY, adapter_parameters, apply, remove, stock_lora
from autopeft.space import canonical
from autopeft.testing.decoders import DECODERS, tiny_decoder
from autopeft.testing.models import tiny_backbone
from tests.methods.examples import EXAMPLES

#: Methods that are tried on every architecture; one has them all.
SOME = ("lora", "serial_adapter", "parallel_adapter", "prefix", "sparse", "ia3", "vera", "prompt")


def decoder_at(folder, architecture, **how):
    return load_decoder(tiny_decoder(architecture, folder, **how))


@pytest.fixture(scope="module", params=DECODERS)
def decoder(request, tmp_path_factory):
    return decoder_at(tmp_path_factory.mktemp("model"), request.param)


def built(configuration, model, decoder):
    """Return the trainable parameters of the built model, or None where it cannot be built."""
    try:
        apply(configuration, model, decoder.anatomy, seed=0)
    except ConfigurationError:
        return None
    count = sum(parameter.numel() for parameter in adapter_parameters(model).values())
    # No task head: the adapters are all that trains.
    assert count == sum(parameter.numel() for parameter in model.parameters() if parameter.requires_grad)
    remove(model)
    return count


def test_predicted_counts_are_those_of_built_models(decoder):
    costs, model = Costs(decoder), decoder.language_model()
    # What grows is built smaller than it becomes.
    names = [name for name in (EXAMPLES if decoder.config.model_type == "llama" else SOME) if not METHODS[name].grows]
    if not decoder.anatomy.attention_open:
        names.remove("prefix")
    configurations = [canonical({"modules": {name: EXAMPLES[name]}}, VOCABULARY, decoder.shape) for name in names]
    counts = {}
    for configuration in (stock_lora(decoder.shape, 1e-3), *configurations):
        counts[configuration] = built(configuration, model, decoder)
        predicted = costs.price(configuration, refused=-1)
        assert predicted == (-1 if counts[configuration] is None else counts[configuration]), configuration.describe()
    assert sum(count is not None for count in counts.values()) > len(names) / 2
    stock = stock_lora(decoder.shape, 1e-3)
    assert costs.share(stock) == counts[stock] / sum(parameter.numel() for parameter in model.parameters())


@pytest.mark.parametrize("architecture", ["gpt2", "llama", "gemma"])
def test_embeddings_that_are_also_the_head_count_once(tmp_path, architecture):
    tied = decoder_at(tmp_path / "tied", architecture, tied=True)
    own = decoder_at(tmp_path / "own", architecture)
    model = tied.language_model()
    embeddings = model.get_input_embeddings().weight
    assert model.get_output_embeddings().weight is embeddings
    assert own.num_parameters == tied.num_parameters + embeddings.numel()
    assert tied.num_parameters == sum(parameter.numel() for parameter in model.parameters())


def test_the_head_is_the_backbones(decoder):
    assert head_parameters(decoder.language_model()) == {}
    assert decoder.language_model().get_output_embeddings() is not None


def test_models_that_do_not_generate_are_refused(tmp_path):
    for name in ("bert", "roberta", "distilbert", "vit"):
        with pytest.raises(BackboneError, match=r"do not generate text.*--model smollm2"):
            load_decoder(tiny_backbone(name, tmp_path))
