"""Pictures from folders, MNIST's files and tables, and what is wrong with some."""

import gzip
import io
import json
import struct

import numpy as np
import pandas as pd
import pytest
from PIL import Image as Pil

from autopeft.errors import DataError
from autopeft.tasks.image import Picture
from autopeft.tasks.media import LabelledMedia
from autopeft.trials import kind_of
from tests.tasks.media.fill import fill, loaded

RNG = np.random.default_rng(0)


def pixels(height=6, width=5):
    return RNG.integers(0, 256, (height, width, 3), dtype=np.uint8)


def png(height=6, width=5):
    out = io.BytesIO()
    Pil.fromarray(pixels(height, width)).save(out, "PNG")
    return out.getvalue()


def test_a_folder_for_each_label_is_split(tmp_path):
    folder = fill(tmp_path / "pets", {"cat": 40, "dog": 60})
    (folder / "cat" / "notes.txt").write_text("no picture")
    task = loaded(folder)
    assert (task.kind.name, task.schema.labels) == ("image", ("cat", "dog"))
    assert {name: len(split) for name, split in task.splits.items()} == {"train": 60, "validation": 20, "test": 20}
    assert any("1 other files" in line for line in task.describe())
    assert "pictures with 2 labels" in task.describe()[0]
    for split in task.splits.values():
        for picture, label in zip(split.items, split.labels, strict=True):
            assert picture.name.startswith(task.schema.labels[label])


def test_folders_of_splits_are_kept(tmp_path):
    for split, counts in {"train": {"a": 30, "b": 30}, "val": {"a": 12, "b": 10}, "test": {"a": 10, "b": 11}}.items():
        fill(tmp_path / "data" / split, counts)
    task = loaded(tmp_path / "data")
    assert {name: len(split) for name, split in task.splits.items()} == {"train": 60, "validation": 22, "test": 21}
    assert all(picture.name.startswith("val/") for picture in task.validation.items)


def write_idx(file, values):
    head = struct.pack(f">I{values.ndim}I", 0x0800 | values.ndim, *values.shape)
    file.write_bytes(gzip.compress(head + values.tobytes()) if file.suffix == ".gz" else head + values.tobytes())


@pytest.mark.parametrize("end", ["", ".gz"])
def test_mnists_files_are_read(tmp_path, end):
    images, labels = RNG.integers(0, 256, (90, 4, 4), dtype=np.uint8), (np.arange(90) % 3 + 7).astype(np.uint8)
    for split in ("train", "t10k"):
        write_idx(tmp_path / f"{split}-images-idx3-ubyte{end}", images)
        write_idx(tmp_path / f"{split}-labels-idx1-ubyte{end}", labels)
    task = loaded(tmp_path)
    assert (task.schema.labels, len(task.test)) == (("7", "8", "9"), 90)
    assert np.array_equal(np.asarray(task.test.items[4].decoded())[:, :, 0], images[4])
    assert task.test.labels[4] == 1


@pytest.mark.parametrize("held", ["paths", "structs", "bytes"])
def test_tables_hold_paths_bytes_or_both(tmp_path, held):
    folder = fill(tmp_path / "pets", {"cat": 40, "dog": 60})
    files = sorted(folder.rglob("*.png"))
    cells = {
        "paths": [str(file.relative_to(tmp_path)) for file in files],
        "structs": [{"bytes": file.read_bytes(), "path": None} for file in files],
        "bytes": [file.read_bytes() for file in files],
    }[held]
    table = pd.DataFrame({"picture": cells, "animal": [file.parent.name for file in files]})
    path = tmp_path / ("rows.csv" if held == "paths" else "rows.parquet")
    (table.to_csv if held == "paths" else table.to_parquet)(path, index=False)
    task = loaded(path, image="picture", label="animal")
    assert (task.kind.name, task.schema.columns, len(task.train)) == ("image", ("picture",), 60)
    expected = {file.read_bytes(): file.parent.name for file in files}
    for picture, label in zip(task.train.items, task.train.labels, strict=True):
        source = picture.source if isinstance(picture.source, bytes) else picture.source.read_bytes()
        assert expected[source] == task.schema.labels[label]


def test_the_same_pictures_have_the_same_fingerprint_wherever_they_stand(tmp_path):
    folder = fill(tmp_path / "one", {"cat": 40, "dog": 60})
    first = loaded(folder).fingerprint
    folder.rename(tmp_path / "other")
    assert loaded(tmp_path / "other").fingerprint == first
    picture = next((tmp_path / "other" / "cat").iterdir())
    picture.write_bytes(png())
    assert loaded(tmp_path / "other").fingerprint != first


