"""A kind from a file outside the package goes through every verb; so does the one that is shipped as an example."""

import json
from pathlib import Path

import pytest

from autopeft.errors import ConfigurationError
from autopeft.plugins import load_plugin
from autopeft.tasks import KINDS, TaskSpec
from autopeft.testing.kinds import KindContract
from autopeft.testing.models import tiny_backbone
from autopeft.trials import TRIALS, register_kind
from tests.cli.in_process import run_here

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
    @pytest.fixture(scope="class")
    def spec(self, tmp_path_factory):
        return TaskSpec(data=preferences(tmp_path_factory.mktemp("data") / "p.jsonl"))


VERBS = {
    "own": (OWN, preferences, "preference", "pairs.jsonl", [], "margin", "head alone"),
    "example": (EXAMPLE, ratings, "rating", "rows.csv", ["--kind", "rating", "--label", "stars"], "kappa", "head only"),
    "less": (
        EXAMPLE,
        ratings,
        "rating",
        "rows.csv",
        ["--kind", "rating", "--label", "stars", "--metric", "distance"],
        "-distance",
        "head only",
    ),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", VERBS)
def test_it_goes_through_every_verb(name, tmp_path):
    plugin, write, kind, file, flags, objective, untouched = VERBS[name]
    write(tmp_path / file)
    tiny_backbone("bert", tmp_path)
    how = ["--plugin", plugin]
    data = ["--data", file, *flags]

    def run(*words):
        done = run_here(*words, cwd=tmp_path)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    assert f"{kind}, " in run("data", file, *flags, *how)
    small = ["--budget", "20%", "--workers", "0", "--examples", "60", "--epochs", "2", "--trials", "3"]
    said = run("search", "--model", "tiny-bert", *data, *how, *small, "--space", "lora", "--no-select", "-o", "run")
    assert f"{untouched} (baseline)" in said
    front = json.loads((tmp_path / "run" / "front.json").read_text())
    assert front["metric"] == objective
    chosen = json.loads(run("select", "run", "--seeds", "3", "--workers", "0", "--json"))
    assert chosen["metric"] == objective
    run("report", "run")
    assert objective in (tmp_path / "run" / "report.html").read_text()
    for target in ("peft", "autopeft"):
        run("export", "run", "--pick", "1", "--to", target, "-o", target)
    refused = run_here("export", "run", "--pick", "1", "--to", "trl", "-o", "trl", cwd=tmp_path)
    assert refused.returncode == 2
    assert TRIALS[kind].does in refused.stderr
    assert f"--plugin {plugin}" in (tmp_path / "autopeft" / "README.md").read_text().replace("'", "")
    run("train", "run", "--pick", "1", "-o", "trained", "--merge")
    assert (tmp_path / "trained" / plugin.name).is_file()
    figures = json.loads((tmp_path / "trained" / "metrics.json").read_text())
    found = json.loads(run("evaluate", "trained", *data, *how, "--json"))
    assert {key: found[key] for key in figures["test"]} == pytest.approx(figures["test"], abs=1e-4)
    if name == "own":
        refused = run_here("predict", "trained", "-i", "good", *how, cwd=tmp_path)
        assert (refused.returncode, "takes its inputs from a file" in refused.stderr) == (2, True)
    else:
        assert run("predict", "trained", "-i", "good good good good film", *how).split()[-1] in "1234"


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
