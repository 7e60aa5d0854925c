"""What the tests of hardware share: tiny random models, and trials of them on the device that is tried."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch

from autopeft.backbones import Backbone, Decoder, load_backbone, load_decoder
from autopeft.methods import VOCABULARY
from autopeft.space import Configuration, canonical
from autopeft.tasks import Task
from autopeft.testing.decoders import CHAT_TEMPLATE, tiny_decoder
from autopeft.testing.models import tiny_backbone
from autopeft.testing.targets import tiny_task
from autopeft.trials import Outcome, TrialRunner, TrialSetting, pick_device, resolve_precision
from autopeft.trials.causal.setting import CausalSetting
from tests.trials.test_runner import SETTING, make_task

__all__ = ["CPU", "TOGETHER", "WRITING", "Bench", "close"]

CPU = torch.device("cpu")

#: What fits into one layer beside each other.
TOGETHER = {
    "lora": {"rank": 2, "layers": [1, 2], "targets": ["q", "o"]},
    "serial_adapter": {"size": 4, "layers": [2]},
    "parallel_adapter": {"size": 4, "layers": [1]},
    "prefix": {"length": 2, "layers": [2]},
}

WRITING = CausalSetting(examples=32, validation_examples=16, epochs=4.0, batch_size=8, max_length=64)

#: How far losses of tiny models may lie apart that were computed in other types, or by other kernels.
_CLOSE = {"fp32": 1e-3, "bf16": 5e-2}


@dataclass(frozen=True)
class Bench:
    """Makes models and runners.

    Args:
        device: Where trials run.
        precision: `bf16` or `fp32`.
        folder: Where models are written.
    """

    device: torch.device
    precision: str
    folder: Path

    @classmethod
    def on(cls, kind: str, precision: str, folder: Path) -> Bench:
        """Return one for the first card, or the processor: `auto` is what trials compute in there by themselves."""
        device = pick_device()
        assert device.type == kind
        return cls(device, resolve_precision(precision), folder)

    def backbone(self, architecture: str, quantization: Any = None) -> Backbone:
        """Return a tiny classifier's backbone."""
        return load_backbone(tiny_backbone(architecture, self.folder), quantization=quantization)

    def decoder(self, architecture: str = "llama", quantization: Any = None) -> Decoder:
        """Return a tiny decoder with a chat template."""
        return load_decoder(
            tiny_decoder(architecture, self.folder / "decoders", template=CHAT_TEMPLATE), quantization=quantization
        )

    def configuration(self, backbone: Backbone, modules: Mapping[str, Any], **training: Any) -> Configuration:
        """Return modules with a learning rate, and what else is said of training."""
        written = {"modules": modules, "training": {"learning_rate": 1e-2, **training}}
        return canonical(written, VOCABULARY, backbone.shape)

    def classifying(
        self, backbone: Backbone, task: Task | None = None, device: torch.device | None = None, **changes: Any
    ) -> TrialRunner:
        """Return what runs trials of a classifier."""
        return self._runner(backbone, task or make_task(), SETTING, device, changes)

    def writing(
        self, decoder: Decoder, task: Task | None = None, device: torch.device | None = None, **changes: Any
    ) -> TrialRunner:
        """Return what runs trials of a decoder."""
        return self._runner(decoder, task or tiny_task(causal=True, count=32), WRITING, device, changes)

    def _runner(
        self, backbone: Backbone, task: Task, setting: TrialSetting, device: torch.device | None, changes: Any
    ) -> TrialRunner:
        setting = replace(setting, **{"precision": self.precision, **changes})
        return TrialRunner(backbone, task, setting, device or self.device)


def close(first: Outcome, second: Outcome, precision: str) -> bool:
    """Tell whether two trials came to the same, but for how it was computed."""
    assert (first.status, second.status) == ("complete", "complete"), (first.detail, second.detail)
    same = first.params == second.params
    return same and abs(first.metrics["loss"] - second.metrics["loss"]) < _CLOSE[precision]
