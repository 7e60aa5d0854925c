"""The card of a folder of something trained: where it is from, what it reaches, how to use it, what each file is."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import yaml

from autopeft.backbones import Backbone
from autopeft.methods.storage import BESIDE_MASK, MANIFEST, MASK, PACKED
from autopeft.saved.companions import ROLES_FILE, plugin_files
from autopeft.saved.use import USE_FILE
from autopeft.space import Configuration
from autopeft.tasks import Task
from autopeft.tasks.row_hashes import TRAINING_ROWS
from autopeft.trials import kind_of
from autopeft.trials.settled import SETTLED, read_settled
from autopeft.version import __version__
from autopeft.whole_folder import WRITTEN

__all__ = ["CARD", "PLUGIN", "Card", "explained", "write_card"]

#: The file of a card, as hubs show it.
CARD = "README.md"

#: What is said of a plugin.
PLUGIN = "the plugin that the method, or the kind of task, is from"

_FILES = {
    "adapter_config.json": "how the adapter is built, for PEFT",
    "adapter_model.safetensors": "its weights, with those of the head if there is one",
    PACKED: "what is kept of its weights, packed, with those of the head if there is one; autopeft reads it",
    BESIDE_MASK: "its weights, beside those of the backbone that are pruned, and those of the head; autopeft reads it",
    MASK: "which weights of the backbone are 0 beside it, or which heads, eight a byte; autopeft reads it",
    "autopeft.json": "the configuration as autopeft builds it",
    "checkpoints": "checkpoints of the training; it goes on from them, nothing else needs them",
    "config.json": "config of the model with the names of the labels and the padding token",
    "finalist.json": "what was trained, by which the selection knows it again",
    "generation_config.json": "the tokens that end an answer",
    "head.safetensors": "weights of the task head",
    "logs": "what was reported to TensorBoard",
    "merged": "a plain model with the adapters folded in, with a card of its own",
    "metrics.json": "the figures of this card, for programs",
    "model.safetensors": "weights of the whole model",
    SETTLED: "what was chosen on validation when training had ended, which `config.json` holds too",
    USE_FILE: "how texts are read and answers written, for `autopeft predict`",
    CARD: "this card",
    ROLES_FILE: "where the roles of a layer are in this architecture, as it was given",
    **dict.fromkeys(
        ("modules.json", "sentence_bert_config.json", "config_sentence_transformers.json", "1_Pooling", "2_Normalize"),
        "read by sentence-transformers",
    ),
    "test.npy": "its score on each example of the test split, once it was measured there",
    "training.json": "what was trained, by which the same command knows that it is finished",
    TRAINING_ROWS: "a hash of each row it was trained on; `autopeft evaluate` says how many rows it has seen",
    "validation.npy": "its score on each example of the validation split",
    WRITTEN: "the names of these files: what is not among them is not replaced",
}


@dataclass(frozen=True)
class Card:
    """What a card says beside what the folder shows.

    Args:
        configuration: What was trained.
        backbone: On what.
        task: For what.
        origin: One line that says which run, trial and accuracy it is from.
        training: One line on how it was trained.
        code: Python that loads and uses it.
        figures: For each split the metrics on it.
        remarks: Further lines.
    """

    configuration: Configuration
    backbone: Backbone
    task: Task
    origin: str
    training: str
    code: str
    figures: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    remarks: Sequence[str] = ()


def write_card(card: Card, folder: Path, coming: Collection[str] = (WRITTEN,)) -> None:
    """Write `README.md` into a folder.

    Args:
        card: What it says.
        folder: The folder, which holds all else already ...
        coming: ... but files of these names.
    """
    words = "the whole model is trained" if not (folder / MANIFEST).is_file() else "only the task head is trained"
    what = card.configuration.describe() if card.configuration.modules else words
    paragraphs = [
        f"# {card.backbone.name} on {card.task.name}",
        what,
        card.training,
        *_table(card.figures),
        *card.remarks,
        *_chosen(card.task, folder),
        "## Use it",
        'Run this in the folder of this card, or write its path for `"."`.',
        f"```python\n{card.code.strip()}\n```",
        *kind_of(card.task).card_sections(),
        "## Files",
        _explained(card, folder, {CARD, *coming}),
        "## Configuration",
        f"```yaml\n{yaml.safe_dump(card.configuration.to_dict(), sort_keys=False).strip()}\n```",
    ]
    # Hubs read the head, which must be first; its comment is the first that people read.
    head = f"---\n# {_one_line(card.origin)}; autopeft {__version__}\n{_head(card, folder)}\n---\n\n"
    (folder / CARD).write_text(head + "\n\n".join(paragraphs) + "\n", encoding="utf8")


def _head(card: Card, folder: Path) -> str:
    # A local folder would be a broken link on the hub.
    address = card.backbone.address
    base = {} if Path(address).is_dir() else {"base_model": address}
    ours = any((folder / name).is_file() for name in (MASK, PACKED))
    library = "autopeft" if ours else "peft" if (folder / MANIFEST).is_file() else "transformers"
    head = {
        **base,
        "library_name": library,
        "pipeline_tag": kind_of(card.task).pipeline,
        "tags": ["autopeft", *card.configuration.modules],
        "metrics": [card.task.metric],
    }
    return yaml.safe_dump(head, sort_keys=False).strip()


def _table(figures: Mapping[str, Mapping[str, float]]) -> list[str]:
    if not figures:
        return []
    names = list(next(iter(figures.values())))
    rows = [f"| split | {' | '.join(names)} |", f"| --- |{' --- |' * len(names)}"]
    rows += [f"| {split} | {' | '.join(f'{found[name]:.4f}' for name in names)} |" for split, found in figures.items()]
    return ["\n".join(rows)]


def _chosen(task: Task, folder: Path) -> list[str]:
    names = kind_of(task).settles if (folder / SETTLED).is_file() else ()
    found = [f"{name.replace('_', ' ')} {value:.6g}" for name, value in read_settled(names, folder).items()]
    return [f"Chosen on validation when training had ended: {', '.join(found)}."] if found else []


def _explained(card: Card, folder: Path, coming: set[str]) -> str:
    """Say of each file, and of each folder, what it is."""
    plugins = {file.name for file in plugin_files(card.configuration, card.task)}
    rows = ["| file | what it is |", "| --- | --- |"]
    for name in sorted({path.name for path in folder.iterdir()} | coming):
        if name in plugins:
            what = PLUGIN
        elif (folder / name / "adapter_config.json").is_file():
            what = f"the adapter of {name}, in PEFT's format"
        elif name.startswith("model-") or name == "model.safetensors.index.json":
            what = _FILES["model.safetensors"]
        else:
            what = explained(name)
        rows.append(f"| `{name}` | {what} |")
    return "\n".join(rows)


def explained(name: str) -> str:
    """Say what a file is that goes with something trained."""
    # Nothing else is written, and the files of a tokenizer have many names.
    return _FILES.get(name, "code that the model brings" if name.endswith(".py") else "of the tokenizer")


def _one_line(text: str) -> str:
    return " ".join(text.split())
