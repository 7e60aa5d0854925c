"""The files beside the code: image, hooks, citation, version, release."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import tarfile
import tomllib
from importlib.metadata import version
from zipfile import ZipFile

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

import autopeft
from tests.documents.pages import TOP

_PROJECT = tomllib.loads((TOP / "pyproject.toml").read_text(encoding="utf8"))
_DOCKERFILE = (TOP / "Dockerfile").read_text(encoding="utf8").replace("\\\n", " ")

#: What builds of the package read beside it.
_BUILT_OF = {"autopeft", "constraints.txt", "pyproject.toml", "README.md", "LICENSE", "search_spaces", "examples"}


def _copied() -> set[str]:
    return {source for line in re.findall(r"^COPY (.*) \S+$", _DOCKERFILE, re.MULTILINE) for source in line.split()}


def test_the_image_copies_what_the_wheel_is_built_of():
    assert all((TOP / source).exists() for source in _copied())
    assert _copied() >= _BUILT_OF
    forced = _PROJECT["tool"]["hatch"]["build"]["targets"]["wheel"]["force-include"]
    for source in forced:
        assert any(source == each or source.startswith(f"{each}/") for each in _copied()), source
    sent = {line[1:] for line in (TOP / ".dockerignore").read_text(encoding="utf8").splitlines() if line[0] == "!"}
    assert sent == _copied()


def test_the_image_installs_pinned_versions_and_runs_as_nobody_special():
    installs = re.findall(r"pip install [^\n&]*", _DOCKERFILE)
    assert len(installs) == 2
    assert all("-c constraints.txt" in line and "--no-cache-dir" in line for line in installs)
    users = re.findall(r"^USER (\S+)$", _DOCKERFILE, re.MULTILINE)
    assert int(users[-1]) > 0
    assert re.search(r"^FROM \S+:[\w.-]+$", _DOCKERFILE, re.MULTILINE)
    assert json.loads(re.findall(r"^ENTRYPOINT (.*)$", _DOCKERFILE, re.MULTILINE)[0]) == ["autopeft"]


def test_everything_that_is_installed_is_pinned():
    lines = (TOP / "constraints.txt").read_text(encoding="utf8").splitlines()
    pins = {canonicalize_name(line.split("==")[0]) for line in lines if "==" in line}
    extras = _PROJECT["project"]["optional-dependencies"]
    wanted = [*_PROJECT["project"]["dependencies"], *(each for extra in extras.values() for each in extra)]
    assert {canonicalize_name(Requirement(text).name) for text in wanted} <= pins


def test_hooks_before_a_commit_are_what_make_check_runs():
    hooks = [
        hook
        for repository in yaml.safe_load((TOP / ".pre-commit-config.yaml").read_text(encoding="utf8"))["repos"]
        for hook in repository["hooks"]
    ]
    checked = (TOP / "Makefile").read_text(encoding="utf8").partition("\ncheck:")[2].partition("\n\n")[0]
    for hook in hooks:
        assert hook["language"] == "system"
        command = hook["entry"].removeprefix(".venv/bin/").removesuffix(" --force-exclude")
        assert re.search(rf"^\t\$\(BIN\)/{command}( \.)?$", checked, re.MULTILINE), command


def test_the_citation_says_what_cff_asks_for():
    said = yaml.safe_load((TOP / "CITATION.cff").read_text(encoding="utf8"))
    assert {"cff-version", "message", "title", "authors"} <= said.keys()
    assert (said["cff-version"], said["license"]) == ("1.2.0", _PROJECT["project"]["license"])
    assert all({"type", "title", "authors"} <= reference.keys() for reference in said["references"])


def test_the_version_stands_once():
    assert "version" in _PROJECT["project"]["dynamic"]
    assert autopeft.__version__ == version("autopeft")
    assert "version" not in yaml.safe_load((TOP / "CITATION.cff").read_text(encoding="utf8"))


@pytest.fixture(scope="module")
def sources(tmp_path_factory):
    """A copy of the sources, without git."""
    folder = tmp_path_factory.mktemp("sources") / "autopeft"
    left_out = shutil.ignore_patterns(".*", "build", "dist", "runs", "__pycache__", "*.jsonl", "*.png")
    shutil.copytree(TOP, folder, ignore=left_out)
    shutil.copy(TOP / ".gitignore", folder)
    return folder


def _build(folder, out):
    environment = {name: value for name, value in os.environ.items() if not name.startswith("SETUPTOOLS_SCM")}
    command = [sys.executable, "-m", "pip", "--quiet", "wheel", "--no-deps", "-w", str(out), str(folder)]
    subprocess.run(command, check=True, env=environment)
    [wheel] = out.glob("*.whl")
    return wheel


@pytest.mark.slow
def test_the_version_is_that_of_the_tag_or_without_git_the_fallback(sources, tmp_path):
    fallback = _PROJECT["tool"]["hatch"]["version"]["fallback-version"]
    wheel = _build(sources, tmp_path / "plain")
    assert wheel.name.startswith(f"autopeft-{fallback}-")
    with ZipFile(wheel) as packed:
        names = set(packed.namelist())
    assert {"autopeft/search_spaces/default.yaml", "autopeft/examples/own_method.py", "autopeft/py.typed"} <= names
    assert not any(name.startswith(("docs/", "tests/")) for name in names)
    as_somebody = ["-c", "user.name=x", "-c", "user.email=x@y.z"]
    for words in (["init"], ["add", "."], [*as_somebody, "commit", "-m", "x"], ["tag", "v9.8.7"]):
        subprocess.run(["git", *words], cwd=sources, check=True, capture_output=True)
    assert _build(sources, tmp_path / "tagged").name.startswith("autopeft-9.8.7-")


@pytest.mark.slow
def test_a_release_is_whole_and_builds_its_wheel_from_its_sources(sources, tmp_path):
    pytest.importorskip("build", reason="the extra release is not installed")
    twine = pytest.importorskip("twine.commands.check", reason="the extra release is not installed")
    subprocess.run([sys.executable, "-m", "build", "--quiet", "--outdir", str(tmp_path), str(sources)], check=True)
    [packed], [wheel] = tmp_path.glob("*.tar.gz"), tmp_path.glob("*.whl")
    with tarfile.open(packed) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    needed = {"docs/tutorials/decoder.md", "mkdocs.yml", "Dockerfile", "CITATION.cff", "CHANGELOG.md", "tests/marks.py"}
    assert needed | {"search_spaces/default.yaml", "constraints.txt", "Makefile", "LICENSE"} <= names
    assert not twine.check([str(packed), str(wheel)], strict=True)
