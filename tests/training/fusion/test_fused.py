"""Three decoders as one: what it writes is what one gets by hand, whatever it is made of."""

from copy import deepcopy

import pytest
import torch
from peft import LoraConfig, get_peft_model
from transformers import LogitsProcessorList, MinNewTokensLengthLogitsProcessor

from autopeft.backbones import load_decoder
from autopeft.errors import ConfigurationError
from autopeft.methods import VOCABULARY, adapter_parameters, apply
from autopeft.space import canonical
from autopeft.tasks import IGNORED
from autopeft.testing.decoders import tiny_decoder
from autopeft.training.fusion import Fused
from autopeft.training.fusion.weights import fuse_logits
from autopeft.trials import use_threads
from autopeft.trials.causal.generation import generate
from autopeft.trials.causal.learned import learned_logits
from tests.methods.examples import EXAMPLES

PROMPTS = [[5, 6, 7, 8, 9], [10, 11], [12, 13, 14, 15, 16, 17, 18, 19]]
CAP = 6


def perturbed(model, seed, size):
    """Move all parameters of a model by chance, so that its texts differ."""
    torch.manual_seed(seed)
    for parameter in model.parameters():
        parameter.data.add_(size * torch.randn_like(parameter))
    return model


def adapted(decoder, modules):
    """Return a small model with adapters that say something."""
    model = perturbed(decoder.language_model(), 1, 0.1)
    apply(
        canonical({"modules": modules, "training": {"learning_rate": 1e-3}}, VOCABULARY, decoder.shape),
        model,
        decoder.anatomy,
    )
    torch.manual_seed(2)
    for parameter in adapter_parameters(model).values():
        parameter.data.add_(0.3 * torch.randn_like(parameter))
    return model.eval()


@pytest.fixture(scope="module")
def decoders(tmp_path_factory):
    use_threads(1)
    folder = tmp_path_factory.mktemp("models")
    return {name: load_decoder(tiny_decoder(name, folder)) for name in ("gpt2", "llama")}


@pytest.fixture(scope="module", params=["gpt2", "llama"])
def three(request, decoders):
    """A large model of either architecture, and a small one with and without adapters."""
    small = decoders["llama"]
    large = perturbed(decoders[request.param].language_model(), 0, 0.15)
    return large, adapted(small, {"lora": {"rank": 4, "alpha": 8}}), perturbed(small.language_model(), 1, 0.1)


def written(model, decoder, prompts=PROMPTS):
    tokenizer = decoder.tokenizer()
    ends = {tokenizer.eos_token_id}
    return [text for [text] in generate(model, prompts, tokenizer, ends=ends, cap=CAP, pad_id=2, precision="fp32")]


def by_hand(three, weight, decoder, prompt):
    """Return what is written when each model reads the whole text for each token."""
    tokenizer, ids = decoder.tokenizer(), list(prompt)
    with torch.no_grad():
        for _ in range(CAP):
            told = [model(input_ids=torch.tensor([ids])).logits[:, -1] for model in three]
            ids.append(int(fuse_logits(*told, weight)[0].argmax()))
            if ids[-1] == tokenizer.eos_token_id:
                break
    return tokenizer.decode(ids[len(prompt) :], skip_special_tokens=True).strip()


@pytest.mark.parametrize("weight", [None, 1.0, 0.5])
def test_a_text_is_the_one_written_by_hand(three, decoders, weight):
    small = decoders["llama"]
    assert written(Fused(*three, weight=weight), small) == [by_hand(three, weight, small, each) for each in PROMPTS]


def test_weight_0_writes_what_the_large_model_does_and_others_do_not(three, decoders):
    small = decoders["llama"]
    large = written(three[0], small)
    assert written(Fused(*three, weight=0.0), small) == large
    assert written(Fused(*three, weight=1.0), small) != large


def test_the_small_model_on_itself_writes_what_the_trained_one_does(three, decoders):
    _, tuned, untuned = three
    small = decoders["llama"]
    assert written(Fused(untuned, tuned, untuned), small) == written(tuned, small) != written(untuned, small)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", ["shadow", "prefix_tuning", "prompt"])
def test_adapters_before_a_text_and_those_that_keep_nothing(decoders, name):
    small = decoders["llama"]
    three = (
        perturbed(small.language_model(), 0, 0.15),
        adapted(small, {name: EXAMPLES[name]}),
        perturbed(small.language_model(), 1, 0.1),
    )
    assert written(Fused(*three), small) == [by_hand(three, None, small, prompt) for prompt in PROMPTS]


