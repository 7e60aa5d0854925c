"""Options, plans and files of settings that cannot be meant."""

import pytest

from tests.bad_input.case import Case, check_refused
from tests.bad_input.rows import CSV

GOOD = {"data.csv": CSV}
SEARCH = "search --model {place}/tiny-bert --data data.csv --budget 20% --workers 0 --no-select -o run "
PLAN = "search plan.yaml --model {place}/tiny-bert --data data.csv --workers 0 --no-select -o run"


def plan(text: str | bytes) -> dict[str, str | bytes]:
    return GOOD | {"plan.yaml": text}


NUMBERS = [
    Case(
        "no trials",
        SEARCH + "--trials 0",
        ("flags: trials: found 0: input should be greater than or equal to 1",),
        GOOD,
    ),
    Case(
        "trials in words",
        SEARCH + "--trials many",
        ("Invalid value for '--trials': 'many' is no whole number",),
        GOOD,
    ),
    Case(
        "half a trial",
        SEARCH + "--trials 2.5",
        ("Invalid value for '--trials': '2.5' is no whole number",),
        GOOD,
    ),
    Case("no epochs", SEARCH + "--epochs 0", ("flags: epochs: found 0.0: input should be greater than 0",), GOOD),
    Case(
        "epochs below nothing",
        SEARCH + "--epochs=-1",
        ("flags: epochs: found -1.0: input should be greater than 0",),
        GOOD,
    ),
    Case(
        "epochs that are no number",
        SEARCH + "--epochs nan",
        ("flags: epochs: found nan: input should be a finite number",),
        GOOD,
    ),
    Case(
        "epochs without end",
        SEARCH + "--epochs inf",
        ("flags: epochs: found inf: input should be a finite number",),
        GOOD,
    ),
    Case(
        "seconds without end",
        SEARCH + "--seconds inf",
        ("flags: seconds: found inf: input should be a finite number",),
        GOOD,
    ),
    Case(
        "batches of nothing",
        SEARCH + "--batch-size 0",
        ("flags: batch_size: found 0: input should be greater than or equal to 1",),
        GOOD,
    ),
    Case(
        "no examples",
        SEARCH + "--examples 0",
        ("flags: examples: found 0: input should be greater than or equal to 1",),
        GOOD,
    ),
    Case(
        "a seed below nothing",
        SEARCH + "--seed=-1",
        ("flags: seed: found -1: input should be greater than or equal to 0",),
        GOOD,
    ),
    Case(
        "workers below nothing",
        SEARCH + "--workers=-2",
        ("flags: workers: found -2: input should be greater than or equal to 0",),
        GOOD,
    ),
    Case(
        "a time limit in words",
        SEARCH + "--time-limit '2 hours'",
        ("flags: time_limit: found '2 hours': '2 hours' is no duration", "expected e.g. 90s, 30m, 2h or 1h30m"),
        GOOD,
    ),
    Case(
        "a time limit without a unit",
        SEARCH + "--time-limit 90",
        ("flags: time_limit: found '90': '90' is no duration", "expected e.g. 90s, 30m, 2h or 1h30m"),
        GOOD,
    ),
    Case(
        "a time limit of nothing",
        SEARCH + "--time-limit 0s",
        ("flags: time_limit: found '0s': no time at all", "expected e.g. 90s, 30m, 2h or 1h30m"),
        GOOD,
    ),
    Case(
        "a time limit of a trial in words",
        SEARCH + "--trial-time-limit soon",
        ("flags: trial_time_limit: found 'soon': 'soon' is no duration", "expected e.g. 90s, 30m, 2h or 1h30m"),
        GOOD,
    ),
    Case(
        "a precision that is none",
        SEARCH + "--precision fp16",
        ("flags: precision: found 'fp16': input should be 'auto', 'bf16' or",),
        GOOD,
    ),
    Case(
        "a fidelity that is none",
        SEARCH + "--fidelity epochs",
        ("flags: fidelity: found 'epochs': input should be 'steps' or 'examples",),
        GOOD,
    ),
    Case(
        "an option with a slip",
        SEARCH + "--trails 3",
        ("No such option: --trails (Possible options: --roles, --task, --trials)",),
        GOOD,
    ),
    Case("an option without its value", SEARCH + "--trials", ("Option '--trials' requires an argument.",), GOOD),
    Case(
        "a margin below nothing",
        SEARCH.replace("--no-select ", "") + "--margin=-1pt",
        ("--margin is '-1pt", "expected points of the metric, such as 1pt or 0.5pt"),
        GOOD,
    ),
    Case(
        "a margin of a share",
        SEARCH.replace("--no-select ", "") + "--margin 1%",
        ("--margin is '1%", "expected points of the metric, such as 1pt or 0.5pt"),
        GOOD,
    ),
    Case(
        "two costs and a sampler of one",
        SEARCH + "--sampler nsga",
        ("flags: sampler: found 'nsga': input should be 'pareto', 'random',",),
        GOOD,
    ),
    Case(
        "a start from a folder that is none",
        SEARCH + "--warm-start earlier",
        ("no study in earlier: expected earlier/study.db", "give the folder of a run, as `autopeft search` printed it"),
        GOOD,
    ),
    Case(
        "a start with another sampler",
        SEARCH + "--warm-start earlier --sampler tpe",
        ("flags: warm_start: found 'earlier': needs the sampler pareto, which",),
        GOOD,
    ),
    Case(
        "to keep and to drop",
        SEARCH + "--extend --fresh",
        ("--fresh drops the study that --extend keeps", "give one of them"),
        GOOD,
    ),
    Case(
        "a changed space of no run",
        SEARCH.replace(" -o run", "") + "--extend",
        ("--extend needs the run folder to go on with", "expected --out RUN"),
        GOOD,
    ),
    Case(
        "a changed space of a run that is not there",
        SEARCH + "--extend",
        ("no study in", "give the folder of a run, as `autopeft search` printed it"),
        GOOD,
    ),
    Case(
        "a cluster that is not there",
        SEARCH.replace("--workers 0", "--workers 1") + "--ray-address nowhere",
        (
            "no Ray cluster can be reached by --ray-address nowhere: Invalid",
            "expected HOST:PORT of its head, or leave --ray-address out",
        ),
        GOOD,
    ),
    Case(
        "a plugin that is not there",
        SEARCH + "--plugin mine.py",
        ("cannot read the plugin mine.py: No such file or directory", "expected a Python file"),
        GOOD,
    ),
    Case(
        "a plugin that fails",
        SEARCH + "--plugin mine.py",
        (
            "failed: ModuleNotFoundError: No module named 'nothing_of_this_name",
            "expected a file that runs to its end: mend it",
        ),
        GOOD | {"mine.py": "import nothing_of_this_name"},
    ),
    Case(
        "a plugin that does not parse",
        SEARCH + "--plugin mine.py",
        ("failed: SyntaxError: invalid syntax (mine.py, line 1", "expected a file that runs to its end: mend it"),
        GOOD | {"mine.py": "def x(:\n"},
    ),
    Case(
        "a plugin that registers nothing",
        SEARCH + "--plugin mine.py",
        ("registers nothing", "expected autopeft.methods.register(...) or"),
        GOOD | {"mine.py": "print('hi')"},
    ),
    Case(
        "a plugin that leaves",
        SEARCH + "--plugin mine.py",
        ("failed: SystemExit: 3", "expected a file that runs to its end: mend it"),
        GOOD | {"mine.py": "import sys\nsys.exit(3)\n"},
    ),
    Case(
        "a plugin that is a folder", SEARCH + "--plugin .", ("cannot read the plugin", "expected a Python file"), GOOD
    ),
    Case(
        "a plugin that is text",
        SEARCH + "--plugin notes.txt",
        ("is no Python file", "expected one like `autopeft plugin kind` prints"),
        GOOD | {"notes.txt": "to do"},
    ),
]


@pytest.mark.parametrize("case", NUMBERS, ids=lambda case: case.name)
def test_an_option_is_refused(case, tmp_path, place):
    check_refused(case, tmp_path, place)
