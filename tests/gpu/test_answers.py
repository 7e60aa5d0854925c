"""What decoders write on the device, and programs among it."""

from dataclasses import replace

import pytest

pytestmark = pytest.mark.gpu


@pytest.mark.cell("answers")
@pytest.mark.parametrize("architecture", ["llama", "gpt2"])
@pytest.mark.parametrize("metric", ["rouge_l", "exact_match@5"])
def test_trials_are_judged_by_what_a_model_writes(bench, architecture, metric):
    """Below the adapters layers are kept from the pass, while what is written goes through all of them."""
    from autopeft.testing.targets import tiny_task

    decoder = bench.decoder(architecture)
    task = replace(tiny_task(causal=True, count=32), metric=metric)
    runner = bench.writing(decoder, task, generate=6)
    roles = ["q", "o"] if architecture == "llama" else ["qkv", "o"]
    modules = {"lora": {"rank": 4, "layers": [1, 2], "targets": roles}, "prefix": {"length": 2, "layers": [2]}}
    outcome = runner.run(bench.configuration(decoder, modules), 0)
    assert outcome.status == "complete", outcome.detail
    assert 0 <= outcome.accuracy == outcome.metrics[metric] <= 1


@pytest.mark.cell("answers")
@pytest.mark.parametrize("name", ["lora", "prefix", "prompt", "prefix_tuning", "shadow", "ia3"])
def test_a_text_is_the_one_written_token_by_token(bench, name):
    import torch

    from autopeft.methods import adapter_parameters, apply, remove
    from autopeft.trials.causal.generation import generate
    from autopeft.trials.hardware import autocast
    from tests.methods.examples import EXAMPLES
    from tests.trials.causal.test_generation import CAP, PROMPTS

    decoder = bench.decoder()
    tokenizer, model = decoder.tokenizer(), decoder.language_model(device=bench.device)
    apply(bench.configuration(decoder, {name: EXAMPLES[name]}), model, decoder.anatomy, seed=0)
    torch.manual_seed(1)
    for parameter in adapter_parameters(model).values():
        parameter.data.add_(0.3 * torch.randn_like(parameter))
    how = {"ends": (), "cap": CAP, "pad_id": 2, "precision": bench.precision}
    found = [text for [text] in generate(model.eval(), PROMPTS, tokenizer, **how)]
    # Rounded to bf16, two tokens may be as likely as each other: the first ones are compared.
    same = CAP if bench.precision == "fp32" else 1
    for prompt, text in zip(PROMPTS, found, strict=True):
        ids = list(prompt)
        with torch.no_grad(), autocast(bench.device, bench.precision):
            for _ in range(same):
                tokens = torch.tensor([ids], device=bench.device)
                ids.append(int(model(input_ids=tokens, attention_mask=torch.ones_like(tokens)).logits[0, -1].argmax()))
        assert text.startswith(tokenizer.decode(ids[len(prompt) :], skip_special_tokens=True).strip())
    remove(model)


@pytest.mark.cell("sandbox")
def test_programs_that_a_model_writes_are_run(bench):
    from autopeft.sandbox import run
    from autopeft.tasks import TaskSpec, load_task
    from studies.hardware.records import HERE

    unguarded = run([]).unguarded
    if unguarded:
        pytest.skip(f"no sandbox: {unguarded}")
    problems = str(HERE.parent / "code" / "problems.jsonl")
    task = load_task(TaskSpec(data=problems, metric="passes", allow_code=True))
    runner = bench.writing(bench.decoder(), task, examples=8, epochs=1.0, generate=3)
    outcome = runner.run(bench.configuration(bench.decoder(), {"lora": {"rank": 2, "targets": ["q"]}}), 0)
    assert outcome.status == "complete", outcome.detail
    assert outcome.accuracy == outcome.metrics["passes"]
