"""What LeMo cannot be beside is refused beforehand, and what it costs is known."""

import pytest

from autopeft.backbones import load_decoder
from autopeft.costs import Costs, memory_features
from autopeft.errors import ConfigurationError
from autopeft.exporting.shortfall import beyond_config
from autopeft.launch.refusals import refusals
from autopeft.methods import METHODS, VOCABULARY, apply, frozen_depth
from autopeft.methods.builder import plan
from autopeft.methods.checks import check_parts
from autopeft.methods.context import CONTEXT
from autopeft.space import Configuration, SearchSpace, canonical
from autopeft.testing.decoders import tiny_decoder
from tests.methods.examples import EXAMPLES

LORA = {"lora": {"rank": 2, "targets": ["q", "v"]}}
EXACT = {"lemo_neurons": 1.0}


@pytest.fixture(scope="module")
def llama(tmp_path_factory):
    return load_decoder(tiny_decoder("llama", tmp_path_factory.mktemp("model")))


def asked(backbone, modules, **training):
    return canonical({"modules": modules, "training": {"context": "lemo", **training}}, VOCABULARY, backbone.shape)


@pytest.mark.parametrize(
    ("modules", "training", "said"),
    [
        (
            {"lora": {"rank": 2, "targets": ["q", "up"]}},
            {},
            r"lora: it trains in .*0\.mlp\.up_proj, through which",
        ),
        ({"ia3": {"targets": ["down"]}}, {}, r"ia3: it trains in .*down_proj.*expected `lemo_neurons: 1`"),
        ({"parallel_adapter": {"size": 4}}, {}, r"parallel_adapter: it trains in"),
        ({"serial_adapter": {"size": 4}}, {}, r"serial_adapter: it trains in"),
        ({"full": {}}, {}, r"full: it trains in"),
        (
            {"serial_adapter": {"size": 4, "position": "both", "reads": "norm"}},
            EXACT,
            r"serial_adapter: with these knobs .* or follows it and reads of all tokens",
        ),
        (LORA, {"optimiser": "mezo"}, r"context: lemo: .*forward-only.*expected `context: all`, or `optimiser: adamw`"),
    ],
    ids=lambda value: next(iter(value), "plain") if isinstance(value, dict) else None,
)
def test_what_would_train_wrongly_is_refused_and_costs_more_than_any_budget(llama, modules, training, said):
    configuration = asked(llama, modules, **training)
    with pytest.raises(ConfigurationError, match=said):
        Costs(llama).params(configuration)
    assert Costs(llama).price(configuration, -1) == -1
    with pytest.raises(ConfigurationError, match=said):
        apply(configuration, llama.language_model(), llama.anatomy)


@pytest.mark.parametrize("modules", [{"lora": {"rank": 2, "targets": ["q", "up"]}}, {"full": {}}])
def test_with_all_neurons_what_trains_may_be_in_feed_forward_parts(llama, modules):
    assert Costs(llama).params(asked(llama, modules, **EXACT)) == Costs(llama).params(
        canonical({"modules": modules}, VOCABULARY, llama.shape)
    )


@pytest.mark.parametrize("name", sorted(name for name, method in METHODS.items() if not method.allows_dropping))
def test_methods_with_keys_of_their_own_are_refused_in_words_and_when_checked(llama, name):
    with pytest.raises(ConfigurationError, match="context"):
        asked(llama, {name: EXAMPLES[name]}, **EXACT)
    plain = canonical({"modules": {name: EXAMPLES[name]}}, VOCABULARY, llama.shape).to_dict()
    written = Configuration.from_dict(
        {**plain, "training": {**plain["training"], "context": "lemo", "lemo_kept": 0.4, **EXACT}}
    )
    with pytest.raises(ConfigurationError, match=rf"{name}: (with these knobs it has keys|.*decoder|.*PEFT)"):
        Costs(llama).params(written)


@pytest.mark.parametrize("architecture", ["bert", "gpt2", "vit"])
def test_models_of_another_build_are_refused(tiny, architecture):
    backbone = tiny(architecture)
    targets = ["qkv" if architecture == "gpt2" else "q"]
    configuration = asked(backbone, {"lora": {"rank": 2, "targets": targets}}, **EXACT)
    with pytest.raises(ConfigurationError, match=r"context: lemo: it needs a decoder with rotary"):
        Costs(backbone).params(configuration)


