"""Trials of causal language models: the loss by hand, and everything a trial of a classifier has."""

import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch.nn.functional import cross_entropy

from autopeft.backbones import cache_folder, load_decoder
from autopeft.methods import HEAD_ONLY, VOCABULARY, apply, remove, stock_lora
from autopeft.space import canonical
from autopeft.tasks import collate
from autopeft.tasks.causal import FORMATS, IGNORED, Causal, CausalSplit, Turn, encode_causal
from autopeft.testing.decoders import DECODERS, tiny_decoder
from autopeft.testing.models import TEXTS
from autopeft.testing.tasks import task_of
from autopeft.trials import TrialRunner, use_threads
from autopeft.trials import shortcuts as shortcuts_module
from autopeft.trials.causal import CausalTrials
from autopeft.trials.causal.learned import learned_logits
from autopeft.trials.causal.setting import CausalSetting
from tests.methods.examples import EXAMPLES
from tests.trials.outcomes import lasting

CPU = torch.device("cpu")
FORM = next(form for form in FORMATS if form.name == "prompt")
SETTING = CausalSetting(examples=48, validation_examples=24, epochs=4.0, batch_size=8, max_length=24)


def make_task(count=72):
    """Return prompts of some words, whose completions are the next words of the same text."""
    rng = np.random.default_rng(0)
    examples = []
    for _ in range(count):
        words = TEXTS[rng.integers(len(TEXTS))].split()
        cut = int(rng.integers(2, len(words) - 1))
        examples.append((Turn("user", " ".join(words[:cut])), Turn("assistant", " " + " ".join(words[cut:]))))
    split = CausalSplit(examples)
    return task_of(Causal(), FORM, split)


TASK = make_task()
#: Of each the first word is right.
PAIRS = [("heart", "lung"), ("left", "right"), ("good", "bad"), ("happy", "sad"), ("film", "story"), ("one", "two")]


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    use_threads(1)
    monkeypatch.setenv("AUTOPEFT_CACHE", str(tmp_path / "cache"))


@pytest.fixture(scope="module", params=DECODERS)
def decoder(request, tmp_path_factory):
    return load_decoder(tiny_decoder(request.param, tmp_path_factory.mktemp("model")))


@pytest.fixture(scope="module")
def llama(tmp_path_factory):
    return load_decoder(tiny_decoder("llama", tmp_path_factory.mktemp("model"), tied=True))


@pytest.fixture
def runner(llama):
    return TrialRunner(llama, TASK, SETTING, CPU)


def lora(shape, layers=(0, 1, 2)):
    data = {"modules": {"lora": {"rank": 4, "layers": list(layers), "targets": ["q", "v", "up", "down"]}}}
    return canonical(data | {"training": {"learning_rate": 2e-2}}, VOCABULARY, shape)


def batch_of(decoder, count=6):
    tokenizer = decoder.tokenizer()
    encoded = encode_causal(TASK.train.take(range(count)), FORM, tokenizer)
    return collate(encoded, np.arange(len(encoded)), tokenizer.pad_token_id)


def by_hand(logits, labels):
    """Return summed cross-entropy, right tokens and tokens, one token after the other."""
    loss, right, count = 0.0, 0, 0
    for row in range(len(labels)):
        for place in range(1, labels.shape[1]):
            wanted = labels[row, place].item()
            if wanted != IGNORED:
                loss -= torch.log_softmax(logits[row, place - 1].double(), 0)[wanted].item()
                right += int(logits[row, place - 1].argmax().item() == wanted)
                count += 1
    return loss, right, count


def test_loss_and_metrics_are_those_of_completions_by_hand(decoder):
    model, batch = decoder.language_model(), batch_of(decoder)
    inputs = {key: value for key, value in batch.items() if key != "labels"}
    with torch.no_grad():
        whole = model(**inputs).logits
        logits, targets = learned_logits(model, batch, CPU, "fp32")
        loss, right, count = by_hand(whole, batch["labels"])
        kind = CausalTrials(FORM)
        assert kind.terms(batch) == count == len(targets) == len(logits)
        assert kind.loss(model, batch, CPU, "fp32").item() == pytest.approx(loss / count, rel=1e-5)
        assert model(**batch).loss.item() == pytest.approx(loss / count, rel=1e-5)
        # As two batches of different sizes and lengths.
        parts = [
            (np.arange(2), {k: v[:2] for k, v in batch.items()}),
            (np.arange(4), {k: v[2:] for k, v in batch.items()}),
        ]
        found = kind.measure(model, parts, "fp32", lambda rows, longest: None).figures
    assert found["loss"] == pytest.approx(loss / count, rel=1e-5)
    assert found["token_accuracy"] == right / count
    assert found["perplexity"] == pytest.approx(math.exp(loss / count), rel=1e-5)


