"""The path beside the layers against its formula, and that it is connected."""

import pytest
import torch
from torch.nn.functional import linear, relu

from autopeft.backbones import load_decoder
from autopeft.costs import Costs
from autopeft.methods import VOCABULARY, adapter_parameters, apply
from autopeft.space import canonical
from autopeft.testing.decoders import tiny_decoder
from autopeft.testing.methods import logits, randomise
from autopeft.testing.models import tiny_batch
from autopeft.trials.checkpointing import recompute_layers
from autopeft.trials.top import first_token_only
from tests.marks import mostly_slow
from tests.methods.stepping import build, fresh

EACH = mostly_slow(["bert", "llama", "vit", "gpt2"])


def hidden_of(output):
    return output[0] if isinstance(output, tuple) else output


def step_by_hand(layer, hidden, state):
    """Return what the state becomes beside a layer."""
    down, up = layer.aside_down["default"], layer.aside_up["default"]
    inner = relu(linear(hidden + state, down.weight, down.bias))
    return state + linear(inner, up.weight, up.bias)


@pytest.mark.parametrize("backbone", EACH, indirect=True)
@pytest.mark.parametrize(("inject", "layers"), [("every", [0, 1, 2]), ("every", [0, 2]), ("last", [0, 1])])
def test_it_goes_on_and_comes_back_as_the_formula_says(backbone, inject, layers) -> None:
    knobs = {"size": 4, "scale": 0.5, "inject": inject, "layers": layers}
    model, _ = build(backbone, {"aside": knobs, "lora": {"rank": 2, "targets": ["q"]}})
    randomise(model)
    seen, state = {}, 0
    placed = [model.get_submodule(backbone.anatomy.layer(index)) for index in layers]
    for index, layer in enumerate(placed):
        layer.base_layer.register_forward_hook(lambda _, args, output, at=index: seen.update({at: hidden_of(output)}))
        layer.register_forward_hook(lambda _, args, output, at=index: seen.update({f"{at}+": hidden_of(output)}))
    logits(model, tiny_batch(backbone))
    for index, layer in enumerate(placed):
        state = step_by_hand(layer, seen[index], state)
        injected = inject == "every" or layer is placed[-1]
        torch.testing.assert_close(seen[f"{index}+"], seen[index] + 0.5 * state if injected else seen[index])
    # Or it would outlive the step.
    assert {path.state for layer in placed for path in layer._paths.values()} == {None}


@pytest.mark.parametrize("backbone", EACH, indirect=True)
@pytest.mark.parametrize("inject", ["every", "last"])
def test_gradients_reach_the_lowest_step_past_every_layer(backbone, inject) -> None:
    model, _ = build(backbone, {"aside": {"size": 8, "inject": inject, "activation": "tanh"}})
    randomise(model)
    layers = [model.get_submodule(backbone.anatomy.layer(index)) for index in range(backbone.anatomy.count)]
    for layer in layers:
        layer.base_layer.register_forward_hook(
            lambda _, args, output: (output[0].detach(), *output[1:]) if isinstance(output, tuple) else output.detach()
        )
    model(**tiny_batch(backbone)).loss.backward()
    assert all(layer.aside_down["default"].weight.grad.any() for layer in layers)


@pytest.mark.parametrize("backbone", EACH, indirect=True)
def test_a_place_has_two_matrices_and_their_biases(backbone) -> None:
    model, configuration = build(backbone, {"aside": {"size": {"0": 4, "2": 7}}})
    d = backbone.shape.hidden
    expected = sum(2 * d * r + r + d for r in (4, 7))
    assert Costs(backbone).params(configuration) == expected
    assert sum(parameter.numel() for parameter in adapter_parameters(model).values()) == expected


def test_what_trials_leave_out_has_no_say_beside_all_layers(tiny) -> None:
    backbone = tiny("bert")
    model, _ = build(backbone, {"aside": {"size": 4}})
    randomise(model)
    expected, lengths = logits(model, tiny_batch(backbone)), []
    model.get_submodule(backbone.anatomy.layer(2)).register_forward_hook(
        lambda _, args, output: lengths.append(hidden_of(output).shape[1])
    )
    with first_token_only(model, backbone.anatomy):
        torch.testing.assert_close(logits(model, tiny_batch(backbone)), expected)
    assert lengths == [1]


@pytest.mark.parametrize("backbone", mostly_slow(["bert", "llama"]), indirect=True)
def test_gradients_are_the_same_where_layers_are_computed_again(backbone) -> None:
    found = []
    for again in (False, True):
        model, _ = build(backbone, {"aside": {"size": 4}})
        randomise(model)
        if again:
            recompute_layers(model)
        model(**tiny_batch(backbone)).loss.backward()
        found.append({name: value.grad for name, value in adapter_parameters(model).items()})
    assert all(value.any() for value in found[0].values())
    torch.testing.assert_close(found[1], found[0])


def test_a_decoder_goes_on_from_kept_keys_and_values(tmp_path) -> None:
    decoder = load_decoder(tiny_decoder("llama", tmp_path))
    model = decoder.language_model()
    apply(canonical({"modules": {"aside": {"size": 4}}}, VOCABULARY, decoder.shape), model, decoder.anatomy, seed=0)
    randomise(model)
    model.eval()
    tokens = torch.arange(4, 10)[None]
    with torch.no_grad():
        whole = model(input_ids=tokens).logits
        start = model(input_ids=tokens[:, :4], use_cache=True)
        rest = model(input_ids=tokens[:, 4:], past_key_values=start.past_key_values, use_cache=True).logits
    torch.testing.assert_close(torch.cat([start.logits, rest], dim=1), whole, atol=1e-5, rtol=1e-5)


def test_it_starts_as_nothing(tiny) -> None:
    backbone = tiny("bert")
    expected = logits(fresh(backbone), tiny_batch(backbone))
    for inject in ("every", "last"):
        model, _ = build(backbone, {"aside": {"size": 4, "scale": 4, "inject": inject}})
        assert torch.equal(logits(model, tiny_batch(backbone)), expected)
