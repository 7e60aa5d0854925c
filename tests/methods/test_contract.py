"""Every method on every architecture, and several methods in one layer."""

from importlib.util import find_spec

import pytest
from peft import PeftType, ShadowConfig, get_peft_model

from autopeft.errors import ConfigurationError
from autopeft.methods import METHODS, VOCABULARY
from autopeft.methods.builder import plan
from autopeft.methods.lora_starts import quantising
from autopeft.space import canonical
from autopeft.testing.methods import CHECKS, MethodContract, trainable_count
from autopeft.testing.models import tiny_batch
from tests.marks import mostly_slow
from tests.methods.examples import EXAMPLES
from tests.methods.table import NOT_METHODS, PAGE, RECORDED, YES, page, quoted

#: Configs for stock PEFT where our own refuses before PEFT is asked.
STOCK = {"shadow": ShadowConfig}

ARCHITECTURES = ("bert", "llama", "roberta", "gpt2", "vit")


@pytest.mark.parametrize("name", EXAMPLES)
@pytest.mark.parametrize("backbone", mostly_slow(ARCHITECTURES), indirect=True)
def test_a_method_keeps_its_contract_or_stock_peft_fails_too(backbone, name, tmp_path) -> None:
    configuration = canonical({"modules": {name: EXAMPLES[name]}}, VOCABULARY, backbone.shape)
    try:
        for check in CHECKS.values():
            check(backbone, configuration, tmp_path / check.__name__)
    except ConfigurationError as error:
        part = plan(configuration)[0]
        make = STOCK.get(name, lambda: part.method.peft_config(part.cells, backbone.anatomy))
        assert not stock_peft_can(backbone, make), "stock PEFT can do what autopeft refuses"
        found = quoted(error)
    else:
        found = YES
    assert RECORDED[name, backbone.config.model_type] == found


def stock_peft_can(backbone, make) -> bool:
    try:
        model = get_peft_model(backbone.classifier(2), make())
        model(**tiny_batch(backbone))
        return trainable_count(model) > 0
    except Exception:
        return False


def test_every_method_and_every_type_of_peft_is_in_the_table() -> None:
    assert set(EXAMPLES) == set(METHODS)
    assert {name for name, _ in RECORDED} == set(METHODS)
    types = {str(method.peft_type) for method in METHODS.values() if not method.ours}
    assert types | set(NOT_METHODS) == {kind.value for kind in PeftType}
    assert not types & set(NOT_METHODS)
    rows: dict = {}
    for (name, architecture), said in RECORDED.items():
        rows.setdefault(name, {})[architecture] = said
    assert PAGE.read_text() == page(rows)


@pytest.mark.parametrize("peft_type", NOT_METHODS)
@pytest.mark.parametrize("backbone", ARCHITECTURES, indirect=True)
def test_what_is_no_method_fails_in_stock_peft(backbone, peft_type) -> None:
    make, said = NOT_METHODS[peft_type]
    with pytest.raises(Exception, match=said):
        get_peft_model(backbone.classifier(2), make())(**tiny_batch(backbone))


class TestLora(MethodContract):
    examples = (
        {"lora": {"rank": 4, "variant": "dora"}},
        {"lora": {"rank": 4, "variant": "rslora", "init": "gaussian", "b_ratio": 8}},
        {"lora": {"rank": 4, "init": "pissa"}},
        {"lora": {"rank": 4, "init": "orthogonal", "dropout": 0.1}},
        {"lora": {"rank": 4, "init": "mica"}},
        {"lora": {"rank": 4, "optimizer": "lora_fa"}},
    )
    architectures = ("bert", "gpt2", "llama")


class TestOLora(MethodContract):
    examples = ({"lora": {"rank": 4, "init": "olora", "targets": ["q", "up"]}},)
    architectures = ("bert", "llama")


