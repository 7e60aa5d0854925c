"""Export to torchtune: the YAML of its LoRA recipe."""

from __future__ import annotations

import math
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path
from typing import Any

import yaml
from huggingface_hub import snapshot_download
from peft import LoraConfig
from typing_extensions import override

from autopeft.backbones import Backbone
from autopeft.exporting.data import DATA, first_rows, write_rows
from autopeft.exporting.guide import Guide
from autopeft.exporting.job import ExportJob
from autopeft.exporting.language_model import LanguageModelTool
from autopeft.exporting.lora import lora_keys, lora_shortfalls, uniform
from autopeft.exporting.rebuilt import Rebuilt, by_peft
from autopeft.exporting.shortfall import Shortfall
from autopeft.exporting.training import (
    TRAINING,
    adapter_rate,
    on_cpu,
    only_part,
    training_steps,
    warmup_steps,
    write_training,
    write_yaml,
)
from autopeft.methods.builder import plan
from autopeft.space import Configuration
from autopeft.trials.writing import Tokens, WrittenRow

__all__ = ["Torchtune"]

_FILE = "torchtune.yaml"
#: Module beside it that reads the data.
_ROWS = "rows"

#: Roles of the layer by torchtune's names of the attention's matrices.
_ATTENTION = {"q": "q_proj", "k": "k_proj", "v": "v_proj", "o": "output_proj"}
_MLP = {"gate", "up", "down"}

#: Builder and checkpoint type by transformers' model type; of llama the one that also ties embeddings.
_BUILDERS = {
    "llama": ("torchtune.models.llama3_2.lora_llama3_2", "LLAMA3_2"),
    "qwen2": ("torchtune.models.qwen2.lora_qwen2", "QWEN2"),
    "mistral": ("torchtune.models.mistral.lora_mistral", "MISTRAL"),
}


class Torchtune(LanguageModelTool):
    """`torchtune.yaml` for `lora_finetune_single_device`, and a module that reads the examples."""

    name = "torchtune"
    summary = "YAML for `tune run lora_finetune_single_device`: LoRA of one rank in all layers"

    @override
    def shortfalls(self, configuration: Configuration, backbone: Backbone) -> Iterator[Shortfall]:
        """Yield everything but LoRA of one rank and alpha, in the same matrices of all layers."""
        found = list(lora_shortfalls(configuration, (), ("default",)))
        yield from found
        if any(not shortfall.lossy for shortfall in found):
            return
        [part] = plan(configuration)
        placed = {(cell.layer, str(cell.role)) for cell in part.cells}
        roles = {role for _, role in placed}
        if not uniform(configuration):
            yield Shortfall("lora.rank", "ranks or alphas that differ from place to place")
        if len(placed) != len(roles) * backbone.anatomy.count:
            yield Shortfall("lora.layers", "some of the layers")
        if _MLP & roles and not roles >= _MLP:
            yield Shortfall("lora.targets", "some of gate, up and down")
        if part.cells and next(iter(part.cells.values()))["variant"] == "rslora":
            yield Shortfall("lora.variant", "the scale of rslora")

    @override
    def unfit(self, backbone: Backbone) -> str | None:
        """Refuse models that torchtune has no builder for."""
        kind = backbone.config.model_type
        if kind not in _BUILDERS:
            return f"it has no builder for {kind} models that these files could name"
        if getattr(backbone.config, "head_dim", None) not in (
            None,
            backbone.shape.hidden // backbone.config.num_attention_heads,
        ):
            return "its builders have heads of hidden size / heads"
        if backbone.quantization == "8bit":
            return "it holds weights in 4 bits or plain, not in 8"
        scaling = backbone.config.rope_parameters.get("rope_type", "default")
        return None if scaling == "default" else f"its builders lack the {scaling} scaling of positions"

    @override
    def write(self, job: ExportJob, folder: Path) -> Guide:
        """Write the YAML, the examples in tokens, and what reads them."""
        write_yaml(folder / _FILE, _recipe(job), job)
        write_training(job, folder)
        write_rows(folder, job.writing.rows, _tokens)
        source = (files("autopeft.exporting.scripts") / "rows.py").read_text(encoding="utf8")
        (folder / f"{_ROWS}.py").write_text(f"# {job.came_from}\n{source}", encoding="utf8")
        return Guide(
            {
                _FILE: "its settings",
                TRAINING: "how it was trained, for people",
                f"{_ROWS}.py": f"reads {DATA}/ for torchtune, which has no reader of tokens",
                f"{DATA}/": "training and validation examples in tokens, with what is learned",
            },
            f"tune run lora_finetune_single_device --config {_FILE}",
            notes=(
                "torchtune measures nothing on validation examples while it trains.",
                "Its learning rate falls as in trials, by a schedule of transformers', which torchtune does not bring: "
                "`pip install transformers` beside it.",
            ),
        )

    @override
    def read(self, job: ExportJob, folder: Path, count: int) -> list[Tokens]:
        """Return the first rows as they are, in tokens."""
        return [(row["tokens"], row["labels"]) for row in first_rows(folder, count)]

    @override
    def rebuild(self, folder: Path, model: Any, backbone: Backbone) -> Rebuilt:
        """Build the LoRA of the same matrices with PEFT: torchtune's models have other names and the same product."""
        data = yaml.safe_load((folder / _FILE).read_text(encoding="utf8"))["model"]
        roles = [role for role, name in _ATTENTION.items() if name in data["lora_attn_modules"]]
        roles += sorted(_MLP) if data["apply_lora_to_mlp"] else []
        anatomy = backbone.anatomy
        config = LoraConfig(
            r=data["lora_rank"],
            lora_alpha=data["lora_alpha"],
            lora_dropout=data["lora_dropout"],
            use_dora=data["use_dora"],
            target_modules=[anatomy.module(layer, role) for layer in range(data["num_layers"]) for role in roles],
            task_type="CAUSAL_LM",
        )
        return by_peft(config, model)


