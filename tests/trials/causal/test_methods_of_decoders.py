"""Every method on decoders: refused before anything trains, or trained, with the parameters that were predicted."""

import pytest
import torch

from autopeft.backbones import load_decoder
from autopeft.costs import Costs
from autopeft.errors import ConfigurationError
from autopeft.methods import HEAD_ONLY, VOCABULARY
from autopeft.space import canonical
from autopeft.testing.decoders import tiny_decoder
from autopeft.trials import TrialRunner, use_threads
from autopeft.trials.causal.setting import CausalSetting
from tests.methods.examples import EXAMPLES
from tests.trials.causal.test_causal import TASK

SETTING = CausalSetting(examples=16, validation_examples=8, epochs=1.0, batch_size=8, max_length=24, generate=2)


@pytest.fixture(scope="module", params=["llama", "qwen2", "gpt2"])
def tried(request, tmp_path_factory):
    """A runner on a decoder, what configurations cost there, and what the untouched model reaches."""
    use_threads(1)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AUTOPEFT_CACHE", str(tmp_path_factory.mktemp("cache")))
        decoder = load_decoder(tiny_decoder(request.param, tmp_path_factory.mktemp("model")))
        runner = TrialRunner(decoder, TASK, SETTING, torch.device("cpu"))
        yield decoder.shape, runner, Costs(decoder), runner.run(HEAD_ONLY, 0).metrics


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", EXAMPLES)
def test_a_method_is_refused_beforehand_or_trains(tried, name):
    shape, runner, costs, untouched = tried
    data = {"modules": {name: EXAMPLES[name]}, "training": {"learning_rate": 1e-2}}
    configuration = canonical(data, VOCABULARY, shape)
    try:
        params = costs.params(configuration)
    except ConfigurationError as error:
        pytest.skip(str(error))
    outcome = runner.run(configuration, 0)
    assert outcome.status == "complete", outcome.detail
    assert outcome.params == params > 0
    assert outcome.metrics.keys() == untouched.keys()
    # It leaves no trace.
    assert runner.run(HEAD_ONLY, 0).metrics == untouched
