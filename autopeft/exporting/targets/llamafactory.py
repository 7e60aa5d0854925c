"""Export to LLaMA-Factory: one YAML file and the description of its data, texts to be written or pairs."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml
from datasets import Dataset, DatasetDict, load_from_disk
from peft import LoraConfig, PeftModel
from typing_extensions import override

from autopeft.backbones import Backbone, Quantization
from autopeft.exporting.carrier import CARRIED, CARRIER, write_carrier
from autopeft.exporting.data import (
    DATA,
    SPLITS,
    apart_notes,
    first_rows,
    tokenised_apart,
    tokens,
    write_rows,
)
from autopeft.exporting.guide import Guide
from autopeft.exporting.job import ExportJob
from autopeft.exporting.language_model import LanguageModelTool
from autopeft.exporting.llamafactory_pairs import PAIR, Form, pairs_of, read_pair
from autopeft.exporting.lora import NO_OP_STARTS, LoraKeys, lora_keys, lora_shortfalls, uniform, whole_alphas
from autopeft.exporting.preferences import preference_shortfalls
from autopeft.exporting.rebuilt import Rebuilt, by_peft, rebuilt_peft
from autopeft.exporting.shortfall import Shortfall
from autopeft.exporting.training import trainer_arguments, trust, where_trained, write_yaml
from autopeft.methods.builder import original_name
from autopeft.space import Configuration
from autopeft.trials import TrialKind
from autopeft.trials.writing import Segment, Tokens

__all__ = ["LlamaFactory"]

_FILE = "llamafactory.yaml"
#: Folder of examples in tokens.
_TOKENS = f"{DATA}/tokens"
#: What `empty`, the template that adds nothing, makes of alpaca's columns is their text as it stands.
_COLUMNS = {"prompt": "instruction", "response": "output", "history": "history"}


class LlamaFactory(LanguageModelTool):
    """`llamafactory.yaml`, and a fresh adapter beside it where one rank and one alpha do not say it."""

    name = "llamafactory"
    summary = "YAML for `llamafactory-cli train`: LoRA"
    prefers = True

    @override
    def shortfalls(self, configuration: Configuration, backbone: Backbone) -> Iterator[Shortfall]:
        """Yield everything but LoRA."""
        plain = uniform(configuration) and whole_alphas(configuration)
        return lora_shortfalls(configuration, ("lora.b_ratio",), ("default", "pissa") if plain else NO_OP_STARTS)

    @override
    def shortfalls_in(self, kind: TrialKind, configuration: Configuration) -> Iterator[Shortfall]:
        """Yield what its reference would not be the untouched model for."""
        if kind.prefers:
            yield from preference_shortfalls(configuration, keeps_dropout=False)

    @override
    def write(self, job: ExportJob, folder: Path) -> Guide:
        """Write the YAML, the data and what LLaMA-Factory wants to know of them."""
        keys, form = lora_keys(job), pairs_of(job) if job.kind.prefers else _texts_of(job)
        files = {
            _FILE: "its settings",
            f"{DATA}/": "training and validation examples, and a description of these files",
        }
        data = _base(job) | form.settings | _lora(keys)
        if not (keys.uniform and keys.whole):
            write_carrier(job, folder)
            data["adapter_name_or_path"] = CARRIER
            files[f"{CARRIER}/"] = CARRIED
        if form.apart:
            _write_tokens(form.tokens(), folder / _TOKENS)
            data["tokenized_path"] = _TOKENS
            files[f"{_TOKENS}/"] = "the same examples in tokens, which are read in place of the text"
        write_yaml(folder / _FILE, data, job)
        write_rows(folder, form.rows, dict)
        described = {name: {"file_name": f"{name}.jsonl", **form.described} for name in SPLITS}
        (folder / DATA / "dataset_info.json").write_text(json.dumps(described, indent=2) + "\n", encoding="utf8")
        return Guide(files, f"llamafactory-cli train {_FILE}", notes=form.apart)

    @override
    def read(self, job: ExportJob, folder: Path, count: int) -> list[Tokens]:
        """Return what LLaMA-Factory makes of the first rows: of alpaca's columns by its template `empty`."""
        tokenizer = job.backbone.tokenizer()
        if (folder / _TOKENS).is_dir():
            found = load_from_disk(str(folder / _TOKENS))["train"]
            before = PAIR if job.kind.prefers else ("",)
            rows = found.select(range(min(count, len(found))))
            return [(row[f"{each}input_ids"], row[f"{each}labels"]) for row in rows for each in before]
        if job.kind.prefers:
            return [one for row in first_rows(folder, count) for one in read_pair(row, tokenizer)]
        turns = [[*row["history"], [row["instruction"], row["output"]]] for row in first_rows(folder, count)]
        return [
            tokenised_apart([part for asked, said in each for part in ((asked, False), (said, True))], tokenizer)
            for each in turns
        ]

    @override
    def rebuild(self, folder: Path, model: Any, backbone: Backbone) -> Rebuilt:
        """Build what LLaMA-Factory's `init_adapter` builds."""
        data = yaml.safe_load((folder / _FILE).read_text(encoding="utf8"))
        if "adapter_name_or_path" in data:
            own = {original_name(name) for name, _ in model.named_parameters()}
            source = str(folder / data["adapter_name_or_path"])
            return rebuilt_peft(PeftModel.from_pretrained(model, source, is_trainable=True), own)
        config = LoraConfig(
            task_type="CAUSAL_LM",
            r=data["lora_rank"],
            target_modules=data["lora_target"].split(","),
            lora_alpha=data["lora_alpha"],
            lora_dropout=data["lora_dropout"],
            use_rslora=data["use_rslora"],
            use_dora=data["use_dora"],
            init_lora_weights="pissa" if data.get("pissa_init") else True,
        )
        return by_peft(config, model)


