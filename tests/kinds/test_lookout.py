"""No room asks which kind of task it has: it asks the kind."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import autopeft
from autopeft.tasks import KINDS

PACKAGE = Path(autopeft.__file__).parent
#: Where kinds are entered by name; the suites for those who add one make tasks of some.
TABLES = ("tasks/kinds.py", "tasks/load.py", "trials/kinds.py", "testing/")
#: Names of kinds that are words of other things too: these are looked for in comparisons alone.
WORDS = {"tokens", "image", "audio", "several"}


def homes(name: str) -> list[str]:
    """Return where a kind lives, as a folder or a file, on either side."""
    return [f"{side}/{name}{end}" for side in ("tasks", "trials") for end in ("/", ".py")]


def asks(source: str) -> Iterator[str]:
    """Yield what in some code would have to be another for another kind of task."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import | ast.ImportFrom):
            names = [node.module or ""] if isinstance(node, ast.ImportFrom) else [alias.name for alias in node.names]
            for name in names:
                parts = name.split(".")
                if parts[:1] == ["autopeft"] and parts[1:2] in (["tasks"], ["trials"]) and set(parts[2:3]) & set(KINDS):
                    yield f"line {node.lineno}: imports {name}"
        elif isinstance(node, ast.Constant) and node.value in KINDS and node.value not in WORDS:
            yield f"line {node.lineno}: names the kind {node.value!r}"
        elif isinstance(node, ast.Compare):
            said = {each.value for each in ast.walk(node) if isinstance(each, ast.Constant)} & WORDS
            if said and any("kind" in ast.unparse(each) for each in (node.left, *node.comparators)):
                yield f"line {node.lineno}: compares a kind with {said}"
        elif isinstance(node, ast.Call) and ast.unparse(node.func) in ("isinstance", "issubclass") and node.args:
            subject = ast.unparse(node.args[0])
            if subject.rpartition(".")[2] in ("task", "kind", "split", "schema"):
                yield f"line {node.lineno}: asks what {subject} is an instance of"
        elif isinstance(node, ast.Attribute) and node.attr != "take":
            *before, owner = ast.unparse(node.value).split(".")
            if owner in ("schema", "reads", "train", "validation", "test") and {"task", "use"} & set(before):
                yield f"line {node.lineno}: reads {ast.unparse(node)}"


def modules() -> list[str]:
    """Return the modules of the package outside kinds and tables."""
    inside = (*TABLES, *(home for name in KINDS for home in homes(name)))
    found = (path.relative_to(PACKAGE).as_posix() for path in sorted(PACKAGE.rglob("*.py")))
    return [name for name in found if not name.startswith(inside)]


def test_the_rooms_ask_the_kind():
    found = {name: [*asks((PACKAGE / name).read_text(encoding="utf8"))] for name in modules()}
    # What kinds that tell something of texts share knows their schemas, and so does what ranking kinds share.
    shared = ("tasks/text_kind.py", "trials/text_kind.py", "tasks/ranking/", "trials/ranking/")
    # So do kinds on pictures and sounds.
    shared += ("tasks/media/", "trials/media.py")
    assert not {name: said for name, said in found.items() if said and not name.startswith(shared)}


@pytest.mark.parametrize(
    "code",
    [
        "from autopeft.tasks.causal import Format",
        "import autopeft.trials.classification.kind",
        "if task.kind.name == 'causal': pass",
        "spaces = {'causal': 'llm'}",
        "isinstance(job.task, Task)",
        "issubclass(kind, Written)",
        "labels = task.schema.labels",
        "texts = task.train.texts",
        "task.kind.name in ('tokens',)",
    ],
)
def test_the_lookout_sees(code):
    assert [*asks(code)]


@pytest.mark.parametrize(
    "code",
    ["few = task.train.take([0])", "length = len(task.validation)", "unit = 'tokens'", "kind_of(task).has_head"],
)
def test_the_lookout_lets_pass(code):
    assert not [*asks(code)]
