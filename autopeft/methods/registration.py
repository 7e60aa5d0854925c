"""Our methods in PEFT's tables, so that `get_peft_model`, `save_pretrained` and `from_pretrained` know them.

PEFT's own `register_peft_method` takes only names of its closed `PeftType` enum; its tables take any string.
"""

from __future__ import annotations

from typing import Any

from peft import PeftConfig
from peft.mapping import PEFT_TYPE_TO_CONFIG_MAPPING, PEFT_TYPE_TO_PREFIX_MAPPING, PEFT_TYPE_TO_TUNER_MAPPING
from peft.tuners.tuners_utils import BaseTuner

from autopeft.methods.bitfit import BitFitConfig, BitFitTuner
from autopeft.methods.bottleneck import (
    ParallelAdapterConfig,
    ParallelAdapterTuner,
    SerialAdapterConfig,
    SerialAdapterTuner,
)
from autopeft.methods.prefix_layer import PrefixConfig, PrefixTuner
from autopeft.methods.sparse import SparseConfig, SparseTuner

__all__ = ["TYPES"]

#: PEFT type to its config and its tuner.
TYPES: dict[str, tuple[type[PeftConfig], type[BaseTuner]]] = {
    "SERIAL_ADAPTER": (SerialAdapterConfig, SerialAdapterTuner),
    "PARALLEL_ADAPTER": (ParallelAdapterConfig, ParallelAdapterTuner),
    "LAYER_PREFIX": (PrefixConfig, PrefixTuner),
    "BITFIT": (BitFitConfig, BitFitTuner),
    "SPARSE": (SparseConfig, SparseTuner),
}

for _name, (_config, _tuner) in TYPES.items():
    _key: Any = _name  # the tables are annotated with the enum
    PEFT_TYPE_TO_CONFIG_MAPPING[_key] = _config
    PEFT_TYPE_TO_TUNER_MAPPING[_key] = _tuner
    PEFT_TYPE_TO_PREFIX_MAPPING[_key] = _tuner.prefix