def _tokens(row: WrittenRow) -> dict[str, Any]:
    return {"tokens": row.ids, "labels": row.labels}


def _recipe(job: ExportJob) -> dict[str, Any]:
    """Return what the recipe takes."""
    setting, weights = job.setting, _weights(job.backbone)
    epochs = math.ceil(setting.epochs)
    builder, kind = _BUILDERS[job.backbone.config.model_type]
    quantized = {"quantize_base": True} if job.backbone.quantization else {}
    model = {"_component_": builder, **_sizes(job.backbone), **_lora(job), **quantized}
    return {
        "output_dir": "output",
        "model": model,
        "checkpointer": {
            "_component_": "torchtune.training.FullModelHFCheckpointer",
            "checkpoint_dir": str(weights),
            "checkpoint_files": sorted(file.name for file in weights.glob("model*.safetensors")),
            "output_dir": "${output_dir}",
            "model_type": kind,
        },
        "tokenizer": {"_component_": f"{_ROWS}.Padding", "pad_id": job.backbone.tokenizer().pad_token_id},
        "dataset": {"_component_": f"{_ROWS}.Rows", "file": f"{DATA}/train.jsonl", "packed": False},
        "resume_from_checkpoint": False,
        "save_adapter_weights_only": True,
        "shuffle": True,
        "seed": job.seed,
        "batch_size": setting.batch_size,
        "gradient_accumulation_steps": 1,
        "epochs": epochs,
        "max_steps_per_epoch": None if epochs == setting.epochs else round(training_steps(job) / epochs),
        "clip_grad_norm": 1.0,
        "optimizer": {
            "_component_": "torch.optim.AdamW",
            "lr": adapter_rate(job, only_part(job)),
            "weight_decay": setting.weight_decay,
        },
        "lr_scheduler": {
            "_component_": "transformers.get_linear_schedule_with_warmup",
            "num_warmup_steps": warmup_steps(job),
        },
        "loss": {"_component_": "torchtune.modules.loss.CEWithChunkedOutputLoss"},
        "compile": False,
        "device": "cpu" if on_cpu() else "cuda",
        "dtype": setting.precision,
        "enable_activation_checkpointing": setting.gradient_checkpointing,
        "enable_activation_offloading": False,
        "metric_logger": {
            "_component_": "torchtune.training.metric_logging.DiskLogger",
            "log_dir": "${output_dir}/logs",
        },
    }


def _weights(backbone: Backbone) -> Path:
    """Return the folder of a model's weights: of a hub's that in the cache."""
    if Path(backbone.path).is_dir():
        return Path(backbone.path)
    wanted = ["*.safetensors", "*.json"]
    return Path(snapshot_download(backbone.path, revision=backbone.revision, allow_patterns=wanted))


def _sizes(backbone: Backbone) -> dict[str, Any]:
    """Return the sizes of a model as torchtune's builders take them."""
    config = backbone.config
    sizes = {
        "vocab_size": config.vocab_size,
        "num_layers": config.num_hidden_layers,
        "num_heads": config.num_attention_heads,
        "num_kv_heads": config.num_key_value_heads,
        "embed_dim": config.hidden_size,
        "intermediate_dim": config.intermediate_size,
        "max_seq_len": config.max_position_embeddings,
        "norm_eps": config.rms_norm_eps,
        "rope_base": config.rope_parameters["rope_theta"],
    }
    if config.model_type != "mistral":
        sizes["tie_word_embeddings"] = config.tie_word_embeddings
    if config.model_type == "llama":
        # Positions are scaled by nothing: those of plain Llama.
        sizes["scale_factor"] = 1
    return sizes


def _lora(job: ExportJob) -> dict[str, Any]:
    keys = lora_keys(job)
    roles = {str(cell.role) for cell in only_part(job).cells}
    return {
        "lora_attn_modules": [name for role, name in _ATTENTION.items() if role in roles],
        "apply_lora_to_mlp": roles >= _MLP,
        "lora_rank": keys.rank,
        "lora_alpha": keys.alpha,
        "lora_dropout": keys.knobs["dropout"],
        "use_dora": keys.dora,
    }
