"""Pictures in trials: what a model reads of them, and what is left out of forward passes."""

from contextlib import chdir
from dataclasses import replace

import numpy as np
import pytest
import torch
from PIL import Image as Pil
from transformers import (
    BeitConfig,
    BeitImageProcessor,
    BitImageProcessor,
    CLIPConfig,
    CLIPImageProcessor,
    DeiTConfig,
    DeiTImageProcessor,
    Dinov2Config,
    Dinov2WithRegistersConfig,
    SiglipConfig,
    SiglipImageProcessor,
    SwinConfig,
    ViTConfig,
)
from transformers.models.vit.image_processing_pil_vit import ViTImageProcessorPil

import autopeft
from autopeft.backbones import load_backbone
from autopeft.backbones.quiet import quiet
from autopeft.errors import AutopeftError, BackboneError, DataError
from autopeft.exporting import ExportJob, export
from autopeft.methods import HEAD_ONLY, VOCABULARY, stock_lora
from autopeft.saved import loading_code, open_saved
from autopeft.space import canonical
from autopeft.tasks.image import Image, Picture
from autopeft.tasks.media import LabelledMedia, MediaClasses
from autopeft.testing.models import tiny_backbone
from autopeft.training import add_merged, fine_tune
from autopeft.training.measuring import measure, paper
from autopeft.trials import TrialRunner, kind_of, use_threads
from autopeft.trials.shortcuts import Shortcuts
from tests.marks import mostly_slow

SIZES = {"hidden_size": 32, "num_hidden_layers": 3, "num_attention_heads": 4, "image_size": 16, "patch_size": 4}
SQUARE = {"size": {"height": 16, "width": 16}}
#: Of the other tower, of which nothing is taken.
TEXT = {"hidden_size": 32, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 32, "vocab_size": 50}
CROP = {"size": {"shortest_edge": 16}, "crop_size": {"height": 16, "width": 16}}


def made(architecture, folder):
    """Write a random model of pictures with the processor that such models have."""
    from transformers import AutoModel

    wide = {**SIZES, "intermediate_size": 64}
    config, processor = {
        "vit": (ViTConfig(**wide), ViTImageProcessorPil(**SQUARE)),
        "deit": (DeiTConfig(**wide), DeiTImageProcessor(**CROP)),
        "beit": (BeitConfig(**wide), BeitImageProcessor(**SQUARE)),
        "dinov2": (Dinov2Config(**SIZES, mlp_ratio=2), BitImageProcessor(**CROP)),
        "dinov2 with registers": (Dinov2WithRegistersConfig(**SIZES, mlp_ratio=2), BitImageProcessor(**CROP)),
        "clip": (CLIPConfig(vision_config=wide, text_config=TEXT), CLIPImageProcessor(**CROP)),
        "siglip": (SiglipConfig(vision_config=wide, text_config=TEXT), SiglipImageProcessor(**SQUARE)),
    }[architecture]
    with quiet(), torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        AutoModel.from_config(config).save_pretrained(folder)
    processor.save_pretrained(folder)
    return load_backbone(str(folder))


def split(count, rng):
    pictures = []
    for number in range(count):
        values = rng.integers(0, 120, (18, 20, 3), dtype=np.uint8)
        values[:, 10 * (number % 2) : 10 * (number % 2) + 10] += 100
        pictures.append(Picture(f"picture {number}", values))
    return LabelledMedia(pictures, [number % 2 for number in range(count)])


def task_for(backbone):
    rng = np.random.default_rng(0)
    splits = {name: split(count, rng) for name, count in (("train", 64), ("validation", 24), ("test", 24))}
    task = Image().task("sides", MediaClasses(("left", "right"), ("image",)), splits)
    return kind_of(task).fitted(task, backbone)


def runner_for(backbone, **settings):
    use_threads(1)
    task = task_for(backbone)
    setting, _ = kind_of(task).choose_setting(task, backbone.tokenizer(), precision="fp32", epochs=3.0, **settings)
    return TrialRunner(backbone, task, setting, torch.device("cpu"))


ARCHITECTURES = mostly_slow(["vit", "deit", "beit", "dinov2", "dinov2 with registers", "clip", "siglip"])


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_a_model_reads_what_its_processor_makes_and_learns(architecture, tmp_path, monkeypatch):
    monkeypatch.setenv("AUTOPEFT_CACHE", str(tmp_path / "cache"))
    backbone = made(architecture, tmp_path / "model")
    task, processor = task_for(backbone), backbone.tokenizer()
    kind = kind_of(task)
    encoded = kind.encode(task.validation, processor, 0)
    batch = kind.collate(encoded, np.arange(6), 0)
    decoded = [picture.decoded() for picture in task.validation.items[:6]]
    expected = processor(images=decoded, return_tensors="pt")["pixel_values"]
    assert torch.allclose(batch["pixel_values"], expected, atol=1e-5)
    assert batch["labels"].tolist() == [0, 1, 0, 1, 0, 1]
    runner = runner_for(backbone)
    outcome = runner.run(stock_lora(backbone.shape, 1e-2), 0)
    assert outcome.status == "complete", outcome.detail
    assert outcome.params == 3 * 2 * 8 * 64
    assert runner.run(HEAD_ONLY, 0).status == "complete"


