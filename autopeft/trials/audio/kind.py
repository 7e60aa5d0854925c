"""Trials of a new head on a model of sound, one label each."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping
from copy import copy
from dataclasses import replace
from typing import Any, ClassVar

import numpy as np
import torch

from autopeft.backbones import Backbone, convolutions_of, samples_of
from autopeft.errors import AutopeftError, BackboneError
from autopeft.tasks import Encoded, Task
from autopeft.tasks.audio import ClipClasses, EncodedClips
from autopeft.tasks.media import LabelledMedia
from autopeft.trials.audio.reading import LEAST, Reading
from autopeft.trials.card_code import trusting
from autopeft.trials.kind import Batch
from autopeft.trials.media import MediaTrials
from autopeft.trials.setting import TrialSetting, choose_setting

__all__ = ["AudioTrials"]

#: Waveforms are cut at so many seconds where nobody says otherwise: attention grows with the square of it.
_LONGEST = 5.0

#: ... but at no more than spares this share of the clips any cut.
_UNCUT = 0.995

#: So many tokens show whether the convolutions say how many there are.
_FEW_TOKENS = 8


class AudioTrials(MediaTrials):
    """Which of some labels a clip has."""

    does = "classifies sounds"
    reads = "audio"
    cut = "clips cut at"
    default_space = "audio"
    reader = ("AutoFeatureExtractor", "processor", "preprocessor_config.json")
    auto_class: ClassVar[str] = "AutoModelForAudioClassification"
    pipeline: ClassVar[str] = "audio-classification"
    schema: ClipClasses  # type: ignore[assignment]

    #: At so many tokens waveforms are cut.
    max_length: int = 0

    def fitted(self, task: Task, backbone: Any) -> Task:
        """Return a task that knows how many tokens the model makes of a clip."""
        convolutions = convolutions_of(backbone.config)
        tokens = 0 if convolutions else backbone.tokens_of_blank()
        if convolutions and backbone.tokens_of_blank(_FEW_TOKENS) != _FEW_TOKENS:
            raise BackboneError(
                f"{backbone.name}: {backbone.config.model_type!r} models make fewer tokens of a waveform than their "
                "convolutions do; choose another model"
            )
        return replace(task, schema=replace(task.schema, tokens=tokens, convolutions=convolutions))

    def choose_setting(self, task: Task, tokenizer: Any, **asked: Any) -> tuple[TrialSetting, tuple[str, ...]]:
        """Choose a trial on clips that are cut, or padded, at some seconds.

        Args:
            task: The clips.
            tokenizer: The model's feature extractor.
            asked: `seconds`, and the settings of all kinds.

        Raises:
            AutopeftError: When seconds are asked for that cannot be, or a cut at tokens.
        """
        seconds, reading = asked.pop("seconds", None), Reading(tokenizer, self.schema)
        # What is asked for again by what was said of something trained.
        known_as = {
            None,
            self.schema.tokens or None,
            reading.tokens(seconds) if seconds and seconds < math.inf else None,
        }
        if asked.pop("max_length", None) not in known_as:
            raise AutopeftError("clips are cut at seconds, not tokens; give --seconds in place of --max-length")
        if reading.seconds is not None and seconds is not None:
            raise AutopeftError(
                f"the model reads {reading.seconds:g} s of each clip, no more and no less; leave --seconds out"
            )
        if seconds is not None and not reading.least <= seconds < math.inf:
            raise AutopeftError(f"--seconds {seconds:g}: expected {reading.least:g} or more, for this model")
        own = np.asarray([clip.header.seconds for clip in task.train.items])
        usual = max(reading.least, min(_LONGEST, float(np.ceil(10 * np.quantile(own, _UNCUT, method="higher")) / 10)))
        most = reading.seconds or seconds or usual
        limit = reading.tokens(most)
        known: dict[str, Any] = {"least": self.least_examples(task), "max_length": limit, "limit": limit}
        lengths = np.asarray([reading.tokens(each) for each in own])
        setting = choose_setting(task, tokenizer, **known, lengths=lengths, **asked)
        padded = ", shorter ones padded" if reading.alike else ""
        longer = f"{int((own > most).sum()):,} of {len(own):,} of train are longer"
        return setting, (f"clips are cut at {most:g} s{padded}: {longer}", *_resampled(task, tokenizer.sampling_rate))

    def under(self, setting: TrialSetting) -> AudioTrials:
        """Return trials that know at how many tokens waveforms are cut."""
        found = copy(self)
        found.max_length = setting.max_length
        return found

    def use(self, task: Task, tokenizer: Any) -> dict[str, Any]:
        """Return at how many seconds waveforms are cut."""
        if not self.schema.convolutions:
            return {}
        return {"seconds": samples_of(self.max_length, self.schema.convolutions) / tokenizer.sampling_rate}

    def check_use(self, use: Mapping[str, Any]) -> None:
        """Check that there is nothing else."""
        seconds = use.get("seconds", LEAST)
        if set(use) - {"seconds"} or not isinstance(seconds, float) or seconds < LEAST:
            raise ValueError(f"found {dict(use)}; expected seconds, {LEAST:g} or more")

    def encode(self, split: LabelledMedia, tokenizer: Any, max_length: int) -> Encoded:  # type: ignore[override]
        """Decode clips, and make of them what the model reads; once.

        Args:
            split: The clips.
            tokenizer: The model's feature extractor.
            max_length: At so many tokens waveforms are cut.
        """
        reading = Reading(tokenizer, self.schema)
        read = [reading.read(clip.decoded(tokenizer.sampling_rate), max_length) for clip in split.items]
        return EncodedClips(
            {},
            np.asarray(split.labels, np.int64),
            truncated=sum(cut for _, cut in read) / max(1, len(read)),
            called=reading.called,
            values=[values for values, _ in read],
            tokens=np.asarray([reading.tokens_of(values) for values, _ in read], np.int64),
            masked=reading.masked,
        )

    def collate(self, encoded: Encoded, group: np.ndarray, pad_id: int) -> Batch:
        """Return some clips as the model reads them, with `labels`."""
        assert isinstance(encoded, EncodedClips)
        batch = {name: torch.from_numpy(values) for name, values in encoded.batch(group).items()}
        return batch if encoded.labels is None else {**batch, "labels": torch.from_numpy(encoded.labels[group])}

    def using_code(self, backbone: Backbone, task: Task, max_length: int, alone: bool) -> list[str]:
        """Return the lines that let the model hear two clips."""
        cut = ""
        if self.schema.convolutions:
            # As `Reading` does it.
            padding = '"longest"' if backbone.tokenizer().return_attention_mask else '"max_length"'
            cut = f", padding={padding}, max_length={samples_of(max_length, self.schema.convolutions)}, truncation=True"
        return [
            "import soundfile",
            "import soxr",
            "",
            'texts, waves = ["one.wav", "another.wav"], []  # paths of clips',
            "for path in texts:",
            '    values, rate = soundfile.read(path, dtype="float32", always_2d=True)',
            "    waves.append(soxr.resample(values.mean(axis=1), rate, processor.sampling_rate))",
            f'inputs = processor(waves, sampling_rate=processor.sampling_rate{cut}, return_tensors="pt")',
            "with torch.inference_mode():",
            "    logits = model(**inputs).logits",
            *self.spoken(),
        ]

    def merged_code(self, backbone: Backbone, task: Task, max_length: int) -> list[str]:
        """Return the lines that use the model as a plain one; a pipeline would pad clips otherwise."""
        given = f'"."{trusting(backbone)}'
        return [
            "import torch",
            f"from transformers import AutoFeatureExtractor, {self.auto_class}",
            "",
            f"processor = AutoFeatureExtractor.from_pretrained({given})",
            f"model = {self.auto_class}.from_pretrained({given}).eval()",
            "config = model.config",
            *self.using_code(backbone, task, max_length, alone=False),
        ]


def _resampled(task: Task, rate: int) -> tuple[str, ...]:
    """Say which clips are resampled, if any are."""
    rates = Counter(clip.header.rate for split in task.splits.values() for clip in split.items)
    others = [f"{own:,} Hz ({count:,} clips)" for own, count in sorted(rates.items()) if own != rate]
    return (f"resampled to the {rate:,} Hz that the model reads: {', '.join(others)}",) if others else ()
