"""Export to axolotl: one YAML file, for text to be written or, with `rl: dpo`, for preferences."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml
from peft import LoraConfig, PeftModel
from typing_extensions import override

from autopeft.backbones import Backbone, Quantization
from autopeft.exporting.carrier import CARRIED, CARRIER, write_carrier
from autopeft.exporting.data import (
    DATA,
    apart_notes,
    first_rows,
    tokenised_apart,
    tokens,
    write_rows,
)
from autopeft.exporting.guide import Guide
from autopeft.exporting.job import ExportJob
from autopeft.exporting.language_model import LanguageModelTool
from autopeft.exporting.lora import NO_OP_STARTS, LoraKeys, lora_keys, lora_shortfalls, whole_alphas
from autopeft.exporting.preferences import preference_shortfalls
from autopeft.exporting.readable import differing
from autopeft.exporting.rebuilt import Rebuilt, by_peft, rebuilt_peft
from autopeft.exporting.shortfall import Shortfall
from autopeft.exporting.training import (
    adapter_rate,
    backbone_dropout,
    on_cpu,
    only_part,
    trust,
    warmup_steps,
    write_yaml,
)
from autopeft.exporting.trl_pairs import as_older_trl_prefers, trl_pairs
from autopeft.methods.builder import original_name
from autopeft.methods.kind_knobs import beta_in
from autopeft.space import Configuration
from autopeft.trials import TrialKind
from autopeft.trials.writing import Tokens, WrittenRow

__all__ = ["Axolotl"]

_FILE = "axolotl.yaml"
#: DPO, with a DPOTrainer of TRL's, which cuts and reads pairs itself.
_PAIRS = {"rl": "dpo", "skip_prepare_dataset": True}
#: Starts that axolotl hands to PEFT as they are.
_STARTS = ("default", "gaussian", "orthogonal", "mica", "pissa", "olora")


class Axolotl(LanguageModelTool):
    """`axolotl.yaml`, and a fresh adapter beside it where alphas are no whole numbers, which axolotl demands."""

    name = "axolotl"
    summary = "YAML for `axolotl train`: LoRA, with ranks by pattern"
    prefers = True

    @override
    def shortfalls(self, configuration: Configuration, backbone: Backbone) -> Iterator[Shortfall]:
        """Yield everything but LoRA."""
        starts = _STARTS if whole_alphas(configuration) else NO_OP_STARTS
        return lora_shortfalls(configuration, ("lora.b_ratio",), starts)

    @override
    def shortfalls_in(self, kind: TrialKind, configuration: Configuration) -> Iterator[Shortfall]:
        """Yield what its reference would not be the untouched model for."""
        if kind.prefers:
            yield from preference_shortfalls(configuration, keeps_dropout=False)

    @override
    def write(self, job: ExportJob, folder: Path) -> Guide:
        """Write the YAML and the data that it names."""
        keys, apart = lora_keys(job), _write_pairs(job, folder) if job.kind.prefers else _write_text(job, folder)
        settings = _PAIRS | {"rl_beta": beta_in(job.configuration.training)} if job.kind.prefers else {}
        files = {} if apart or job.kind.prefers else {"type": "input_output"}
        data = _base(job, files) | settings | _quantized(job.backbone.quantization) | _lora(keys, job)
        files = {_FILE: "its settings", f"{DATA}/": "training and validation examples"}
        if not keys.whole:
            write_carrier(job, folder)
            data["lora_model_dir"] = CARRIER
            files[f"{CARRIER}/"] = CARRIED
        write_yaml(folder / _FILE, data, job)
        return Guide(files, f"axolotl train {_FILE}", notes=(*apart, *_precision(job)))

    @override
    def read(self, job: ExportJob, folder: Path, count: int) -> list[Tokens]:
        """Return what axolotl's `input_output` makes of the first rows; those with tokens it takes as they are.

        Pairs it hands to a DPOTrainer of TRL 1.9.
        """
        tokenizer, length = job.backbone.tokenizer(), job.setting.max_length
        if job.kind.prefers:
            found = [one for row in first_rows(folder, count) for one in as_older_trl_prefers(row, tokenizer)]
            return [(ids[:length], labels[:length]) for ids, labels in found]
        return [
            (row["input_ids"], row["labels"])
            if "input_ids" in row
            else tokenised_apart([(part["text"], part["label"]) for part in row["segments"]], tokenizer)
            for row in first_rows(folder, count)
        ]

    @override
    def rebuild(self, folder: Path, model: Any, backbone: Backbone) -> Rebuilt:
        """Build what axolotl's `load_lora` builds."""
        data = yaml.safe_load((folder / _FILE).read_text(encoding="utf8"))
        if data.get("lora_model_dir"):
            own = {original_name(name) for name, _ in model.named_parameters()}
            source = str(folder / data["lora_model_dir"])
            return rebuilt_peft(PeftModel.from_pretrained(model, source, is_trainable=True), own)
        config = LoraConfig(
            r=data["lora_r"],
            lora_alpha=data["lora_alpha"],
            target_modules=data["lora_target_modules"],
            lora_dropout=data["lora_dropout"],
            fan_in_fan_out=data["lora_fan_in_fan_out"],
            rank_pattern=data.get("lora_rank_pattern", {}),
            alpha_pattern=data.get("lora_alpha_pattern", {}),
            init_lora_weights=data.get("peft_init_lora_weights", True),
            use_dora=data.get("peft_use_dora", False),
            use_rslora=data.get("peft_use_rslora", False),
            bias="none",
            task_type="CAUSAL_LM",
        )
        return by_peft(config, model)


