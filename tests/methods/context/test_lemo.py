"""LeMo in decoders: what skips attention, where gradients go, what that saves, and that only training does it."""

import pytest
import torch
from torch.nn.functional import cross_entropy

from autopeft.backbones import load_decoder
from autopeft.errors import ConfigurationError
from autopeft.methods import VOCABULARY, adapter_parameters, apply, remove, switch_training
from autopeft.methods.builder import applied
from autopeft.methods.context import dropper as module
from autopeft.methods.context.attention import padding
from autopeft.space import canonical
from autopeft.testing.decoders import DECODERS, tiny_decoder
from autopeft.testing.methods import randomise
from autopeft.trials import use_threads
from autopeft.trials.checkpointing import recompute_layers
from tests.marks import mostly_slow
from tests.methods.examples import EXAMPLES

TOKENS, SHORT = 300, 170
FITTING = ("llama", "mistral", "qwen2", "qwen3", "gemma", "gemma3_text")
LORA = {"lora": {"rank": 2, "targets": ["q", "v", "o"]}}
ALL = {"kept": 1.0, "neurons": 1.0}

every_fitting = pytest.mark.parametrize("architecture", mostly_slow(FITTING))


@pytest.fixture(scope="module")
def decoder(tmp_path_factory):
    use_threads(1)
    found = {}

    def get(architecture):
        if architecture not in found:
            folder = tmp_path_factory.mktemp(architecture)
            longer = {**DECODERS[architecture], "num_hidden_layers": 4, "max_position_embeddings": 512}
            with pytest.MonkeyPatch.context() as patch:
                patch.setitem(DECODERS, architecture, longer)
                found[architecture] = load_decoder(tiny_decoder(architecture, folder))
        return found[architecture]

    return get


@pytest.fixture(scope="module")
def llama(decoder):
    return decoder("llama")


def asked(backbone, knobs=None, modules=LORA, **training):
    lemo = {"context": "lemo", **{f"lemo_{name}": value for name, value in (knobs or {}).items()}}
    return canonical({"modules": modules, "training": {**lemo, **training}}, VOCABULARY, backbone.shape)


def built(backbone, knobs=None, modules=LORA, attention="sdpa", on=True):
    model = backbone.language_model()
    model.config.use_cache = False
    model.set_attn_implementation(attention)
    apply(asked(backbone, knobs, modules), model, backbone.anatomy, seed=0)
    randomise(model)
    switch_training(model.eval(), on)
    return model


def batch_of(*lengths, seed=0):
    generator = torch.Generator().manual_seed(seed)
    mask = (torch.arange(max(lengths)) < torch.tensor(lengths)[:, None]).long()
    ids = torch.randint(3, 40, mask.shape, generator=generator)
    return {"input_ids": ids, "attention_mask": mask}


def gradients(model, batch):
    """Return the gradients of the adapters for the loss of telling each next token, and the logits."""
    # A prompt stands in front.
    logits = model(**batch).logits[:, -batch["input_ids"].shape[1] :]
    labels = batch["input_ids"].masked_fill(batch["attention_mask"] == 0, -100)
    cross_entropy(logits[:, :-1].flatten(0, 1), labels[:, 1:].flatten()).backward()
    found = {name: parameter.grad for name, parameter in adapter_parameters(model).items()}
    model.zero_grad(set_to_none=True)
    return found, logits.detach()


@pytest.fixture
def noted(monkeypatch):
    """Return the tokens that were kept, layer by layer."""
    found = []
    real = module.keep
    monkeypatch.setattr(module, "keep", lambda *args: found.append(real(*args)) or found[-1])
    return found


@every_fitting
def test_all_blocks_and_neurons_give_the_same_to_the_bit(decoder, architecture):
    backbone, batch = decoder(architecture), batch_of(TOKENS, SHORT)
    plain, expected = gradients(built(backbone, on=False), batch)
    found, logits = gradients(built(backbone, ALL), batch)
    assert torch.equal(logits, expected)
    assert found.keys() == plain.keys()
    assert all(torch.equal(found[name], plain[name]) for name in plain)