@pytest.mark.parametrize("architecture", ["gpt_neox", "phi", "phi3", "gemma2"])
def test_decoders_of_another_build_are_refused(tmp_path, architecture):
    backbone = load_decoder(tiny_decoder(architecture, tmp_path))
    targets = ["q" if "q" in backbone.anatomy.present else "qkv"]
    with pytest.raises(ConfigurationError, match=r"context: lemo: it needs .*; expected `context: all` or"):
        Costs(backbone).params(asked(backbone, {"lora": {"rank": 2, "targets": targets}}, **EXACT))


def test_weights_in_few_bits_are_refused_in_training_and_taken_with_what_is_saved(llama):
    configuration = asked(llama, LORA)
    parts = plan(configuration)
    check = [configuration, llama.meta(), llama.anatomy, "4bit"]
    with pytest.raises(ConfigurationError, match=r"weights are held in few bits, .*`lemo_neurons: 1`"):
        check_parts(parts, *check)
    check_parts(parts, *check, built=parts)
    check_parts(plan(asked(llama, LORA, **EXACT)), asked(llama, LORA, **EXACT), *check[1:])


def test_a_space_says_what_of_it_is_refused(llama):
    modules = {"lora": {"rank": 2, "targets": "subset of q, up"}}
    space = SearchSpace("s", modules=modules, training={"context": "all | lemo"}).bind(VOCABULARY, llama.shape)
    [said] = refusals(space, Costs(llama))
    assert "expected `lemo_neurons: 1`" in said
    both = SearchSpace("s", modules={"prefix": {"length": "1 | 2"}}, training={"context": "all | lemo"})
    with pytest.raises(Exception, match="prefix"):
        both.bind(VOCABULARY, llama.shape)


def test_configurations_without_it_are_what_they_were_and_knobs_come_with_it(llama):
    plain = canonical({"modules": LORA}, VOCABULARY, llama.shape)
    assert not [name for name in plain.training if "context" in name or "lemo" in name]
    assert canonical({"modules": LORA, "training": {"context": "all"}}, VOCABULARY, llama.shape) == plain
    assert asked(llama, LORA).training | {"lemo_kept": 0.4, "lemo_neurons": 0.2} == asked(llama, LORA).training
    with pytest.raises(ConfigurationError, match="lemo_kept"):
        canonical({"modules": LORA, "training": {"lemo_kept": 0.4}}, VOCABULARY, llama.shape)
    with pytest.raises(ConfigurationError, match="lemo_kept"):
        asked(llama, LORA, lemo_kept=0.0)


def test_layers_below_the_first_that_drops_tokens_are_computed_once(llama):
    high = {"lora": {"rank": 2, "targets": ["q"], "layers": [2]}}
    count = llama.anatomy.count
    lemo = CONTEXT.words["lemo"]
    assert [*lemo.dropping(32, {"kept": 0.4})] == [*range(15, 31)]
    assert [*lemo.dropping(1, {"kept": 0.4})] == []
    assert [*lemo.dropping(count, {"kept": 0.4})] == [0, 1]
    assert frozen_depth(canonical({"modules": high}, VOCABULARY, llama.shape), llama.anatomy) == 2
    assert frozen_depth(asked(llama, high), llama.anatomy) == 0
    assert frozen_depth(asked(llama, high, lemo_kept=1.0), llama.anatomy) == 2


def test_memory_goes_with_what_is_left_in_the_layers_that_are_differentiated(llama):
    middle = {"lora": {"rank": 2, "targets": ["q"], "layers": [1, 2]}}
    found = memory_features(asked(llama, middle, lemo_kept=0.4, lemo_neurons=0.2), llama.anatomy)
    assert found == {"lemo layers": 2, "lemo tokens": 1.4, "lemo neurons": 0.4, "lora": 2}
    assert memory_features(canonical({"modules": middle}, VOCABULARY, llama.shape), llama.anatomy) == {
        "layers": 2,
        "lora": 2,
    }


def test_costs_of_what_is_used_afterwards_are_those_without_it(llama):
    costs = Costs(llama)
    plain, with_it = canonical({"modules": LORA}, VOCABULARY, llama.shape), asked(llama, LORA)
    for count in (costs.params, costs.active, costs.held, costs.bytes, costs.flops, costs.forward, costs.nonzero):
        assert count(plain) == count(with_it)


def test_tools_cannot_express_it_and_the_adapters_are_the_same_without(llama):
    [said] = beyond_config(asked(llama, LORA))
    assert said.field == "training.context"
    assert said.lossy
