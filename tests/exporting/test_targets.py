"""Every target keeps the contract; the check and the refusals are the same for all."""

from dataclasses import replace
from typing import ClassVar

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from autopeft.backbones import load_decoder
from autopeft.errors import AutopeftError, ConfigurationError
from autopeft.exporting import TARGETS, export, refusal, target_named
from autopeft.methods import VOCABULARY
from autopeft.space import canonical
from autopeft.testing.decoders import CHAT_TEMPLATE, tiny_decoder
from autopeft.testing.targets import TargetContract, tiny_job

PLAIN = {"lora": {"rank": 4, "alpha": 8, "targets": ["q", "v"]}}
ONE = {"lora": {"rank": 4, "targets": ["q"], "variant": "dora", "dropout": 0.1}}
LAYERED = {"lora": {"rank": {"0": 4, "2": 8}, "alpha": "2r", "targets": ["q", "down"]}}
FRACTION = {"lora": {"rank": 4, "alpha": 5.5, "targets": ["q", "gate", "up", "down"]}}
PISSA = {"lora": {"rank": 4, "init": "pissa", "targets": ["v", "o"]}}
PLUS = {"lora": {"rank": 4, "b_ratio": 4}}
FA = {"lora": {"rank": 4, "optimizer": "lora_fa"}}
GATED = {"lora": {"rank": 4, "gate": True}}
SERIAL = {"serial_adapter": {"size": 4, "layers": [1]}}
PREFIX = {"prefix_tuning": {"length": 3, "prefix_projection": True, "encoder_hidden_size": 8}}
SEVERAL = {"lora": {"rank": 4}, "serial_adapter": {"size": 4}, "prefix": {"length": 2}}
NORMED = {"serial_adapter": {"size": 4, "reads": "norm", "start": "normal"}}
MADE = {"prefix": {"length": 3, "network": 8, "layers": [1]}}
SPLIT = {"hira": {"rank": {"0": 4, "1": 8}}}
KASA = {"kasa": {"rank": 4}}


class TestOwn(TargetContract):
    target = "autopeft"
    says = (LAYERED, SEVERAL, FA, KASA, NORMED, MADE)
    refuses: ClassVar = {}


class TestPeft(TargetContract):
    target = "peft"
    says = (LAYERED, SEVERAL, SPLIT, PREFIX, {"ia3": {}}, NORMED, MADE, {**NORMED, **MADE})
    refuses: ClassVar = {"lora.b_ratio": PLUS, "lora.optimizer": FA, "kasa": KASA}


class TestTransformers(TargetContract):
    target = "transformers"
    says = (LAYERED, PLUS, SERIAL, NORMED, MADE)
    refuses: ClassVar = {"hira": SPLIT, "lora, prefix, serial_adapter": SEVERAL, "lora.optimizer": FA}


class TestTrl(TargetContract):
    target = "trl"
    says = (PLAIN, ONE, LAYERED)
    refuses: ClassVar = {"lora.b_ratio": PLUS, "kasa": KASA}


class TestAxolotl(TargetContract):
    target = "axolotl"
    says = (PLAIN, LAYERED, FRACTION, PISSA)
    refuses: ClassVar = {"lora.gate": GATED, "serial_adapter": SERIAL, "lora.optimizer": FA}


class TestLlamaFactory(TargetContract):
    target = "llamafactory"
    says = (PLAIN, ONE, LAYERED, PISSA)
    refuses: ClassVar = {"lora.gate": GATED, "lora.init": {"lora": {"rank": 4, "init": "olora"}}}


class TestTorchtune(TargetContract):
    target = "torchtune"
    says = (PLAIN, ONE, FRACTION)
    refuses: ClassVar = {
        "lora.rank": LAYERED,
        "lora.layers": {"lora": {"rank": 4, "layers": [1]}},
        "lora.targets": {"lora": {"rank": 4, "targets": ["up"]}},
        "lora.init": PISSA,
        "lora.variant": {"lora": {"rank": 4, "variant": "rslora"}},
    }


