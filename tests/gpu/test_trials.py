"""Trials: several methods together, each method alone, classifiers and decoders."""

from functools import partial

import pytest

from tests.methods.examples import EXAMPLES
from tests.methods.table import RECORDED, YES

pytestmark = pytest.mark.gpu

#: Every other method, with an architecture that it can be put into.
OTHERS = [
    (name, next(architecture for (each, architecture), said in RECORDED.items() if each == name and said == YES))
    for name in EXAMPLES
    if name not in ("lora", "serial_adapter", "parallel_adapter", "prefix")
]


@pytest.mark.cell("trials")
@pytest.mark.parametrize("architecture", ["bert", "gpt2", "llama"])
def test_methods_together_learn_leave_no_trace_and_agree_with_the_processor(bench, architecture):
    from tests.gpu.bench import CPU, TOGETHER, close

    backbone = bench.backbone(architecture)
    runner = bench.classifying(backbone)
    before = {name: value.clone() for name, value in runner.model.base_model.state_dict().items()}
    configuration = bench.configuration(backbone, TOGETHER)
    found, again = (runner.run(configuration, 0) for _ in range(2))
    assert found.status == "complete", found.detail
    assert found.metrics["loss"] < found.curve[0]["loss"]
    after = runner.model.base_model.state_dict()
    assert all(value.equal(after[name]) for name, value in before.items())
    assert close(found, again, bench.precision)
    plain = bench.classifying(backbone, device=CPU, precision="fp32").run(configuration, 0)
    assert close(found, plain, bench.precision)


@pytest.mark.cell("decoders")
@pytest.mark.parametrize("architecture", ["llama", "gpt2"])
def test_decoders_learn_leave_no_trace_and_agree_with_the_processor(bench, architecture):
    from tests.gpu.bench import CPU, TOGETHER, close

    decoder = bench.decoder(architecture)
    runner = bench.writing(decoder)
    before = {name: value.clone() for name, value in runner.model.state_dict().items()}
    configuration = bench.configuration(decoder, TOGETHER)
    found, again = (runner.run(configuration, 0) for _ in range(2))
    assert found.status == "complete", found.detail
    assert found.metrics["loss"] < found.curve[0]["loss"]
    after = runner.model.state_dict()
    assert all(value.equal(after[name]) for name, value in before.items())
    assert close(found, again, bench.precision)
    plain = bench.writing(decoder, device=CPU, precision="fp32").run(configuration, 0)
    assert close(found, plain, bench.precision)


@pytest.mark.cell("methods")
@pytest.mark.parametrize(("name", "architecture"), OTHERS, ids=[name for name, _ in OTHERS])
def test_a_trial_of_a_method_trains_what_it_costs_and_leaves_no_trace(bench, name, architecture):
    from autopeft.costs import Costs
    from autopeft.methods import METHODS

    backbone = bench.backbone(architecture)
    runner = bench.classifying(backbone, examples=16, epochs=2.0)
    before = {key: value.clone() for key, value in runner.model.base_model.state_dict().items()}
    configuration = bench.configuration(backbone, {name: EXAMPLES[name]})
    outcome = runner.run(configuration, 0)
    assert outcome.status == "complete", outcome.detail
    # In so few steps what grows does not come to its end.
    cost = Costs(backbone).params(configuration)
    assert outcome.params == cost or (METHODS[name].grows and 0 < outcome.params < cost)
    after = runner.model.base_model.state_dict()
    assert before.keys() == after.keys()
    assert all(value.equal(after[key]) for key, value in before.items())


@pytest.mark.cell("methods")
@pytest.mark.parametrize(("name", "architecture"), OTHERS, ids=[name for name, _ in OTHERS])
def test_a_method_keeps_its_contract_there(name, architecture, tmp_path, monkeypatch):
    from autopeft.backbones import load_backbone
    from autopeft.methods import VOCABULARY
    from autopeft.space import canonical
    from autopeft.testing import methods as contract
    from autopeft.testing.models import tiny_backbone, tiny_batch
    from autopeft.trials import pick_device

    device, backbone = pick_device(), load_backbone(tiny_backbone(architecture, tmp_path))
    batch = {key: value.to(device) for key, value in tiny_batch(backbone).items()}
    # The contract knows nothing of devices.
    monkeypatch.setattr(backbone, "classifier", partial(backbone.classifier, device=device))
    monkeypatch.setattr(contract, "tiny_batch", lambda _: batch)
    configuration = canonical({"modules": {name: EXAMPLES[name]}}, VOCABULARY, backbone.shape)
    for check in contract.CHECKS.values():
        check(backbone, configuration, tmp_path / check.__name__)
