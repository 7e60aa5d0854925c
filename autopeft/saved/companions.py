"""The files beside adapters that make a model of them: its config with the labels, the tokenizer, what ends a text."""

from __future__ import annotations

import copy
import shutil
from pathlib import Path

import numpy as np
import yaml
from transformers import GenerationConfig, PretrainedConfig, PreTrainedTokenizerBase

from autopeft.backbones import Backbone
from autopeft.methods.builder import plan
from autopeft.methods.plugin import plugins_of
from autopeft.space import Configuration
from autopeft.tasks import CausalTask, Task
from autopeft.tasks.causal import ask, ending_tokens
from autopeft.tasks.row_hashes import TRAINING_ROWS, row_hashes

__all__ = [
    "ROLES_FILE",
    "plugin_files",
    "task_config",
    "task_tokenizer",
    "write_companions",
    "write_generation_config",
    "write_rows",
]

#: File with the roles that the user gave for an architecture autopeft does not know.
ROLES_FILE = "roles.yaml"

#: From so many examples it is learned what ends a turn.
_FEW = 8


def task_config(backbone: Backbone, task: Task | CausalTask) -> PretrainedConfig:
    """Return the config of a backbone's model for a task: with the names of the labels, and a padding token."""
    config: PretrainedConfig = copy.deepcopy(backbone.config)
    config.architectures = [type(backbone.meta()).__name__]
    # As it is trained and measured, whatever type the weights of the backbone are stored in.
    config.dtype = "float32"
    if isinstance(task, Task):
        config.num_labels = len(task.labels)
        config.id2label = dict(enumerate(task.labels))
        config.label2id = {label: number for number, label in enumerate(task.labels)}
        config.problem_type = "single_label_classification"
    # Decoders that classify read the last token that is no padding: it has to be what texts are padded with.
    config.pad_token_id = task_tokenizer(backbone, task).pad_token_id
    return config


def task_tokenizer(backbone: Backbone, task: Task | CausalTask) -> PreTrainedTokenizerBase:
    """Return the tokenizer of a backbone as a task uses it: with a padding token; classifiers pad at the end."""
    tokenizer = backbone.tokenizer()
    if isinstance(task, Task):
        tokenizer.padding_side = "right"
    else:
        # Decoders take none, and some of their tokenizers write them.
        kept = [name for name in tokenizer.model_input_names if name != "token_type_ids"]
        tokenizer.model_input_names = kept
    return tokenizer


def write_companions(configuration: Configuration, backbone: Backbone, task: Task | CausalTask, folder: Path) -> None:
    """Write what adapters need to be loaded from their folder alone, all but the weights of the backbone.

    Args:
        configuration: What was trained.
        backbone: On what.
        task: For what.
        folder: The folder of the adapters.
    """
    task_config(backbone, task).save_pretrained(folder)
    task_tokenizer(backbone, task).save_pretrained(folder)
    if isinstance(task, CausalTask):
        write_generation_config(GenerationConfig(do_sample=False), configuration, backbone, task, folder)
    if backbone.roles is not None:
        roles = {name: getattr(backbone.roles, name) for name in ("layers", "attention", "roles")}
        (folder / ROLES_FILE).write_text(yaml.safe_dump(roles, sort_keys=False), encoding="utf8")
    for file in plugin_files(configuration):
        shutil.copyfile(file, folder / file.name)


def write_generation_config(
    config: GenerationConfig, configuration: Configuration | None, backbone: Backbone, task: CausalTask, folder: Path
) -> None:
    """Write `generation_config.json` with the tokens that end an answer and the one that fills short prompts.

    Args:
        config: What else it shall hold; changed.
        configuration: The adapters that are beside it; None for a plain model.
        backbone: The backbone.
        task: For what it was trained.
        folder: Where to write.
    """
    tokenizer = task_tokenizer(backbone, task)
    few = task.train.take(range(min(_FEW, len(task.train))))
    config.eos_token_id = sorted(ending_tokens(ask(few, task.form, tokenizer), tokenizer)) or None
    config.pad_token_id = tokenizer.pad_token_id
    config.use_cache = configuration is None or all(part.method.stepwise for part in plan(configuration))
    config.save_pretrained(folder)


def write_rows(task: Task | CausalTask, folder: Path) -> None:
    """Write which rows are trained on, for `autopeft.training.seen`."""
    np.save(folder / TRAINING_ROWS, row_hashes(task.train))


def plugin_files(configuration: Configuration) -> list[Path]:
    """Return the files of the plugins that a configuration's methods are from."""
    return plugins_of(part.method.words.name for part in plan(configuration))
