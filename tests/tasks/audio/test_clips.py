"""Clips of sound from folders and tables, and what is wrong with some."""

import struct

import numpy as np
import pandas as pd
import pytest
import soundfile

from autopeft.errors import DataError
from autopeft.tasks import TaskSpec, load_task, overview
from autopeft.tasks.audio import Clip

RNG = np.random.default_rng(0)


def write(path, seconds=0.1, rate=8_000, channels=1, **how):
    path.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(path, RNG.uniform(-0.5, 0.5, (int(seconds * rate), channels)), rate, **how)
    return path


def fill(folder, counts, ending="wav"):
    for label, count in counts.items():
        for number in range(count):
            write(folder / label / f"{number}.{ending}", 0.1 + 0.01 * (number % 7))
    return folder


def loaded(path, **settings):
    return load_task(TaskSpec(data=str(path), **settings))


@pytest.mark.parametrize("ending", ["wav", "flac"])
def test_a_folder_for_each_label_is_split(tmp_path, ending):
    folder = fill(tmp_path / "words", {"yes": 40, "no": 60}, ending)
    (folder / "yes" / "notes.txt").write_text("no clip")
    write(folder / "no" / "0.wav", channels=2)
    task = loaded(folder)
    assert (task.kind.name, task.schema.labels) == ("audio", ("no", "yes"))
    assert sum(map(len, task.splits.values())) == (100 if ending == "wav" else 101)
    assert "clips with 2 labels" in task.describe()[0]
    said = "\n".join(task.describe())
    assert "1 other files" in said
    assert "1 of 10" in said
    assert "clips have several channels, of which the mean is taken" in said
    assert overview(task)["lengths"]["unit"] == "milliseconds"
    assert overview(task)["lengths"]["longest"] == 160


@pytest.mark.parametrize("held", ["paths", "structs"])
def test_tables_hold_paths_or_bytes(tmp_path, held):
    folder = fill(tmp_path / "words", {"yes": 40, "no": 60})
    files = sorted(folder.rglob("*.wav"))
    cells = {
        "paths": [str(file.relative_to(tmp_path)) for file in files],
        "structs": [{"bytes": file.read_bytes(), "path": None} for file in files],
    }[held]
    table = pd.DataFrame({"clip": cells, "word": [file.parent.name for file in files]})
    path = tmp_path / ("rows.csv" if held == "paths" else "rows.parquet")
    (table.to_csv if held == "paths" else table.to_parquet)(path, index=False)
    task = loaded(path, audio="clip", label="word")
    assert (task.kind.name, task.schema.columns, len(task.train)) == ("audio", ("clip",), 60)
    assert task.train.items[0].decoded(16_000).dtype == np.float32


def test_samples_are_those_of_the_file_at_any_rate(tmp_path):
    time = np.arange(8_000) / 8_000
    soundfile.write(tmp_path / "tone.wav", np.stack([np.sin(880 * np.pi * time), np.zeros(8_000)], 1), 8_000)
    clip = Clip("tone", tmp_path / "tone.wav")
    assert (clip.header.rate, clip.header.channels, clip.header.seconds) == (8_000, 2, 1.0)
    assert np.allclose(clip.decoded(), 0.5 * np.sin(880 * np.pi * time), atol=1e-4)
    double = clip.decoded(16_000)
    again = 0.5 * np.sin(880 * np.pi * np.arange(16_000) / 16_000)
    assert np.allclose(double[500:-500], again[500:-500], atol=1e-3)


def test_a_file_that_was_written_as_a_stream_is_read(tmp_path):
    held = bytearray(write(tmp_path / "one.wav").read_bytes())
    for place in (4, held.index(b"data") + 4):
        held[place : place + 4] = b"\xff\xff\xff\xff"
    (tmp_path / "stream.wav").write_bytes(held)
    assert np.array_equal(Clip("a", tmp_path / "stream.wav").decoded(), Clip("b", tmp_path / "one.wav").decoded())