def test_a_model_of_peft(decoders):
    small = decoders["gpt2"]
    large, untuned = perturbed(small.language_model(), 0, 0.15), perturbed(small.language_model(), 1, 0.1)
    tuned = get_peft_model(deepcopy(untuned), LoraConfig(target_modules=["c_attn"], fan_in_fan_out=True))
    for name, parameter in tuned.named_parameters():
        if "lora" in name:
            parameter.data.add_(0.3)
    three = (large, tuned.eval(), untuned)
    found = written(Fused(*three), small)
    assert found == [by_hand(three, None, small, prompt) for prompt in PROMPTS]
    assert found != written(large, small)


def test_each_model_reads_each_token_once(three, decoders):
    tokens = []

    def count(_module, _inputs, given):
        tokens.append(given["input_ids"].shape[1])

    handles = [model.register_forward_pre_hook(count, with_kwargs=True) for model in three]
    try:
        ids = torch.tensor([PROMPTS[0]])
        found = Fused(*three).generate(ids, max_new_tokens=CAP, min_new_tokens=CAP, do_sample=False)
    finally:
        for handle in handles:
            handle.remove()
    assert found.shape[1] == len(PROMPTS[0]) + CAP
    assert sorted(tokens) == [1] * 3 * (CAP - 1) + [len(PROMPTS[0])] * 3


def test_tokens_that_not_all_have_logits_for_are_never_told(three, decoders):
    large, tuned, untuned = three
    wider = deepcopy(large)
    wider.resize_token_embeddings(large.config.vocab_size + 16)
    with torch.no_grad():
        # What no model of this vocabulary knows would be the likeliest.
        wider.get_output_embeddings().weight[large.config.vocab_size :] *= 100
    narrow, same = (written(Fused(each, tuned, untuned), decoders["llama"]) for each in (large, wider))
    assert narrow == same
    ids = torch.tensor(PROMPTS[:1])
    assert Fused(wider, tuned, untuned)(ids).logits.shape[-1] == large.config.vocab_size


def test_what_it_is_measured_by_is_computed_where_tokens_are_learned_alone(three):
    batch = {"input_ids": torch.tensor([PROMPTS[0], [*PROMPTS[1], 2, 2, 2]])}
    batch["attention_mask"] = torch.tensor([[1] * 5, [1, 1, 0, 0, 0]])
    batch["labels"] = torch.tensor([[IGNORED, IGNORED, 7, 8, IGNORED], [IGNORED, 11, IGNORED, IGNORED, IGNORED]])
    fused = Fused(*three)
    assert fused.mean_weight is None
    with torch.inference_mode():
        logits, targets = learned_logits(fused, batch, torch.device("cpu"), "fp32")
        weight = fused.mean_weight
        whole = fused(batch["input_ids"], batch["attention_mask"]).logits
    assert targets.tolist() == [7, 8, 11]
    assert torch.allclose(logits, torch.stack([whole[0, 1], whole[0, 2], whole[1, 0]]), atol=1e-4)
    with torch.inference_mode():
        told = [learned_logits(model, batch, torch.device("cpu"), "fp32")[0] for model in three]
    assert weight == pytest.approx(float(fuse_logits(*told)[1].mean()))


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_a_model_that_is_two_of_the_three(three, precision):
    _, tuned, untuned = three
    batch = {"input_ids": torch.tensor([PROMPTS[0]]), "labels": torch.tensor([[IGNORED, IGNORED, 7, 8, 9]])}
    with torch.inference_mode():
        fused = Fused(untuned, tuned, untuned)
        found, _ = learned_logits(fused, batch, torch.device("cpu"), precision)
        alone, _ = learned_logits(tuned, batch, torch.device("cpu"), precision)
    assert fused.mean_weight == 1.0
    assert found.dtype == torch.float32
    assert torch.allclose(found, alone.float(), atol=1e-4)


def test_several_texts_of_a_prompt_may_be_drawn_and_processors_come_first(three):
    fused, ids = Fused(*three), torch.tensor([PROMPTS[0], PROMPTS[0]])
    one = fused.generate(ids, max_new_tokens=3, do_sample=False)
    several = fused.generate(ids, max_new_tokens=3, do_sample=True, top_k=1, num_return_sequences=2)
    assert several.tolist() == [one[0].tolist()] * 4
    banned = [int(one[0, len(PROMPTS[0])])]
    first = LogitsProcessorList([MinNewTokensLengthLogitsProcessor(len(PROMPTS[0]), 3, banned)])
    other = fused.generate(ids[:1], max_new_tokens=3, do_sample=False, logits_processor=first)
    assert banned[0] not in other[0, len(PROMPTS[0]) :].tolist()


def test_beams_and_weights_that_are_none_are_refused(three):
    with pytest.raises(ConfigurationError, match=r"leave beams and assistants out \(num_beams=1\)"):
        Fused(*three).generate(torch.tensor(PROMPTS[:1]), max_new_tokens=CAP, num_beams=3, do_sample=False)
    for weight in (-0.1, 2.5, float("nan")):
        with pytest.raises(ConfigurationError, match="expected 0 to 2, or none"):
            Fused(*three, weight=weight)
