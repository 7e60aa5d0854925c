"""What can be set of bottleneck adapters: knobs for spaces, configs for PEFT."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import torch
from peft import PeftConfig
from torch import nn

from autopeft.methods.gate import GATE
from autopeft.space.vocabulary import Knob

__all__ = [
    "ACTIVATIONS",
    "FORM",
    "RATES",
    "SIZE",
    "BottleneckConfig",
    "ParallelAdapterConfig",
    "SerialAdapterConfig",
]

SIZE = Knob(
    "size",
    "int",
    "size of the bottleneck",
    low=1,
    placed=True,
    gate=True,
    relative=("d", "f"),
    range="d/64..d/4 by x2",
)

#: Knobs of the form, with a default each, that serial and parallel adapters share.
FORM = (
    Knob("biased", "bool", "whether both matrices have a bias", default=True),
    Knob("learned_scale", "bool", "whether the factor is trained, from `scale` on", default=False),
    GATE,
)

#: Step sizes for short trials.
RATES = "5e-4..2e-2 log"

ACTIVATIONS: dict[str, Callable[[torch.Tensor], torch.Tensor]] = {
    "relu": nn.functional.relu,
    "gelu": nn.functional.gelu,
    "silu": nn.functional.silu,
    "tanh": torch.tanh,
    "identity": lambda x: x,
}


@dataclass
class BottleneckConfig(PeftConfig):
    """What serial and parallel adapters have in common."""

    target_modules: list[str] | None = field(
        default=None, metadata={"help": "Names of the matrices to whose output the adapter adds."}
    )
    size: int = field(default=16, metadata={"help": "Size of the bottleneck."})
    size_pattern: dict[str, int] = field(
        default_factory=dict, metadata={"help": "Size by module name, where it differs from `size`."}
    )
    scale: float = field(default=1.0, metadata={"help": "Factor of what the adapter adds."})
    activation: str = field(default="relu", metadata={"help": f"One of {', '.join(ACTIVATIONS)}."})
    # `bias` itself is a word of PEFT's, for the backbone's.
    biased: bool = field(default=True, metadata={"help": "Whether both matrices have a bias."})
    learned_scale: bool = field(default=False, metadata={"help": "Whether the factor is trained, from `scale` on."})
    gate: bool = field(
        default=False, metadata={"help": "Whether a sigmoid of the input, averaged over tokens, scales it too."}
    )
    modules_to_save: list[str] | None = field(
        default=None, metadata={"help": "Modules trained and saved beside the adapter, such as a task head."}
    )


@dataclass
class SerialAdapterConfig(BottleneckConfig):
    """Config of serial adapters, which read the output they add to, or the block's sum through its norm."""

    residual: bool = field(
        default=True, metadata={"help": "Whether the output it follows is kept beside its own, or replaced."}
    )
    start: str = field(
        default="zero", metadata={"help": "`zero`: it starts as nothing; `normal`: both matrices from N(0, 0.02)."}
    )
    norm_modules: dict[str, str] = field(
        default_factory=dict,
        metadata={"help": "For each target module whose adapter reads the block's sum, the full name of its norm."},
    )
    stream_modules: dict[str, str] = field(
        default_factory=dict,
        metadata={"help": "For each of these, the full name of the module whose input is the residual stream."},
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        self.peft_type = "SERIAL_ADAPTER"


@dataclass
class ParallelAdapterConfig(BottleneckConfig):
    """Config of parallel adapters, which read the input of the sublayer."""

    input_modules: dict[str, str] = field(
        default_factory=dict,
        metadata={"help": "For each target module, the full name of the module whose input the adapter reads."},
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        self.peft_type = "PARALLEL_ADAPTER"
