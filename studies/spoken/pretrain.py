"""Make a small pretrained model of sound, and the clips to tune it on.

    python -m studies.spoken.pretrain FSDD OUT

espeak-ng (Debian's package of that name) speaks 40 words, none of them a digit, with twelve voices at several rates and
pitches, noise added; an AST of 1.0M parameters learns from scratch which word it hears, within minutes on two cores.
`OUT/ast` is the model, `OUT/data` the spoken digits of `FSDD`, a folder with the folders `train` and `test`, in which
the name of a file begins with its digit.
"""

from __future__ import annotations

import argparse
import io
import shutil
import subprocess
from pathlib import Path

import numpy as np
import soundfile
import soxr
import torch
from numpy.typing import NDArray
from transformers import ASTConfig, ASTFeatureExtractor, ASTForAudioClassification

from studies.pretraining import from_scratch

_WORDS = """
apple bridge candle doctor engine forest garden hammer island jacket kitchen ladder market number orange
pencil quarter river silver table under valley window yellow zebra bottle coffee dinner finger guitar hotel
iron jungle lemon mirror napkin oven paper rabbit summer
"""
_VOICES = ("m1", "m2", "m3", "m4", "m5", "m6", "f1", "f2", "f3", "f4", "f5", "croak")
#: Words a minute and pitches, espeak-ng's own scales.
_SPOKEN = ((120, 35), (150, 50), (180, 65), (210, 45), (140, 60), (170, 40), (200, 55))
_RATE, _EPOCHS = 16_000, 15
_BANDS = {"num_mel_bins": 64, "max_length": 96}


def main() -> None:
    """Do it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("fsdd", type=Path)
    parser.add_argument("out", type=Path)
    given = parser.parse_args()
    _pretrain(given.out / "ast")
    for split in ("train", "test"):
        for file in sorted((given.fsdd / split).glob("*.wav")):
            home = given.out / "data" / split / file.name[0]
            home.mkdir(parents=True, exist_ok=True)
            shutil.copy(file, home / file.name)


def _pretrain(out: Path) -> None:
    torch.manual_seed(0)
    rng, extractor = np.random.default_rng(0), ASTFeatureExtractor(**_BANDS)
    waves, labels = [], []
    for number, word in enumerate(_WORDS.split()):
        for voice in _VOICES:
            for pace, pitch in _SPOKEN:
                wave = _spoken(word, voice, pace, pitch)
                waves.append(wave + rng.normal(size=len(wave)).astype(np.float32) * rng.uniform(0, 0.02))
                labels.append(number)
    print(f"{len(waves):,} clips of {len(_WORDS.split())} words", flush=True)
    inputs = torch.from_numpy(np.stack(extractor(waves, sampling_rate=_RATE)["input_values"]))
    config = ASTConfig(
        hidden_size=128,
        num_hidden_layers=6,
        num_attention_heads=4,
        intermediate_size=384,
        patch_size=16,
        time_stride=10,
        frequency_stride=16,
        num_labels=len(_WORDS.split()),
        **_BANDS,
    )
    model = ASTForAudioClassification(config)

    def read(rows: NDArray[np.int64], rng: np.random.Generator) -> torch.Tensor:
        # Moved by up to a tenth of a second: people begin to speak at any moment.
        return torch.roll(inputs[rows], int(rng.integers(0, 11)), 1)

    from_scratch(model, read, np.array(labels), _EPOCHS)
    # The head of these words is of no use for others.
    model.audio_spectrogram_transformer.save_pretrained(out)
    extractor.save_pretrained(out)


def _spoken(word: str, voice: str, pace: int, pitch: int) -> NDArray[np.float32]:
    """Return a word as espeak-ng speaks it, at the rate of the model."""
    command = ["espeak-ng", "-v", f"en+{voice}", "-s", str(pace), "-p", str(pitch), "--stdout", word]
    said = subprocess.run(command, capture_output=True, check=True).stdout
    values, rate = soundfile.read(io.BytesIO(said), dtype="float32")
    found: NDArray[np.float32] = soxr.resample(values, rate, _RATE)
    return found


if __name__ == "__main__":
    main()
