"""`autopeft search` from end to end, on real small data with a tiny model."""

import json
import os
import signal
import subprocess
import sys
import time

import optuna
import pytest

from autopeft.testing.models import tiny_backbone

WORDS = {"spring": "green leaf bud rain", "winter": "snow ice frost dark", "summer": "sun heat beach long"}


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    folder = tmp_path_factory.mktemp("search")
    rows = ["text,label"]
    for index in range(240):
        season = list(WORDS)[index % 3]
        words = WORDS[season].split()
        rows.append(f"{words[index % 4]} number{index} {words[(index // 4) % 4]},{season}")
    (folder / "train.csv").write_text("\n".join(rows) + "\n")
    tiny_backbone("bert", folder, vocabulary=tuple(rows))
    return folder


def command(place, out, *words):
    flags = ["--model", "tiny-bert", "--data", "train.csv", "--text", "text", "--label", "label", "--budget", "20%"]
    flags += ["--epochs", "1", "--workers", "0", "--no-select", "-o", out, *words]
    return [sys.executable, "-m", "autopeft.cli", "search", *map(str, flags)]


def run(place, out, *words):
    done = subprocess.run(command(place, out, *words), capture_output=True, text=True, cwd=place, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def trials(folder):
    study = optuna.load_study(study_name=None, storage=f"sqlite:///{folder}/study.db")
    return study.get_trials(deepcopy=False)


def finished(folder):
    """Count finished trials of a study that may not exist yet."""
    # Written once the study is there: opened before, its database would be set up twice at once.
    return len(facts(folder)) if (folder / "study.yaml").is_file() else 0


def facts(folder):
    return [
        (str(t.user_attrs["configuration"]), t.values)
        for t in trials(folder)
        if t.state.is_finished() and t.state.name != "FAIL"
    ]


@pytest.mark.slow
def test_the_same_seed_gives_the_same_trials_and_front(place):
    first = run(place, "one", "--trials", "12", "--seed", "1")
    run(place, "two", "--trials", "12", "--seed", "1")
    assert facts(place / "one") == facts(place / "two")
    assert len(facts(place / "one")) == 12
    assert "Pareto front" in first
    front = json.loads((place / "one" / "front.json").read_text())
    assert front["metric"] == "accuracy"
    assert front["budget"]["params"] == int(0.2 * front["backbone_params"])
    for row in front["front"]:
        assert {"trial", "configuration", "params", "share", "accuracy"} <= row.keys()
        assert row["params"] <= front["budget"]["params"]
        assert row["share"] == pytest.approx(row["params"] / front["backbone_params"])
    accuracies = [row["accuracy"] for row in front["front"]]
    assert accuracies == sorted(accuracies)
    assert {row["baseline"] for row in front["baselines"]} == {
        "head-only",
        "stock-lora",
        "all-linear",
        "low-rank",
    }
    assert (place / "one" / "front.png").read_bytes()[:4] == b"\x89PNG"
    assert (place / "one" / "front.csv").read_text().count("\n") == len(front["front"]) + 1
    shown = subprocess.run(
        [sys.executable, "-m", "autopeft.cli", "front", "one", "--json"], capture_output=True, text=True, cwd=place
    )
    assert json.loads(shown.stdout) == front


@pytest.mark.slow
def test_killed_in_the_middle_it_goes_on_to_the_same_total(place):
    process = subprocess.Popen(command(place, "cut", "--trials", "14", "--epochs", "6"), cwd=place)
    until = time.time() + 120
    while time.time() < until and process.poll() is None:
        if finished(place / "cut") >= 4:
            break
        time.sleep(0.05)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    before = facts(place / "cut")
    assert 4 <= len(before) < 14
    run(place, "cut", "--trials", "14", "--epochs", "6")
    after = facts(place / "cut")
    assert len(after) == 14
    assert after[: len(before)] == before
    assert len({configuration for configuration, _ in after}) == 14
    assert "[15/15] trial" in run(place, "cut", "--trials", "15", "--epochs", "6")
    assert len(facts(place / "cut")) == 15


@pytest.mark.slow
def test_another_spec_in_the_same_folder_is_refused_and_fresh_begins_anew(place):
    run(place, "spec", "--trials", "3")
    other = subprocess.run(
        command(place, "spec", "--trials", "3", "--seed", "5"), capture_output=True, text=True, cwd=place
    )
    assert other.returncode == 2
    assert "seed: the study has 0, this run asks for 5" in other.stderr
    assert len(facts(place / "spec")) == 3
    run(place, "spec", "--trials", "4", "--seed", "5", "--fresh")
    assert len(facts(place / "spec")) == 4


@pytest.mark.slow
def test_every_run_records_a_plan_that_search_takes(place):
    run(place, "plan", "--trials", "3", "--space", "autopeft")
    done = subprocess.run(
        [sys.executable, "-m", "autopeft.cli", "search", "plan/study.yaml", "--trials", "4", "--no-select"],
        capture_output=True,
        text=True,
        cwd=place,
    )
    assert done.returncode == 0, done.stderr
    assert len(facts(place / "plan")) == 4


@pytest.mark.slow
@pytest.mark.parametrize("database", ["sqlite", "postgresql"])
def test_a_storage_shared_by_several_studies(request, place, database):
    url = f"sqlite:///{place}/shared.db"
    if database == "postgresql":
        url = request.getfixturevalue("new_database")()
    for seed in ("0", "1"):
        run(place, f"shared{seed}", "--trials", "3", "--seed", seed, "--storage", url)
    assert len(optuna.get_all_study_names(url)) == 2
    assert not (place / "shared0" / "study.db").exists()
    done = subprocess.run(
        [sys.executable, "-m", "autopeft.cli", "front", "shared1", "--json"], capture_output=True, text=True, cwd=place
    )
    assert json.loads(done.stdout)["spec"]["seed"] == 1


@pytest.mark.slow
def test_an_exhausted_space_ends_the_search_early_and_says_so(place):
    space = "name: few\nmodules: {lora: {rank: 1 | 2}}\ntraining: {learning_rate: 1e-3}\n"
    (place / "few.yaml").write_text(space)
    said = run(place, "few", "--trials", "20", "--space", "few.yaml")
    assert "few" in said
    # The head, four references, and the two that the space holds.
    assert len(facts(place / "few")) == 7
    assert "exhausted" in said or "every configuration" in said.lower()


@pytest.mark.slow
@pytest.mark.parametrize("sampler", ["random", "tpe", "nsga2", "gp"])
def test_other_samplers(place, sampler):
    run(place, sampler, "--trials", "8", "--sampler", sampler)
    assert len({configuration for configuration, _ in facts(place / sampler)}) == 8


@pytest.mark.slow
def test_two_ray_workers_whatever_the_environment_holds(place, tmp_path):
    """An address that another job left there, and a folder of temporary files whose sockets would have no room."""
    folder = tmp_path / ("long" * 30)
    folder.mkdir()
    words = command(place, "ray", "--trials", "6")
    words[words.index("--workers") + 1] = "2"
    environment = {**os.environ, "TMPDIR": str(folder), "RAY_ADDRESS": "127.0.0.1:1"}
    done = subprocess.run(words, capture_output=True, text=True, cwd=place, timeout=300, env=environment)
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"Ray's files are in /tmp: {folder} is too long for its sockets" in done.stdout
    assert len(facts(place / "ray")) == 6


@pytest.mark.slow
def test_a_cluster_that_is_not_there_is_one_line_about_the_flag(place):
    words = [*command(place, "cluster"), "--ray-address", "127.0.0.1:1"]
    words[words.index("--workers") + 1] = "1"
    done = subprocess.run(words, capture_output=True, text=True, cwd=place, timeout=300)
    assert done.returncode == 2
    assert done.stderr.startswith("error: no Ray cluster can be reached by --ray-address 127.0.0.1:1: ")
    assert done.stderr.count("\n") == 1


def test_interrupted_it_ends_cleanly_and_keeps_what_is_finished(place):
    words = command(place, "int", "--trials", "40", "--epochs", "4")
    process = subprocess.Popen(words, cwd=place, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    until = time.time() + 120
    while time.time() < until and finished(place / "int") < 2:
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    output, _ = process.communicate(timeout=60)
    assert "Traceback" not in output
    assert "go on" in output
    states = [trial.state.name for trial in trials(place / "int")]
    assert "RUNNING" not in states
    assert 2 <= states.count("COMPLETE") + states.count("PRUNED") < 40
    assert (place / "int" / "front.json").exists()


@pytest.mark.slow
def test_a_space_grows_and_the_old_trials_come_along(place):
    (place / "grow.yaml").write_text("name: grow\nmodules: {lora: {rank: 1 | 2}}\ntraining: {learning_rate: 1e-3}\n")
    run(place, "grow", "--trials", "4", "--space", "grow.yaml")
    before = facts(place / "grow")
    (place / "grow.yaml").write_text("name: grow\nmodules: {lora: {rank: 2 | 4}}\ntraining: {learning_rate: 1e-3}\n")
    words = ["--trials", "5", "--space", "grow.yaml"]
    refused = subprocess.run(command(place, "grow", *words), capture_output=True, text=True, cwd=place)
    assert refused.returncode == 2
    assert "--extend keeps the trials" in refused.stderr
    run(place, "grow", *words, "--extend")
    assert facts(place / "grow")[:4] == before
    assert [trial.user_attrs.get("outside", False) for trial in trials(place / "grow")].count(True) == 1
    assert len(facts(place / "grow")) == 5
    run(place, "grow", *words)
    assert len(facts(place / "grow")) == 5
