"""A search on a cluster whose nodes share no files, while nodes die and come."""

import json
import os
import re
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
from tests.launch.nodes import PATIENCE_SECONDS, Nodes, needs_namespaces

pytestmark = [pytest.mark.slow, needs_namespaces]

_PLUGIN = Path(__file__).resolve().parents[2] / "examples" / "own_method.py"
_SPACE = "name: gains\nmodules: {gain: {}, lora: {rank: off | 1..4 by x2}}\ntraining: {learning_rate: 1e-3..1e-1 log}\n"

#: Notes each trial in the folder of its node, and sleeps there as long as that is told to.
_NOTES = """
import os
import time
from pathlib import Path

from autopeft.launch.job import WorkerJob

if "NODE" in os.environ and WorkerJob.start.__name__ == "start":
    begin, node = WorkerJob.start, Path(os.environ["NODE"])

    def noted(self, runner, configuration):
        (node / f"trial-{time.time_ns()}").touch()
        while (node / "sleeps").exists():
            time.sleep(0.1)
        return begin(self, runner, configuration)

    WorkerJob.start = noted
"""


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
    (folder / "own.py").write_text(_PLUGIN.read_text() + _NOTES)
    (folder / "gains.yaml").write_text(_SPACE)
    return folder


def command(*words):
    flags = ["--model", "tiny-bert", "--data", "train.csv", "--text", "text", "--label", "label", "--budget", "20%"]
    flags += ["--plugin", "own.py", "--space", "gains.yaml", "--no-early-stopping", "-o", "run", *words]
    return [sys.executable, "-m", "autopeft.cli", "search", *map(str, flags)]


def told(nodes, place, *words):
    """Run a search to its end."""
    how = {"capture_output": True, "text": True, "timeout": PATIENCE_SECONDS}
    return subprocess.run(command(*words), cwd=place, env=nodes.environment, **how)


@contextmanager
def searching(words, place, nodes):
    with (place.parent / "said").open("w") as said:
        search = subprocess.Popen(words, cwd=place, stdout=said, stderr=subprocess.STDOUT, env=nodes.environment)
        try:
            yield search
        finally:
            search.kill()
            search.wait()


def until(true, search, said):
    end = time.monotonic() + PATIENCE_SECONDS
    while not true():
        assert search.poll() is None, said.read_text()
        assert time.monotonic() < end, said.read_text()
        time.sleep(0.2)


def begun(nodes, number):
    return len(list(nodes.folder(number).glob("trial-*")))


def test_nodes_without_the_files_search_and_select_while_one_dies_and_one_comes(place, record_property):
    said, total = place.parent / "said", 14
    with Nodes(place) as nodes:
        # The machine of the search runs no trials: all that is trained is trained where the files are not.
        nodes.add(0, apart=False)
        stays, dies = nodes.add(1), nodes.add(2)
        for each in (stays, dies):
            (nodes.folder(each) / "sleeps").touch()
        words = command("--ray-address", nodes.address, "--trials", total, "--epochs", 1)
        with searching(words, place, nodes) as search:
            until(lambda: (begun(nodes, stays), begun(nodes, dies)) == (1, 2), search, said)
            (nodes.folder(stays) / "sleeps").unlink()
            until(lambda: finished(place / "run") >= 4, search, said)
            # One that sleeps holds up its own trials alone.
            assert begun(nodes, dies) == 2
            (nodes.folder(stays) / "sleeps").touch()
            before = begun(nodes, stays)
            nodes.kill(dies)
            comes = nodes.add(2)
            until(lambda: begun(nodes, comes) >= 2, search, said)
            assert begun(nodes, stays) <= before + 1
            (nodes.folder(stays) / "sleeps").unlink()
            assert search.wait(PATIENCE_SECONDS) == 0, said.read_text()
        brought = {number: files_of(nodes.cache(number)) for number in (0, stays, dies, comes)}
    check_told(said.read_text())
    assert brought.pop(0) == []
    for files in brought.values():
        # Once for all workers of a node.
        for name in ("train.csv", "model.safetensors", "own.py"):
            assert [path.name for path in files if "finalists" not in path.parts].count(name) == 1
    assert any(path.name == "adapter_config.json" for path in brought[stays] + brought[comes])
    found = trials(place / "run")
    lost = [trial for trial in found if trial.state.name == "FAIL"]
    again = [trial.user_attrs["retry_of"] for trial in found if "retry_of" in trial.user_attrs]
    assert sorted(again) == sorted(trial.number for trial in lost)
    assert len(lost) == 2
    assert len(facts(place / "run")) == total
    figures = {
        "nodes killed": 1,
        "nodes added": 1,
        "trials repeated": len(again),
        "trials lost": len(lost) - len(again),
    }
    record_property("figures", figures)
    print(figures)
    check_finalists(place)


def files_of(cache):
    return [path for path in (cache / "parcels").rglob("*") if path.is_file() and path.suffix != ".lock"]


def check_told(said):
    assert (
        "cluster 3 nodes: 1 of 2 CPUs; 1 of 1 CPU; 1 of 0 CPUs; 3 trials at once, each on a CPU, more as nodes come; "
        "nodes that do not have it are brought the data 6.2 KiB, the model"
    ) in said
    assert said.index("cluster 3 nodes") < said.index("[1/14]")
    # Of a node that dies one line for each trial that it had, and nothing of Ray's own.
    of_death = [line for line in said.splitlines() if re.search("died|killed|lost|node .*(dead|gone)", line)]
    assert len(of_death) == 2
    for line in of_death:
        assert re.match(r"\[\d+/14\] trial \d+ killed: its worker died ", line)
    for word in ("Traceback", "raylet", "pid=", "WARNING", "ERROR", "Error", "gcs", "Tip:"):
        assert word not in said


