"""What a model writes: the same with keys and values kept as one token after the other by hand, whatever adapts it."""

import pytest
import torch

from autopeft.backbones import load_decoder
from autopeft.errors import ConfigurationError
from autopeft.methods import HEAD_ONLY, VOCABULARY, adapter_parameters, apply, remove
from autopeft.space import canonical
from autopeft.testing.decoders import tiny_decoder
from autopeft.trials import use_threads
from autopeft.trials.causal.generation import generate, generate_all
from autopeft.trials.checkpointing import recomputing
from tests.marks import mostly_slow
from tests.methods.examples import EXAMPLES

PROMPTS = [[5, 6, 7, 8, 9], [10, 11], [12, 13, 14, 15, 16, 17, 18, 19]]
CAP = 8


@pytest.fixture(scope="module", params=["llama", "gpt2"])
def adaptable(request, tmp_path_factory):
    """A decoder and its model, of which different prompts make different texts."""
    use_threads(1)
    decoder = load_decoder(tiny_decoder(request.param, tmp_path_factory.mktemp("model")))
    model = decoder.language_model()
    torch.manual_seed(0)
    for parameter in model.parameters():
        parameter.data.add_(0.15 * torch.randn_like(parameter))
    return decoder, model


def ours(decoder, model, prompts, stops=()):
    tokenizer = decoder.tokenizer()
    ends = {tokenizer.eos_token_id}
    how = {"ends": ends, "stops": stops, "cap": CAP, "pad_id": 2, "precision": "fp32"}
    return [text for [text] in generate(model, prompts, tokenizer, **how)]


def by_hand(decoder, model, prompt):
    tokenizer, ids = decoder.tokenizer(), list(prompt)
    with torch.no_grad():
        for _ in range(CAP):
            text = torch.tensor([ids])
            logits = model(input_ids=text, attention_mask=torch.ones_like(text)).logits
            ids.append(int(logits[0, -1].argmax()))
            if ids[-1] == tokenizer.eos_token_id:
                break
    return tokenizer.decode(ids[len(prompt) :], skip_special_tokens=True).strip()


def adapt(decoder, model, modules):
    data = {"modules": modules, "training": {"learning_rate": 1e-3}}
    apply(canonical(data, VOCABULARY, decoder.shape), model, decoder.anatomy, seed=0)
    torch.manual_seed(1)
    for parameter in adapter_parameters(model).values():
        parameter.data.add_(0.3 * torch.randn_like(parameter))
    model.eval()


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", EXAMPLES)
def test_a_text_is_the_one_written_by_hand(adaptable, name):
    decoder, model = adaptable
    try:
        adapt(decoder, model, {name: EXAMPLES[name]})
    except ConfigurationError as error:
        pytest.skip(str(error))
    try:
        assert ours(decoder, model, PROMPTS) == [by_hand(decoder, model, prompt) for prompt in PROMPTS]
    finally:
        remove(model)


def test_a_prompt_beside_a_method_that_keeps_nothing(adaptable):
    decoder, model = adaptable
    if decoder.config.model_type == "gpt2":
        pytest.skip("one architecture says it")
    adapt(decoder, model, {name: EXAMPLES[name] for name in ("shadow", "prefix_tuning")})
    try:
        assert ours(decoder, model, PROMPTS) == [by_hand(decoder, model, prompt) for prompt in PROMPTS]
    finally:
        remove(model)


def test_gradient_checkpointing_and_authors_settings_change_nothing(adaptable):
    decoder, model = adaptable
    apply(HEAD_ONLY, model, decoder.anatomy)
    try:
        wanted = ours(decoder, model, PROMPTS)
        with recomputing(model.eval(), True):
            model.config.use_cache = False
            model.generation_config.repetition_penalty = 5.0
            assert ours(decoder, model, PROMPTS) == wanted
            assert model.generation_config.repetition_penalty == 5.0
            assert any(module.training for module in model.modules())
        assert not model.is_gradient_checkpointing
    finally:
        model.config.use_cache, model.generation_config.repetition_penalty = True, None
        model.eval()
        remove(model)


def test_a_text_ends_before_a_stop_string(adaptable):
    decoder, model = adaptable
    apply(HEAD_ONLY, model, decoder.anatomy)
    try:
        [whole] = ours(decoder, model, PROMPTS[:1])
        words = whole.split()
        stop = words[len(words) // 2]
        assert ours(decoder, model, PROMPTS[:1], stops=[stop]) == [whole.partition(stop)[0].strip()]
    finally:
        remove(model)


def beams(decoder, model, prompts, candidates, ends=()):
    how = {"ends": ends, "cap": 2, "pad_id": 2, "precision": "fp32", "candidates": candidates}
    return generate(model, prompts, decoder.tokenizer(), **how)


def best_pairs(decoder, model, prompt, candidates):
    """Return the likeliest texts of two tokens among those of the so many likeliest first tokens, by hand."""
    found = []
    with torch.no_grad():
        first = model(input_ids=torch.tensor([prompt])).logits[0, -1].log_softmax(-1)
        for one in first.topk(candidates).indices.tolist():
            second = model(input_ids=torch.tensor([[*prompt, one]])).logits[0, -1].log_softmax(-1)
            found += [(float(first[one] + value), (one, other)) for other, value in enumerate(second.tolist())]
    return [decoder.tokenizer().decode(ids, skip_special_tokens=True).strip() for _, ids in sorted(found)[::-1]]


@pytest.mark.parametrize("name", mostly_slow(["prefix_tuning", None, "lora", "prompt", "prefix", "shadow"]))
def test_beams_are_the_likeliest_texts_whatever_adapts_the_model(adaptable, name):
    decoder, model = adaptable
    if name is None:
        apply(HEAD_ONLY, model, decoder.anatomy)
    else:
        adapt(decoder, model, {name: EXAMPLES[name]})
    try:
        for prompt, texts in zip(PROMPTS, beams(decoder, model, PROMPTS, 5), strict=True):
            assert texts == best_pairs(decoder, model, prompt, 5)[:5]
    finally:
        remove(model)


def test_one_beam_is_the_greedy_text(adaptable):
    decoder, model = adaptable
    apply(HEAD_ONLY, model, decoder.anatomy)
    try:
        greedy = beams(decoder, model, PROMPTS, 1)
        assert [len(each) for each in greedy] == [1, 1, 1]
        several = generate_all(
            model, PROMPTS * 4, decoder.tokenizer(), ends=(), cap=2, pad_id=2, precision="fp32", candidates=5
        )
        assert several == beams(decoder, model, PROMPTS, 5) * 4
    finally:
        remove(model)


@pytest.mark.parametrize(
    "modules",
    [
        *({name: EXAMPLES[name]} for name in ("lily", "conv_adapter")),
        {"lora": {"rank": 2, "targets": ["q"], "gate": True}},
    ],
)
def test_what_looks_at_tokens_to_come_is_refused(adaptable, modules):
    decoder, model = adaptable
    with pytest.raises(ConfigurationError, match="depends on those after it, which are to be predicted"):
        adapt(decoder, model, modules)