def test_a_padded_batch_has_the_loss_of_its_examples_alone(decoder):
    """Nothing that packing could change: what stands beside an example has no say."""
    model, tokenizer = decoder.language_model(), decoder.tokenizer()
    kind, batch = CausalTrials(FORM), batch_of(decoder)
    encoded = encode_causal(TASK.train.take(range(6)), FORM, tokenizer)
    alone = [collate(encoded, np.array([row]), tokenizer.pad_token_id) for row in range(6)]
    # Qwen's own tokenizer, made for bytes, knows no word of some of them.
    alone = [one for one in alone if kind.terms(one)]
    assert len(set(encoded.lengths)) > 1
    with torch.no_grad():
        whole = kind.loss(model, batch, CPU, "fp32").item() * kind.terms(batch)
        single = sum(kind.loss(model, one, CPU, "fp32").item() * kind.terms(one) for one in alone if kind.terms(one))
    assert whole == pytest.approx(single, rel=1e-5)


@pytest.mark.parametrize("method", ["prompt", "prefix_tuning", "prefix"])
def test_what_is_put_in_front_of_a_text_is_not_learned(llama, method):
    model, batch = llama.language_model(), batch_of(llama)
    apply(canonical({"modules": {method: EXAMPLES[method]}}, VOCABULARY, llama.shape), model, llama.anatomy, seed=0)
    inputs = {key: value for key, value in batch.items() if key != "labels"}
    with torch.no_grad():
        whole = model(**inputs).logits[:, -batch["input_ids"].shape[1] :]
        logits, targets = learned_logits(model, batch, CPU, "fp32")
    remove(model)
    loss, _, count = by_hand(whole, batch["labels"])
    assert cross_entropy(logits, targets).item() == pytest.approx(loss / count, rel=1e-5)


def test_a_trial_learns_and_reports(runner, llama):
    outcome = runner.run(lora(llama.shape), 0)
    untouched = runner.run(HEAD_ONLY, 0)
    assert outcome.status == "complete", outcome.detail
    assert set(outcome.metrics) == {"token_accuracy", "loss", "perplexity"}
    assert outcome.accuracy == outcome.metrics["token_accuracy"] > untouched.accuracy + 0.2
    assert outcome.metrics["loss"] < untouched.metrics["loss"]
    assert [point["step"] for point in outcome.curve] == [*SETTING.rungs, SETTING.steps]


def test_the_untouched_model_is_only_measured(runner, llama, monkeypatch):
    monkeypatch.setattr(torch.optim, "AdamW", None)
    before = {name: value.clone() for name, value in runner.model.state_dict().items()}
    outcome = runner.run(HEAD_ONLY, 0)
    assert (outcome.status, outcome.params, len(outcome.curve)) == ("complete", 0, 1)
    assert lasting(runner.run(HEAD_ONLY, 5)) == lasting(outcome)
    assert all(torch.equal(value, before[name]) for name, value in runner.model.state_dict().items())
    # Nothing will read activations of a model in which nothing trains.
    assert not list((cache_folder() / "prefixes").glob("*"))


def test_an_outcome_depends_on_configuration_and_seed_alone(runner, llama):
    first = {c.hash: lasting(runner.run(c, 0)) for c in (lora(llama.shape), stock_lora(llama.shape, 1e-2))}
    other = TrialRunner(llama, TASK, SETTING, CPU)
    for configuration in (stock_lora(llama.shape, 1e-2), lora(llama.shape)):
        assert lasting(other.run(configuration, 0)) == first[configuration.hash]


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_a_trial_on_cached_layers_ends_as_without_the_cache(decoder, monkeypatch, precision):
    setting = CausalSetting(**(SETTING.to_dict() | {"precision": precision}))
    configuration = lora(decoder.shape, layers=(2,))
    short = TrialRunner(decoder, TASK, setting, CPU).run(configuration, 0)
    assert list((cache_folder() / "prefixes").glob("*.safetensors"))
    monkeypatch.setattr(shortcuts_module, "frozen_depth", lambda *_: 0)
    full = TrialRunner(decoder, TASK, setting, CPU).run(configuration, 0)
    assert short.status == full.status == "complete", short.detail or full.detail
    for one, other in zip(short.curve, full.curve, strict=True):
        assert one["loss"] == pytest.approx(other["loss"], abs=1e-4 if precision == "fp32" else 0.05)


def test_a_batch_in_parts_learns_the_same(llama, monkeypatch):
    """Parts hold different numbers of learned tokens, and count by them."""
    whole = TrialRunner(llama, TASK, SETTING, CPU).run(lora(llama.shape), 0)
    loss = CausalTrials.loss
    sizes = []

    def tight(self, model, batch, device, precision):
        if len(batch["labels"]) > 3:
            raise MemoryError
        sizes.append(len(batch["labels"]))
        return loss(self, model, batch, device, precision)

    monkeypatch.setattr(CausalTrials, "loss", tight)
    parts = TrialRunner(llama, TASK, SETTING, CPU).run(lora(llama.shape), 0)
    assert parts.status == "complete", parts.message
    assert max(sizes) <= 2
    for one, other in zip(whole.curve, parts.curve, strict=True):
        assert one["loss"] == pytest.approx(other["loss"], abs=1e-3)


