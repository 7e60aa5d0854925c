"""What travels between machines of a cluster: it stays in its folder, is what was sent, and nobody else writes it."""

import os
import pickle
from contextlib import nullcontext
from functools import partial
from pathlib import Path
from types import SimpleNamespace

import pytest

from autopeft import cache
from autopeft.errors import AutopeftError
from autopeft.launch import away, parcel, ray_crew, ray_tasks, tune
from autopeft.launch.away import Brought
from autopeft.launch.parcel import Parcel
from tests.launch.elsewhere import Elsewhere
from tests.security.attacks import Bomb
from tests.security.test_modes import open_to_everybody

OUT = r"leads out of the folder that its files are brought to; write it without \.\."


@pytest.fixture(autouse=True)
def kept(tmp_path, monkeypatch):
    monkeypatch.setenv("AUTOPEFT_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache" / "parcels"


@pytest.fixture
def packed(tmp_path):
    """Return what packs a file and takes it away."""

    def pack(content):
        (tmp_path / "home").mkdir()
        (tmp_path / "home" / "it.bin").write_bytes(content)
        return Parcel.of("the data", [tmp_path / "home" / "it.bin"]), Elsewhere(tmp_path / "home", tmp_path / "away")

    return pack


def _plainly(folder, path):
    return folder.joinpath(*Path(path).parts[1:])


class _Sends:
    """Sends whatever it is asked for."""

    def digests(self, files):
        return ["2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae" for _ in files]

    def read(self, pieces):
        return (b"foo" for _ in pieces)


def test_a_parcel_writes_into_its_folder_alone(tmp_path, monkeypatch):
    made = Parcel("the data", (("/a/../../../../planted", 3, 1),))
    with pytest.raises(AutopeftError, match=OUT):
        made.opened(_Sends())
    assert not (tmp_path / "planted").exists()
    monkeypatch.setattr(parcel, "below", _plainly)
    made.opened(_Sends())
    assert (tmp_path / "planted").read_bytes() == b"foo"


def test_what_a_worker_brings_back_is_written_into_its_folder_alone(tmp_path, monkeypatch):
    monkeypatch.setattr(away, "ray", SimpleNamespace(get=bytes))
    brought = Brought(None, {"../planted": [b"foo"]})
    (tmp_path / "run").mkdir()
    with pytest.raises(AutopeftError, match=OUT):
        brought.put(tmp_path / "run")
    assert not (tmp_path / "planted").exists()
    Brought(None, {str(tmp_path / "absolute"): [b"foo"]}).put(tmp_path / "run")
    assert not (tmp_path / "absolute").exists()
    monkeypatch.setattr(away, "below", _plainly)
    (tmp_path / "run").mkdir(exist_ok=True)
    brought.put(tmp_path / "run")
    assert (tmp_path / "planted").read_bytes() == b"foo"


class _Blind:
    """Finds the same in everything."""

    def __init__(self, content=b""):
        pass

    def update(self, content):
        pass

    def hexdigest(self):
        return "0" * 64


def test_what_is_not_what_was_hashed_is_refused(packed, monkeypatch, kept):
    made, home = packed(b"as it was")
    digests = home.digests(made.files)
    monkeypatch.setattr(home, "digests", lambda files: digests)
    home.at(made.paths[0]).write_bytes(b"replaced!")
    with pytest.raises(AutopeftError, match="has changed since the command began; leave it as it is"):
        made.opened(home)
    assert not list(kept.glob("*/whole"))
    monkeypatch.setattr(parcel, "hashlib", SimpleNamespace(sha256=_Blind))
    monkeypatch.setattr(home, "digests", lambda files: ["0" * 64])
    folder = made.opened(home)
    assert parcel.below(folder, made.paths[0]).read_bytes() == b"replaced!"


def test_nothing_of_a_parcel_is_unpickled(packed, tmp_path):
    content = pickle.dumps(Bomb(tmp_path / "mark"))
    made, home = packed(content)
    for _ in range(2):
        folder = made.opened(home)
    found = parcel.below(folder, made.paths[0]).read_bytes()
    assert found == content
    assert not (tmp_path / "mark").exists()
    pickle.loads(found)
    assert (tmp_path / "mark").is_dir()


class _Job:
    """Opens a parcel when it is loaded, and again when it trains."""

    def __init__(self, *opens):
        self._opens = opens

    def runner(self):
        return self._opens[0]()

    def start(self, runner, configuration):
        self._opens[1]()
        yield {}


def _in_a_trial(job):
    worker = tune.TrialWorker.__new__(tune.TrialWorker)
    worker.setup({"configuration": "{}"}, job)
    assert worker._fault is None
    worker.step()


WAYS = {
    "a task": (ray_tasks, lambda job: ray_tasks._call(job.runner)),
    "a trial": (tune, _in_a_trial),
    "an errand": (ray_crew, lambda job: ray_crew._Worker(job).do(lambda runner: None)),
}


@pytest.mark.parametrize("way", WAYS)
def test_caches_of_workers_are_not_written_by_everybody_where_ray_was_started_with_an_open_umask(
    way, packed, tmp_path, monkeypatch
):
    module, do = WAYS[way]
    before = os.umask(0)
    try:
        made, home = packed(b"content")
        job = _Job(partial(made.opened, home), (tmp_path / "cache" / "of a trial").touch)
        do(job)
        assert (tmp_path / "cache" / "parcels").is_dir()
        assert open_to_everybody(tmp_path / "cache") == []
        monkeypatch.setattr(module, "shut", nullcontext)
        monkeypatch.setenv("AUTOPEFT_CACHE", str(tmp_path / "unguarded"))
        do(_Job(partial(made.opened, home), lambda: None))
        assert open_to_everybody(tmp_path / "unguarded")
    finally:
        os.umask(before)


def test_a_cache_of_a_node_that_everybody_writes_is_refused(packed, kept, monkeypatch):
    made, home = packed(b"content")
    kept.mkdir(parents=True)
    kept.chmod(0o777)
    with pytest.raises(AutopeftError, match="can be written by everybody on this machine; expected one of yours"):
        made.opened(home)
    assert home.pieces == []
    monkeypatch.setattr(cache, "open_to_all", lambda folder: False)
    assert made.opened(home).is_dir()