@pytest.mark.parametrize("mode", ["VARIABLE", "AVERAGE", "CONSTANT"])
@pytest.mark.parametrize("tag", [b"", b"ID3\x03\0\0\0\0\x02\0" + bytes(256)])
def test_an_mp3_that_does_not_say_its_length_is_read_to_its_end(tmp_path, mode, tag):
    # Its first frame is quiet, and small: what is guessed by that is far too long.
    samples = np.concatenate([np.zeros(16_000), RNG.uniform(-0.5, 0.5, 32_000)])
    soundfile.write(tmp_path / "said.mp3", samples, 16_000, bitrate_mode=mode, compression_level=0.4)
    held = (tmp_path / "said.mp3").read_bytes()
    assert Clip("said", held).header.seconds == 3.0
    rest = tag + held[held.index(held[:2], 4) :]
    (tmp_path / "unsaid.mp3").write_bytes(rest)
    for source in (rest, tmp_path / "unsaid.mp3"):
        clip = Clip("unsaid", source)
        assert clip.header.seconds == pytest.approx(3.0, abs=0.2)
        assert len(clip.decoded()) == round(clip.header.seconds * 16_000)


def text(file):
    file.write_text("hello")


def nothing(file):
    file.write_bytes(b"")


def silence_of_no_length(file):
    soundfile.write(file, np.zeros(0), 8_000)


def numbers_that_are_none(file):
    soundfile.write(file, np.full(800, np.nan, np.float32), 8_000, subtype="FLOAT")


def impossible_rate(rate):
    def spoil(file):
        held = bytearray(file.read_bytes())
        held[24:28] = struct.pack("<I", rate)
        file.write_bytes(held)

    return spoil


def cut_wav(file):
    file.write_bytes(file.read_bytes()[:-100])


def cut_aiff(file):
    soundfile.write(file, np.zeros(800), 8_000, format="AIFF")
    file.write_bytes(file.read_bytes()[:-100])


def cut_mp3(file):
    soundfile.write(file, RNG.uniform(-0.5, 0.5, 16_000), 16_000, format="MP3")
    held = file.read_bytes()
    file.write_bytes(held[: len(held) // 2])


def cut_flac(file):
    write(file.with_suffix(".flac"), 2.0)
    file.unlink()
    held = file.with_suffix(".flac").read_bytes()
    file.with_suffix(".flac").write_bytes(held[: len(held) // 2])


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (text, "7.wav (no sound that libsndfile reads)"),
        (nothing, "7.wav (no sound that libsndfile reads)"),
        (silence_of_no_length, "7.wav (no samples)"),
        (numbers_that_are_none, "7.wav (samples that are no numbers)"),
        (impossible_rate(7), "7.wav (a sample rate of 7 Hz; expected 1,000 to 768,000)"),
        (impossible_rate(2_000_000_000), "7.wav (a sample rate of 2,000,000,000 Hz"),
        (cut_wav, "bytes of samples; cut off)"),
        (cut_flac, "7.flac ("),
        (cut_aiff, "bytes of samples; cut off)"),
        (cut_mp3, "samples; cut off)"),
    ],
)
def test_broken_clips_are_named(tmp_path, spoil, said):
    folder = fill(tmp_path / "words", {"yes": 40, "no": 60})
    spoil(folder / "yes" / "7.wav")
    with pytest.raises(DataError) as error:
        loaded(folder)
    assert "task words: 1 of 100 clips cannot be read: yes/" in str(error.value)
    assert said in str(error.value)
    assert str(error.value).endswith("mend them, or leave them out")


def test_what_is_wrong_is_told(tmp_path):
    folder = fill(tmp_path / "words", {"yes": 40, "no": 60, "hm": 1})
    with pytest.raises(DataError, match="found one clip alone of 'hm'; expected several of each label"):
        loaded(folder)
    rows = tmp_path / "rows.csv"
    rows.write_text("audio,label\n" + "".join(f"words/yes/{n}.wav,yes\nwords/no/{n}.wav,no\n" for n in range(45)))
    with pytest.raises(DataError, match=r"column 'audio': .*names 'words/yes/40.wav', which is not there"):
        loaded(rows)
    with pytest.raises(DataError, match="has no column 'sound'; it has audio, label: name that of the clips"):
        loaded(rows, kind="audio", audio="sound")
