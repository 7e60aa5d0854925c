"""Search spaces, budgets and objectives that say nothing that can be searched."""

import pytest

from tests.bad_input.case import Case, check_refused
from tests.bad_input.rows import CSV

GOOD = {"data.csv": CSV}
SEARCH = "search --model {place}/tiny-bert --data data.csv --trials 2 --workers 0 --no-select -o run "
SPACE = SEARCH + "--budget 20% --space mine.yaml"
CHECK = "spaces check mine.yaml --model {place}/tiny-bert"


def space(text: str) -> dict[str, str]:
    return GOOD | {"mine.yaml": text}


def lora(knobs: str, more: str = "") -> dict[str, str]:
    return space(f"name: mine\nmodules:\n  lora: {{{knobs}}}\n{more}")


SPACES = [
    Case(
        "a file that is not there",
        SEARCH + "--space spaces/mine.yaml",
        ("cannot read spaces/mine.yaml: No such file or directory", "expected a YAML file of a search space"),
        GOOD,
    ),
    Case("a file that is empty", SPACE, ("1: found nothing", "a mapping with `modules` or `choose`"), space("")),
    Case(
        "a file of notes",
        SPACE,
        ("1: found a scalar", "a mapping with `modules` or `choose`"),
        space("try lora with rank 8"),
    ),
    Case(
        "a list of methods",
        SPACE,
        ("1: found a sequence", "a mapping with `modules` or `choose`"),
        space("- lora\n- ia3\n"),
    ),
    Case(
        "tabs",
        SPACE,
        ("3: not YAML: found character '\\t' that cannot start any token",),
        space("name: mine\nmodules:\n\tlora: {rank: 8}\n"),
    ),
    Case(
        "a file that is binary",
        SPACE,
        (
            "utf-8' codec can't decode byte 0x80 in position 128: invalid start",
            "expected a YAML file of a search space",
        ),
        GOOD | {"mine.yaml": bytes(range(256))},
    ),
    Case(
        "a key twice",
        SPACE,
        ("4: modules.lora: given twice, first on line 3", "keep one"),
        space("name: mine\nmodules:\n  lora: {rank: 8}\n  lora: {rank: 4}\n"),
    ),
    Case(
        "a folder",
        SEARCH + "--space spaces",
        ("no space is called 'spaces", "did you mean 'sparse'?"),
        GOOD | {"spaces/mine.yaml": "name: x"},
    ),
    Case(
        "no methods",
        SPACE,
        ("modules: missing", "`modules` or `choose` with at least one method"),
        space("name: mine\n"),
    ),
    Case(
        "a method with a slip",
        SPACE,
        ("2: modules.lroa: no such method", "did you mean 'road'?"),
        space("name: mine\nmodules: {lroa: {rank: 8}}\n"),
    ),
    Case("a knob with a slip", SPACE, ("3: modules.lora.rnak: no such key", "did you mean 'rank'?"), lora("rnak: 8")),
    Case(
        "a rank that is a word",
        SPACE,
        ("3: modules.lora.rank: found 'high', expected whole numbers, or",),
        lora("rank: high"),
    ),
    Case(
        "a rank of nothing",
        SPACE,
        ("3: modules.lora.rank: found 0", "a value beside `off`, or the method left out"),
        lora("rank: 0"),
    ),
    Case(
        "a range that falls",
        SPACE,
        ("3: modules.lora.rank: found '16..2 by x2", "16 is not below 2"),
        lora("rank: '16..2 by x2'"),
    ),
    Case(
        "a step of nothing",
        SPACE,
        ("3: modules.lora.rank: found '2..16 by x1", "a step above 1 after `x`, above 0 otherwise"),
        lora("rank: '2..16 by x1'"),
    ),
    Case(
        "a rank with a fraction",
        SPACE,
        ("3: modules.lora.rank: found 1.5", "whole numbers, or multiples of d, or multiples of f, or off"),
        lora("rank: 1.5"),
    ),
    Case(
        "a logarithm from 0",
        SPACE,
        ("4: training.learning_rate: found '0..1e-2 log", "at least 1e-07"),
        lora("rank: 8", "training: {learning_rate: '0..1e-2 log'}\n"),
    ),
    Case(
        "a rate of nothing",
        SPACE,
        ("4: training.learning_rate: found 0", "at least 1e-07"),
        lora("rank: 8", "training: {learning_rate: 0}\n"),
    ),
    Case(
        "a setting of training that is none",
        SPACE,
        ("4: training.epochs: no such key", "learning_rate, schedule"),
        lora("rank: 8", "training: {epochs: 3}\n"),
    ),
    Case(
        "a share of the tokens above all",
        SPACE,
        ("4: training.lemo_kept: found 1.5", "at most 1"),
        lora("rank: 8", "training: {context: lemo, lemo_kept: 1.5}\n"),
    ),
    Case(
        "a context that is none",
        SPACE,
        ("4: training.context: found 'lemon'", "all, lemo"),
        lora("rank: 8", "training: {context: lemon}\n"),
    ),
    Case(
        "a share of neurons of nothing",
        SPACE,
        ("4: training.lemo_neurons", "context"),
        lora("rank: 8", "training: {lemo_neurons: 0.5}\n"),
    ),
    Case(
        "targets of a role that is none",
        SPACE,
        ("3: modules.lora.targets: found 'w", "expected one of q, k, v, qkv, o, up, gate, down"),
        lora("rank: 8, targets: 'subset of q, w'"),
    ),
    Case(
        "a role that the model lacks",
        SPACE,
        ("3: modules.lora.targets: found gate, but the backbone has only q, k,",),
        lora("rank: 8, targets: gate"),
    ),
    Case(
        "layers beyond the last",
        SPACE,
        ("2: layers: found layer 12", "0 to 2"),
        space("name: mine\nlayers: [0, 12]\nmodules: {lora: {rank: 8}}\n"),
    ),
    Case(
        "layers in other words",
        SPACE,
        ("2: layers: found 'top half', expected `all`, `subset`, `subset of",),
        space("name: mine\nlayers: top half\nmodules: {lora: {rank: 8}}\n"),
    ),
    Case(
        "a constraint without sense",
        SPACE,
        ("4: constraints: found 'rank should be small', expected nothing,",),
        lora("rank: 8", "constraints: ['rank should be small']\n"),
    ),
    Case(
        "a constraint on a knob that is none",
        SPACE,
        ("4: constraints: in 'lora.rnak <= 4' found 'lora.rnak', no such knob", "did you mean 'rank'?"),
        lora("rank: 8", "constraints: ['lora.rnak <= 4']\n"),
    ),
    Case(
        "constraints that nothing meets",
        SPACE,
        ("4: constraints: found 'lora.rank <= 2", "one that some configuration keeps: no value that the space"),
        lora("rank: '4 | 8'", "constraints: ['lora.rank <= 2']\n"),
    ),
    Case(
        "constraints that are one text",
        SPACE,
        ("4: constraints: found 'params <= 1%", "a list such as ['params <= 1%']"),
        lora("rank: 8", "constraints: params <= 1%\n"),
    ),
    Case(
        "a space that builds on itself",
        SPACE,
        ("2: extends: found a circle, mine.yaml -> mine.yaml", "expected a space that does not extend this one"),
        space("name: mine\nextends: mine.yaml\n"),
    ),
    Case(
        "a space that builds on nothing",
        SPACE,
        ("2: extends: no space is called 'lora-famly", "did you mean 'lora-family'?"),
        space("name: mine\nextends: lora-famly\n"),
    ),
    Case(
        "a key that is none",
        SPACE,
        ("4: budget: no such key", "expected one of name, layers, modules, choose, training,"),
        lora("rank: 8", "budget: 1%\n"),
    ),
    Case(
        "all faults of a file at once",
        CHECK,
        ("mine.yaml:3", "mine.yaml:4", "mine.yaml:5"),
        space("name: mine\nmodules:\n  lroa: {}\n  lora: {rank: 0}\n  ia3: {rank: 8}\n"),
    ),
    Case(
        "a space that is shown",
        "spaces show nothing",
        ("no space is called 'nothing", "expected one of audio, autopeft, data-levers, default,"),
        GOOD,
    ),
    Case(
        "embeddings of several tasks for one",
        SPACE,
        ("space 'mine': modules.hyper_adapter.tasks: 2 tasks are told apart", "mixture: joint; expected 1"),
        space("name: mine\nmodules:\n  hyper_adapter: {size: 8, tasks: 2}\n"),
    ),
    Case(
        "embeddings of several tasks for what has none",
        SPACE,
        ("lite has no embedding of a task, and so none for each of 2 tasks; leave one of them out",),
        space("name: mine\nmodules:\n  hyper_adapter: {size: 8, tasks: 2, lite: true}\n"),
    ),
]

