"""Small files and small functions, as CONTRIBUTING has it."""

import ast

from tests.documents.pages import TOP

#: Lines of a file, and of a function's body: what it declares and what is said of it aside.
_FILE, _BODY = 400, 60

_FILES = [
    path for room in ("autopeft", "tests", "studies", "docs", "examples") for path in sorted((TOP / room).rglob("*.py"))
]


def bodies(text):
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            said = ast.get_docstring(node) is not None and len(node.body) > 1
            yield node.name, node.end_lineno - node.body[said].lineno + 1


def test_files_are_small():
    sizes = {str(path.relative_to(TOP)): len(path.read_text(encoding="utf8").splitlines()) for path in _FILES}
    assert not {name: lines for name, lines in sizes.items() if lines > _FILE}


def test_functions_are_small():
    found = {
        f"{path.relative_to(TOP)}: {name}": lines
        for path in _FILES
        if path.is_relative_to(TOP / "autopeft")
        for name, lines in bodies(path.read_text(encoding="utf8"))
    }
    assert not {name: lines for name, lines in found.items() if lines > _BODY}
