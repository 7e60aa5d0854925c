"""What saves memory or time on the device, and what happens where memory runs out."""

import pytest

pytestmark = pytest.mark.gpu

#: Half of them in tiny blocks, for texts here have few tokens.
LEMO = {"context": "lemo", "lemo_kept": 0.5, "lemo_neurons": 0.3}


@pytest.mark.cell("prefix_cache")
@pytest.mark.parametrize("architecture", ["bert", "gpt2", "llama"])
def test_kept_layers_change_no_outcome(bench, architecture, tmp_path, monkeypatch):
    from tests.gpu.bench import close
    from tests.trials.test_prefix import at_the_top

    monkeypatch.setenv("AUTOPEFT_CACHE", str(tmp_path / "cache"))
    backbone = bench.backbone(architecture)
    configuration = at_the_top(backbone)
    short = bench.classifying(backbone).run(configuration, 0)
    assert list((tmp_path / "cache" / "prefixes").glob("*.safetensors"))
    # Read again by another runner.
    assert close(bench.classifying(backbone).run(configuration, 0), short, bench.precision)
    whole = bench.classifying(backbone)
    monkeypatch.setattr(whole._shortcuts, "_keeps", False)
    assert close(whole.run(configuration, 0), short, bench.precision)


@pytest.mark.cell("lemo")
@pytest.mark.parametrize("layers", [[0, 1, 2], [2]])
def test_tokens_and_neurons_are_left_out(bench, layers, monkeypatch):
    from autopeft.methods.context import blocks, dropper
    from tests.gpu.bench import close

    for module in (blocks, dropper):
        monkeypatch.setattr(module, "BLOCK", 4)
    decoder = bench.decoder()
    runner = bench.writing(decoder)
    lora = {"lora": {"rank": 4, "layers": layers, "targets": ["q", "v", "o"]}}
    found, again = (runner.run(bench.configuration(decoder, lora, **LEMO), 0) for _ in range(2))
    assert close(found, again, bench.precision)
    assert found.metrics["loss"] < found.curve[0]["loss"]
    plain = runner.run(bench.configuration(decoder, lora), 0)
    assert found.metrics["loss"] != plain.metrics["loss"]
    everything = {**LEMO, "lemo_kept": 1.0, "lemo_neurons": 1.0}
    assert close(runner.run(bench.configuration(decoder, lora, **everything), 0), plain, bench.precision)


@pytest.mark.cell("checkpointing")
@pytest.mark.parametrize("architecture", ["bert", "llama", "decoder"])
def test_layers_computed_again_learn_the_same_with_less_memory(bench, architecture):
    from tests.gpu.bench import TOGETHER, close

    decoding = architecture == "decoder"
    backbone = bench.decoder() if decoding else bench.backbone(architecture)
    make = bench.writing if decoding else bench.classifying
    kept, again = (make(backbone, batch_size=32, gradient_checkpointing=on) for on in (False, True))
    configuration = bench.configuration(backbone, TOGETHER)
    assert close(again.run(configuration, 0), kept.run(configuration, 0), bench.precision)
    # Only above the lowest adapter anything is kept.
    everywhere = bench.configuration(backbone, {"lora": {"rank": 2}})
    assert again.profile(everywhere, 0).peak < kept.profile(everywhere, 0).peak


@pytest.mark.cell("parts")
def test_a_batch_that_memory_does_not_hold_is_computed_in_parts(bench, tmp_path):
    """For real: the card is filled until a whole batch fails."""
    from autopeft.backbones import load_backbone
    from autopeft.testing.models import tiny_backbone
    from tests.gpu.bench import close
    from tests.gpu.scarce import long_texts, scarce

    backbone = load_backbone(tiny_backbone("bert", tmp_path, hidden=128))
    runner = bench.classifying(backbone, task=long_texts(), examples=64, batch_size=64, epochs=1.0, max_length=128)
    configuration = bench.configuration(backbone, {"lora": {"rank": 2}})
    whole, peak = runner.run(configuration, 0), runner.profile(configuration, 0).peak
    parted, tries = type(runner._kind).parted, []

    def noted(self, encoded, rows, at_once):
        tries.append(at_once)
        return parted(self, encoded, rows, at_once)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(type(runner._kind), "parted", noted)
        # What else takes memory differs: how little a whole batch is too much for is found by trying.
        for share in (0.7, 0.5, 0.3, 0.1):
            tries.clear()
            with scarce(runner, int(share * peak)):
                found = runner.run(configuration, 0)
            if min(tries) < 64:
                break
    assert tries[:2] == [64, 32]
    assert close(found, whole, bench.precision)
    # Nothing of it is left behind.
    assert close(runner.run(configuration, 0), whole, bench.precision)
    if bench.device.type == "cpu":
        pytest.skip("needs a card to be filled; memory that is said to have run out is dealt with")