def test_what_stands_in_two_splits_is_told(tmp_path):
    for split in ("train", "test"):
        fill(tmp_path / "pets" / split, {"cat": 30, "dog": 30})
    again = (tmp_path / "pets" / "train" / "cat" / "3.png").read_bytes()
    (tmp_path / "pets" / "test" / "cat" / "5.png").write_bytes(again)
    assert any("1 of 60 test inputs also stand in" in line for line in loaded(tmp_path / "pets").describe())


def broken(folder):
    (folder / "cat" / "7.png").write_bytes(png()[:60])


def text(folder):
    (folder / "cat" / "7.png").write_text("hello")


def bomb(folder):
    Pil.new("1", (20000, 10000)).save(folder / "cat" / "7.png")


@pytest.mark.parametrize(
    ("spoil", "said"), [(broken, "7.png"), (text, "7.png (no picture that is read)"), (bomb, "7.png (Image size")]
)
def test_broken_pictures_are_named(tmp_path, spoil, said):
    folder = fill(tmp_path / "pets", {"cat": 40, "dog": 60})
    spoil(folder)
    with pytest.raises(DataError) as error:
        loaded(folder)
    assert "task pets: 1 of 100 pictures cannot be read: cat/" in str(error.value)
    assert said in str(error.value)
    assert str(error.value).endswith("mend them, or leave them out")


def test_what_is_wrong_is_told(tmp_path):
    folder = fill(tmp_path / "pets", {"cat": 40, "dog": 60, "eel": 1})
    with pytest.raises(DataError, match="found one picture alone of 'eel'; expected several of each label"):
        loaded(folder)
    rows = tmp_path / "rows.csv"
    rows.write_text("image,label\n" + "".join(f"pets/cat/{n}.png,cat\npets/dog/{n}.png,dog\n" for n in range(45)))
    with pytest.raises(
        DataError, match=r"column 'image': .*names 'pets/cat/40.png', which is not there.*expected paths"
    ):
        loaded(rows)
    with pytest.raises(
        DataError, match="has no column 'photo'; it has image, label: name that of the pictures by --image"
    ):
        loaded(rows, kind="image", image="photo")
    with pytest.raises(DataError, match="folders of pictures have no columns; leave --image and --label out"):
        loaded(folder, label="animal")


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lambda raw: raw[:-5], "is it cut off"),
        (lambda raw: b"\0\0\0\0" + raw[4:], "is no IDX file of pictures"),
        (lambda raw: raw[:3], "is no IDX file of pictures"),
        (lambda raw: raw + b"\0", "holds more than that"),
        # numpy's product of these is 0, and that of whole numbers no size at all.
        (lambda raw: raw[:4] + struct.pack(">3I", 2**31, 2**31, 4), "which is 18,446,744,073,709,551,616 bytes"),
        (lambda raw: raw[:8] + struct.pack(">2I", 0, 4), "holds pictures of 0 x 4 pixels; expected some pixels"),
    ],
)
def test_damaged_files_of_mnist_are_told(tmp_path, spoil, said):
    write_idx(tmp_path / "images-idx3-ubyte", RNG.integers(0, 256, (90, 4, 4), dtype=np.uint8))
    write_idx(tmp_path / "labels-idx1-ubyte", (np.arange(90) % 3).astype(np.uint8))
    file = tmp_path / "images-idx3-ubyte"
    file.write_bytes(spoil(file.read_bytes()))
    with pytest.raises(DataError, match=said):
        loaded(tmp_path)


def cut(raw):
    return gzip.compress(raw)[:-20]


def corrupt(raw):
    packed = bytearray(gzip.compress(raw))
    # No block of deflate begins so.
    packed[10] = 0xFF
    return bytes(packed)


def swollen(raw):
    return gzip.compress(raw + bytes(10**7))


@pytest.mark.parametrize(
    ("spoil", "said"), [(cut, "cannot be read"), (corrupt, "cannot be read"), (swollen, "more than that")]
)
def test_damaged_packed_files_of_mnist_are_told(tmp_path, spoil, said):
    write_idx(tmp_path / "images-idx3-ubyte", RNG.integers(0, 256, (90, 4, 4), dtype=np.uint8))
    write_idx(tmp_path / "labels-idx1-ubyte", (np.arange(90) % 3).astype(np.uint8))
    file = tmp_path / "images-idx3-ubyte"
    (tmp_path / f"{file.name}.gz").write_bytes(spoil(file.read_bytes()))
    file.unlink()
    with pytest.raises(DataError, match=said):
        loaded(tmp_path)


def saved(picture, format="PNG", **how):
    out = io.BytesIO()
    picture.save(out, format, **how)
    return out.getvalue()


@pytest.mark.parametrize("format", ["PNG", "TIFF", "PPM"])
def test_grey_of_16_bits_keeps_its_shades(format):
    shades = np.linspace(0, 65_535, 256, dtype=np.uint16).reshape(16, 16)
    deep = Picture("deep", saved(Pil.fromarray(shades), format))
    assert deep.seen.deep
    assert np.array_equal(np.asarray(deep.decoded())[:, :, 0].ravel(), np.arange(256))


