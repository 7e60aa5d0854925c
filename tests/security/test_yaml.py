"""YAML of strangers that would make objects: plans, spaces, configurations, roles."""

from contextlib import suppress

import pytest
import yaml

from autopeft.backbones import Anatomy
from autopeft.errors import AutopeftError
from autopeft.launch import SearchPlan
from autopeft.space import SearchSpace, read_configuration
from tests.cli.in_process import run_here
from tests.security.attacks import yaml_that_marks

#: What reads YAML of a user's, and the command that has it read.
READERS = {
    "a plan": (SearchPlan.from_file, ["search", "hurt.yaml"]),
    "a space": (SearchSpace.from_file, ["spaces", "check", "hurt.yaml"]),
    "a configuration": (read_configuration, ["train", "hurt.yaml", "--data", "rows.csv"]),
    "roles": (Anatomy.from_file, ["cost", "hurt.yaml", "--roles", "hurt.yaml"]),
}


@pytest.mark.parametrize("name", READERS)
@pytest.mark.parametrize("inside", ["", "key: ", "- "])
def test_it_makes_no_object_and_does_without_the_guard(name, inside, tmp_path, monkeypatch):
    read, words = READERS[name]
    file = tmp_path / "hurt.yaml"
    file.write_text(inside + yaml_that_marks(tmp_path / "mark"))
    done = run_here(*words, cwd=tmp_path)
    assert (done.returncode, "Traceback" in done.stderr) == (2, False)
    with pytest.raises(AutopeftError):
        read(file)
    assert not (tmp_path / "mark").exists()
    monkeypatch.setattr(yaml, "safe_load", yaml.unsafe_load)
    with suppress(AutopeftError, TypeError):
        read(file)
    assert (tmp_path / "mark").is_dir()
