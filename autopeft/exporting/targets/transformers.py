"""Export to transformers: a script around its Trainer."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from typing import Any

import yaml
from peft import PeftConfig
from peft.utils.constants import CONFIG_NAME
from typing_extensions import override

from autopeft.backbones import Backbone
from autopeft.exporting.adapter import adapter_config
from autopeft.exporting.data import DATA, first_rows, write_rows
from autopeft.exporting.guide import Guide
from autopeft.exporting.job import ExportJob
from autopeft.exporting.rebuilt import Rebuilt, by_peft
from autopeft.exporting.script import SCRIPT, write_script
from autopeft.exporting.shortfall import Shortfall, beyond_config, one_method
from autopeft.exporting.target import Target
from autopeft.exporting.training import (
    TRAINING,
    backbone_dropout,
    copy_notes,
    only_part,
    rates,
    trainer_arguments,
    trust,
    write_yaml,
)
from autopeft.saved.card import PLUGIN
from autopeft.saved.companions import plugin_files
from autopeft.space import Configuration
from autopeft.trials import TrialKind
from autopeft.trials.writing import Tokens

__all__ = ["Transformers"]


class Transformers(Target):
    """`train.py` with `adapter_config.json`, `training.yaml` and the examples it trains on."""

    name = "transformers"
    summary = "a script around transformers' Trainer, for one method"
    trains = "what there is a script for"

    @override
    def takes(self, kind: TrialKind) -> bool:
        """Take kinds that have a script."""
        return kind.scripted

    @override
    def shortfalls(self, configuration: Configuration, backbone: Backbone) -> Iterator[Shortfall]:
        """Yield several methods, and what the script does not do in training."""
        yield from one_method(configuration)
        yield from beyond_config(configuration, ("lora.b_ratio",))

    @override
    def write(self, job: ExportJob, folder: Path) -> Guide:
        """Write script, config, settings and data."""
        config = adapter_config(only_part(job), job.backbone)
        config.save_pretrained(str(folder))
        settings: dict[str, Any] = {
            "model": job.backbone.address,
            "package": job.backbone.package,
            "revision": job.backbone.revision or "main",
            **trust(job),
            "backbone": backbone_dropout(job),
            "quantization": job.backbone.quantization_keys,
            "max_length": job.setting.max_length,
            "rates": rates(job),
            "arguments": trainer_arguments(job),
        }
        script = job.kind.under(job.setting).script(job.task, job.backbone.tokenizer(), job.setting.max_length)
        write_rows(folder, {name: rows() for name, rows in script.rows.items()}, dict)
        write_yaml(folder / TRAINING, settings | dict(script.settings), job)
        write_script(script.package, script.name, config, job, folder)
        return script_guide(job, script.in_words)

    @override
    def read(self, job: ExportJob, folder: Path, count: int) -> list[Tokens]:
        """Return what the script's own encoder makes of the first rows."""
        spec = spec_from_file_location("exported_script", folder / SCRIPT)
        assert spec is not None
        assert spec.loader is not None
        script: Any = module_from_spec(spec)
        spec.loader.exec_module(script)
        settings = yaml.safe_load((folder / TRAINING).read_text(encoding="utf8"))
        encode = script.encoder(script.tokenizer_of(settings), settings)
        return [one for row in first_rows(folder, count) for one in _ones(encode(row))]

    @override
    def rebuild(self, folder: Path, model: Any, backbone: Backbone) -> Rebuilt:
        """Build the adapter as the script does."""
        return by_peft(PeftConfig.from_pretrained(str(folder)), model)


def _ones(row: Any) -> Iterator[Tokens]:
    """Yield the tokens of a row, or of each of its texts."""
    if row["input_ids"] and isinstance(row["input_ids"][0], list):
        yield from zip(row["input_ids"], row["labels"], strict=True)
    else:
        yield row["input_ids"], row["labels"]


def script_guide(job: ExportJob, rows: str) -> Guide:
    """Return what is said of a script with its adapter, settings and data; `rows` says what the data holds."""
    files = {
        SCRIPT: f"the script: it trains, measures on {DATA}/validation.jsonl, and writes to output/",
        TRAINING: "its settings",
        CONFIG_NAME: "the adapter, as PEFT builds it",
        f"{DATA}/": f"training and validation examples, {rows}",
        **{file.name: PLUGIN for file in plugin_files(job.configuration)},
    }
    return Guide(files, f"python {SCRIPT}", notes=copy_notes(job))
