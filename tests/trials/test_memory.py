"""Ways to train in less memory: the same results."""

from dataclasses import replace

import pytest
import torch

from autopeft.backbones import load_backbone
from autopeft.testing.models import TEXT_ARCHITECTURES, tiny_backbone
from autopeft.trials import TrialRunner, use_threads
from autopeft.trials import runner as runner_module
from autopeft.trials.checkpointing import recompute_layers
from tests.marks import mostly_slow
from tests.trials.test_prefix import at_the_top
from tests.trials.test_runner import SETTING, make_task

TASK = make_task()
LAYERS = (0, 1, 2)


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv("AUTOPEFT_CACHE", str(tmp_path))


@pytest.fixture(scope="module", params=mostly_slow(TEXT_ARCHITECTURES))
def backbone(request, tmp_path_factory):
    use_threads(1)
    return load_backbone(tiny_backbone(request.param, tmp_path_factory.mktemp("model")))


def run(backbone, **changes):
    runner = TrialRunner(backbone, TASK, replace(SETTING, **changes), torch.device("cpu"))
    outcome = runner.run(at_the_top(backbone, LAYERS), 0)
    assert outcome.status == "complete", outcome.detail
    return [point["loss"] for point in outcome.curve]


def test_checkpointing_trains_the_same_with_less_in_memory(backbone):
    assert run(backbone, gradient_checkpointing=True) == pytest.approx(run(backbone), abs=1e-5)
    kept = {}
    for on in (False, True):
        model = backbone.classifier(2)
        model.config.use_cache = False
        if on:
            recompute_layers(model)
        saved = []
        with torch.autograd.graph.saved_tensors_hooks(lambda x, saved=saved: saved.append(x.nbytes) or x, lambda x: x):
            model(input_ids=torch.ones(4, 16, dtype=torch.long)).logits.sum().backward()
        kept[on] = sum(saved)
        assert not any(module.training for module in model.modules() if isinstance(module, torch.nn.Dropout))
    assert kept[True] < 0.7 * kept[False]


@pytest.mark.parametrize("fits", [1, 3])
def test_a_batch_too_large_for_memory_goes_through_in_parts(backbone, monkeypatch, fits):
    expected = run(backbone)
    sizes = []
    real = runner_module.fit

    def short_of_memory(*args, at_once, **kwargs):
        sizes.append(at_once)
        if at_once > fits:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return real(*args, at_once=at_once, **kwargs)

    monkeypatch.setattr(runner_module, "fit", short_of_memory)
    assert run(backbone) == pytest.approx(expected, abs=1e-4)
    assert sizes == [8, 4, 2, 1][: 3 if fits == 3 else 4]