def test_layers_below_adapters_are_computed_once_and_make_no_difference(tmp_path, monkeypatch):
    monkeypatch.setenv("AUTOPEFT_CACHE", str(tmp_path / "cache"))
    backbone = load_backbone(tiny_backbone("vit", tmp_path))
    written = {"modules": {"lora": {"rank": 2, "layers": [2]}}, "training": {"learning_rate": 1e-2}}
    configuration = canonical(written, VOCABULARY, backbone.shape)
    runner = runner_for(backbone)
    kept = runner.run(configuration, 1)
    assert list((tmp_path / "cache" / "prefixes").glob("*-2.safetensors"))
    monkeypatch.setattr(Shortcuts, "depth", lambda self, configuration, prefixes: 0)
    whole = runner.run(configuration, 1)
    assert (kept.status, whole.status) == ("complete", "complete")
    assert kept.metrics == pytest.approx(whole.metrics, abs=1e-5)


def test_pictures_are_decoded_once(tmp_path, monkeypatch):
    monkeypatch.setenv("AUTOPEFT_CACHE", str(tmp_path / "cache"))
    backbone = load_backbone(tiny_backbone("vit", tmp_path))
    seen, decode = [], Picture.decoded
    monkeypatch.setattr(Picture, "decoded", lambda self: seen.append(self) or decode(self))
    runner = runner_for(backbone)
    for seed in (0, 1):
        runner.run(stock_lora(backbone.shape, 1e-2), seed)
    assert len(seen) == len(set(seen)) == 64 + 24


def test_a_model_of_texts_and_cuts_are_refused(tmp_path):
    backbone = load_backbone(tiny_backbone("vit", tmp_path))
    kind = kind_of(task_for(backbone))
    with pytest.raises(BackboneError, match="tiny-bert: 'bert' models read texts; choose a model of images"):
        kind.check_reads(load_backbone(tiny_backbone("bert", tmp_path)))
    with pytest.raises(AutopeftError, match="pictures are not cut: each is 5 tokens; leave --max-length out"):
        runner_for(backbone, max_length=8)


def test_swin_is_refused_with_the_reason(tmp_path):
    from transformers import AutoModel

    config = SwinConfig(image_size=16, patch_size=2, embed_dim=16, depths=[2, 2], num_heads=[2, 4], window_size=4)
    with quiet():
        AutoModel.from_config(config).save_pretrained(tmp_path)
    with pytest.raises(BackboneError, match=r"'swin' models cannot be adapted .*its stages differ in size"):
        load_backbone(str(tmp_path))


@pytest.fixture
def two(tmp_path):
    """A folder with two pictures, one of which its camera turned."""
    folder = tmp_path / "pictures"
    folder.mkdir()
    exif = Pil.Exif()
    exif[0x0112] = 6
    for name, seed, turned in (("one.png", 1, {}), ("another.png", 2, {"exif": exif})):
        values = np.random.default_rng(seed).integers(0, 255, (18, 20, 3), dtype=np.uint8)
        Pil.fromarray(values).save(folder / name, **turned)
    return folder


@pytest.mark.parametrize("architecture", mostly_slow(["clip", "siglip", "vit", "deit", "beit", "dinov2"]))
def test_what_is_trained_is_opened_merged_exported_and_used_as_cards_say(architecture, tmp_path, two):
    backbone = made(architecture, tmp_path / "model")
    task = task_for(backbone)
    kind = kind_of(task)
    setting, _ = kind.choose_setting(task, backbone.tokenizer(), precision="fp32", epochs=2.0)
    configuration = stock_lora(backbone.shape, 1e-2)
    found = fine_tune(configuration, backbone, task, setting, tmp_path / "out")
    done = add_merged(configuration, backbone, task, setting, 0, found)
    for folder in (tmp_path / "out", done.merged):
        opened = open_saved(folder)
        model, tokenizer = opened.ready.model, opened.ready.tokenizer
        on = paper(task, "test", model, tokenizer, setting)
        again = measure(model, on, tokenizer, setting).figures
        assert again["accuracy"] == found.test["accuracy"]
    job = ExportJob(configuration, backbone, task, setting, seed=3)
    for trained, folder in ((None, tmp_path / "fresh"), (tmp_path / "out", tmp_path / "exported")):
        export(replace(job, trained=trained), "peft", folder)
    expected = [one.probability for one in autopeft.predict(tmp_path / "out", sorted(map(str, two.iterdir()))).rows]
    code = loading_code(configuration, backbone, task, setting.max_length).replace('"o', f'"{two}/o')
    for folder in (tmp_path / "out", tmp_path / "exported"):
        with chdir(folder):
            names = {}
            exec(code.replace('"another', f'"{two}/another'), names)
        found = names["logits"].softmax(-1).max(-1).values.tolist()
        assert found == pytest.approx(expected[::-1], abs=1e-4)


