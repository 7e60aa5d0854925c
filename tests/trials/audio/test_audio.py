"""Sound in trials: what a model reads of it, and what is left out of forward passes."""

import io
from types import SimpleNamespace

import numpy as np
import pytest
import soundfile
import torch
from hypothesis import given
from hypothesis import strategies as st
from transformers import (
    ASTConfig,
    ASTFeatureExtractor,
    AutoModel,
    HubertConfig,
    Wav2Vec2Config,
    Wav2Vec2FeatureExtractor,
    WavLMConfig,
    WhisperConfig,
    WhisperFeatureExtractor,
)

from autopeft.backbones import load_backbone
from autopeft.backbones.quiet import quiet
from autopeft.costs import Costs
from autopeft.errors import AutopeftError, BackboneError
from autopeft.methods import HEAD_ONLY, VOCABULARY, stock_lora
from autopeft.saved import loading_code, open_saved
from autopeft.space import canonical
from autopeft.tasks.audio import Audio, Clip, ClipClasses
from autopeft.tasks.media import LabelledMedia
from autopeft.testing.models import tiny_backbone
from autopeft.training import add_merged, fine_tune
from autopeft.training.measuring import measure, paper
from autopeft.trials import TrialRunner, kind_of, use_threads
from autopeft.trials.audio import AudioTrials
from autopeft.trials.audio.reading import Reading
from autopeft.trials.shortcuts import Shortcuts
from tests.marks import mostly_slow

RATE = 16_000
SIZES = {"hidden_size": 32, "num_hidden_layers": 3, "num_attention_heads": 4, "intermediate_size": 64}
WAVES = {
    **SIZES,
    "conv_dim": (16, 16),
    "conv_kernel": (40, 8),
    "conv_stride": (20, 8),
    "num_feat_extract_layers": 2,
    "num_conv_pos_embeddings": 16,
    "num_conv_pos_embedding_groups": 4,
    "classifier_proj_size": 16,
}
LAYER = {"feat_extract_norm": "layer", "do_stable_layer_norm": True}
BANDS = {"max_length": 32, "num_mel_bins": 16}
SPEECH = {
    "d_model": 32,
    "encoder_layers": 3,
    "decoder_layers": 1,
    "encoder_attention_heads": 4,
    "encoder_ffn_dim": 64,
    "decoder_attention_heads": 4,
    "decoder_ffn_dim": 64,
    "max_source_positions": 50,
    "num_mel_bins": 16,
    "vocab_size": 50,
    "pad_token_id": 0,
    "bos_token_id": 1,
    "eos_token_id": 2,
    "decoder_start_token_id": 1,
    "classifier_proj_size": 16,
}


def made(architecture, folder):
    """Write a random model of sound with the extractor that such models have."""
    config, extractor = {
        "ast": (
            ASTConfig(**SIZES, **BANDS, patch_size=8, time_stride=8, frequency_stride=8),
            ASTFeatureExtractor(**BANDS),
        ),
        "wav2vec2": (Wav2Vec2Config(**WAVES), Wav2Vec2FeatureExtractor(return_attention_mask=False)),
        "wav2vec2 large": (Wav2Vec2Config(**WAVES, **LAYER), Wav2Vec2FeatureExtractor(return_attention_mask=True)),
        "hubert": (HubertConfig(**WAVES, **LAYER), Wav2Vec2FeatureExtractor(return_attention_mask=True)),
        "wavlm": (
            WavLMConfig(**WAVES, feat_extract_norm="layer"),
            Wav2Vec2FeatureExtractor(return_attention_mask=True),
        ),
        "whisper": (WhisperConfig(**SPEECH), WhisperFeatureExtractor(feature_size=16, chunk_length=1)),
    }[architecture]
    with quiet(), torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        AutoModel.from_config(config).save_pretrained(folder)
    extractor.save_pretrained(folder)
    return load_backbone(str(folder))


def wav(samples, rate=RATE):
    out = io.BytesIO()
    soundfile.write(out, samples, rate, format="WAV", subtype="FLOAT")
    return out.getvalue()


def split(count, rng, rate=RATE):
    """Return low tones and high ones, a tenth to three tenths of a second long."""
    clips = []
    for number in range(count):
        time = np.arange(int(rate * rng.uniform(0.1, 0.3))) / rate
        tone = np.sin(2 * np.pi * (400, 2500)[number % 2] * time) + 0.05 * rng.normal(size=len(time))
        clips.append(Clip(f"clip {number}", wav(0.3 * tone, rate)))
    return LabelledMedia(clips, [number % 2 for number in range(count)])


def task_for(backbone, rate=RATE):
    rng = np.random.default_rng(0)
    splits = {name: split(count, rng, rate) for name, count in (("train", 64), ("validation", 24), ("test", 24))}
    task = Audio().task("tones", ClipClasses(("low", "high"), ("audio",)), splits)
    return kind_of(task).fitted(task, backbone)


