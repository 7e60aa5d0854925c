"""The model of peak memory: what it is fitted to, and what it then predicts."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from autopeft.backbones import load_backbone
from autopeft.costs import MemoryModel, memory_features
from autopeft.methods import HEAD_ONLY, VOCABULARY
from autopeft.space import canonical
from autopeft.testing.models import tiny_backbone

MIB = 2**20


@given(
    base=st.floats(10, 1000),
    layer=st.floats(0, 100),
    lora=st.floats(0, 10),
    prefix=st.floats(0, 10),
    seed=st.integers(0, 100),
)
def test_memory_that_is_linear_is_predicted(base, layer, lora, prefix, seed):
    rng = np.random.default_rng(seed)
    drawn = [
        {"layers": float(rng.integers(0, 12)), "lora": float(rng.integers(0, 30)), "prefix": float(rng.integers(0, 12))}
        for _ in range(20)
    ]
    held = (12 * rng.integers(0, 10**5, 20)).tolist()

    def peak(features, count):
        linear = base + layer * features["layers"] + lora * features["lora"] + prefix * features["prefix"]
        return linear * MIB + count

    peaks = [peak(features, count) for features, count in zip(drawn, held, strict=True)]
    model = MemoryModel.fit(drawn[:15], held[:15], peaks[:15])
    assert 0 <= model.typical_error <= model.largest_error
    for features, count, found in zip(drawn[15:], held[15:], peaks[15:], strict=True):
        assert model.predict(features, count) == pytest.approx(found, rel=0.03)


def test_no_method_is_predicted_to_free_memory():
    drawn = [{"layers": 1.0, "lora": float(count)} for count in range(8)]
    model = MemoryModel.fit(drawn, [0] * 8, [100.0 - count for count in range(8)])
    assert min(model.weights.values()) >= 0


def test_features_count_layers_from_the_lowest_adapted_and_the_places_of_each_method(tmp_path):
    backbone = load_backbone(tiny_backbone("bert", tmp_path))
    modules = {
        "lora": {"rank": 2, "layers": [1, 2], "targets": ["q", "v"]},
        "serial_adapter": {"size": 4, "layers": [2]},
    }
    both = canonical({"modules": modules, "training": {"learning_rate": 1e-3}}, VOCABULARY, backbone.shape)
    layers = backbone.anatomy.count
    assert memory_features(HEAD_ONLY, backbone.anatomy) == {"layers": 0}
    assert memory_features(both, backbone.anatomy) == {"layers": layers - 1, "lora": 4, "serial_adapter": 1}
