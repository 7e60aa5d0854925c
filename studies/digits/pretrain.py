"""Make a small pretrained model of pictures, and the pictures to tune it on.

    python -m studies.digits.pretrain DIGITS OUT

A ViT of 1.1M parameters learns the digits 0 to 4 of MNIST (`DIGITS`, a folder with its files) from scratch, within
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

from autopeft.tasks.image.layouts import IMAGE, LABEL, read_idx

__all__ = ["main"]

_SIDE, _EPOCHS, _BATCH, _RATE = 28, 30, 64, 1e-3


def main() -> None:
    """Do it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("digits", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--epochs", type=int, default=_EPOCHS)
    given = parser.parse_args()
    tables, pictures = read_idx(str(given.digits), given.digits)
    rows = [row for table in tables.values() for _, row in table.rows]
    pixels = np.stack([np.asarray(pictures[row[IMAGE]].source) for row in rows])
    labels = np.array([int(row[LABEL]) for row in rows])
    _pretrain(pixels[labels < 5], labels[labels < 5], given.out / "vit", given.epochs)
    others, named = pixels[labels >= 5], labels[labels >= 5]
    order = np.random.default_rng(0).permutation(len(others))
    half = len(order) // 2
    (given.out / "data").mkdir(parents=True, exist_ok=True)
    for split, chosen in (("train", order[:half]), ("t10k", order[half:])):
        _write(given.out / "data" / f"{split}-images-idx3-ubyte.gz", others[chosen])
        _write(given.out / "data" / f"{split}-labels-idx1-ubyte.gz", named[chosen])


def _pretrain(pixels: NDArray[np.uint8], labels: NDArray[np.int64], out: Path, epochs: int) -> None:
    torch.manual_seed(0)
    rng = np.random.default_rng(0)
    config = ViTConfig(
        hidden_size=128,
        num_hidden_layers=6,
        num_attention_heads=4,
        intermediate_size=384,
        image_size=_SIDE,
        patch_size=4,
        num_labels=5,
    )
    model = ViTForImageClassification(config)
    inputs = (torch.from_numpy(pixels).float() / 255 - 0.5)[:, None].expand(-1, 3, -1, -1) / 0.5
    truth = torch.from_numpy(labels)
    steps = epochs * (len(truth) // _BATCH)
    optimiser = torch.optim.AdamW(model.parameters(), lr=_RATE, weight_decay=0.05)
    scheduler = torch.optim.lr_scheduler.OneCycleLR(optimiser, _RATE, total_steps=steps)
    step = 0
    for epoch in range(epochs):
        order, right = rng.permutation(len(truth)), 0
        for start in range(0, len(order) - _BATCH + 1, _BATCH):
            rows = order[start : start + _BATCH]
            # Shifted by up to two pixels: there are few digits.
            shift = tuple(rng.integers(-2, 3, 2).tolist())
            found = model(pixel_values=torch.roll(inputs[rows], shift, (2, 3)), labels=truth[rows])
            found.loss.backward()
            optimiser.step()
            scheduler.step()
            optimiser.zero_grad()
            right += int((found.logits.argmax(dim=1) == truth[rows]).sum())
            step += 1
        print(f"epoch {epoch + 1}: {right / len(order):.3f} of digits 0 to 4 right while training", flush=True)
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
