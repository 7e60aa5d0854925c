"""Fine-tune with TRL's SFTTrainer and the adapter of `adapter_config.json`.

Settings are in `training.yaml`, in the keys of `trl sft`; those given on the command line win, as `--max_steps 10`.
"""

from __future__ import annotations

import sys
from pathlib import Path

import torch
from datasets import load_dataset
from peft import PeftConfig
from trl import ModelConfig, ScriptArguments, SFTConfig, SFTTrainer, TrlParser, get_quantization_config

HERE = Path(__file__).parent


def main() -> None:
    """Train, measure the loss on the validation examples, and save the adapter."""
    parser = TrlParser((ScriptArguments, SFTConfig, ModelConfig))
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
    trainer = SFTTrainer(
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


if __name__ == "__main__":
    main()
