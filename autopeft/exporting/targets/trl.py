"""Export to TRL: a script around its SFTTrainer or DPOTrainer, and YAML for `trl sft` or `trl dpo` that can say it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import yaml
from peft import LoraConfig, PeftConfig
from typing_extensions import override

from autopeft.backbones import Backbone, Quantization
from autopeft.exporting.adapter import adapter_config
from autopeft.exporting.data import DATA, first_rows, write_rows
from autopeft.exporting.guide import Guide
from autopeft.exporting.job import ExportJob
from autopeft.exporting.language_model import LanguageModelTool
from autopeft.exporting.lora import lora_keys, lora_shortfalls, module_regex, uniform, whole_alphas
from autopeft.exporting.preferences import preference_shortfalls
from autopeft.exporting.rebuilt import Rebuilt, by_peft
from autopeft.exporting.script import write_script
from autopeft.exporting.shortfall import Shortfall, beyond_config, one_method
from autopeft.exporting.target import Rebuild
from autopeft.exporting.targets.transformers import script_guide
from autopeft.exporting.training import (
    TRAINING,
    backbone_dropout,
    only_part,
    trainer_arguments,
    trust,
    where_trained,
    write_yaml,
)
from autopeft.exporting.trl_pairs import as_trl_prefers, trl_pairs
from autopeft.exporting.trl_rows import as_trl_reads, trl_rows
from autopeft.methods.kind_knobs import beta_in
from autopeft.space import Configuration
from autopeft.trials import TrialKind
from autopeft.trials.writing import Tokens

__all__ = ["Trl"]


@dataclass(frozen=True)
class _Way:
    """How TRL trains.

    Args:
        name: What `trl` calls it; of the script as well.
        rows: Makes the data, and the settings that go with them.
        said: What there is to say of the data.
    """

    name: str
    rows: Callable[[ExportJob], tuple[Mapping[str, list[dict[str, Any]]], dict[str, Any]]]
    said: str

    @property
    def file(self) -> str:
        """What `trl NAME --config` takes; written only where it says everything."""
        return f"{self.name}.yaml"


def _of_text(job: ExportJob) -> tuple[Mapping[str, list[dict[str, Any]]], dict[str, Any]]:
    """Return text where TRL makes of it what trials make, else tokens."""
    rows = trl_rows(job)
    marked = any("messages" in row for found in rows.values() for row in found)
    return rows, {"assistant_only_loss": True} if marked else {}


def _of_pairs(job: ExportJob) -> tuple[Mapping[str, list[dict[str, Any]]], dict[str, Any]]:
    """Return pairs; dropout is the backbone's, which is off already, or an adapter's, which stays on."""
    return trl_pairs(job, as_trl_prefers, Trl.name), {
        "beta": beta_in(job.configuration.training),
        "disable_dropout": False,
    }


_TEXT = _Way("sft", _of_text, "in a form of TRL's in which it learns the tokens that trials learned")
_PAIRS = _Way("dpo", _of_pairs, "in a form of TRL's in which it compares the tokens that trials compared")


class Trl(LanguageModelTool):
    """`train.py` with `adapter_config.json` and `training.yaml`; for plain LoRA of one rank `sft.yaml` as well."""

    name = "trl"
    summary = "a script around TRL's SFTTrainer or DPOTrainer, and YAML for `trl` where that can say it"
    prefers = True

    @override
    def shortfalls(self, configuration: Configuration, backbone: Backbone) -> Iterator[Shortfall]:
        """Yield several methods, and what TRL's trainers do not do."""
        yield from one_method(configuration)
        yield from beyond_config(configuration)

    @override
    def shortfalls_in(self, kind: TrialKind, configuration: Configuration) -> Iterator[Shortfall]:
        """Yield what its reference would not be the untouched model for."""
        if kind.prefers:
            yield from preference_shortfalls(configuration, keeps_dropout=True)

    @override
    def write(self, job: ExportJob, folder: Path) -> Guide:
        """Write script, config, settings and data."""
        way = _PAIRS if job.kind.prefers else _TEXT
        config = adapter_config(only_part(job), job.backbone)
        config.save_pretrained(str(folder))
        rows, more = way.rows(job)
        settings = _settings(job) | more
        write_yaml(folder / TRAINING, settings, job)
        write_rows(folder, rows, dict)
        write_script("autopeft.exporting.scripts", f"{way.name}.py", config, job, folder)
        guide = script_guide(job, way.said)
        if not _said_by_cli(job.configuration):
            note = f"The YAML of `trl {way.name}` cannot say this adapter, so there is only the script."
            return replace(guide, notes=(*guide.notes, note))
        write_yaml(folder / way.file, settings | where_trained(job) | _lora(job), job)
        said = f"the same for `trl {way.name} --config {way.file}`, to be run in this folder"
        return replace(guide, files={**guide.files, way.file: said})

    @override
    def read(self, job: ExportJob, folder: Path, count: int) -> list[Tokens]:
        """Return what SFTTrainer makes of the first rows, or DPOTrainer of both answers of the first pairs."""
        tokenizer, rows = job.backbone.tokenizer(), first_rows(folder, count)
        length = job.setting.max_length
        if job.kind.prefers:
            found = [one for row in rows for one in as_trl_prefers(row, tokenizer)]
        else:
            found = [as_trl_reads(row, tokenizer) for row in rows]
        return [(ids[:length], labels[:length]) for ids, labels in found]

    @override
    def rebuilds(self, folder: Path) -> Iterator[Rebuild]:
        """Yield the script's way, and that of `trl sft` or `trl dpo` where its file is there."""
        yield self.rebuild
        for way in (_TEXT, _PAIRS):
            if (folder / way.file).is_file():
                yield partial(_by_cli, way.file)

    @override
    def rebuild(self, folder: Path, model: Any, backbone: Backbone) -> Rebuilt:
        """Build the adapter as the script does."""
        return by_peft(PeftConfig.from_pretrained(str(folder)), model)


def _said_by_cli(configuration: Configuration) -> bool:
    plain = uniform(configuration) and whole_alphas(configuration)
    return plain and not list(lora_shortfalls(configuration, (), ("default",)))


def _by_cli(file: str, folder: Path, model: Any, backbone: Backbone) -> Rebuilt:
    """Build the adapter as TRL's `get_peft_config` does."""
    data = yaml.safe_load((folder / file).read_text(encoding="utf8"))
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
    """Return everything but the adapter, in the keys of `trl sft` and `trl dpo`."""
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
