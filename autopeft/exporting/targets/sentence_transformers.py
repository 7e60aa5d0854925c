"""Export to sentence-transformers: a folder that ranks or finds documents, as an adapter or as a merged model."""

from __future__ import annotations

import importlib.util
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import torch
from peft import PeftConfig, PeftModel
from peft.utils.constants import CONFIG_NAME, SAFETENSORS_WEIGHTS_NAME
from transformers import PreTrainedModel
from typing_extensions import override

from autopeft.backbones import Backbone
from autopeft.errors import ConfigurationError
from autopeft.exporting.adapter import adapter_config, is_stock
from autopeft.exporting.guide import Guide
from autopeft.exporting.job import ExportJob
from autopeft.exporting.rebuilt import Rebuilt, rebuilt_peft
from autopeft.exporting.sentence_models import MODELS, SentenceModel
from autopeft.exporting.shortfall import Shortfall
from autopeft.exporting.target import Rebuild, Target
from autopeft.exporting.training import TRAINING, copy_notes, write_training
from autopeft.methods import load
from autopeft.methods.builder import Part, applied, original_name, plan
from autopeft.methods.pruning import PRUNING
from autopeft.saved import task_config, task_tokenizer
from autopeft.saved.card import explained
from autopeft.space import Configuration
from autopeft.trials import Prediction, Ready, TrialKind
from autopeft.trials.ranking.sentence_files import write_files

__all__ = ["SentenceTransformers"]

#: Training examples whose scores are compared.
_FEW = 8

#: Largest difference of scores, relative to the largest, that is rounding, and what it may be anyway.
_CLOSE, _LEAST = 1e-4, 1e-6


class SentenceTransformers(Target):
    """A folder for a class of its own: PEFT's adapters as they are, others folded into the weights."""

    name = "sentence-transformers"
    summary = "a folder that it loads as CrossEncoder or SentenceTransformer, with an adapter or merged weights"
    trains = "models that rank or find documents"
    carries_weights = True

    @override
    def takes(self, kind: TrialKind) -> bool:
        """Take what it has a class for."""
        return kind.sentence_transformers is not None

    @override
    def unfit(self, backbone: Backbone) -> str | None:
        """Refuse weights in few bits, which it would load whole."""
        if backbone.quantization is None:
            return None
        return f"its weights are in {backbone.quantization}, and would be loaded whole"

    @override
    def shortfalls(self, configuration: Configuration, backbone: Backbone) -> Iterator[Shortfall]:
        """Yield methods that are neither PEFT's to put into a model, nor can be folded into the weights."""
        parts = plan(configuration)
        if not _is_adapter(parts, backbone) or PRUNING.asked(configuration.training) is not None:
            yield from (
                Shortfall(name, "neither alone and PEFT's to put into a model, nor to be folded into the weights")
                for name in _stuck(parts)
            )

    @override
    def write(self, job: ExportJob, folder: Path) -> Guide:
        """Write adapter or model, and compare what sentence-transformers makes of it with what it was."""
        if job.trained is None:
            raise ConfigurationError(
                f"{self.name} takes what was trained, and of this configuration nothing was kept; run `autopeft "
                "select` first and export a finalist, or take --to peft"
            )
        found = [*self.shortfalls(job.configuration, job.backbone)]
        if found:
            raise ConfigurationError(f"{self.name} cannot express {', '.join(map(str, found))}; expected --to peft")
        model = job.kind.model(job.backbone, torch.device("cpu"))
        load(job.trained, model, job.backbone.anatomy)
        expected = _scores(job, model.eval(), folder)
        pruned = PRUNING.asked(job.configuration.training) is not None
        as_adapter = not pruned and _is_adapter(plan(job.configuration), job.backbone)
        tokenizer = task_tokenizer(job.backbone, job.task)
        tokenizer.model_max_length = job.setting.max_length
        tokenizer.save_pretrained(folder)
        if as_adapter:
            _write_adapter(job, folder)
        else:
            _write_merged(job, model, tokenizer, folder, expected)
        write_training(job, folder)
        notes = (*copy_notes(job), *_compared(job, folder, as_adapter, expected))
        files = {path.name + "/" * path.is_dir(): explained(path.name) for path in sorted(folder.iterdir())}
        return Guide({**files, TRAINING: "how it was trained, for people"}, code=_code(job, as_adapter), notes=notes)

    @override
    def rebuilds(self, folder: Path) -> Iterator[Rebuild]:
        """Yield what builds adapters; a merged model was compared when it was written."""
        if (folder / CONFIG_NAME).is_file():
            yield self.rebuild

    @override
    def rebuild(self, folder: Path, model: Any, backbone: Backbone) -> Rebuilt:
        """Build the adapter as PEFT does."""
        own = {original_name(name) for name, _ in model.named_parameters()}
        return rebuilt_peft(PeftModel.from_pretrained(model, str(folder), is_trainable=True), own)


