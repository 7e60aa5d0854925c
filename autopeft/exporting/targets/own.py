"""Export to autopeft itself: the configuration as YAML."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from shlex import join
from typing import Any

from typing_extensions import override

from autopeft.backbones import Backbone
from autopeft.exporting.by_parts import inserted_parts
from autopeft.exporting.guide import Guide
from autopeft.exporting.job import ExportJob
from autopeft.exporting.rebuilt import Rebuilt
from autopeft.exporting.shortfall import Shortfall
from autopeft.exporting.target import Target
from autopeft.exporting.training import TRAINING, write_training, write_yaml
from autopeft.methods import VOCABULARY, apply
from autopeft.methods.builder import applied
from autopeft.space import Configuration, canonical, read_configuration

__all__ = ["Own"]

_FILE = "configuration.yaml"


class Own(Target):
    """`configuration.yaml`, which `autopeft train`, `autopeft cost` and `autopeft.space.canonical` read."""

    name = "autopeft"
    summary = "the configuration as YAML, for `autopeft train` and `autopeft cost`; expresses everything"

    @override
    def shortfalls(self, configuration: Configuration, backbone: Backbone) -> Iterator[Shortfall]:
        """Yield nothing."""
        return iter(())

    @override
    def write(self, job: ExportJob, folder: Path) -> Guide:
        """Write the configuration, and beside it how it was trained."""
        write_yaml(folder / _FILE, job.configuration.to_dict(), job)
        write_training(job, folder)
        files = {_FILE: "the configuration", TRAINING: "how it was trained, for people"}
        model = job.backbone.name if job.backbone.package else job.backbone.path
        cost = f"autopeft cost {_FILE} {join(['--model', model, '--kind', job.task.kind.name])}"
        if job.origin is None:
            return Guide(files, cost)
        if job.origin.words is None:
            again = join([str(job.origin.run), "--pick", str(job.origin.trial), "--output", "trained"])
            train = f"autopeft train {again}"
        else:
            train = f"autopeft train {_FILE} {join([*job.origin.words, *_setting(job)])}"
        return Guide(files, train, notes=(f"{cost} counts what it costs.",))

    @override
    def rebuild(self, folder: Path, model: Any, backbone: Backbone) -> Rebuilt:
        """Build the configuration that was written."""
        configuration = canonical(read_configuration(folder / _FILE), VOCABULARY, backbone.shape)
        apply(configuration, model, backbone.anatomy)
        return inserted_parts(applied(model).inserted, model, backbone.anatomy, folder)


def _setting(job: ExportJob) -> list[str]:
    """Return the flags by which `autopeft train` trains as the trial was trained, on all examples."""
    setting = job.setting
    flags: dict[str, Any] = {
        "epochs": f"{setting.epochs:g}",
        "batch-size": setting.batch_size,
        "max-length": setting.max_length,
        "precision": setting.precision,
        "seed": job.seed,
        "output": "trained",
    }
    words = [word for name, value in flags.items() for word in (f"--{name}", str(value))]
    return [*words, *(["--gradient-checkpointing"] if setting.gradient_checkpointing else [])]
