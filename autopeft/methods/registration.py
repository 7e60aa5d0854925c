"""Our methods in PEFT's tables, so that `get_peft_model`, `save_pretrained` and `from_pretrained` know them.

PEFT's own `register_peft_method` takes only names of its closed `PeftType` enum; its tables take any string.
"""

from __future__ import annotations

from typing import Any

from peft import PeftConfig
from peft.mapping import PEFT_TYPE_TO_CONFIG_MAPPING, PEFT_TYPE_TO_PREFIX_MAPPING, PEFT_TYPE_TO_TUNER_MAPPING
from peft.tuners.tuners_utils import BaseTuner

from autopeft.methods.aside_layer import AsideConfig, AsideTuner
from autopeft.methods.bitfit import BitFitConfig, BitFitTuner
from autopeft.methods.bottleneck import ParallelAdapterTuner, SerialAdapterTuner
from autopeft.methods.bottleneck_config import ParallelAdapterConfig, SerialAdapterConfig
from autopeft.methods.conv_adapter_layer import ConvAdapterConfig, ConvAdapterTuner
from autopeft.methods.gated_lora import GatedLoraConfig, GatedLoraTuner
from autopeft.methods.hyper_adapter_layer import HyperAdapterConfig, HyperAdapterTuner
from autopeft.methods.increlora.config import IncreLoraConfig, IncreLoraTuner
from autopeft.methods.prefix_layer import PrefixConfig, PrefixTuner
from autopeft.methods.q_adapter_layer import QAdapterConfig, QAdapterTuner
from autopeft.methods.sparse import SparseConfig, SparseTuner
from autopeft.methods.trained_copy import TrainedCopyConfig, TrainedCopyTuner
from autopeft.methods.vqt_layer import VqtConfig, VqtTuner

__all__ = ["TYPES", "enter"]

#: PEFT type to its config and its tuner.
TYPES: dict[str, tuple[type[PeftConfig], type[BaseTuner]]] = {
    "SERIAL_ADAPTER": (SerialAdapterConfig, SerialAdapterTuner),
    "PARALLEL_ADAPTER": (ParallelAdapterConfig, ParallelAdapterTuner),
    "CONV_ADAPTER": (ConvAdapterConfig, ConvAdapterTuner),
    "HYPER_ADAPTER": (HyperAdapterConfig, HyperAdapterTuner),
    "LAYER_PREFIX": (PrefixConfig, PrefixTuner),
    "ASIDE": (AsideConfig, AsideTuner),
    "VQT": (VqtConfig, VqtTuner),
    "Q_ADAPTER": (QAdapterConfig, QAdapterTuner),
    "GATED_LORA": (GatedLoraConfig, GatedLoraTuner),
    "INCRELORA": (IncreLoraConfig, IncreLoraTuner),
    "BITFIT": (BitFitConfig, BitFitTuner),
    "SPARSE": (SparseConfig, SparseTuner),
    "TRAINED_COPY": (TrainedCopyConfig, TrainedCopyTuner),
}


def enter(peft_type: str, config: type[PeftConfig], tuner: type[BaseTuner]) -> None:
    """Enter a type in PEFT's tables."""
    key: Any = peft_type  # the tables are annotated with the enum
    PEFT_TYPE_TO_CONFIG_MAPPING[key] = config
    PEFT_TYPE_TO_TUNER_MAPPING[key] = tuner
    PEFT_TYPE_TO_PREFIX_MAPPING[key] = tuner.prefix


for _name, (_config, _tuner) in TYPES.items():
    enter(_name, _config, _tuner)