def _is_adapter(parts: Sequence[Part], backbone: Backbone) -> bool:
    """Tell whether transformers can put a configuration into a model: one method of PEFT's, and no prompt.

    It loads adapters without DoRA's magnitudes (transformers 5.23 calls these keys unexpected).
    """
    if len(parts) != 1:
        return False
    config = adapter_config(parts[0], backbone)
    return is_stock(config) and not config.is_prompt_learning and not getattr(config, "use_dora", False)


def _stuck(parts: Sequence[Part]) -> list[str]:
    """Return the methods that cannot be folded into the weights."""
    return sorted({part.method.words.name for part in parts if not all(map(part.method.merges, part.cells.values()))})


def _scores(job: ExportJob, model: PreTrainedModel, folder: Path) -> torch.Tensor:
    """Return what a model says of some training examples, `[n]`."""
    how: tuple[Any, int, str, dict[str, Any]] = (
        task_tokenizer(job.backbone, job.task),
        job.setting.max_length,
        "fp32",
        {},
    )
    said: Sequence[Prediction | None]
    said, _ = job.kind.predict(Ready(folder, model, *how), _some(job))
    return torch.tensor([one.value for one in said if one is not None])


def _some(job: ExportJob) -> Any:
    return job.task.train.take(range(min(_FEW, len(job.task.train))))


def _write_adapter(job: ExportJob, folder: Path) -> None:
    assert job.trained is not None
    shutil.copyfile(job.trained / SAFETENSORS_WEIGHTS_NAME, folder / SAFETENSORS_WEIGHTS_NAME)
    config = PeftConfig.from_pretrained(str(job.trained))
    config.base_model_name_or_path = job.backbone.address
    config.revision = job.backbone.revision
    if isinstance(getattr(config, "target_modules", None), set):
        config.target_modules = sorted(config.target_modules)
    config.save_pretrained(str(folder))
    write_files(job.kind.sentence_files(), folder)


def _write_merged(job: ExportJob, model: PreTrainedModel, tokenizer: Any, folder: Path, expected: torch.Tensor) -> None:
    for inserted in applied(model).inserted:
        inserted.tuner.merge_and_unload()
    if not _alike(_scores(job, model, folder), expected):
        raise ConfigurationError(
            f"{' and '.join(job.configuration.modules)} sit in each other's way when they are folded into the weights; "
            "nothing was written. Take --to peft, or pick a configuration of one method"
        )
    model.save_pretrained(folder)
    task_config(job.backbone, job.task).save_pretrained(folder)
    job.kind.write_beside(folder, tokenizer, job.task)


def _compared(job: ExportJob, folder: Path, as_adapter: bool, expected: torch.Tensor) -> tuple[str, ...]:
    """Let sentence-transformers read the folder, and compare its scores.

    Raises:
        ConfigurationError: When they are others.
    """
    if importlib.util.find_spec("sentence_transformers") is None:
        return ("sentence-transformers is not installed here, so that its own scores were not compared.",)
    its = _model(job)
    if as_adapter:
        # The adapter's own file may name a model on the hub, of which a copy is here.
        ranker = its.bare(job)
        ranker.load_adapter(str(folder))
    else:
        ranker = its.of_folder(job, folder)
    pairs = job.kind.texts_of(_some(job))
    found = its.scores(ranker, pairs)
    if not _alike(found, expected):
        raise ConfigurationError(
            "sentence-transformers makes other scores of the files; nothing was written. This is a fault of the "
            "target: please report it with the configuration"
        )
    return (f"Its scores of {len(pairs)} documents of {job.task.name} are those of trials.",)


def _alike(found: torch.Tensor, expected: torch.Tensor) -> bool:
    return float((found - expected).abs().max()) <= max(_LEAST, _CLOSE * float(expected.abs().max()))


def _model(job: ExportJob) -> SentenceModel:
    assert job.kind.sentence_transformers is not None
    return MODELS[job.kind.sentence_transformers]


def _code(job: ExportJob, as_adapter: bool) -> str:
    """Return code that ranks two documents."""
    if not as_adapter or job.backbone.package is None:
        return "\n".join(_model(job).code(job, None))
    package, _, inner = job.backbone.package.partition("/")
    base = [
        f'# The installed copy of {job.backbone.address}; where the hub is at hand, "." alone is enough.',
        f"base = str(files({package!r}) / {inner!r})",
    ]
    return "\n".join(_model(job).code(job, base))