BUDGETS = [
    Case(
        "a budget of nothing",
        SEARCH + "--budget 0%",
        ("budget '0%' leaves nothing to train", "expected a share of the backbone such as `1%`, or a number"),
        GOOD,
    ),
    Case(
        "a budget below nothing",
        SEARCH + "--budget=-1%",
        ("cannot read the budget '-1%", "expected a share of the backbone such as `1%`, or a number"),
        GOOD,
    ),
    Case(
        "a budget beyond all",
        SEARCH + "--budget 250%",
        ("budget '250%' is more than the backbone has", "expected a share of the backbone such as `1%`, or a number"),
        GOOD,
    ),
    Case(
        "a budget with a unit that is none",
        SEARCH + "--budget 300q",
        ("cannot read the budget '300q", "expected a share of the backbone such as `1%`, or a number"),
        GOOD,
    ),
    Case(
        "a budget that is no number",
        SEARCH + "--budget nan%",
        ("cannot read the budget 'nan%", "expected a share of the backbone such as `1%`, or a number"),
        GOOD,
    ),
    Case(
        "a budget without end",
        SEARCH + "--budget inf",
        ("cannot read the budget 'inf", "expected a share of the backbone such as `1%`, or a number"),
        GOOD,
    ),
    Case(
        "two budgets of one kind",
        SEARCH + "--budget 1%,300k",
        (
            "cannot read the budget '1%,300k': it has 2 parts",
            "expected a share of the backbone such as `1%`, or a number",
        ),
        GOOD,
    ),
    Case(
        "a budget of memory with a blank",
        SEARCH + "--budget '1% 16GiB'",
        ("cannot read the budget '1% 16GiB", "expected a share of the backbone such as `1%`, or a number"),
        GOOD,
    ),
    Case(
        "an empty budget",
        SEARCH + "--budget ''",
        ("cannot read the budget", "expected a share of the backbone such as `1%`, or a number"),
        GOOD,
    ),
    Case(
        "a decimal comma",
        SEARCH + "--budget 0,5%",
        ("cannot read the budget '0,5%': it has 2 parts", "expected a share of the backbone such as `1%`, or a number"),
        GOOD,
    ),
    Case(
        "costs without accuracy",
        SEARCH + "--objectives params",
        ("objectives 'params': expected accuracy and one or two of params,",),
        GOOD,
    ),
    Case(
        "accuracy alone",
        SEARCH + "--objectives accuracy",
        ("objectives 'accuracy': expected accuracy and one or two of params,",),
        GOOD,
    ),
    Case(
        "an objective with a slip",
        SEARCH + "--objectives accuracy,parms",
        ("objectives 'accuracy,parms': there is no objective 'parms", "did you mean 'params'?"),
        GOOD,
    ),
    Case(
        "an objective twice",
        SEARCH + "--objectives accuracy,params,params",
        (
            "objectives 'accuracy,params,params': one stands twice",
            "expected accuracy and one or two of params, active, bytes,",
        ),
        GOOD,
    ),
    Case(
        "too many objectives",
        SEARCH + "--objectives accuracy,params,flops,bytes",
        ("objectives 'accuracy,params,flops,bytes': expected accuracy and one",),
        GOOD,
    ),
    Case(
        "a target that cannot train this",
        SEARCH + "--target trl",
        ("trl trains causal language models, and the task", "expected another --target, or none"),
        GOOD,
    ),
    Case("a target with a slip", SEARCH + "--target peff", ("unknown target 'peff", "did you mean 'peft'?"), GOOD),
]

LEVERS = [
    Case(
        "a score for each of endless values",
        SPACE,
        (
            "data.optimal_transport_epsilon: found the range 0.1..1, but what select: optimal_transport goes by is",
            "expected some values, such as '0.05 | 0.1 | 0.5'",
        ),
        lora("rank: 8", "data: {select: optimal_transport, optimal_transport_epsilon: '0.1..1 log'}\n"),
    ),
    Case(
        "a surrogate without a head",
        SPACE.replace("tiny-bert", "tiny-llama").replace("data.csv", "data.jsonl"),
        ("a model that writes text has no head to be trained as the surrogate; leave that word out of the space",),
        lora("rank: 8", "data: {select: all | influence}\n")
        | {"data.jsonl": "".join(f'{{"prompt": "a {n}", "completion": " a good film"}}\n' for n in range(40))},
    ),
]


@pytest.mark.parametrize("case", SPACES + BUDGETS + LEVERS, ids=lambda case: case.name)
def test_a_space_is_refused(case, tmp_path, place):
    check_refused(case, tmp_path, place)
