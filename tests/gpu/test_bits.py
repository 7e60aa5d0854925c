"""Backbones in 4 and 8 bits on the device."""

import pytest

pytestmark = pytest.mark.gpu

#: How far losses lie from those of plain weights, of a tiny model.
AWAY = {"4bit": 0.25, "8bit": 0.1}


def _in_few_bits(bench, architecture, quantization, **changes):
    pytest.importorskip("bitsandbytes", reason="needs bitsandbytes")
    if architecture == "decoder":
        decoder = bench.decoder(quantization=quantization)
        return decoder, bench.writing(decoder, **changes)
    backbone = bench.backbone(architecture, quantization)
    return backbone, bench.classifying(backbone, **changes)


@pytest.mark.parametrize(
    "quantization", [pytest.param(bits, marks=pytest.mark.cell(bits)) for bits in ("4bit", "8bit")]
)
@pytest.mark.parametrize("architecture", ["bert", "qwen2", "decoder"])
def test_trials_beside_packed_weights(bench, architecture, quantization):
    from tests.gpu.bench import TOGETHER, close

    backbone, runner = _in_few_bits(bench, architecture, quantization)
    before = {name: value.clone() for name, value in runner.model.base_model.state_dict().items()}
    configuration = bench.configuration(backbone, TOGETHER)
    found, again = (runner.run(configuration, 0) for _ in range(2))
    assert close(found, again, bench.precision)
    after = runner.model.base_model.state_dict()
    assert all(value.equal(after[name]) for name, value in before.items())
    decoding = architecture == "decoder"
    plain = bench.writing(bench.decoder()) if decoding else bench.classifying(bench.backbone(architecture))
    loss = plain.run(configuration, 0).metrics["loss"]
    assert found.metrics["loss"] == pytest.approx(loss, abs=AWAY[quantization])


@pytest.mark.cell("bits_checkpointing")
@pytest.mark.parametrize("quantization", ["4bit", "8bit"])
@pytest.mark.parametrize("architecture", ["bert", "decoder"])
def test_layers_computed_again_learn_the_same(bench, architecture, quantization):
    from tests.gpu.bench import TOGETHER, close

    outcomes = []
    for again in (False, True):
        backbone, runner = _in_few_bits(bench, architecture, quantization, gradient_checkpointing=again)
        outcomes.append(runner.run(bench.configuration(backbone, TOGETHER), 0))
    assert close(*outcomes, "bf16")
