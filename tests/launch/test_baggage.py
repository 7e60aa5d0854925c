"""Which files workers read for a plan, and where their paths lead on a machine that was brought them."""

from pathlib import Path

import pytest

from autopeft.launch import SearchPlan
from autopeft.launch.baggage import baggage_of, moved
from autopeft.launch.job import WorkerJob
from autopeft.tasks import TaskSpec, load_task
from tests.launch.elsewhere import Elsewhere
from tests.tasks.media.fill import fill

ROWS = "text,label\n" + "".join(f"text {n},{'ab'[n % 2]}\n" for n in range(60))


@pytest.fixture
def place(tmp_path, monkeypatch):
    monkeypatch.setenv("AUTOPEFT_CACHE", str(tmp_path / "cache"))
    folder = tmp_path / "place"
    (folder / "parts").mkdir(parents=True)
    (folder / "train.csv").write_text(ROWS)
    (folder / "parts" / "1.csv").write_text(ROWS)
    (folder / "parts" / "2.csv").write_text(ROWS.replace("text ", "word "))
    (folder / "parts" / "other.txt").write_text("nothing")
    return folder


def packed(plan, spec):
    return baggage_of(SearchPlan.of(plan), spec, load_task(spec))


def texts(data, **more):
    return TaskSpec.of(data=str(data), text="text", label="label", **more)


@pytest.mark.parametrize(
    ("named", "files"),
    [
        ("train.csv", ["train.csv"]),
        ("parts", ["1.csv", "2.csv", "other.txt"]),
        ("parts/*.csv", ["1.csv", "2.csv"]),
        ("p*s/[12].csv", ["1.csv", "2.csv"]),
    ],
)
def test_data_is_the_same_where_it_was_brought(named, files, place, tmp_path):
    if named == "parts":
        (place / "parts" / "other.txt").unlink()
        files = files[:2]
    spec = texts(place / named)
    baggage = packed({"data": str(place / named)}, spec)
    assert [Path(path).name for path in baggage.parcels[0].paths] == files
    before = load_task(spec)
    places = baggage.opened(Elsewhere(place, tmp_path / "away"))
    assert not place.exists()
    after = load_task(moved(spec, places))
    assert after.fingerprint == before.fingerprint
    # Data is called by the folder or the file that it is in.
    assert after.name == before.name


def test_validation_and_test_travel_with_the_data(place, tmp_path):
    spec = texts(place / "train.csv", validation=str(place / "parts" / "1.csv"), test=str(place / "parts" / "2.csv"))
    baggage = packed({"data": str(place / "train.csv")}, spec)
    assert len(baggage.parcels) == 1
    assert baggage.describe() == f"the data {3 * len(ROWS) / 1024:.1f} KiB"
    places = baggage.opened(Elsewhere(place, tmp_path / "away"))
    assert set(places) == {spec.data, spec.validation, spec.test}
    assert all(Path(path).is_file() for path in places.values())


def test_pictures_that_a_table_names_travel_with_it(tmp_path, monkeypatch):
    monkeypatch.setenv("AUTOPEFT_CACHE", str(tmp_path / "cache"))
    fill(tmp_path / "pets", {"cat": 20, "dog": 20})
    rows = "".join(f"{label}/{n}.png,{label}\n" for label in ("cat", "dog") for n in range(20))
    (tmp_path / "pets" / "rows.csv").write_text("image,label\n" + rows)
    (tmp_path / "pets" / "unused.png").write_bytes(b"not one of them")
    spec = TaskSpec.of(data=str(tmp_path / "pets" / "rows.csv"), image="image", label="label")
    baggage = packed({"data": spec.data}, spec)
    names = [Path(path).name for path in baggage.parcels[0].paths]
    assert len(names) == 41
    assert "unused.png" not in names
    before = load_task(spec).fingerprint
    places = baggage.opened(Elsewhere(tmp_path / "pets", tmp_path / "away"))
    assert load_task(moved(spec, places)).fingerprint == before


def test_of_a_model_what_is_loaded_travels(place):
    model = place / "model"
    for name in (
        "config.json",
        "model.safetensors",
        "tokenizer.json",
        "pytorch_model.bin",
        "checkpoint-9/model.safetensors",
    ):
        (model / name).parent.mkdir(parents=True, exist_ok=True)
        (model / name).write_text(name)
    spec = texts(place / "train.csv")
    found = packed({"model": str(model), "data": spec.data, "plugin": str(place / "train.csv")}, spec)
    assert [parcel.what for parcel in found.parcels] == ["the data", "the model", "the plugin"]
    names = [str(Path(path).relative_to(model)) for path in found.parcels[1].paths]
    assert names == ["config.json", "model.safetensors", "tokenizer.json"]


def test_names_of_the_hub_are_left_to_each_machine(place):
    spec = texts(place / "train.csv")
    found = packed({"model": "prajjwal1/bert-tiny", "data": spec.data}, spec)
    assert [parcel.what for parcel in found.parcels] == ["the data"]


def test_what_lies_where_it_is_named_keeps_its_paths(place):
    spec = texts(place / "parts" / "*.csv")
    found = packed({"data": spec.data}, spec)
    assert moved(spec, found.opened(None)) == spec


def test_a_job_without_baggage_is_as_it_was(place):
    job = WorkerJob(None, None, None, None, None, texts(place / "train.csv"), None, 0, None)
    assert job._here() is job