@pytest.mark.skipif(find_spec("bitsandbytes") is None, reason="needs bitsandbytes, the extra `quantization`")
class TestLoftQ(MethodContract):
    examples = ({"lora": {"rank": 4, "init": "loftq", "alpha": "1r", "targets": ["q", "up"]}},)
    architectures = ("bert", "llama", "vit")

    @pytest.fixture(autouse=True)
    def here(self):
        """Stock PEFT, which loads what was saved, quantises on a GPU only."""
        with quantising():
            yield


class TestGatesAndResidual(MethodContract):
    examples = (
        {"lora": {"rank": 4, "gate": True, "variant": "rslora", "optimizer": "lora_fa", "dropout": 0.1}},
        {"prefix": {"length": {"0": 2, "2": 5}, "gate": True}},
        {"serial_adapter": {"size": 8, "residual": False}},
        {
            "lora": {"rank": 4, "gate": True},
            "prefix": {"length": 4, "gate": True},
            "serial_adapter": {"size": 8, "gate": True},
        },
    )
    architectures = ("bert", "gpt2", "llama", "vit")


class TestReadsAndStarts(MethodContract):
    examples = (
        {"serial_adapter": {"size": {"0": 4, "2": 7}, "reads": "norm", "start": "normal"}},
        {"serial_adapter": {"size": 16, "reads": "norm", "position": "both", "gate": True, "residual": False}},
        {"serial_adapter": {"size": 8, "start": "normal", "learned_scale": True}},
        {"prefix": {"length": {"0": 2, "2": 5}, "network": 16}},
        {"prefix": {"length": 4, "network": 16, "gate": True}},
        {
            "serial_adapter": {"size": 8, "reads": "norm", "start": "normal"},
            "parallel_adapter": {"size": 8},
            "prefix": {"length": 4, "network": 16},
            "ln_tuning": {},
        },
    )
    architectures = ("bert", "distilbert", "gpt2", "llama", "vit")


class TestConvAdapter(MethodContract):
    examples = (
        {"conv_adapter": {"size": 6, "insertion": "sequential", "norms": "none"}},
        {"conv_adapter": {"size": 6, "normed": False, "start": "random", "kernel": 1}},
        {
            "conv_adapter": {"size": 8, "position": "both"},
            "lora": {"rank": 4, "targets": ["q", "up", "down"]},
            "serial_adapter": {"size": 16, "reads": "norm", "activation": "gelu"},
            "parallel_adapter": {"size": 8, "activation": "gelu"},
            "prefix": {"length": 2},
        },
    )
    architectures = ("bert", "llama", "vit")


class TestQueriesAndTemplates(MethodContract):
    examples = (
        {"hyper_adapter": {"size": 8, "kernel": 4, "lite": True}},
        {
            "vqt": {"queries": {"0": 1, "2": 4}, "dropout": 0.0},
            "lora": {"rank": 4, "gate": True, "targets": ["q", "up", "down"]},
            "hyper_adapter": {"size": 8},
            "serial_adapter": {"size": 8, "reads": "norm"},
            "prefix": {"length": 2, "gate": True},
            "aside": {"size": 4},
            "q_adapter": {"size": 8},
        },
    )
    architectures = ("bert", "distilbert", "vit")


class TestAllInOneLayer(MethodContract):
    examples = (
        {"serial_adapter": {"size": 8}, "parallel_adapter": {"size": 8}},
        {
            "lora": {"rank": 4, "targets": ["q", "v", "o", "up", "down"]},
            "serial_adapter": {"size": 8, "position": "both"},
            "parallel_adapter": {"size": 8},
            "prefix": {"length": 4},
        },
        {"lora": {"rank": 4}, "ia3": {}, "ln_tuning": {}},
        {"lora": {"rank": 4}, "trainable_tokens": {"tokens": 12}},
        {"lora": {"rank": 4}, "vera": {"rank": 4, "targets": ["up"]}, "prompt": {"length": 2}},
    )
    architectures = ("bert", "llama")