@pytest.mark.parametrize(("mode", "format"), [("I", "TIFF"), ("F", "TIFF")])
def test_numbers_of_32_bits_are_refused(mode, format):
    with pytest.raises(DataError, match=rf"numbers of 32 bits, Pillow's mode {mode}; expected 8 or 16 bits"):
        Picture("x", saved(Pil.new(mode, (4, 4)), format)).check()


@pytest.mark.parametrize("turn", range(1, 9))
def test_pictures_are_turned_as_their_camera_was(turn):
    values = np.zeros((16, 24, 3), np.uint8)
    values[:8, :8] = 255
    exif = Pil.Exif()
    exif[0x0112] = turn
    turned = Picture("turned", saved(Pil.fromarray(values), exif=exif)).decoded()
    # As transformers' pipelines turn them.
    assert turned.size == ((24, 16) if turn < 5 else (16, 24))
    corner = {1: (0, 0), 2: (-1, 0), 3: (-1, -1), 4: (0, -1), 5: (0, 0), 6: (-1, 0), 7: (-1, -1), 8: (0, -1)}[turn]
    assert turned.getpixel(tuple(side % size for side, size in zip(corner, turned.size, strict=True))) == (255,) * 3


def test_what_of_pictures_is_not_read_is_told(tmp_path):
    folder = fill(tmp_path / "pets", {"cat": 40, "dog": 60})
    frames = [Pil.new("RGB", (6, 5), (number, 0, 0)) for number in range(3)]
    for name, held in {
        "deep": saved(Pil.fromarray(np.full((5, 6), 40_000, np.uint16))),
        "clear": saved(Pil.new("RGBA", (6, 5), (1, 2, 3, 9))),
        "whole": saved(Pil.new("RGBA", (6, 5), (1, 2, 3, 255))),
    }.items():
        (folder / "cat" / f"{name}.png").write_bytes(held)
    (folder / "dog" / "moves.gif").write_bytes(saved(frames[0], "GIF", save_all=True, append_images=frames[1:]))
    said = "\n".join(loaded(folder).describe())
    for words in (
        "have 16 bits of grey, brought to 8",
        "are transparent somewhere",
        "hold several, such as an animation",
    ):
        assert f"1 of 104 pictures {words}" in said


def thin():
    return saved(Pil.new("RGB", (1, 101)))


def postscript():
    return b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 4 4\nshowpage\n"


@pytest.mark.parametrize(
    ("held", "said"),
    [(thin, r"1 x 101 pixels; expected sides of which none is 100 times"), (postscript, "no picture that is read")],
)
def test_pictures_that_are_not_safe_to_read_are_refused(held, said):
    with pytest.raises(DataError, match=said):
        Picture("odd", held()).check()


def test_labels_that_are_not_as_many_are_told(tmp_path):
    write_idx(tmp_path / "images-idx3-ubyte", RNG.integers(0, 256, (90, 4, 4), dtype=np.uint8))
    write_idx(tmp_path / "labels-idx1-ubyte", (np.arange(80) % 3).astype(np.uint8))
    with pytest.raises(DataError, match="90 pictures and 80 labels of train"):
        loaded(tmp_path)


def test_a_table_of_paths_in_a_text_column_is_still_of_texts(tmp_path):
    rows = tmp_path / "rows.csv"
    rows.write_text("text,label\n" + "".join(f"pets/cat/{n}.png,cat\npets/dog/{n}.png,dog\n" for n in range(60)))
    assert loaded(rows).kind.name == "classification"


def test_pictures_of_rows_to_be_predicted(tmp_path):
    folder = fill(tmp_path / "pets", {"cat": 40, "dog": 60})
    task = loaded(folder)
    kind = task.kind
    assert kind.asks(task.schema) == {"image": "image"}
    assert kind.rows_of(task.schema, [folder / "cat" / "0.png"]) == [{"image": str(folder / "cat" / "0.png")}]
    assert json.loads(json.dumps(list(kind.inputs(task.test)))) == [each.digest for each in task.test.items]
    assert kind_of(task).does == "classifies pictures"


def test_grey_and_transparent_pictures_become_rgb():
    grey = Picture("grey", np.full((3, 4), 7, np.uint8)).decoded()
    assert (grey.mode, grey.getpixel((0, 0))) == ("RGB", (7, 7, 7))
    out = io.BytesIO()
    Pil.new("RGBA", (2, 2), (1, 2, 3, 0)).save(out, "PNG")
    assert Picture("clear", out.getvalue()).decoded().mode == "RGB"
    assert len(LabelledMedia([Picture("a", b"")], [1]).take([0, 0])) == 2