def check_finalists(place):
    """What finalists are came back whole, and names the model where it lies here."""
    assert json.loads((place / "run" / "finalists.json").read_text())["finalists"]
    folders = list((place / "run" / "finalists").glob("*/seed-*"))
    assert folders
    assert all((folder / "validation.npy").is_file() for folder in folders)
    for config in (place / "run" / "finalists").rglob("adapter_config.json"):
        assert json.loads(config.read_text())["base_model_name_or_path"] == str(place / "tiny-bert")
    texts = [file.read_bytes() for file in (place / "run").rglob("*") if file.is_file()]
    assert not any(b"parcels" in text for text in texts)


@dataclass(frozen=True)
class Job:
    """Loads nothing."""

    def runner(self):
        return ray.get_runtime_context().get_node_id()


@dataclass(frozen=True)
class Nap:
    """Says on which node it was; the last ones wait until two were at work."""

    number: int
    marks: Path

    def __call__(self, runner):
        (self.marks / runner).touch()
        end = time.monotonic() + PATIENCE_SECONDS
        while self.number > 7 and len(list(self.marks.iterdir())) < 2 and time.monotonic() < end:
            time.sleep(0.1)
        return runner


def test_errands_go_on_where_a_node_dies_before_its_workers_are_there_and_another_comes(tmp_path, monkeypatch):
    for name in ("hidden", "marks"):
        (tmp_path / name).mkdir()
    with Nodes(tmp_path / "hidden") as nodes:
        nodes.add(1, apart=False)
        dies = nodes.add(2)
        for name in ("RAY_AUTH_MODE", "RAY_AUTH_TOKEN"):
            monkeypatch.setenv(name, nodes.environment[name])
        naps = iter([(number, Nap(number, tmp_path / "marks")) for number in range(16)])
        named = []

        def replace():
            nodes.kill(dies)
            for mark in (tmp_path / "marks").iterdir():
                mark.unlink()
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
    assert len(set(where.values())) >= 2


@dataclass(frozen=True)
class Stay:
    """Stays until so many workers are at work; says in the folder of which node it was, and which GPU it had."""

    marks: Path
    workers: int

    def __call__(self, runner):
        (self.marks / f"{os.getpid()}").touch()
        end = time.monotonic() + PATIENCE_SECONDS
        while len(list(self.marks.iterdir())) < self.workers and time.monotonic() < end:
            time.sleep(0.1)
        return Path(os.environ["NODE"]).name, os.environ.get("CUDA_VISIBLE_DEVICES")


def test_workers_are_by_gpu_on_uneven_nodes_and_by_what_nodes_declare(tmp_path, monkeypatch):
    (tmp_path / "gpus").mkdir()
    (tmp_path / "declared").mkdir()
    with Nodes(tmp_path) as nodes:
        nodes.add(4, apart=False)
        one, two = nodes.add(4, gpus=1, apart=False), nodes.add(4, gpus=2, apart=False)
        for name in ("RAY_AUTH_MODE", "RAY_AUTH_TOKEN"):
            monkeypatch.setenv(name, nodes.environment[name])
        with Crew(SearchPlan.of({"ray_address": nodes.address}), Job()) as crew:
            assert crew.size == 3
            where = [found for _, found in crew.do([Stay(tmp_path / "gpus", 3)] * 3)]
        assert sorted(where) == [(str(one), "0"), (str(two), "0"), (str(two), "1")]
        declares = nodes.add(4, resources='{"autopeft": 2}', apart=False)
        with Crew(SearchPlan.of({"ray_address": nodes.address}), Job()) as crew:
            assert crew.size == 2
            where = [node for _, (node, _) in crew.do([Stay(tmp_path / "declared", 2)] * 4)]
        assert where == [str(declares)] * 4


def test_what_is_searched_on_a_cluster_is_what_is_searched_here(place):
    few = ("--trials", 6, "--epochs", 1, "--no-select", "--sampler", "random")
    with Nodes(place) as nodes:
        nodes.add(0, apart=False)
        nodes.add(1)
        done = told(nodes, place, "--ray-address", nodes.address, *few)
        assert done.returncode == 0, done.stdout + done.stderr
        there = facts(place / "run")
        done = told(nodes, place, *few, "--workers", 0, "--fresh")
    assert done.returncode == 0, done.stdout + done.stderr
    assert facts(place / "run") == there


def test_no_room_and_a_model_that_is_too_large_are_one_sentence_each(place):
    with Nodes(place) as nodes:
        nodes.add(0, apart=False)
        done = told(nodes, place, "--ray-address", nodes.address, "--trials", 6)
        assert done.returncode == 2
        assert done.stderr == (
            "error: no node of the cluster has room for a trial, which takes a CPU; found 1 node: 1 of 0 CPUs: add a "
            "node by `ray start`\n"
        )
        nodes.add(1)
        with (place / "tiny-bert" / "more.safetensors").open("wb") as large:
            # Nothing but its size: it is refused before anything of it is read.
            large.truncate(65 * 2**30)
        done = told(nodes, place, "--ray-address", nodes.address, "--trials", 6)
    assert done.returncode == 2
    assert done.stderr.startswith("error: the model (65.0 GiB) is not on ")
    assert done.stderr.count("\n") == 1
    assert "at most 64.0 GiB are taken along; put the files there under the same paths" in done.stderr
    assert not (place / "run").exists()
