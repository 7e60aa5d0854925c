"""What is shipped for SLURM and Kubernetes: a script whose commands are read, and a job that the operator takes."""

import copy
import json
import os
import shlex
import shutil
import subprocess
from pathlib import Path

import jsonschema
import pytest
import yaml
from ray.scripts import scripts

from tests.documents.test_commands import parsed

_TOP = Path(__file__).resolve().parents[2]
_SLURM = _TOP / "examples" / "slurm.sh"
_JOB = yaml.safe_load((_TOP / "examples" / "kuberay.yaml").read_text())
_SCHEMA = json.loads(Path(__file__).with_name("kuberay_rayjob.json").read_text())

#: What the script runs, in its stead: each notes how it was called, and says what its caller waits for.
_STANDS_IN = """#!/bin/bash
printf '%q ' "$(basename "$0")" "$@" >> "$NOTES/$$"
case "$(basename "$0") $1" in
    "scontrol show") printf 'one\\ntwo\\nthree\\n' ;;
    "hostname --ip-address") echo 10.0.0.1 ;;
    "ray status") echo ' 1 node_0' ;;
esac
"""
_SRUN = """#!/bin/bash
for word; do
    [[ $word == --nodelist=* ]] && echo "${word#*=}" >> "$NOTES/nodes"
done
while [[ $1 == --* ]]; do shift; done
exec "$@"
"""


@pytest.fixture
def called(tmp_path):
    """Run the script of SLURM with stand-ins; return the commands that were called, and the nodes of srun."""
    if shutil.which("bash") is None:
        pytest.skip("there is no bash here")
    programs, notes = tmp_path / "programs", tmp_path / "notes"
    programs.mkdir()
    notes.mkdir()
    for name in ("scontrol", "hostname", "ray", "autopeft", "srun"):
        (programs / name).write_text(_SRUN if name == "srun" else _STANDS_IN)
        (programs / name).chmod(0o755)
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("SLURM_", "RAY_"))}
    environment |= {"SLURM_JOB_ID": "77", "SLURM_JOB_NODELIST": "n[1-3]", "SLURM_CPUS_PER_TASK": "8"}
    environment |= {"SLURM_GPUS_PER_TASK": "h100:2", "NOTES": str(notes)}
    environment["PATH"] = f"{programs}{os.pathsep}{environment['PATH']}"
    # Read by one shell, which then waits for what the script left running: SLURM would end that.
    words = ["bash", "-c", f". {shlex.quote(str(_SLURM))} --budget 1% -o 'a run'; wait"]
    subprocess.run(["bash", "-n", str(_SLURM)], check=True)
    done = subprocess.run(words, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=120)
    assert (done.returncode, done.stderr) == (0, "")
    calls = [shlex.split(file.read_text()) for file in notes.iterdir() if file.name != "nodes"]
    return calls, sorted((notes / "nodes").read_text().split())


def test_the_script_of_slurm_starts_ray_on_each_node_and_a_search_on_the_first(called):
    calls, nodes = called
    assert nodes == ["one", "one", "three", "two"]
    starts = [words[2:] for words in calls if words[:2] == ["ray", "start"]]
    said = [scripts.start.make_context("start", words).params for words in starts]
    [head] = [each for each in said if each["head"]]
    others = [each for each in said if not each["head"]]
    assert (head["node_ip_address"], head["port"], head["include_dashboard"]) == ("10.0.0.1", 20077, False)
    assert [each["address"] for each in others] == ["10.0.0.1:20077"] * 2
    assert all((each["num_cpus"], each["num_gpus"], each["block"]) == (8, 2, True) for each in said)
    [status] = [words[2:] for words in calls if words[:2] == ["ray", "status"]]
    assert scripts.status.make_context("status", status).params["address"] == "10.0.0.1:20077"
    [search] = [words for words in calls if words[0] == "autopeft"]
    asked = parsed(shlex.join(search))
    assert (asked["ray_address"], asked["budget"], str(asked["out"])) == ("10.0.0.1:20077", "1%", "a run")


def test_the_job_for_kubernetes_is_one_of_the_operator():
    jsonschema.Draft202012Validator(_SCHEMA).validate(_JOB)
    entry = _JOB["spec"]["entrypoint"]
    asked = parsed(entry)
    assert asked["ray_address"] == "auto"
    head, *workers = [
        _JOB["spec"]["rayClusterSpec"]["headGroupSpec"],
        *_JOB["spec"]["rayClusterSpec"]["workerGroupSpecs"],
    ]
    [kept] = head["template"]["spec"]["containers"][0]["volumeMounts"]
    assert Path(kept["mountPath"]) in Path(asked["out"]).parents
    assert head["rayStartParams"]["num-cpus"] == "0"
    assert all(each["minReplicas"] >= 1 for each in workers)
    for group in (head, *workers):
        for name in group["rayStartParams"]:
            assert f"--{name}" in {option for one in scripts.start.params for option in one.opts}


def test_it_names_the_version_of_ray_that_is_installed_by_the_constraints():
    pinned = [line for line in (_TOP / "constraints.txt").read_text().splitlines() if line.startswith("ray==")]
    assert pinned == [f"ray=={_JOB['spec']['rayClusterSpec']['rayVersion']}"]


@pytest.mark.parametrize(
    "spoil",
    [
        lambda job: job.update(kind="RayCluster"),
        lambda job: job["spec"].update(entryPoint="autopeft"),
        lambda job: job["spec"]["rayClusterSpec"].pop("headGroupSpec"),
        lambda job: job["spec"]["rayClusterSpec"]["headGroupSpec"].update(rayStartParams={"num-cpus": 0}),
        lambda job: job["spec"]["rayClusterSpec"]["workerGroupSpecs"][0].pop("groupName"),
        lambda job: job["spec"]["rayClusterSpec"]["authOptions"].update(mode="on"),
    ],
)
def test_the_schema_refuses_what_the_operator_would(spoil):
    job = copy.deepcopy(_JOB)
    spoil(job)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.Draft202012Validator(_SCHEMA).validate(job)
