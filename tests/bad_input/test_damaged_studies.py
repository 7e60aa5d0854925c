"""A study that is damaged, gone or another's is named by every verb, changed by none, and never begun anew unasked."""

import shutil

import optuna
import pytest

from autopeft.study import DATABASE
from tests.bad_input.case import Case, check_refused
from tests.bad_input.conftest import SEARCH
from tests.bad_input.damage import another, cut, emptied, foreign, gone, newer, strange, unnamed
from tests.cli.in_process import run_here

RESUME = SEARCH + " --examples 20 --epochs 1"

#: What is done to the study, and what is said of it.
DAMAGES = {
    cut: ("study.db is damaged, or was cut", "put it back from a copy"),
    emptied: ("study", "put it back from a copy"),
    foreign: ("study.db is no SQLite database", "put it back from a copy"),
    gone: ("study.db",),
    another: ("study.db holds the tables notes", "put it back from a copy"),
    strange: ("the study 'mine' of", "was not begun by autopeft", "choose another folder with --out"),
    newer: ("was written with Optuna 99.0.0", "install the version that wrote it"),
    unnamed: ("was not begun by autopeft, or has lost what it was of",),
}

VERBS = {
    "search": RESUME,
    "search by its plan": "search run/study.yaml --no-select",
    "search --extend": RESUME + " --extend",
    "search --warm-start": RESUME.replace("-o run", "-o other --warm-start run"),
    "front": "front run",
    "select": "select run",
    "report": "report run",
    "export": "export run --pick stock -o out",
    "train": "train run --pick stock -o out",
    "compare": "compare run run",
}

#: Those that are tried each time.
FAST = ("search", "front", "select", "export")


@pytest.mark.parametrize(
    "verb", [*FAST, *(pytest.param(verb, marks=pytest.mark.slow) for verb in VERBS if verb not in FAST)]
)
@pytest.mark.parametrize("damage", DAMAGES, ids=lambda damage: damage.__name__)
def test_a_study_that_is_not_as_it_was_is_named(damage, verb, folder):
    damage(folder / "run" / DATABASE)
    check_refused(Case(verb, VERBS[verb], DAMAGES[damage]), folder, folder)


@pytest.mark.parametrize("damage", [cut, foreign, another, newer], ids=lambda damage: damage.__name__)
def test_even_to_begin_anew_nothing_is_dropped_that_cannot_be_read(damage, folder):
    damage(folder / "run" / DATABASE)
    check_refused(Case("fresh", RESUME + " --fresh", DAMAGES[damage]), folder, folder)


@pytest.mark.parametrize("damage", [emptied, gone], ids=lambda damage: damage.__name__)
def test_a_study_that_is_gone_is_begun_anew_only_when_asked(damage, folder):
    damage(folder / "run" / DATABASE)
    said = ("front.json", "has no study any more", "begin anew with --fresh")
    check_refused(Case("again", RESUME, said), folder, folder)
    assert run_here(*RESUME.split(), "--fresh", cwd=folder).returncode == 0


@pytest.mark.parametrize("left", ["study.yaml", "front.json", "finalists.json"])
def test_any_trace_of_a_search_tells_that_there_was_one(left, folder):
    for path in (folder / "run").iterdir():
        if path.name != left:
            shutil.rmtree(path) if path.is_dir() else path.unlink()
    check_refused(Case("again", RESUME, (left, "has no study any more")), folder, folder)


def test_a_folder_with_a_plan_of_the_users_has_had_no_search(folder):
    shutil.rmtree(folder / "run")
    (folder / "run").mkdir()
    (folder / "run" / "study.yaml").write_text("trials: 2\n")
    assert run_here(*RESUME.split(), cwd=folder).returncode == 0


def test_a_study_that_was_only_begun_is_gone_on_with(folder):
    name = optuna.load_study(study_name=None, storage=f"sqlite:///{folder}/run/{DATABASE}").study_name
    (folder / "run" / DATABASE).unlink()
    storage = f"sqlite:///{folder}/run/{DATABASE}"
    optuna.create_study(study_name=name, storage=storage, directions=["minimize", "maximize"])
    assert run_here(*RESUME.split(), cwd=folder).returncode == 0
    assert "3,072" in run_here("front", "run", cwd=folder).stdout


def test_a_search_that_ended_before_its_first_trial_shows_nothing(folder):
    study = optuna.load_study(study_name=None, storage=f"sqlite:///{folder}/run/{DATABASE}")
    spec = study.user_attrs["spec"]
    (folder / "run" / DATABASE).unlink()
    begun = optuna.create_study(study_name=study.study_name, storage=f"sqlite:///{folder}/run/{DATABASE}")
    begun.set_user_attr("spec", spec)
    said = ("has no trials yet", "run the same `autopeft search` again")
    check_refused(Case("front", "front run", said), folder, folder)
