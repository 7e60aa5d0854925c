"""A fresh adapter as the carrier of what a tool's own keys cannot say: it changes nothing until it is trained."""

from __future__ import annotations

from pathlib import Path

import torch
from peft.utils.constants import SAFETENSORS_WEIGHTS_NAME
from safetensors.torch import save_file

from autopeft.exporting.adapter import adapter_config
from autopeft.exporting.job import ExportJob
from autopeft.exporting.training import only_part
from autopeft.methods import apply, remove
from autopeft.methods.builder import applied
from autopeft.methods.tensors import stored_tensors

__all__ = ["CARRIED", "CARRIER", "write_carrier"]

#: Folder of the fresh adapter.
CARRIER = "adapter"
#: What is said of it.
CARRIED = "a fresh adapter with the ranks and alphas that the keys cannot say; it changes nothing until trained"


def write_carrier(job: ExportJob, folder: Path) -> None:
    """Write config and weights of the untrained adapter, with the ranks and alphas of every matrix."""
    model = job.kind.model(job.backbone, torch.device("cpu"))
    apply(job.configuration, model, job.backbone.anatomy, seed=job.seed)
    [inserted] = applied(model).inserted
    tensors = stored_tensors(inserted, job.backbone.anatomy)
    (folder / CARRIER).mkdir()
    adapter_config(only_part(job), job.backbone).save_pretrained(str(folder / CARRIER))
    save_file(
        {name: value.detach().clone().contiguous() for name, value in tensors.items()},
        str(folder / CARRIER / SAFETENSORS_WEIGHTS_NAME),
        metadata={"format": "pt"},
    )
    remove(model)
