"""Plans and the other files that verbs read, and the words of verbs that search nothing."""

import pytest

from tests.bad_input.case import Case, check_refused
from tests.bad_input.rows import CSV

GOOD = {"data.csv": CSV}
SEARCH = "search --model {place}/tiny-bert --data data.csv --budget 20% --workers 0 --no-select -o run "
PLAN = "search plan.yaml --model {place}/tiny-bert --data data.csv --workers 0 --no-select -o run"


def plan(text: str | bytes) -> dict[str, str | bytes]:
    return GOOD | {"plan.yaml": text}


PLANS = [
    Case(
        "a plan that is a list",
        PLAN,
        ("plan.yaml", "a mapping such as `budget: 1%`, found list"),
        plan("- budget: 1%\n"),
    ),
    Case(
        "a plan that was cut",
        PLAN,
        ("plan.yaml is not YAML: while parsing a flow mapping", "expected a mapping such as `budget: 1%`"),
        plan("budget: 1%\nspace: {name: x, modu"),
    ),
    Case(
        "a plan that is binary",
        PLAN,
        ("plan.yaml is not YAML: 'utf-8' codec", "expected a mapping such as `budget: 1%`"),
        plan(bytes(range(256))),
    ),
    Case(
        "a plan that is a search space",
        PLAN,
        ("plan.yaml: name: no such setting", "did you mean 'roles'?"),
        plan("name: x\nmodules: {lora: {rank: 8}}\n"),
    ),
    Case(
        "a plan with a number as a duration",
        PLAN,
        ("plan.yaml: time_limit: found 7200: input should be a valid string",),
        plan("time_limit: 7200\n"),
    ),
    Case(
        "a plan with a list of data",
        PLAN,
        ("plan.yaml: text: found ['a', 'b']: input should be a valid string",),
        plan("text: [a, b]\n"),
    ),
    Case(
        "a plan with yes for a number",
        PLAN,
        ("plan.yaml: trials: found True: input should be a number",),
        plan("trials: yes\n"),
    ),
    Case(
        "a plan with nothing for a number",
        PLAN,
        ("plan.yaml: trials: found None: input should be a valid integer",),
        plan("trials:\n"),
    ),
    Case(
        "finalists with a slip",
        PLAN,
        ("plan.yaml: final.example: no such setting", "did you mean 'examples'?"),
        plan("final: {example: 10}\n"),
    ),
    Case(
        "finalists in words",
        PLAN,
        ("plan.yaml: final: found 'all': input should be a mapping such as",),
        plan("final: all\n"),
    ),
    Case(
        "finalists with more examples than there are",
        PLAN,
        ("final.examples is 5,000", "expected at most the 20 of the training split"),
        plan("final: {examples: 5000}\n"),
    ),
    Case(
        "a space in a plan that is wrong",
        PLAN,
        ("x: modules.lroa: no such method", "did you mean 'road'?"),
        plan("space: {name: x, modules: {lroa: {}}}\n"),
    ),
    Case(
        "a space in a plan that is a list",
        PLAN,
        ("plan.yaml: space: found ['lora']: input should be the name of a",),
        plan("space: [lora]\n"),
    ),
    Case("keys that are numbers", PLAN, ("plan.yaml: 1: found 1: keys should be strings",), plan("1: 2\n")),
    Case(
        "a plan of a run that is a folder",
        "search {place}",
        ("Is a directory", "expected a YAML file of a search"),
        GOOD,
    ),
]

