"""Trials of a new head on a model of pictures, one label each."""

from __future__ import annotations

from copy import copy
from dataclasses import asdict, dataclass, replace
from typing import Any, ClassVar

import numpy as np
import torch

from autopeft.backbones import Backbone
from autopeft.errors import AutopeftError
from autopeft.tasks import Encoded, Task
from autopeft.tasks.image import CROP, FLIP, EncodedPictures
from autopeft.tasks.media import LabelledMedia, MediaClasses
from autopeft.trials.card_code import trusting
from autopeft.trials.kind import Batch
from autopeft.trials.media import MediaTrials
from autopeft.trials.setting import TrialSetting, choose_setting

__all__ = ["ImageSetting", "ImageTrials", "read_augment"]

#: Pictures that are decoded together.
_TOGETHER = 256

_PIXELS = "pixel_values"


@dataclass(frozen=True)
class ImageSetting(TrialSetting):
    """A trial setting with what is done to pictures while a model learns.

    Args:
        augment: `crop`, a move by up to an eighth of the side; `flip`, a mirror image by half a chance.
    """

    augment: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        super().__post_init__()
        # A list, where it was read from JSON.
        object.__setattr__(self, "augment", tuple(self.augment))


def read_augment(text: str | None) -> tuple[str, ...]:
    """Read `crop,flip` and the like.

    Raises:
        AutopeftError: When something else stands there, or something twice.
    """
    names = tuple(name.strip() for name in text.split(",")) if text else ()
    if not set(names) <= {CROP, FLIP} or len(set(names)) < len(names):
        raise AutopeftError(f"--augment {text}: expected {CROP}, {FLIP} or both, such as {CROP},{FLIP}")
    return names


class ImageTrials(MediaTrials):
    """Which of some labels a picture has."""

    does = "classifies pictures"
    reads = "image"
    cut = "pictures of"
    default_space = "vision"
    reader = ("AutoImageProcessor", "processor", "preprocessor_config.json")
    auto_class: ClassVar[str] = "AutoModelForImageClassification"
    pipeline: ClassVar[str] = "image-classification"
    schema: MediaClasses  # type: ignore[assignment]

    #: What is done to pictures while a model learns.
    augment: tuple[str, ...] = ()

    def under(self, setting: TrialSetting) -> ImageTrials:
        """Return trials with the augmentation of a setting."""
        found = copy(self)
        if isinstance(setting, ImageSetting):
            found.augment = setting.augment
        return found

    @property
    def varies(self) -> bool:
        """Whether pictures are moved or mirrored."""
        return bool(self.augment)

    def to_train(self, encoded: Encoded) -> Encoded:
        """Return pictures that are moved and mirrored by chance, where that is asked for."""
        assert isinstance(encoded, EncodedPictures)
        return replace(encoded, augment=self.augment)

    def fitted(self, task: Task, backbone: Any) -> Task:
        """Return a task that knows how many tokens the model makes of a picture."""
        return replace(task, schema=replace(task.schema, tokens=backbone.tokens_of_blank()))

    def choose_setting(self, task: Task, tokenizer: Any, **asked: Any) -> tuple[TrialSetting, tuple[str, ...]]:
        """Choose a trial on pictures of so many tokens."""
        tokens = self.schema.tokens
        if asked.pop("max_length", None) not in (None, tokens):
            raise AutopeftError(f"pictures are not cut: each is {tokens} tokens; leave --max-length out")
        augment = read_augment(asked.pop("augment", None))
        known: dict[str, Any] = {"least": self.least_examples(task), "max_length": tokens, "limit": tokens}
        setting = choose_setting(task, tokenizer, **known, lengths=np.full(len(task.train), tokens), **asked)
        said = f"pictures are changed by {' and '.join(augment)} each time, so that no layer's answers to them are kept"
        return ImageSetting(**asdict(setting), augment=augment), (said,) if augment else ()

    def encode(self, split: LabelledMedia, tokenizer: Any, max_length: int) -> Encoded:  # type: ignore[override]
        """Decode pictures, and bring them to the size that the model reads; once, in bytes.

        Args:
            split: The pictures.
            tokenizer: The model's image processor.
            max_length: Not looked at.
        """
        parts = []
        for start in range(0, len(split), _TOGETHER):
            decoded = [picture.decoded() for picture in split.items[start : start + _TOGETHER]]
            made = tokenizer(images=decoded, do_rescale=False, do_normalize=False, return_tensors="np")[_PIXELS]
            parts.append(np.clip(np.asarray(made), 0, 255).astype(np.uint8))
        pixels: Any = np.concatenate(parts) if parts else np.zeros((0, 3, 1, 1), np.uint8)
        factor = tokenizer.rescale_factor if tokenizer.do_rescale else 1.0
        mean, spread = (tokenizer.image_mean, tokenizer.image_std) if tokenizer.do_normalize else ([0.0], [1.0])
        scale, shift = factor / np.asarray(spread), -np.asarray(mean) / np.asarray(spread)
        return EncodedPictures(
            {_PIXELS: pixels},
            np.asarray(split.labels, np.int64),
            tokens=self.schema.tokens,
            scale=tuple(scale.tolist()),
            shift=tuple(shift.tolist()),
        )

    def collate(self, encoded: Encoded, group: np.ndarray, pad_id: int) -> Batch:
        """Return the pixels of some pictures as the model reads them, float32, with `labels`."""
        assert isinstance(encoded, EncodedPictures)
        batch = {_PIXELS: torch.from_numpy(encoded.pixels(group))}
        return batch if encoded.labels is None else {**batch, "labels": torch.from_numpy(encoded.labels[group])}

    def using_code(self, backbone: Backbone, task: Task, max_length: int, alone: bool) -> list[str]:
        """Return the lines that let the model see two pictures."""
        return [
            "from PIL import Image, ImageOps",
            'texts = ["one.png", "another.png"]  # paths of pictures',
            'pictures = [ImageOps.exif_transpose(Image.open(path)).convert("RGB") for path in texts]',
            'inputs = processor(pictures, return_tensors="pt")',
            "with torch.inference_mode():",
            "    logits = model(**inputs).logits",
            *self.spoken(),
        ]

    def merged_code(self, backbone: Backbone, task: Task, max_length: int) -> list[str]:
        """Return the lines that use a pipeline."""
        return [
            "from transformers import pipeline",
            "",
            f'classify = pipeline("image-classification", model="."{trusting(backbone)})',
            'for found in classify(["one.png", "another.png"]):  # paths of pictures',
            '    print(found[0]["label"], found[0]["score"])',
        ]
