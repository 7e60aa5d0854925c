"""What a user gives as a path is found from any folder; what is none is left alone."""

from pathlib import Path

import pytest
from sqlalchemy.engine import make_url

from autopeft.errors import DataError
from autopeft.launch import SearchPlan
from autopeft.launch.paths import absolute


@pytest.fixture
def home(tmp_path, monkeypatch):
    """A working directory whose name means something in a pattern, with a home beside it."""
    folder = tmp_path / "my [data]"
    for path in (folder / "shards", folder / "sub", tmp_path / "home"):
        path.mkdir(parents=True)
    for name in ("shards/a.jsonl", "shards/b.jsonl", "one.csv", "roles.yaml", "space.yaml", "gpt2", "../home/it.csv"):
        (folder / name).touch()
    for name in ("minilm", "model", "run", "glue"):
        (folder / name).mkdir()
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.chdir(folder)
    return folder


def located(**settings):
    return SearchPlan.of(settings).located()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *(("data", value) for value in ("one.csv", "./one.csv", "shards", "sub/../one.csv")),
        ("validation", "one.csv"),
        ("test", "one.csv"),
        ("model", "model"),
        ("roles", "roles.yaml"),
        ("space", "space.yaml"),
        ("plugin", "one.csv"),
        ("warm_start", "run"),
        ("out", "new/run"),
    ],
)
def test_a_path_becomes_absolute(home, name, value):
    found = getattr(located(**{name: value}), name)
    assert Path(found).is_absolute()
    assert Path(found).resolve() == (home / value).resolve()


@pytest.mark.parametrize("name", ["data", "validation"])
@pytest.mark.parametrize("pattern", ["shards/*.jsonl", "./shards/?.jsonl", "**/*.jsonl"])
def test_a_pattern_finds_the_same_files_from_any_folder(home, monkeypatch, name, pattern):
    from glob import glob

    found = str(getattr(located(**{name: pattern}), name))
    monkeypatch.chdir("/")
    assert sorted(Path(file).name for file in glob(found, recursive=True)) == ["a.jsonl", "b.jsonl"]


def test_home_and_what_is_absolute_already(home):
    assert located(data="~/it.csv").data == str(home.parent / "home" / "it.csv")
    assert located(out="~/run").out == home.parent / "home" / "run"
    assert located(data="~/*.csv").data == f"{home.parent}/home/*.csv"
    assert located(data=f"{home.parent}/home/*.csv").data == f"{home.parent}/home/*.csv"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("data", "nyu-mll/glue:rte"),
        ("data", "imdb"),
        # As typed, for the message.
        *(("data", value) for value in ("none.csv", "none/*.csv")),
        ("model", "minilm"),
        ("model", "Qwen/Qwen3-0.6B"),
        # A file cannot be a model.
        ("model", "gpt2"),
        ("space", "default"),
        ("space", {"name": "s" * 300, "choose": {"ia3": {}}}),
    ],
)
def test_what_is_no_path_here_is_left_alone(home, name, value):
    assert getattr(located(**{name: value}), name) == value


def test_a_local_data_set_keeps_its_subset(home):
    assert located(data="glue:rte").data == f"{home}/glue:rte"


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("sqlite:///all.db", "{home}/all.db"),
        ("sqlite+pysqlite:///sub/all.db?timeout=9", "{home}/sub/all.db"),
        ("sqlite:////tmp/all.db", "/tmp/all.db"),
    ],
)
def test_the_file_of_a_storage(home, url, expected):
    found = make_url(located(storage=url).storage)
    assert found.database == expected.format(home=home)
    assert (found.drivername, found.query) == (make_url(url).drivername, make_url(url).query)


@pytest.mark.parametrize("url", ["sqlite://", "sqlite:///:memory:", "postgresql://me:secret@host/db", "no url"])
def test_a_storage_without_a_file(home, url):
    assert located(storage=url).storage == url


@pytest.mark.parametrize(
    ("name", "value"),
    [("data", "~nobody-of-this-name/rows.csv"), ("out", "~nobody-of-this-name/run"), ("data", "rows of words " * 40)],
)
def test_what_can_be_no_path_is_refused(name, value):
    with pytest.raises(DataError, match="is no path that can be read"):
        absolute(name, value)