def _base(job: ExportJob) -> dict[str, Any]:
    return {
        "model_name_or_path": job.backbone.path,
        **trust(job),
        "do_train": True,
        "finetuning_type": "lora",
        "dataset": "train",
        "eval_dataset": "validation",
        "dataset_dir": DATA,
        "template": "empty",
        "cutoff_len": job.setting.max_length,
        "output_dir": "output",
        **trainer_arguments(job),
        **where_trained(job),
        # It would switch it on by itself.
        "disable_gradient_checkpointing": not job.setting.gradient_checkpointing,
        **_quantization(job.backbone.quantization),
    }


def _quantization(quantization: Quantization | None) -> dict[str, Any]:
    """Return how the weights are held: by bitsandbytes there too, 4 bits as NF4, their scales plain when asked."""
    return {"quantization_bit": int(quantization[0]), "double_quantization": False} if quantization else {}


def _lora(keys: LoraKeys) -> dict[str, Any]:
    data: dict[str, Any] = {
        "lora_rank": keys.rank,
        "lora_alpha": round(keys.alpha),
        "lora_dropout": keys.knobs["dropout"],
        "lora_target": ",".join(keys.leaves or keys.names),
        "use_rslora": keys.rslora,
        "use_dora": keys.dora,
    }
    if keys.knobs["init"] == "pissa":
        # As PEFT's own `pissa`: the exact factors, not some steps towards them.
        data |= {"pissa_init": True, "pissa_iter": -1}
    if keys.knobs["b_ratio"] != 1.0:
        data["loraplus_lr_ratio"] = keys.knobs["b_ratio"]
    return data


def _texts_of(job: ExportJob) -> Form:
    """Return texts as prompt and response, with the turns before them."""
    rows = job.writing.rows
    return Form(
        {"stage": "sft"},
        {"columns": _COLUMNS},
        {name: [_alpaca(row.text) for row in found] for name, found in rows.items()},
        lambda: {name: [tokens(row) for row in found] for name, found in rows.items()},
        apart_notes(rows, job.backbone.tokenizer()),
    )


def _write_tokens(rows: Mapping[str, Sequence[Mapping[str, Any]]], folder: Path) -> None:
    """Write rows as LLaMA-Factory saves what it has tokenised."""
    DatasetDict({name: Dataset.from_list([*found]) for name, found in rows.items()}).save_to_disk(str(folder))


def _alpaca(cut: Sequence[Segment]) -> dict[str, Any]:
    """Return segments as prompt, response and the turns before them, all of whose responses are learned too."""
    turns: list[list[str]] = []
    asked = ""
    for text, learned in cut:
        if learned:
            turns.append([asked, text])
            asked = ""
        else:
            asked += text
    (prompt, response), history = turns[-1], turns[:-1]
    return {"instruction": prompt, "output": response, "history": history}