@pytest.mark.parametrize("architecture", ["clip", "siglip"])
def test_what_is_mixed_by_task_is_exported_for_towers_too(architecture, tmp_path):
    backbone = made(architecture, tmp_path / "model")
    task = task_for(backbone)
    setting, _ = kind_of(task).choose_setting(task, backbone.tokenizer(), precision="fp32", epochs=1.0)
    configuration = canonical({"modules": {"poly": {"rank": 2}}}, VOCABULARY, backbone.shape)
    export(ExportJob(configuration, backbone, task, setting, seed=3), "peft", tmp_path / "out")
    assert "from autopeft.methods import load" in loading_code(configuration, backbone, task, setting.max_length)


def test_pictures_that_cannot_be_read_stand_without_a_prediction(tmp_path, two, monkeypatch):
    backbone = load_backbone(tiny_backbone("vit", tmp_path))
    task = task_for(backbone)
    setting, _ = kind_of(task).choose_setting(task, backbone.tokenizer(), precision="fp32", epochs=1.0)
    fine_tune(stock_lora(backbone.shape, 1e-2), backbone, task, setting, tmp_path / "out")
    (two / "broken.png").write_text("hello")
    (two / "rows.csv").write_text("image\nbroken.png\none.png\n")
    found = autopeft.predict(tmp_path / "out", file=two / "rows.csv")
    assert [row is None for row in found.rows] == [True, False]
    assert any(
        "1 row has no prediction: whose 'image' cannot be read as a picture (line 2)" in note for note in found.notes
    )
    (two / "rows.csv").write_text("image\nbroken.png\n")
    with pytest.raises(DataError, match=r"none of the 1 rows of .* can be read: whose 'image' cannot be read"):
        autopeft.predict(tmp_path / "out", file=two / "rows.csv")


def test_pictures_are_moved_and_mirrored_by_chance_that_epochs_repeat(tmp_path, monkeypatch):
    monkeypatch.setenv("AUTOPEFT_CACHE", str(tmp_path / "cache"))
    backbone = load_backbone(tiny_backbone("vit", tmp_path))
    task = task_for(backbone)
    kind = kind_of(task)
    setting, notes = kind.choose_setting(task, backbone.tokenizer(), precision="fp32", augment="crop,flip")
    assert notes == ("pictures are changed by crop and flip each time, so that no layer's answers to them are kept",)
    moved = kind.under(setting)
    encoded = kind.encode(task.train, backbone.tokenizer(), 0)
    trained = moved.to_train(encoded)
    rows, others = np.arange(16), np.arange(15, -1, -1)
    plain, first, again, reordered = (
        kind.collate(which, chosen, 0)["pixel_values"]
        for which, chosen in ((encoded, rows), (trained, rows), (trained, rows), (trained, others))
    )
    assert torch.equal(first, again)
    assert not torch.equal(first, plain)
    assert not torch.equal(reordered.flip(0), first)
    # Nothing is made up: pixels are those of the picture.
    assert set(first.flatten().tolist()) <= set(plain.flatten().tolist())
    flipped = replace(encoded, augment=("flip",))
    found = kind.collate(flipped, rows, 0)["pixel_values"]
    assert all(
        torch.equal(one, other) or torch.equal(one.flip(2), other) for one, other in zip(found, plain, strict=True)
    )
    runner = TrialRunner(backbone, task, setting, torch.device("cpu"))
    written = {"modules": {"lora": {"rank": 2, "layers": [2]}}, "training": {"learning_rate": 1e-2}}
    outcomes = [runner.run(canonical(written, VOCABULARY, backbone.shape), 1) for _ in range(2)]
    assert outcomes[0].metrics == outcomes[1].metrics
    assert not (tmp_path / "cache" / "prefixes").exists()
    for wrong in ("blur", "crop,crop", "crop;flip"):
        with pytest.raises(AutopeftError, match="expected crop, flip or both, such as crop,flip"):
            kind.choose_setting(task, backbone.tokenizer(), augment=wrong)
