"""A search on a cluster whose nodes share no files, while nodes die and come."""

import json
import os
import shutil
import subprocess
import sys
import threading
import time
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
import ray

from autopeft.launch import Crew, SearchPlan
from autopeft.testing.models import tiny_backbone
from tests.cli.test_search import WORDS, facts, finished, trials
from tests.launch.nodes import Nodes, needs_namespaces

pytestmark = [pytest.mark.slow, needs_namespaces]

_PLUGIN = Path(__file__).resolve().parents[2] / "examples" / "own_method.py"
_SPACE = "name: gains\nmodules: {gain: {}, lora: {rank: off | 1..4 by x2}}\ntraining: {learning_rate: 1e-3..1e-1 log}\n"


@pytest.fixture
def place(tmp_path):
    """Return a folder with data, model, plugin and space, which is where the search runs too."""
    folder = tmp_path / "place"
    folder.mkdir()
    rows = ["text,label"]
    for index in range(240):
        season = list(WORDS)[index % 3]
        words = WORDS[season].split()
        rows.append(f"{words[index % 4]} number{index} {words[(index // 4) % 4]},{season}")
    (folder / "train.csv").write_text("\n".join(rows) + "\n")
    tiny_backbone("bert", folder, vocabulary=tuple(rows))
    shutil.copy(_PLUGIN, folder / "own.py")
    (folder / "gains.yaml").write_text(_SPACE)
    return folder


def command(*words):
    flags = ["--model", "tiny-bert", "--data", "train.csv", "--text", "text", "--label", "label", "--budget", "20%"]
    flags += ["--plugin", "own.py", "--space", "gains.yaml", "--no-early-stopping", "-o", "run", *words]
    return [sys.executable, "-m", "autopeft.cli", "search", *map(str, flags)]


@contextmanager
def searching(words, place, nodes):
    with (place.parent / "said").open("w") as said:
        search = subprocess.Popen(words, cwd=place, stdout=said, stderr=subprocess.STDOUT, env=nodes.environment)
        try:
            yield search
        finally:
            search.kill()
            search.wait()


def until(true, seconds):
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end
        time.sleep(0.2)


def test_nodes_without_the_files_search_and_select_while_one_dies_and_one_comes(place, record_property):
    with Nodes(place) as nodes:
        nodes.add(1, apart=False)
        stays, dies = nodes.add(1), nodes.add(2)
        words = command("--ray-address", nodes.address, "--trials", 20, "--epochs", 60)
        with searching(words, place, nodes) as search:
            until(lambda: (nodes.cache(dies) / "parcels").is_dir() and finished(place / "run") >= 4, 120)
            nodes.kill(dies)
            comes = nodes.add(2)
            assert search.wait(400) == 0, (place.parent / "said").read_text()
        said = (place.parent / "said").read_text()
        assert "cluster 3 nodes: 1 of 2 CPUs; 2 of 1 CPU; 4 trials at once, each on a CPU, more as nodes come" in said
        assert "are brought the data 6.2 KiB, the model" in said
        assert "Traceback" not in said
        for number in (stays, dies, comes):
            brought = [path for path in (nodes.cache(number) / "parcels").rglob("*") if path.is_file()]
            assert {"train.csv", "model.safetensors", "own.py"} <= {path.name for path in brought}
        assert not nodes.cache(0).joinpath("parcels").exists()
    told = trials(place / "run")
    lost = [trial for trial in told if trial.state.name == "FAIL"]
    again = [trial.user_attrs["retry_of"] for trial in told if "retry_of" in trial.user_attrs]
    assert lost
    assert sorted(again) == sorted(trial.number for trial in lost)
    assert len(facts(place / "run")) == 20
    record_property("figures", {"nodes killed": 1, "trials repeated": len(lost), "trials lost": 0})
    # What finalists are came back whole, and names the model where it lies here.
    finalists = json.loads((place / "run" / "finalists.json").read_text())
    folders = list((place / "run" / "finalists").glob("*/seed-*"))
    assert finalists["finalists"]
    assert all((folder / "validation.npy").is_file() for folder in folders)
    for config in (place / "run" / "finalists").rglob("adapter_config.json"):
        assert json.loads(config.read_text())["base_model_name_or_path"] == str(place / "tiny-bert")


@dataclass(frozen=True)
class Job:
    """Loads nothing."""

    def runner(self):
        return ray.get_runtime_context().get_node_id()


@dataclass(frozen=True)
class Nap:
    """Takes a second, and says on which node."""

    number: int

    def __call__(self, runner):
        time.sleep(1)
        return runner


def test_errands_go_on_where_a_node_dies_before_its_workers_are_there_and_another_comes(tmp_path, monkeypatch):
    with Nodes(tmp_path) as nodes:
        nodes.add(1, apart=False)
        dies = nodes.add(2)
        for name in ("RAY_AUTH_MODE", "RAY_AUTH_TOKEN"):
            monkeypatch.setenv(name, nodes.environment[name])
        naps = iter([(number, Nap(number)) for number in range(16)])
        named = []

        def replace():
            nodes.kill(dies)
            nodes.add(2)

        replacing = threading.Thread(target=replace)

        def name():
            named.append(next(naps, None))
            if len(named) == 3:
                replacing.start()
            return named[-1]

        with Crew(SearchPlan.of({"ray_address": nodes.address}), Job()) as crew:
            assert crew.size == 3
            where = dict(crew.follow(name))
        replacing.join()
    assert sorted(where) == list(range(16))
    assert len(set(where.values())) == 2


def test_what_is_searched_on_a_cluster_is_what_is_searched_here(place):
    few = ("--trials", 6, "--epochs", 1, "--no-select", "--sampler", "random")
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    with Nodes(place) as nodes:
        nodes.add(0, apart=False)
        nodes.add(1)
        words = command("--ray-address", nodes.address, *few)
        done = subprocess.run(words, cwd=place, env=nodes.environment, capture_output=True, text=True, timeout=200)
        assert done.returncode == 0, done.stdout + done.stderr
    there = facts(place / "run")
    words = [*command(*few, "--workers", 0), "--fresh"]
    done = subprocess.run(words, cwd=place, env=environment, capture_output=True, text=True, timeout=200)
    assert done.returncode == 0, done.stdout + done.stderr
    assert facts(place / "run") == there


def test_a_cluster_without_room_is_one_sentence(place):
    with Nodes(place) as nodes:
        nodes.add(0, apart=False)
        words = command("--ray-address", nodes.address, "--trials", 6)
        done = subprocess.run(words, cwd=place, env=nodes.environment, capture_output=True, text=True, timeout=100)
    assert done.returncode == 2
    assert done.stderr == (
        "error: no node of the cluster has room for a trial, which takes a CPU; found 1 node: 1 of 0 CPUs: add a node "
        "by `ray start`\n"
    )
    assert not (place / "run").exists()