@pytest.fixture(scope="module")
def decoder(tmp_path_factory):
    return load_decoder(tiny_decoder("llama", tmp_path_factory.mktemp("model"), template=CHAT_TEMPLATE))


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.fixed_dictionaries(
        {
            "rank": st.dictionaries(st.sampled_from("012"), st.integers(1, 6), min_size=1),
            "alpha": st.one_of(st.integers(1, 12), st.sampled_from(["1r", "2.5r"])),
            "targets": st.lists(st.sampled_from(["q", "k", "o", "up", "down"]), min_size=1, unique=True),
            "variant": st.sampled_from(["lora", "rslora", "dora"]),
            "init": st.sampled_from(["default", "gaussian", "pissa", "olora"]),
        }
    ),
    st.sampled_from(["trl", "axolotl", "llamafactory", "torchtune"]),
)
def test_any_lora_is_refused_or_built(decoder, tmp_path_factory, knobs, target):
    job = tiny_job(decoder, {"lora": knobs}, causal=True)
    folder = tmp_path_factory.mktemp("any")
    if refusal(TARGETS[target], job.configuration, decoder, job.kind):
        with pytest.raises(ConfigurationError, match=r"cannot express lora\."):
            export(job, target, folder)
    else:
        export(job, target, folder)


@pytest.mark.parametrize("target", [name for name in TARGETS if name not in ("autopeft", "sentence-transformers")])
def test_schedules_and_compression_are_left_out_where_that_is_allowed_and_forward_only_never(decoder, tmp_path, target):
    job = tiny_job(decoder, PLAIN, causal=True)

    def trained(training):
        written = {"modules": PLAIN, "training": training}
        return replace(job, configuration=canonical(written, VOCABULARY, decoder.shape))

    scheduled = trained({"schedule": "ist"})
    with pytest.raises(ConfigurationError, match=r"cannot express training\.schedule"):
        export(scheduled, target, tmp_path / "scheduled")
    left_out = export(scheduled, target, tmp_path / "scheduled", allow_lossy=True).left_out
    assert [each for each in left_out if "training.schedule" in str(each)]
    short = trained({"context": "lemo"})
    with pytest.raises(ConfigurationError, match=r"cannot express training\.context"):
        export(short, target, tmp_path / "short")
    left_out = export(short, target, tmp_path / "short", allow_lossy=True).left_out
    assert [each for each in left_out if "training.context" in str(each)]
    compressed = trained({"compression": "compeft"})
    with pytest.raises(ConfigurationError, match=r"cannot express training\.compression"):
        export(compressed, target, tmp_path / "compressed")
    left_out = export(compressed, target, tmp_path / "compressed", allow_lossy=True).left_out
    assert [each for each in left_out if "training.compression" in str(each)]
    if target != "peft":
        with pytest.raises(ConfigurationError, match=r"cannot express training\.pruning"):
            export(trained({"pruning": "heads", "heads_count": 1}), target, tmp_path / "pruned", allow_lossy=True)
    forward_only = trained({"optimiser": "mezo"})
    # Of trained adapters nothing is lost by how they were trained; a training wants a learning rate.
    for lossy in (False,) if target == "peft" else (False, True):
        with pytest.raises(ConfigurationError, match=r"cannot express training\.optimiser"):
            export(forward_only, target, tmp_path / "mezo", allow_lossy=lossy)
    if target == "peft":
        export(forward_only, target, tmp_path / "mezo", allow_lossy=True)
        found = yaml.safe_load((tmp_path / "mezo" / "training.yaml").read_text())
        assert found["training"] == {"optimiser": "mezo", "mezo_pace": 0.01, "mezo_epsilon": 1e-3}


def test_an_unknown_target_is_named():
    with pytest.raises(AutopeftError, match="did you mean 'peft'"):
        target_named("pef")


def test_a_model_without_a_builder_is_refused(tmp_path):
    gpt2 = load_decoder(tiny_decoder("gpt2", tmp_path))
    with pytest.raises(ConfigurationError, match="torchtune cannot train tiny-gpt2: it has no builder for gpt2"):
        export(tiny_job(gpt2, {"lora": {"rank": 4, "targets": ["qkv"]}}, causal=True), "torchtune", tmp_path / "x")


def test_every_target_has_its_contract():
    # What takes no decoders, on which the contract is tried, has tests of its own.
    tested = {kind.target for kind in TargetContract.__subclasses__()} | {"sentence-transformers"}
    assert tested == set(TARGETS)