def runner_for(backbone, **settings):
    use_threads(1)
    task = task_for(backbone)
    setting, _ = kind_of(task).choose_setting(task, backbone.tokenizer(), precision="fp32", epochs=3.0, **settings)
    return TrialRunner(backbone, task, setting, torch.device("cpu"))


ARCHITECTURES = ["wav2vec2 large", *mostly_slow(["ast", "wav2vec2", "hubert", "wavlm", "whisper"])]


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_a_model_reads_what_its_extractor_makes_and_learns(architecture, tmp_path, monkeypatch):
    monkeypatch.setenv("AUTOPEFT_CACHE", str(tmp_path / "cache"))
    backbone = made(architecture, tmp_path / "model")
    task, extractor = task_for(backbone), backbone.tokenizer()
    kind = kind_of(task)
    setting, _ = kind.choose_setting(task, extractor, precision="fp32", seconds=None)
    encoded = kind.encode(task.validation, extractor, setting.max_length)
    batch = kind.collate(encoded, np.arange(6), 0)
    waves = [clip.decoded(RATE) for clip in task.validation.items[:6]]
    # What somebody would call who has read the extractor's documentation.
    how = {}
    if kind.schema.convolutions:
        longest = 40 + 160 * setting.max_length - 20
        padding = "longest" if extractor.return_attention_mask else "max_length"
        how = {"padding": padding, "max_length": longest, "truncation": True}
    expected = extractor(waves, sampling_rate=RATE, return_tensors="pt", **how)
    for name, values in batch.items():
        if name != "labels" and how.get("padding") != "max_length":
            assert torch.allclose(values.float(), expected[name].float(), atol=1e-5), name
    runner = runner_for(backbone)
    outcome = runner.run(stock_lora(backbone.shape, 1e-2), 0)
    assert outcome.status == "complete", outcome.detail
    assert outcome.params == 3 * 2 * 8 * 64
    assert outcome.params == Costs(backbone, tokens=setting.max_length).params(stock_lora(backbone.shape, 1e-2))
    assert outcome.curve[-1]["loss"] < outcome.curve[0]["loss"]
    assert runner.run(HEAD_ONLY, 0).status == "complete"


@pytest.mark.parametrize("architecture", mostly_slow(["wavlm", "wav2vec2 large", "ast", "wav2vec2", "whisper"]))
def test_layers_below_adapters_are_computed_once_and_make_no_difference(architecture, tmp_path, monkeypatch):
    monkeypatch.setenv("AUTOPEFT_CACHE", str(tmp_path / "cache"))
    backbone = made(architecture, tmp_path / "model")
    written = {"modules": {"lora": {"rank": 2, "layers": [2]}}, "training": {"learning_rate": 1e-2}}
    configuration = canonical(written, VOCABULARY, backbone.shape)
    runner = runner_for(backbone)
    kept = runner.run(configuration, 1)
    # WavLM's upper layers take positions from the lowest, which cannot be left out.
    assert bool(list((tmp_path / "cache").rglob("*-2.safetensors"))) == (architecture != "wavlm")
    monkeypatch.setattr(Shortcuts, "depth", lambda self, configuration, prefixes: 0)
    whole = runner.run(configuration, 1)
    assert (kept.status, whole.status) == ("complete", "complete")
    assert kept.metrics == pytest.approx(whole.metrics, abs=1e-5)


@pytest.mark.parametrize("architecture", ["wav2vec2 large", "wav2vec2"])
def test_what_is_told_of_a_clip_does_not_depend_on_those_beside_it(architecture, tmp_path):
    backbone = made(architecture, tmp_path / "model")
    task, extractor = task_for(backbone), backbone.tokenizer()
    kind = kind_of(task)
    setting, notes = kind.choose_setting(task, extractor, precision="fp32", seconds=0.25)
    assert ("shorter ones padded" in notes[0]) == (architecture == "wav2vec2")
    encoded = kind.encode(task.test, extractor, setting.max_length)
    assert 0 < encoded.truncated < 1
    model = kind.model(backbone, torch.device("cpu"))
    with torch.no_grad():
        both = {k: v for k, v in kind.collate(encoded, np.arange(8), 0).items() if k != "labels"}
        together = model(**both).logits
        for row in range(8):
            alone = {k: v for k, v in kind.collate(encoded, np.asarray([row]), 0).items() if k != "labels"}
            assert torch.allclose(model(**alone).logits[0], together[row], atol=1e-5)


