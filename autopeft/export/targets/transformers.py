"""Export to transformers: a script around its Trainer."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from peft import PeftConfig
from typing_extensions import override

from autopeft.backbones import Backbone
from autopeft.export.adapter import adapter_config
from autopeft.export.data import Segment, segments, write_data
from autopeft.export.job import ExportJob
from autopeft.export.rebuilt import Rebuilt, by_peft
from autopeft.export.script import write_script
from autopeft.export.shortfall import Shortfall, beyond_config, one_method
from autopeft.export.target import Target
from autopeft.export.training import TRAINING, backbone_dropout, only_part, rates, trainer_arguments, write_yaml
from autopeft.methods.builder import plan
from autopeft.space import Configuration
from autopeft.tasks import Task

__all__ = ["Transformers"]


class Transformers(Target):
    """`train.py` with `adapter_config.json`, `training.yaml` and the examples it trains on."""

    name = "transformers"
    summary = "a script around transformers' Trainer, for one method"

    @override
    def shortfalls(self, configuration: Configuration, backbone: Backbone) -> Iterator[Shortfall]:
        """Yield several methods, and what the script does not do in training."""
        yield from one_method(configuration)
        yield from beyond_config(plan(configuration), ("lora.b_ratio",))

    @override
    def write(self, job: ExportJob, folder: Path) -> list[str]:
        """Write script, config, settings and data."""
        config = adapter_config(only_part(job), job.backbone)
        config.save_pretrained(str(folder))
        settings: dict[str, Any] = {
            "model": str(job.backbone.path),
            "revision": job.backbone.revision or "main",
            "backbone": backbone_dropout(job),
            "quantization": job.backbone.quantization_keys,
            "max_length": job.setting.max_length,
            "rates": rates(job),
            "arguments": trainer_arguments(job),
        }
        tokenizer = job.backbone.tokenizer()
        if isinstance(job.task, Task):
            settings["labels"] = list(job.task.labels)
        write_yaml(folder / TRAINING, settings)
        write_data(job.task, folder, lambda example: _stretches(segments(example, job.causal_task.form, tokenizer)))
        return write_script("generate" if job.causal else "classify", config, folder)

    @override
    def rebuild(self, folder: Path, model: Any, backbone: Backbone) -> Rebuilt:
        """Build the adapter as the script does."""
        return by_peft(PeftConfig.from_pretrained(str(folder)), model)


def _stretches(cut: Sequence[Segment]) -> Mapping[str, Any]:
    """Return an example as text, and where in it the learned stretches begin and end."""
    text, learned = "", []
    for part, is_learned in cut:
        if is_learned:
            learned.append([len(text), len(text) + len(part)])
        text += part
    return {"text": text, "learned": learned}
