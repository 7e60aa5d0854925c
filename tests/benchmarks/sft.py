"""A trial's training against TRL's `SFTTrainer`: `pip install trl`, `python -m tests.benchmarks.sft MODEL DATA`.

The same examples, labels, LoRA (r=8 on q,v), optimiser, schedule, steps, batch size and precision (bf16 autocast where
the processor has it, no gradient checkpointing); both put like lengths together. TRL runs with the model's weights in
fp32, as the trial loads them, and in bf16. Each arm runs in processes of its own, one at a time, on one thread: once to
count the bytes of the tensors alive together, then again to take the processor's time, which other programs disturb
little, and the largest resident size of the process. The loss after training tells that all did the same.
"""

import argparse
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

import numpy as np
import torch
from datasets import Dataset
from peft import LoraConfig
from transformers import AutoModelForCausalLM, PreTrainedModel
from transformers.trainer_callback import PrinterCallback
from trl import SFTConfig, SFTTrainer

from autopeft.launch import Preparation, SearchPlan, prepare
from autopeft.methods import apply
from autopeft.tasks import Encoded, collate, grouped, pad_id_of
from autopeft.tasks.causal import encode_causal
from autopeft.trials import draw, kind_of, parameter_groups, use_threads
from autopeft.trials.hardware import attention, release_memory
from autopeft.trials.holding import hold_as_computed, holds_half
from autopeft.trials.loop import fit
from autopeft.trials.peak import watch_peak
from autopeft.trials.stopwatch import Stopwatch

CPU = torch.device("cpu")

#: What TRL trains by itself, with the type of the weights it is given.
TRL = {"SFTTrainer, weights in fp32": torch.float32, "SFTTrainer, weights in bf16": torch.bfloat16}
ARMS = ("a trial", *TRL)


class Measured(NamedTuple):
    """What one process found.

    Args:
        seconds: The processor's time for a step.
        tensors: Bytes of all tensors alive together, at most.
        resident: The largest resident size of the process while it trained, in bytes.
        loss: Of the training examples at the end.
    """

    seconds: float
    tensors: int
    resident: int
    loss: float


def ours(job: Preparation, train: Encoded, device: torch.device = CPU) -> tuple[PreTrainedModel, Callable[[], None]]:
    """Return a model and what trains it as a trial does."""
    kind, setting = kind_of(job.task), job.setting
    model = kind.model(job.backbone, device)
    if holds_half(kind, setting.precision):
        hold_as_computed(model, job.backbone.anatomy)
    model.config.use_cache = False
    model.set_attn_implementation(attention(model, device, setting.precision, setting.max_length))
    apply(job.stock, model, job.backbone.anatomy, seed=0)

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


def trls(
    job: Preparation, train: Encoded, dtype: torch.dtype, scratch: str, device: torch.device = CPU
) -> tuple[PreTrainedModel, Callable[[], None]]:
    """Return a model and what trains it as `SFTTrainer` does."""
    setting = job.setting
    arguments = SFTConfig(
        scratch,
        max_steps=setting.steps,
        per_device_train_batch_size=setting.batch_size,
        train_sampling_strategy="group_by_length",
        learning_rate=job.stock.training["learning_rate"],
        weight_decay=setting.weight_decay,
        warmup_steps=round(setting.warmup * setting.steps),
        bf16=setting.precision == "bf16",
        gradient_checkpointing=False,
        max_length=None,
        dataset_kwargs={"skip_prepare_dataset": True},
        save_strategy="no",
        report_to="none",
        disable_tqdm=True,
        use_cpu=device.type == "cpu",
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
    return trainer.model.get_base_model(), lambda: trainer.train() and None


def measure(arm: str, settings: dict[str, object]) -> Measured:
    """Train an arm twice in this process: for the tensors' sake, then for time and resident size."""
    use_threads(1)
    job = prepare(SearchPlan.of(settings))
    examples, _ = draw(job.task, job.setting)
    train = encode_causal(examples, job.task.schema, job.backbone.tokenizer(), job.setting.max_length)
    with TemporaryDirectory() as scratch:
        model, run = trls(job, train, TRL[arm], scratch) if arm in TRL else ours(job, train)
        with watch_peak(model) as peak:
            run()
            tensors = peak()
        release_memory(CPU)
        # Linux forgets the largest resident size so far.
        Path("/proc/self/clear_refs").write_text("5")
        began = time.process_time()
        run()
        seconds = (time.process_time() - began) / job.setting.steps
    return Measured(seconds, tensors, resident_at_most(), loss_of(model.eval(), job, train))


def resident_at_most() -> int:
    """Return the largest resident size of this process since Linux forgot it, in bytes."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return 1024 * next(int(line.split()[1]) for line in lines if line.startswith("VmHWM"))


def loss_of(model: PreTrainedModel, job: Preparation, train: Encoded) -> float:
    """Return the loss of the training examples."""
    pad_id = pad_id_of(job.backbone.tokenizer())
    split = [(rows, collate(train, rows, pad_id)) for rows in grouped(train, job.setting.batch_size)]
    return kind_of(job.task).measure(model, split, job.setting.precision, lambda rows, longest: None).figures["loss"]


def main() -> None:
    """Print for each arm the processor's time for a step, memory at the peak, and the loss: medians of the rounds."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model")
    parser.add_argument("data")
    parser.add_argument("--examples", type=int, default=32)
    parser.add_argument("--rounds", type=int, default=3)
    given = parser.parse_args()
    settings: dict[str, object] = {"model": given.model, "data": given.data, "examples": given.examples, "epochs": 1}
    settings["early_stopping"] = False
    found: dict[str, list[Measured]] = {arm: [] for arm in ARMS}
    with ProcessPoolExecutor(1, mp_context=get_context("spawn"), max_tasks_per_child=1) as processes:
        for _ in range(given.rounds):
            for arm in ARMS:
                found[arm].append(processes.submit(measure, arm, settings).result())
    for arm, each in found.items():
        seconds, tensors, resident, loss = np.median(each, axis=0)
        print(
            f"{arm}: {seconds:.2f} s a step, tensors {tensors / 2**20:,.0f} MiB, resident {resident / 2**20:,.0f} MiB, "
            f"loss {loss:.3f}"
        )


if __name__ == "__main__":
    main()