def test_layers_computed_again_learn_the_same(llama):
    setting = CausalSetting(**(SETTING.to_dict() | {"gradient_checkpointing": True}))
    again = TrialRunner(llama, TASK, setting, CPU).run(lora(llama.shape), 0)
    kept = TrialRunner(llama, TASK, SETTING, CPU).run(lora(llama.shape), 0)
    assert again.metrics["loss"] == pytest.approx(kept.metrics["loss"], abs=1e-4)


def test_fine_tunes_on_fewer_examples_come_first_and_change_nothing(llama):
    plain = replace(SETTING, early_stopping=False)
    staged = replace(plain, early_stopping=True, fidelity="examples")
    outcome = TrialRunner(llama, TASK, staged, CPU).run(lora(llama.shape), 0)
    assert outcome.status == "complete", outcome.detail
    assert [point["step"] for point in outcome.curve] == [*staged.rungs, staged.steps]
    assert outcome.metrics == TrialRunner(llama, TASK, plain, CPU).run(lora(llama.shape), 0).metrics


@pytest.mark.parametrize("name", ["vera", "ia3", "sparse", "serial_adapter", "prefix", "prompt"])
def test_other_methods_train_too(runner, llama, name):
    configuration = canonical(
        {"modules": {name: EXAMPLES[name]}, "training": {"learning_rate": 2e-2}}, VOCABULARY, llama.shape
    )
    outcome = runner.run(configuration, 0)
    assert outcome.status == "complete", outcome.detail
    assert outcome.params > 0
    assert outcome.metrics["loss"] < runner.run(HEAD_ONLY, 0).metrics["loss"]


@pytest.mark.parametrize(("layers", "precision"), [((0, 1, 2), "fp32"), ((2,), "fp32"), ((2,), "bf16")])
def test_a_trial_is_judged_by_what_the_model_writes(llama, layers, precision):
    """Also where the lowest layers are left out while it trains."""
    task = replace(TASK, metric="rouge_l")
    alike = SETTING.to_dict() | {"precision": precision}
    setting = CausalSetting(**(alike | {"generate": 20}))
    outcome = TrialRunner(llama, task, setting, CPU).run(lora(llama.shape, layers), 0)
    assert outcome.status == "complete", outcome.detail
    assert {"token_accuracy", "loss", "exact_match", "rouge_l", "token_f1"} <= set(outcome.metrics)
    assert outcome.accuracy == outcome.metrics["rouge_l"] == outcome.curve[-1]["accuracy"]
    assert 0 < outcome.accuracy <= 1
    plain = TrialRunner(llama, TASK, CausalSetting(**alike), CPU).run(lora(llama.shape, layers), 0)
    # Writing in between leaves no trace in what is learned.
    assert plain.metrics == {name: outcome.metrics[name] for name in plain.metrics}
    assert [point["loss"] for point in plain.curve] == [point["loss"] for point in outcome.curve]


def test_a_trial_is_judged_by_the_best_of_several_beams(llama):
    outcomes = [
        TrialRunner(llama, replace(TASK, metric=metric), replace(SETTING, generate=6), CPU).run(lora(llama.shape), 0)
        for metric in ("exact_match@5", "exact_match@10")
    ]
    for outcome, name in zip(outcomes, ("exact_match@5", "exact_match@10"), strict=True):
        assert outcome.status == "complete", outcome.detail
        assert set(outcome.metrics) == {"token_accuracy", "loss", "perplexity", name}
        assert outcome.accuracy == outcome.metrics[name]


def test_prompts_are_learned_where_the_loss_covers_everything(llama):
    tokenizer = llama.tokenizer()
    everything = replace(SETTING, loss="everything")
    plain, whole = (CausalTrials(FORM).under(setting) for setting in (SETTING, everything))
    encoded = plain.encode(TASK.train, tokenizer, SETTING.max_length)
    assert any(label == IGNORED for labels in encoded.inputs["labels"] for label in labels)
    assert plain.to_train(encoded) is encoded
    learned = whole.to_train(encoded)
    assert learned.inputs["labels"] == learned.inputs["input_ids"] == encoded.inputs["input_ids"]
    # What is measured stays what is answered, and models learn otherwise.
    untouched, trained = (
        [TrialRunner(llama, TASK, setting, CPU).run(each, 0) for setting in (SETTING, everything)]
        for each in (HEAD_ONLY, lora(llama.shape))
    )
    assert untouched[0].metrics == untouched[1].metrics
    assert trained[0].metrics != trained[1].metrics


def test_a_trial_is_judged_by_what_the_model_chooses(llama):
    examples = [(Turn("user", f"{word} {other}"), Turn("assistant", word)) for word, other in PAIRS * 8]
    split = CausalSplit(examples, [(word, other) for word, other in PAIRS * 8])
    form = next(form for form in FORMATS if form.name == "choices")
    task = task_of(Causal(), form, split, metric="choice")
    runner = TrialRunner(llama, task, SETTING, CPU)
    outcome = runner.run(lora(llama.shape), 0)
    assert outcome.status == "complete", outcome.detail
    assert outcome.accuracy == outcome.metrics["choice"] > runner.run(HEAD_ONLY, 0).accuracy
