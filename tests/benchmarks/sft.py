"""A trial's training against TRL's `SFTTrainer`: `pip install --no-deps trl`, `python -m tests.benchmarks.sft DATA`.

The same model, examples, LoRA (r=8 on q,v), batch size and precision (bf16 autocast, no gradient checkpointing); TRL
with the model's weights in fp32 and in bf16. The arms take turns in one process; what counts is the time the processor
spent, which other programs disturb little.
"""

import argparse
import time
from collections.abc import Callable
from tempfile import TemporaryDirectory

import numpy as np
import torch
from datasets import Dataset
from peft import LoraConfig
from transformers import AutoModelForCausalLM
from transformers.trainer_callback import PrinterCallback
from trl import SFTConfig, SFTTrainer

from autopeft.launch import Preparation, SearchPlan, prepare
from autopeft.methods import apply, stock_lora
from autopeft.tasks import Encoded, encode_causal, pad_id_of
from autopeft.trials import draw, kind_of, parameter_groups, use_threads
from autopeft.trials.hardware import attention
from autopeft.trials.holding import hold_as_computed
from autopeft.trials.loop import fit
from autopeft.trials.peak import watch_peak
from autopeft.trials.stopwatch import Stopwatch

RATE = 1e-3
CPU = torch.device("cpu")

#: A model and what trains it.
Arm = tuple[torch.nn.Module, Callable[[], None]]


def ours(job: Preparation, train: Encoded) -> Arm:
    """Return a model and what trains it as a trial does."""
    kind, setting = kind_of(job.task), job.setting
    model = kind.model(job.backbone, CPU)
    hold_as_computed(model, job.backbone.anatomy, setting.precision)
    model.config.use_cache = False
    model.set_attn_implementation(attention(CPU, setting.precision, setting.max_length))
    apply(stock_lora(job.backbone.shape, RATE), model, job.backbone.anatomy, seed=0)

    def run() -> None:
        training = fit(
            model,
            train,
            setting,
            parameter_groups(model, setting),
            kind=kind,
            pad_id=pad_id_of(job.backbone.tokenizer()),
            seed=0,
            feed=lambda rows, longest: None,
            busy=Stopwatch(),
            at_once=setting.batch_size,
        )
        for _ in training:
            pass

    return model, run


def trls(job: Preparation, train: Encoded, dtype: torch.dtype, scratch: str) -> Arm:
    """Return a model and what trains it as `SFTTrainer` does."""
    setting = job.setting
    arguments = SFTConfig(
        scratch,
        max_steps=setting.steps,
        per_device_train_batch_size=setting.batch_size,
        learning_rate=RATE,
        warmup_steps=round(setting.warmup * setting.steps),
        bf16=setting.precision == "bf16",
        gradient_checkpointing=False,
        max_length=None,
        dataset_kwargs={"skip_prepare_dataset": True},
        save_strategy="no",
        report_to="none",
        disable_tqdm=True,
        use_cpu=True,
        dataloader_pin_memory=False,
    )
    trainer = SFTTrainer(
        AutoModelForCausalLM.from_pretrained(job.backbone.path, dtype=dtype),
        arguments,
        train_dataset=Dataset.from_dict(train.inputs),
        processing_class=job.backbone.tokenizer(),
        peft_config=LoraConfig(r=8, lora_alpha=16, target_modules=["q_proj", "v_proj"], task_type="CAUSAL_LM"),
    )
    trainer.remove_callback(PrinterCallback)
    return trainer.model, lambda: trainer.train() and None


def main() -> None:
    """Print for each arm the peak memory of training, and the processor's time for a step."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data")
    parser.add_argument("--model", default="smollm2")
    parser.add_argument("--examples", type=int, default=32)
    parser.add_argument("--rounds", type=int, default=3)
    given = parser.parse_args()
    use_threads(1)
    job = prepare(
        SearchPlan.of(
            {"model": given.model, "data": given.data, "examples": given.examples, "early_stopping": False, "epochs": 1}
        )
    )
    examples, _ = draw(job.task, job.setting)
    train = encode_causal(examples, job.task.form, job.backbone.tokenizer(), job.setting.max_length)
    with TemporaryDirectory() as scratch:
        arms = {
            "a trial": ours(job, train),
            "SFTTrainer, weights in fp32": trls(job, train, torch.float32, scratch),
            "SFTTrainer, weights in bf16": trls(job, train, torch.bfloat16, scratch),
        }
        peaks = {}
        for name, (model, run) in arms.items():
            with watch_peak(model) as peak:
                run()
                peaks[name] = peak()
        seconds: dict[str, list[float]] = {name: [] for name in arms}
        for _ in range(given.rounds):
            for name, (_, run) in arms.items():
                began = time.process_time()
                run()
                seconds[name].append((time.process_time() - began) / job.setting.steps)
    for name, found in seconds.items():
        print(f"{name}: {np.median(found):.2f} s a step, {peaks[name] / 2**20:,.0f} MiB at the peak")


if __name__ == "__main__":
    main()
