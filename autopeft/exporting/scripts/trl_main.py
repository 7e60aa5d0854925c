"""What scripts around trainers of TRL have in common."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import torch
from datasets import load_dataset
from peft import PeftConfig
from trl import ModelConfig, ScriptArguments, TrlParser, get_quantization_config

__all__ = ["HERE", "main"]

HERE = Path(__file__).parent


def main(trainer_class: Any, arguments_class: Any) -> None:
    """Train, measure the loss on the validation examples, and save the adapter.

    Args:
        trainer_class: The trainer.
        arguments_class: Its arguments.
    """
    parser = TrlParser((ScriptArguments, arguments_class, ModelConfig))
    # Without a GPU transformers takes bf16 only when told so.
    cpu = str(not torch.accelerator.is_available())
    where = ["--output_dir", str(HERE / "output"), "--use_cpu", cpu]
    given = ["--config", str(HERE / "training.yaml"), *where, *sys.argv[1:]]
    _, arguments, model = parser.parse_args_and_config(given)
    arguments.model_init_kwargs = {
        **(arguments.model_init_kwargs or {}),
        "revision": model.model_revision,
        "dtype": model.dtype,
    }
    files = {split: str(HERE / "data" / f"{split}.jsonl") for split in ("train", "validation")}
    data = load_dataset("json", data_files=files)
    trainer = trainer_class(
        model=model.model_name_or_path,
        args=arguments,
        train_dataset=data["train"],
        eval_dataset=data["validation"],
        peft_config=PeftConfig.from_pretrained(str(HERE)),
        quantization_config=get_quantization_config(model),
    )
    trainer.train(resume_from_checkpoint=arguments.resume_from_checkpoint)
    print(trainer.evaluate())
    trainer.save_model()
