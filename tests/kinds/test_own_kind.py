"""A kind from a file outside the package goes through every verb; so does the one that is shipped as an example."""

import json
from pathlib import Path

import pytest

from autopeft.errors import ConfigurationError
from autopeft.plugins import load_plugin
from autopeft.tasks import KINDS, TaskSpec
from autopeft.testing.kinds import KindContract
from autopeft.trials import TRIALS, register_kind
from tests.cli.in_process import run_here
from tests.kinds.verbs import go

OWN = Path(__file__).parent / "own_kind.py"
EXAMPLE = Path(__file__).parents[2] / "examples" / "own_task.py"
WORDS = ("good happy film", "bad sad story")


@pytest.fixture(scope="module", autouse=True)
def entered():
    """Both kinds are known in this module, and nowhere else."""
    known = dict(KINDS), dict(TRIALS)
    for plugin in (OWN, EXAMPLE):
        load_plugin(plugin)
    yield
    for table, before in zip((KINDS, TRIALS), known, strict=True):
        for name in set(table) - set(before):
            del table[name]


def ratings(path, rows=160):
    """Write texts with stars: the more often a word stands there, the more."""
    stars = [1 + n % 4 for n in range(rows)]
    lines = [f"{'good ' * star}{'sad ' * (4 - star)}film {n},{star}\n" for n, star in enumerate(stars)]
    path.write_text("text,stars\n" + "".join(lines))
    return str(path)


def preferences(path, rows=160):
    """Write pairs of a better and a worse text."""
    pairs = [{"better": f"{WORDS[0]} {n}", "worse": f"{WORDS[1]} {n}"} for n in range(rows)]
    path.write_text("".join(json.dumps(pair) + "\n" for pair in pairs))
    return str(path)


class TestExample(KindContract):
    @pytest.fixture(scope="class")
    def spec(self, tmp_path_factory):
        return TaskSpec(data=ratings(tmp_path_factory.mktemp("data") / "r.csv"), kind="rating", label="stars")


class TestLessIsBetter(TestExample):
    architectures = ("bert",)

    @pytest.fixture(scope="class")
    def spec(self, tmp_path_factory):
        path = ratings(tmp_path_factory.mktemp("data") / "r.csv")
        return TaskSpec(data=path, kind="rating", label="stars", metric="distance")


class TestOwn(KindContract):
    scored = ()

    @pytest.fixture(scope="class")
    def spec(self, tmp_path_factory):
        return TaskSpec(data=preferences(tmp_path_factory.mktemp("data") / "p.jsonl"))


STARS = ["--kind", "rating", "--label", "stars"]
WAYS = {
    "own": (OWN, preferences, "duel", "pairs.jsonl", [], "margin"),
    "example": (EXAMPLE, ratings, "rating", "rows.csv", STARS, "kappa"),
    "less": (EXAMPLE, ratings, "rating", "rows.csv", [*STARS, "--metric", "distance"], "-distance"),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", WAYS)
def test_it_goes_through_every_verb(name, tmp_path):
    plugin, write, kind, file, flags, objective = WAYS[name]
    write(tmp_path / file)
    way = go(tmp_path, kind, file, flags, objective, plugin=plugin)
    assert f"--plugin {plugin}" in (tmp_path / "autopeft" / "README.md").read_text().replace("'", "")
    assert (tmp_path / "trained" / plugin.name).is_file()
    own = ["--plugin", plugin]
    if name == "own":
        assert "takes its inputs from a file" in way.refused("predict", "trained", "-i", "good", *own).stderr
    else:
        assert way.run("predict", "trained", "-i", "good good good good film", *own).split()[-1] in "1234"


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"name": "classification"}, "there is a kind of task 'classification' already"),
        ({"name": "My kind"}, "small letters"),
        ({"metrics": {}}, "no metrics"),
        ({"metrics": {"m": 0.0}}, "its metric 'm' is 0.0; expected a Metric"),
    ],
)
def test_a_mistake_in_its_words_is_told_when_it_is_registered(changes, message):
    kind = type("Mine", (type(KINDS["rating"]),), {"name": "mine", **changes})()
    with pytest.raises(ConfigurationError, match=message):
        register_kind(kind, TRIALS["rating"])


def test_without_its_plugin_it_is_asked_for(tmp_path):
    ratings(tmp_path / "rows.csv")
    words = ("data", "rows.csv", "--kind", "score", "--label", "stars")
    done = run_here(*words, cwd=tmp_path)
    assert (done.returncode, "or one of your own with --plugin FILE.py" in done.stderr) == (2, True)


def test_trials_that_lack_something_are_told_too():
    from autopeft.trials import TrialKind

    kind = type("Mine", (type(KINDS["rating"]),), {"name": "mine"})()
    half = type("Half", (TrialKind,), {"does": "halves", "auto_class": "AutoModel"})
    with pytest.raises(ConfigurationError, match=r"Half lacks pipeline; Half does not say choose_setting, encode"):
        register_kind(kind, half)
    with pytest.raises(ConfigurationError, match="expected a class derived from TrialKind"):
        register_kind(kind, dict)
    assert "mine" not in KINDS