def test_clips_are_decoded_once_and_resampled(tmp_path, monkeypatch):
    monkeypatch.setenv("AUTOPEFT_CACHE", str(tmp_path / "cache"))
    backbone = load_backbone(tiny_backbone("wav2vec2", tmp_path))
    seen, decode = [], Clip.decoded
    monkeypatch.setattr(Clip, "decoded", lambda self, rate=None: seen.append(self) or decode(self, rate))
    runner = runner_for(backbone)
    for seed in (0, 1):
        runner.run(stock_lora(backbone.shape, 1e-2), seed)
    assert len(seen) == len(set(seen)) == 64 + 24
    task = task_for(backbone, rate=44_100)
    kind = kind_of(task)
    setting, notes = kind.choose_setting(task, backbone.tokenizer(), precision="fp32")
    assert notes[1] == "resampled to the 16,000 Hz that the model reads: 44,100 Hz (112 clips)"
    longest = max(clip.header.seconds for clip in task.train.items)
    assert setting.max_length == pytest.approx(100 * longest, abs=10)


def test_what_cannot_be_asked_for_is_refused(tmp_path):
    spectrograms, waveforms = made("ast", tmp_path / "ast"), made("wav2vec2", tmp_path / "wav2vec2")
    with pytest.raises(BackboneError, match=r"tiny-bert: 'bert' models read texts; choose a model of sound"):
        kind_of(task_for(waveforms)).check_reads(load_backbone(tiny_backbone("bert", tmp_path)))
    with pytest.raises(AutopeftError, match=r"clips are cut at seconds, not tokens; give --seconds"):
        runner_for(waveforms, max_length=8)
    with pytest.raises(AutopeftError, match=r"the model reads 0.32 s of each clip, no more and no less; leave --sec"):
        runner_for(spectrograms, seconds=1.0)
    for seconds in (0.01, float("inf"), float("nan")):
        with pytest.raises(AutopeftError, match=rf"--seconds {seconds:g}: expected 0.0\d+ or more, for this model"):
            runner_for(waveforms, seconds=seconds)


@given(
    convolutions=st.lists(st.tuples(st.integers(2, 10), st.integers(1, 5)), min_size=1, max_size=7).filter(
        lambda found: all(size >= stride for size, stride in found)
    ),
    rate=st.sampled_from([8_000, 16_000, 44_100]),
    more=st.floats(0, 0.1),
)
def test_any_seconds_that_are_taken_can_be_recorded(convolutions, rate, more):
    extractor = SimpleNamespace(model_input_names=["input_values"], sampling_rate=rate, return_attention_mask=True)
    schema = ClipClasses(("low", "high"), ("audio",), convolutions=tuple(convolutions))
    reading = Reading(extractor, schema)
    tokens = reading.tokens(reading.least + more)
    assert tokens >= 2
    kind = AudioTrials(schema)
    kind.max_length = tokens
    kind.check_use(kind.use(None, extractor))


def test_a_clip_of_a_few_samples_is_padded(tmp_path):
    for architecture in ("ast", "wav2vec2 large", "whisper"):
        backbone = made(architecture, tmp_path / architecture)
        task = task_for(backbone)
        encoded = kind_of(task).encode(LabelledMedia([Clip("tick", wav(np.ones(3)))], [0]), backbone.tokenizer(), 20)
        assert encoded.lengths[0] >= 1
        model = kind_of(task).model(backbone, torch.device("cpu"))
        batch = kind_of(task).collate(encoded, np.asarray([0]), 0)
        batch.pop("labels")
        assert torch.isfinite(model(**batch).logits).all()


def test_the_card_of_a_model_whose_adapters_peft_would_pass_by_loads_it_by_autopeft(tmp_path):
    backbone = made("wavlm", tmp_path / "model")
    code = loading_code(stock_lora(backbone.shape, 1e-2), backbone, task_for(backbone), 20)
    assert "from autopeft.methods import load" in code
    assert "PeftModel" not in code


@pytest.mark.slow
@pytest.mark.parametrize("architecture", ["ast", "wav2vec2", "wavlm", "whisper"])
def test_what_is_trained_on_them_is_saved_opened_and_merged(architecture, tmp_path):
    backbone = made(architecture, tmp_path / "model")
    task = task_for(backbone)
    setting, _ = kind_of(task).choose_setting(task, backbone.tokenizer(), precision="fp32", epochs=2.0)
    configuration = stock_lora(backbone.shape, 1e-2)
    found = fine_tune(configuration, backbone, task, setting, tmp_path / "out")
    done = add_merged(configuration, backbone, task, setting, 0, found)
    for folder in (tmp_path / "out", done.merged):
        opened = open_saved(folder)
        model, tokenizer = opened.ready.model, opened.ready.tokenizer
        on = paper(task, "test", model, tokenizer, setting)
        again = measure(model, on, tokenizer, setting).figures
        assert again["accuracy"] == found.test["accuracy"]
