"""Every method, and all of them in one layer, on every architecture."""

from autopeft.testing.methods import MethodContract


class TestLora(MethodContract):
    examples = (
        {"lora": {"rank": 4}},
        {"lora": {"rank": {"0": 2, "1-2": 5}, "alpha": "1r", "targets": ["q", "k", "v", "o", "up", "down"]}},
    )


class TestSerialAdapter(MethodContract):
    examples = (
        {"serial_adapter": {"size": "d/4"}},
        {"serial_adapter": {"size": {"0": 4, "2": 7}, "position": "both", "activation": "gelu", "scale": 2}},
    )


class TestParallelAdapter(MethodContract):
    examples = (
        {"parallel_adapter": {"size": 8}},
        {"parallel_adapter": {"size": {"0": 6, "1": 9}, "activation": "tanh"}},
    )


class TestPrefix(MethodContract):
    examples = ({"prefix": {"length": 4}}, {"prefix": {"length": {"1": 1, "2": 6}}})


class TestAllInOneLayer(MethodContract):
    examples = (
        {"serial_adapter": {"size": 8}, "parallel_adapter": {"size": 8}},
        {
            "lora": {"rank": 4, "targets": ["q", "v", "o", "up", "down"]},
            "serial_adapter": {"size": 8, "position": "both"},
            "parallel_adapter": {"size": 8},
            "prefix": {"length": 4},
        },
    )