def _segments(row: WrittenRow) -> dict[str, Any]:
    return {"segments": [{"label": learned, "text": text} for text, learned in row.text]}


def _write_text(job: ExportJob, folder: Path) -> tuple[str, ...]:
    """Write texts cut where learning begins and ends, or tokens; return what there is to say of it."""
    rows = job.writing.rows
    apart = apart_notes(rows, job.backbone.tokenizer())
    write_rows(folder, rows, tokens if apart else _segments)
    return apart


def _write_pairs(job: ExportJob, folder: Path) -> tuple[str, ...]:
    """Write pairs as TRL takes them; there is nothing to say of it."""
    write_rows(folder, trl_pairs(job, as_older_trl_prefers, Axolotl.name), dict)
    return ()


def _base(job: ExportJob, files: dict[str, str]) -> dict[str, Any]:
    """Return everything but the adapter.

    Args:
        job: What is exported.
        files: What is said of each file of data beside its format; without a type rows are tokens, or pairs.
    """
    setting, files = job.setting, {"ds_type": "json", **files}
    data: dict[str, Any] = {
        "base_model": job.backbone.path,
        **trust(job),
        "datasets": [{"path": f"{DATA}/train.jsonl", **files}],
        "test_datasets": [{"path": f"{DATA}/validation.jsonl", "split": "train", **files}],
        "output_dir": "output",
        "sequence_len": setting.max_length,
        "micro_batch_size": setting.batch_size,
        "gradient_accumulation_steps": 1,
        "num_epochs": setting.epochs,
        "learning_rate": adapter_rate(job, only_part(job)),
        "lr_scheduler": "linear",
        "warmup_steps": warmup_steps(job),
        "optimizer": "adamw_torch",
        "weight_decay": setting.weight_decay,
        "bf16": setting.precision == "bf16" and not on_cpu(),
        "gradient_checkpointing": setting.gradient_checkpointing,
        "seed": job.seed,
        "special_tokens": {"pad_token": job.backbone.tokenizer().pad_token},
    }
    dropout = backbone_dropout(job)
    return data | ({"overrides_of_model_config": dropout} if dropout else {})


def _precision(job: ExportJob) -> tuple[str, ...]:
    """Say what is otherwise than in trials: axolotl has no key by which transformers would take bf16 on a CPU."""
    if job.setting.precision != "bf16" or not on_cpu():
        return ()
    return (
        "On this machine without a GPU axolotl trains in fp32, not in bf16 as trials did; on a GPU set bf16: true.",
    )


def _quantized(quantization: Quantization | None) -> dict[str, Any]:
    """Return the kind of adapter by how weights are held; the scales of axolotl's 4 bits would be quantised too."""
    if quantization == "4bit":
        plain = {"bnb_4bit_use_double_quant": False}
        return {"adapter": "qlora", "load_in_4bit": True, "bnb_config_kwargs": plain}
    return {"adapter": "lora"} | ({"load_in_8bit": True} if quantization else {})


def _lora(keys: LoraKeys, job: ExportJob) -> dict[str, Any]:
    data: dict[str, Any] = {
        "lora_r": keys.rank,
        "lora_alpha": round(keys.alpha) if not keys.whole else keys.alpha,
        "lora_dropout": keys.knobs["dropout"],
        "lora_target_modules": list(keys.leaves or keys.names),
        "lora_fan_in_fan_out": job.backbone.anatomy.transposed,
    }
    if not keys.uniform and keys.whole:
        data |= {"lora_rank_pattern": differing(keys.ranks), "lora_alpha_pattern": differing(keys.alphas)}
    if keys.knobs["init"] != "default":
        data["peft_init_lora_weights"] = keys.knobs["init"]
    if keys.dora:
        data["peft_use_dora"] = True
    if keys.rslora:
        data["peft_use_rslora"] = True
    if keys.knobs["b_ratio"] != 1.0:
        data["loraplus_lr_ratio"] = keys.knobs["b_ratio"]
    return data
