"""The files beside adapters that make a model of them: its config with the labels, the tokenizer, what ends a text."""

from __future__ import annotations

import copy
import shutil
from pathlib import Path

import numpy as np
import yaml
from transformers import PretrainedConfig, PreTrainedTokenizerBase

from autopeft.backbones import Backbone
from autopeft.methods.builder import plan
from autopeft.plugins import plugins_of
from autopeft.space import Configuration
from autopeft.tasks import Task
from autopeft.tasks.row_hashes import TRAINING_ROWS, row_hashes
from autopeft.trials import kind_of
from autopeft.trials.levers import pooled
from autopeft.trials.settled import SETTLED, read_settled, settle

__all__ = [
    "ROLES_FILE",
    "plugin_files",
    "rows_in_words",
    "task_config",
    "task_tokenizer",
    "write_companions",
    "write_rows",
]

#: File with the roles that the user gave for an architecture autopeft does not know.
ROLES_FILE = "roles.yaml"


def task_config(backbone: Backbone, task: Task) -> PretrainedConfig:
    """Return the config of a backbone's model for a task: with the names of the labels, and a padding token."""
    config: PretrainedConfig = copy.deepcopy(backbone.config)
    config.architectures = [type(backbone.meta()).__name__]
    # As it is trained and measured, whatever type the weights of the backbone are stored in.
    config.dtype = "float32"
    kind_of(task).configure(config)
    # Decoders that classify read the last token that is no padding: it has to be what texts are padded with.
    config.pad_token_id = getattr(task_tokenizer(backbone, task), "pad_token_id", None)
    return config


def task_tokenizer(backbone: Backbone, task: Task) -> PreTrainedTokenizerBase:
    """Return the tokenizer of a backbone as a task uses it, with a padding token."""
    tokenizer = backbone.tokenizer()
    kind_of(task).settle_tokenizer(tokenizer)
    return tokenizer


def write_companions(configuration: Configuration, backbone: Backbone, task: Task, folder: Path) -> None:
    """Write what adapters need to be loaded from their folder alone, all but the weights of the backbone.

    What was chosen when training had ended is there already, and goes into the config.

    Args:
        configuration: What was trained.
        backbone: On what.
        task: For what.
        folder: The folder of the adapters.
    """
    kind, config = kind_of(task), task_config(backbone, task)
    if (folder / SETTLED).is_file():
        settle(config, read_settled(kind.settles, folder))
    config.save_pretrained(folder)
    tokenizer = task_tokenizer(backbone, task)
    tokenizer.save_pretrained(folder)
    kind.write_beside(folder, tokenizer, task, configuration)
    if backbone.roles is not None:
        roles = {name: getattr(backbone.roles, name) for name in ("layers", "attention", "roles")}
        (folder / ROLES_FILE).write_text(yaml.safe_dump(roles, sort_keys=False), encoding="utf8")
    for file in plugin_files(configuration, task):
        shutil.copyfile(file, folder / file.name)


def write_rows(configuration: Configuration, task: Task, folder: Path) -> None:
    """Write which rows are trained on, for `autopeft.training.seen`; of a pool all that may have been."""
    learned = task.learnable if pooled(configuration.data, task) else task.train
    np.save(folder / TRAINING_ROWS, row_hashes(task.kind, learned))


def rows_in_words(configuration: Configuration, task: Task) -> str:
    """Return how many examples a configuration was trained on, in words."""
    beside = f" and some of a pool of {len(task.pool):,}" if pooled(configuration.data, task) else ""
    return f"{len(task.train):,} examples{beside}"


def plugin_files(configuration: Configuration, task: Task | None = None) -> list[Path]:
    """Return the files of the plugins that a configuration's methods are from, and the kind of a task."""
    methods = plugins_of("method", [part.method.words.name for part in plan(configuration)])
    kinds = [] if task is None else plugins_of("kind", [task.kind.name])
    return sorted({*methods, *kinds})