@pytest.mark.parametrize("attention", ["sdpa", "eager"])
@every_fitting
def test_dropped_tokens_skip_attention_and_kept_ones_see_each_other_where_they_stand(
    decoder, noted, architecture, attention
):
    backbone, batch = decoder(architecture), batch_of(TOKENS, SHORT)
    model = built(backbone, {"kept": 0.4, "neurons": 1.0}, attention=attention)
    outputs = {}
    handles = [
        model.get_submodule(backbone.anatomy.attention_module(layer)).register_forward_hook(
            lambda _module, _inputs, output, layer=layer: outputs.update({layer: output[0]})
        )
        for layer in range(4)
    ]
    logits = model(**batch).logits
    for handle in handles:
        handle.remove()
    # The lower half but one layer, and the last, keep everything.
    assert len(noted) == 2
    valid = batch["attention_mask"].bool()
    still = {layer: (output == 0).all(2) for layer, output in outputs.items()}
    assert not (still[0] & valid).any()
    assert not (still[3] & valid).any()
    kept = dict(zip((1, 2), noted, strict=True))
    for layer, (places, real) in kept.items():
        there = torch.zeros_like(valid)
        for text in range(2):
            there[text, places[text][real[text]]] = True
        assert torch.equal(still[layer], ~there)
        # Of 5 and 3 blocks 2 and 1.
        assert there.sum(1).tolist() in ([128, 64], [108, 64], [128, 42], [108, 42])

    # The same by masks: nothing sees the dropped tokens, and what they see is nothing.
    switch_training(model, False)

    def hide(layer):
        def before(_module, args, inputs):
            hidden = inputs["attention_mask"]
            there = ~still[layer][:, None, None]
            low = torch.finfo(torch.float32).min
            masked = hidden & there if hidden.dtype == torch.bool else hidden.masked_fill(~there, low)
            return args, {**inputs, "attention_mask": masked}

        def after(_module, _inputs, output):
            return output[0].masked_fill(still[layer][..., None], 0.0), *output[1:]

        attended = model.get_submodule(backbone.anatomy.attention_module(layer))
        attended.register_forward_pre_hook(before, with_kwargs=True)
        attended.register_forward_hook(after)

    for layer in (1, 2):
        hide(layer)
    again = model(**batch).logits
    torch.testing.assert_close(logits[valid], again[valid], atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize("attention", ["sdpa", "eager"])
def test_texts_of_a_batch_have_no_say_in_each_other(llama, attention):
    model = built(llama, {"kept": 0.4, "neurons": 0.3}, attention=attention)
    both = batch_of(TOKENS, SHORT)
    together, logits = gradients(model, both)
    apart = {name: torch.zeros_like(value) for name, value in together.items()}
    for text, length in enumerate((TOKENS, SHORT)):
        alone = {name: value[text : text + 1, :length] for name, value in both.items()}
        found, of_it = gradients(model, alone)
        torch.testing.assert_close(logits[text : text + 1, :length], of_it, atol=1e-5, rtol=1e-4)
        for name, value in found.items():
            apart[name] += value * (length - 1) / (TOKENS + SHORT - 2)
    for name, value in together.items():
        torch.testing.assert_close(value, apart[name], atol=1e-6, rtol=1e-3)


def test_texts_that_keep_other_numbers_of_tokens_need_no_mask(llama, noted, monkeypatch):
    """Of equally long texts one may keep the last block, which is shorter."""
    model, batch = built(llama, {"kept": 0.7, "neurons": 1.0}), batch_of(140, 140)
    scores = torch.tensor([[3.0, 2.0, 1.0], [1.0, 2.0, 3.0]])
    monkeypatch.setattr(module, "block_scores", lambda *_: scores)
    logits = model(**batch).logits
    assert [each.real.sum(1).tolist() for each in noted] == [[128, 76]] * 2
    for text in range(2):
        monkeypatch.setattr(module, "block_scores", lambda *_, text=text: scores[text : text + 1])
        alone = model(input_ids=batch["input_ids"][text : text + 1]).logits
        torch.testing.assert_close(logits[text : text + 1], alone, atol=1e-5, rtol=1e-4)


@every_fitting
def test_the_feed_forward_part_is_exact_and_its_gradient_goes_through_the_chosen_neurons(decoder, architecture):
    backbone = decoder(architecture)
    model = built(backbone, {"kept": 1.0, "neurons": 0.25})
    part = model.get_submodule(f"{backbone.anatomy.layer(0)}.mlp")
    hidden = torch.randn(2, 50, backbone.shape.hidden)
    found = {}
    for on in (True, False):
        switch_training(model, on)
        given = hidden.clone().requires_grad_()
        output = part(given)
        output.square().sum().backward()
        found[on] = output.detach(), given.grad
    assert torch.equal(found[True][0], found[False][0])
    assert not torch.allclose(found[True][1], found[False][1], rtol=1e-2)

    # The same by hand: what goes through the others counts as constant.
    given = hidden.clone().requires_grad_()
    opened, up = part.act_fn(part.gate_proj(given)), part.up_proj(given)
    norms = opened.norm(dim=1) + up.norm(dim=1)
    chosen = norms >= norms.sort(dim=1, descending=True).values[:, [norms.shape[1] // 4 - 1]]
    product = opened * up
    part.down_proj(torch.where(chosen[:, None], product, product.detach())).square().sum().backward()
    torch.testing.assert_close(found[True][1], given.grad)


def saved_bytes(model, batch):
    """Return the bytes of what waits for the backward pass, the weights aside."""
    own = {parameter.untyped_storage().data_ptr() for parameter in model.parameters()}
    held = {}

    def pack(tensor):
        storage = tensor.untyped_storage()
        if storage.data_ptr() not in own:
            held[storage.data_ptr()] = storage.nbytes(), tensor
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
        logits = model(**batch).logits
    assert logits.requires_grad
    return sum(size for size, _ in held.values())


def test_what_waits_for_the_backward_pass_falls_with_tokens_and_with_neurons(llama):
    batch = batch_of(448)
    found = {}
    for kept in (1.0, 0.6, 0.2):
        for neurons in (1.0, 0.5, 0.1):
            found[kept, neurons] = saved_bytes(built(llama, {"kept": kept, "neurons": neurons}), batch)
    for share in (1.0, 0.6, 0.2):
        assert found[share, 1.0] > found[share, 0.5] > found[share, 0.1]
    for share in (1.0, 0.5, 0.1):
        assert found[1.0, share] > found[0.6, share] > found[0.2, share]
    assert found[1.0, 1.0] == saved_bytes(built(llama, on=False), batch)


def test_only_training_leaves_anything_out_and_nothing_stays_behind(llama):
    plain, batch = llama.language_model(), batch_of(TOKENS, SHORT)
    expected = plain(**batch).logits
    model = llama.language_model()
    apply(asked(llama), model, llama.anatomy, seed=0)
    assert torch.equal(model(**batch).logits, expected)
    switch_training(model, True)
    assert not torch.allclose(model(**batch).logits, expected)
    switch_training(model, False)
    assert torch.equal(model(**batch).logits, expected)
    switch_training(model, True)
    remove(model)
    assert torch.equal(model(**batch).logits, expected)
    for each in model.modules():
        assert not each._forward_hooks
        assert not each._forward_pre_hooks
        assert "forward" not in each.__dict__


def test_a_pass_that_breaks_off_leaves_nothing_to_the_next(llama, monkeypatch):
    model, batch = built(llama), batch_of(TOKENS)
    switch_training(model, False)
    expected = model(**batch).logits
    switch_training(model, True)
    with monkeypatch.context() as patch:
        patch.setattr(torch.nn.functional, "scaled_dot_product_attention", lambda *_, **__: 1 / 0)
        for layer in range(2):
            # So that the first that breaks off is one that drops tokens.
            attended = model.get_submodule(llama.anatomy.attention_module(layer))
            if layer == 0:
                patch.setattr(attended, "forward", lambda hidden_states, **_: (hidden_states, None))
        with pytest.raises(ZeroDivisionError):
            model(**batch)
    assert applied(model).droppers[0]._at_work[1]._kept is not None
    switch_training(model, False)
    assert torch.equal(model(**batch).logits, expected)


@pytest.mark.parametrize("modules", [LORA, {"prompt": {"length": 3}}, {"full_layers": {"top_layers": 2}}])
def test_layers_computed_again_for_the_backward_pass_choose_the_same(llama, modules):
    batch = batch_of(TOKENS, SHORT)
    neurons = 1.0 if "full_layers" in modules else 0.3
    found = []
    for again in (False, True):
        model = built(llama, {"kept": 0.4, "neurons": neurons}, modules)
        if again:
            recompute_layers(model)
        found.append(gradients(model, batch)[0])
    for name, value in found[0].items():
        torch.testing.assert_close(value, found[1][name])
        assert value.any()


def test_in_16_bits_it_is_nearly_the_same(llama):
    batch = batch_of(TOKENS, SHORT)
    exact, _ = gradients(built(llama, {"kept": 0.4, "neurons": 0.3}), batch)
    with torch.autocast("cpu", torch.bfloat16):
        found, logits = gradients(built(llama, {"kept": 0.4, "neurons": 0.3}), batch)
    assert logits.dtype == torch.bfloat16
    near = [torch.cosine_similarity(exact[name].flatten(), found[name].flatten(), 0) for name in exact]
    assert sum(near) / len(near) > 0.9


def test_masks_tell_padding_of_either_side():
    for valid in (torch.tensor([[1, 1, 0], [1, 1, 1]]), torch.tensor([[0, 1, 1], [1, 1, 1]])):
        seen = valid.bool()[:, None, None] & torch.ones(3, 3, dtype=torch.bool).tril()
        assert torch.equal(padding(seen), valid.bool())
        added = torch.zeros(seen.shape).masked_fill(~seen, torch.finfo(torch.float32).min)
        assert torch.equal(padding(added), valid.bool())
    assert padding(None) is None


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("head", ["language model", "classifier"])
@pytest.mark.parametrize("name", mostly_slow([*EXAMPLES, "aside_and_serial"]))
def test_every_method_is_refused_or_trains_beside_it(llama, tiny, name, head):
    both = {"aside": {"size": 4}, "serial_adapter": {"size": 4, "position": "both"}}
    modules = both if name == "aside_and_serial" else {name: EXAMPLES[name]}
    batch = batch_of(120, 70)
    # The tiny classifier knows fewer tokens.
    batch["input_ids"] %= 20
    if head == "classifier":
        model, anatomy, shape = tiny("llama").classifier(2), tiny("llama").anatomy, tiny("llama").shape
        labels = torch.tensor([0, 1])
    else:
        model, anatomy, shape = llama.language_model(), llama.anatomy, llama.shape
        labels = batch["input_ids"]
    training = {"context": "lemo", "lemo_kept": 0.5, "lemo_neurons": 1.0}
    try:
        configuration = canonical({"modules": modules, "training": training}, VOCABULARY, shape)
        apply(configuration, model, anatomy, seed=0, batches=[{**batch, "labels": labels}])
    except ConfigurationError as error:
        pytest.skip(str(error))
    switch_training(model.eval(), True)
    model(**batch).logits.square().mean().backward()
    found = [parameter.grad for parameter in adapter_parameters(model).values()]
    assert any(gradient is not None and gradient.isfinite().all() for gradient in found)
