"""A method of your own: a trained gain on the output of a matrix.

    autopeft search --plugin examples/own_method.py --space gains.yaml --data train.csv --text text --label label

where gains.yaml says `modules: {gain: {}}`. `autopeft plugin method` prints this file.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar

import torch
from peft import PeftConfig
from peft.tuners.tuners_utils import BaseTuner
from torch import nn

from autopeft.backbones import features
from autopeft.methods import register
from autopeft.methods.layer import AdapterLayer
from autopeft.methods.method import Method, learning_rate
from autopeft.space.shape import ROLES
from autopeft.space.vocabulary import Knob, MethodWords


@dataclass
class GainConfig(PeftConfig):
    """What PEFT keeps of it in adapter_config.json."""

    target_modules: list[str] | None = None
    groups: int = field(default=1, metadata={"help": "Groups of outputs that share a gain."})
    modules_to_save: list[str] | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        self.peft_type = "GAIN"


class GainLayer(AdapterLayer):
    """A matrix whose outputs are multiplied by 1 + gain."""

    adapter_layer_names = ("gain",)

    def __init__(self, base_layer: nn.Module) -> None:
        super().__init__(base_layer)
        self.gain = nn.ParameterDict()

    def update_layer(self, adapter_name: str, config: GainConfig) -> None:
        _, outputs = features(self.get_base_layer())
        if outputs % config.groups:
            raise ValueError(f"{config.groups} groups of {outputs} outputs")
        self.gain[adapter_name] = nn.Parameter(torch.zeros(config.groups))
        self.set_adapter(adapter_name, inference_mode=config.inference_mode)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y = self.base_layer(x)
        if self.disable_adapters:
            return y
        gain = self.gain["default"]
        return y * (1 + gain.repeat_interleave(y.shape[-1] // len(gain)))


class GainTuner(BaseTuner):
    """Puts gains into a model, as PEFT asks for."""

    prefix = "gain"
    tuner_layer_cls = GainLayer
    target_module_mapping: ClassVar[dict] = {}

    def _create_and_replace(self, peft_config, adapter_name, target, target_name, parent, current_key) -> None:
        layer = GainLayer(target)
        layer.update_layer(adapter_name, peft_config)
        self._replace_module(parent, target_name, layer, target)


class Gain(Method):
    """What searches have to know: its words and knobs, where it goes, and the config for the places it was given."""

    words = MethodWords(
        name="gain",
        summary="a trained gain on the output of a matrix",
        source="an example",
        knobs=(
            Knob("groups", "int", "groups of outputs", low=1, gate=True, range="1..8 by x2"),
            Knob("targets", "roles", "the matrices", default=("o", "down"), choices=ROLES),
            learning_rate("1e-3..1e-1 log"),
        ),
    )
    peft_type = "GAIN"
    order = 1
    layer_class = GainLayer
    start = "exact"
    mergeable = False
    ours = True

    def modules(self, cell, knobs, anatomy):
        return (anatomy.module(cell.layer, cell.role),)

    def peft_config(self, cells, anatomy):
        names = sorted(name for cell, knobs in cells.items() for name in self.modules(cell, knobs, anatomy))
        return GainConfig(target_modules=names, groups=next(iter(cells.values()))["groups"])


register(Gain(), GainConfig, GainTuner)
