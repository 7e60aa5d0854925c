"""Export to TRL: a script around its SFTTrainer, and YAML for `trl sft` where that can say it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import yaml
from peft import LoraConfig, PeftConfig
from typing_extensions import override

from autopeft.backbones import Backbone, Quantization
from autopeft.export.adapter import adapter_config
from autopeft.export.data import DATA, first_rows, write_rows
from autopeft.export.guide import Guide
from autopeft.export.job import ExportJob
from autopeft.export.language_model import LanguageModelTool
from autopeft.export.lora import lora_keys, lora_shortfalls, module_regex, uniform, whole_alphas
from autopeft.export.rebuilt import Rebuilt, by_peft
from autopeft.export.script import write_script
from autopeft.export.shortfall import Shortfall, beyond_config, one_method
from autopeft.export.target import Rebuild
from autopeft.export.targets.transformers import script_guide
from autopeft.export.training import (
    TRAINING,
    backbone_dropout,
    only_part,
    trainer_arguments,
    trust,
    where_trained,
    write_yaml,
)
from autopeft.export.trl_rows import as_trl_reads, trl_rows
from autopeft.space import Configuration
from autopeft.trials.writing import Tokens

__all__ = ["Trl"]

#: What `trl sft --config` takes; written only where it says everything.
_CLI = "sft.yaml"


class Trl(LanguageModelTool):
    """`train.py` with `adapter_config.json` and `training.yaml`; for plain LoRA of one rank `sft.yaml` as well."""

    name = "trl"
    summary = "a script around TRL's SFTTrainer, and YAML for `trl sft` where that can say it"

    @override
    def shortfalls(self, configuration: Configuration, backbone: Backbone) -> Iterator[Shortfall]:
        """Yield several methods, and what SFTTrainer does not do in training."""
        yield from one_method(configuration)
        yield from beyond_config(configuration)

    @override
    def write(self, job: ExportJob, folder: Path) -> Guide:
        """Write script, config, settings and data: as text where TRL makes of it what trials make, else as tokens."""
        config = adapter_config(only_part(job), job.backbone)
        config.save_pretrained(str(folder))
        rows = trl_rows(job)
        marked = any("messages" in row for found in rows.values() for row in found)
        settings = _settings(job) | ({"assistant_only_loss": True} if marked else {})
        write_yaml(folder / TRAINING, settings, job)
        write_rows(folder, rows, dict)
        write_script("autopeft.export.scripts", "sft.py", config, job, folder)
        guide = script_guide(job, "in a form of TRL's in which it learns the tokens that trials learned")
        if not _said_by_cli(job.configuration):
            note = "The YAML of `trl sft` cannot say this adapter, so there is only the script."
            return replace(guide, notes=(*guide.notes, note))
        write_yaml(folder / _CLI, settings | where_trained(job) | _lora(job), job)
        said = f"the same for `trl sft --config {_CLI}`, to be run in this folder"
        return replace(guide, files={**guide.files, _CLI: said})

    @override
    def read(self, job: ExportJob, folder: Path, count: int) -> list[Tokens]:
        """Return what SFTTrainer makes of the first rows."""
        tokenizer = job.backbone.tokenizer()
        length = job.setting.max_length
        found = [as_trl_reads(row, tokenizer) for row in first_rows(folder, count)]
        return [(ids[:length], labels[:length]) for ids, labels in found]

    @override
    def rebuilds(self, folder: Path) -> Iterator[Rebuild]:
        """Yield the script's way, and that of `trl sft` where its file is there."""
        yield self.rebuild
        if (folder / _CLI).is_file():
            yield _by_cli

    @override
    def rebuild(self, folder: Path, model: Any, backbone: Backbone) -> Rebuilt:
        """Build the adapter as the script does."""
        return by_peft(PeftConfig.from_pretrained(str(folder)), model)


def _said_by_cli(configuration: Configuration) -> bool:
    plain = uniform(configuration) and whole_alphas(configuration)
    return plain and not list(lora_shortfalls(configuration, (), ("default",)))


def _by_cli(folder: Path, model: Any, backbone: Backbone) -> Rebuilt:
    """Build the adapter as TRL's `get_peft_config` does."""
    data = yaml.safe_load((folder / _CLI).read_text(encoding="utf8"))
    targets = data["lora_target_modules"]
    config = LoraConfig(
        task_type="CAUSAL_LM",
        r=data["lora_r"],
        # TRL takes a list of one for its only item.
        target_modules=targets if len(targets) > 1 else targets[0],
        lora_alpha=data["lora_alpha"],
        lora_dropout=data["lora_dropout"],
        bias="none",
        use_rslora=data["use_rslora"],
        use_dora=data["use_dora"],
    )
    return by_peft(config, model)


def _settings(job: ExportJob) -> dict[str, Any]:
    """Return everything but the adapter, in the keys of `trl sft`."""
    dropout = backbone_dropout(job)
    return {
        "model_name_or_path": job.backbone.path,
        "model_revision": job.backbone.revision or "main",
        **trust(job),
        **({"model_init_kwargs": dropout} if dropout else {}),
        "dataset_name": f"./{DATA}",
        "dataset_test_split": "validation",
        "output_dir": "output",
        "max_length": job.setting.max_length,
        **_quantization(job.backbone.quantization),
        # It would switch it on by itself.
        "gradient_checkpointing": False,
        **trainer_arguments(job),
    }


def _quantization(quantization: Quantization | None) -> dict[str, Any]:
    """Return how the weights are held; TRL computes with 4-bit ones, which are NF4 there too, in `dtype`."""
    return {f"load_in_{quantization}": True, "dtype": "bfloat16"} if quantization else {}


def _lora(job: ExportJob) -> dict[str, Any]:
    keys = lora_keys(job)
    several = keys.leaves is not None and len(keys.leaves) > 1
    return {
        "use_peft": True,
        "lora_r": keys.rank,
        "lora_alpha": keys.alpha,
        "lora_dropout": keys.knobs["dropout"],
        "lora_target_modules": list(keys.leaves or ()) if several else [module_regex(keys, job.backbone)],
        "use_rslora": keys.rslora,
        "use_dora": keys.dora,
    }
