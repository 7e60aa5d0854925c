"""Make a small pretrained model of pictures, and the pictures to tune it on.

    python -m studies.digits.pretrain DIGITS OUT

A ViT of 1.0M parameters learns the digits 0 to 4 of MNIST (`DIGITS`, a folder with its files) from scratch, within
minutes on two cores; `OUT/vit` is the model, `OUT/data` the digits 5 to 9 in MNIST's format, half of them to train on.
"""

from __future__ import annotations

import argparse
import gzip
import struct
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from transformers import ViTConfig, ViTForImageClassification
from transformers.models.vit.image_processing_pil_vit import ViTImageProcessorPil

from autopeft.tasks import TaskSpec, load_task
from studies.pretraining import from_scratch

_SIDE, _EPOCHS = 28, 30


def main() -> None:
    """Do it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("digits", type=Path)
    parser.add_argument("out", type=Path)
    given = parser.parse_args()
    task = load_task(TaskSpec(data=str(given.digits)))
    items = [item for split in task.splits.values() for item in split.items]
    labels = np.array([label for split in task.splits.values() for label in split.labels], np.int64)
    pixels = np.stack([np.asarray(item.source) for item in items])
    _pretrain(pixels[labels < 5], labels[labels < 5], given.out / "vit")
    others, named = pixels[labels >= 5], labels[labels >= 5]
    half = len(others) // 2
    (given.out / "data").mkdir(parents=True, exist_ok=True)
    for split, chosen in (("train", slice(0, half)), ("t10k", slice(half, None))):
        _write(given.out / "data" / f"{split}-images-idx3-ubyte.gz", others[chosen])
        _write(given.out / "data" / f"{split}-labels-idx1-ubyte.gz", named[chosen])


def _pretrain(pixels: NDArray[np.uint8], labels: NDArray[np.int64], out: Path) -> None:
    torch.manual_seed(0)
    config = ViTConfig(
        hidden_size=128,
        num_hidden_layers=6,
        num_attention_heads=4,
        intermediate_size=384,
        image_size=_SIDE,
        patch_size=7,
        num_labels=5,
    )
    model = ViTForImageClassification(config)
    inputs = (torch.from_numpy(pixels).float() / 255 - 0.5)[:, None].expand(-1, 3, -1, -1) / 0.5

    def read(rows: NDArray[np.int64], rng: np.random.Generator) -> torch.Tensor:
        # Moved by up to two pixels: there are few digits.
        return torch.roll(inputs[rows], tuple(rng.integers(-2, 3, 2).tolist()), (2, 3))

    from_scratch(model, read, labels, _EPOCHS)
    # The head of these digits is of no use for others.
    model.vit.save_pretrained(out)
    ViTImageProcessorPil(size={"height": _SIDE, "width": _SIDE}).save_pretrained(out)


def _write(file: Path, values: NDArray[np.generic]) -> None:
    held = values.astype(np.uint8)
    head = struct.pack(f">I{held.ndim}I", 0x0800 | held.ndim, *held.shape)
    with gzip.GzipFile(file, "wb", mtime=0) as out:
        out.write(head + held.tobytes())


if __name__ == "__main__":
    main()