VERBS = [
    Case(
        "no configuration",
        "cost nothing.yaml",
        ("cannot read nothing.yaml: No such file or directory", "expected a configuration in JSON or YAML"),
        GOOD,
    ),
    Case(
        "a configuration that is a list",
        "cost mine.yaml --model {place}/tiny-bert",
        ("mine.yaml", "a mapping with `modules` and `training`, found list"),
        GOOD | {"mine.yaml": "[lora]"},
    ),
    Case(
        "a configuration without methods",
        "cost mine.yaml --model {place}/tiny-bert",
        ("rank: no such key", "expected one of modules, training"),
        GOOD | {"mine.yaml": "rank: 8"},
    ),
    Case(
        "a configuration with ranges",
        "cost mine.yaml --model {place}/tiny-bert",
        ("modules.lora.rank: found '2..8 by x2", "a whole number or a multiple such as 2d or off"),
        GOOD | {"mine.yaml": "modules: {lora: {rank: '2..8 by x2'}}"},
    ),
    Case(
        "a configuration of a kind that is none",
        "cost mine.yaml --kind toknes",
        ("unknown kind of task 'toknes", "did you mean 'tokens'?, or one of your own with --plugin"),
        GOOD | {"mine.yaml": "modules: {lora: {rank: 8}}"},
    ),
    Case(
        "a training of nothing",
        "train nothing.yaml --data data.csv",
        ("cannot read nothing.yaml: No such file or directory", "expected a configuration in JSON or YAML"),
        GOOD,
    ),
    Case(
        "a training without data",
        "train mine.yaml --model {place}/tiny-bert",
        ("no data is named", "expected --data FILE, or --task icd10-chapters, which is"),
        GOOD | {"mine.yaml": "modules: {lora: {rank: 8}}"},
    ),
    Case(
        "adapters that are none",
        "evaluate adapters --data data.csv",
        ("adapters: no readable autopeft.json", "expected a folder of saved adapters"),
        GOOD | {"adapters/notes.md": "x"},
    ),
    Case(
        "a split that is none",
        "evaluate adapters --data data.csv --split train",
        ("Invalid value for '--split': Value error, 'train' is not one of 'validation', 'test'.",),
        GOOD,
    ),
    Case(
        "predictions of nothing",
        "predict adapters --input good",
        ("adapters: no readable predict.json", "expected a folder that `autopeft train`, `select`,"),
        GOOD,
    ),
    Case(
        "pairs that do not match",
        "predict adapters -i one -i two --input2 one",
        ("found 2 --input and 1 --input2", "expected as many"),
        GOOD,
    ),
    Case(
        "one run to compare",
        "compare {place}",
        ("no study in", "give the folder of a run, as `autopeft search` printed it"),
        GOOD,
    ),
    Case(
        "a file in place of a run",
        "front data.csv",
        (
            "no study in data.csv: expected data.csv/study.db",
            "give the folder of a run, as `autopeft search` printed it",
        ),
        GOOD,
    ),
    Case(
        "a folder in place of a run",
        "report {place}/tiny-bert",
        ("no study in", "give the folder of a run, as `autopeft search` printed it"),
        GOOD,
    ),
    Case(
        "no run to select from",
        "select nowhere",
        ("no study in nowhere: expected nowhere/study.db", "give the folder of a run, as `autopeft search` printed it"),
        GOOD,
    ),
    Case(
        "an end in other words",
        "select {place} --until 5",
        ("--until is '5", "expected points such as 1pt, or a time such as 30m"),
        GOOD,
    ),
    Case(
        "no run to export",
        "export nowhere",
        ("no study in nowhere: expected nowhere/study.db", "give the folder of a run, as `autopeft search` printed it"),
        GOOD,
    ),
    Case(
        "a kind that is none",
        "tasks show clasification",
        ("unknown kind of task 'clasification", "did you mean 'classification'?, or one of your own with"),
        GOOD,
    ),
    Case("a verb with a slip", "serach --trials 2", ("No such command 'serach'. Did you mean 'search'?",), GOOD),
    Case(
        "data that is not named",
        "data",
        ("no data is named", "expected --data FILE, or --task icd10-chapters, which is"),
        GOOD,
    ),
    Case(
        "data of two names",
        "data data.csv --task icd10",
        (
            "data is named by exactly one of --task, --data, the name of a dataset",
            "found --task and --data: leave one out",
        ),
        GOOD,
    ),
]


@pytest.mark.parametrize("case", PLANS + VERBS, ids=lambda case: case.name)
def test_a_verb_is_refused(case, tmp_path, place):
    check_refused(case, tmp_path, place)
