"""Trained adapters that were compressed, as the programs of others read them: with every number in its place."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import torch

from autopeft.exporting.job import ExportJob
from autopeft.methods import load
from autopeft.methods.builder import applied
from autopeft.methods.compression import COMPRESSION, uncompressed
from autopeft.methods.storage import PACKED, save_plain

__all__ = ["unpacked"]


@contextmanager
def unpacked(job: ExportJob) -> Iterator[ExportJob]:
    """Yield a job whose trained adapters are not packed; the same job where they are not anyway.

    Args:
        job: What is exported.
    """
    asked = COMPRESSION.asked(job.configuration.training)
    if job.trained is None or asked is None:
        yield job
        return
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch) / "unpacked"
        shutil.copytree(job.trained, folder, ignore=shutil.ignore_patterns(PACKED))
        model = job.kind.model(job.backbone, torch.device("cpu"))
        load(job.trained, model, job.backbone.anatomy)
        packed = sum(value.nbytes for part in applied(model).packed.values() for value in part.values())
        configuration = uncompressed(job.configuration)
        save_plain(model, folder, configuration)
        knobs = ", ".join(f"{name} {value:g}" for name, value in asked.knobs.items())
        note = (
            f"What was trained is {packed:,} bytes in the run, by {asked.word.name} with {knobs}; here every "
            "number stands in its place, for PEFT reads nothing else, and the files are larger."
        )
        yield replace(job, configuration=configuration, trained=folder, notes=(*job.notes, note))
