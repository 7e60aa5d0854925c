"""How programs in the sandbox end."""

import os
import resource
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest

from autopeft.sandbox import Ended, Limits, run
from tests.marks import sandboxed

pytestmark = sandboxed

BRIEF = replace(Limits(), seconds=1)


@pytest.mark.parametrize(
    ("parts", "failed"),
    [
        (["def double(x):\n    return 2 * x", "assert double(2) == 4"], None),
        (["def double(x):\n    return 3 * x", "assert double(2) == 4"], "AssertionError"),
        (["def double(x) return", "assert True"], "SyntaxError"),
        # The tests are not within reach of what a program leaves open.
        (['text = """', 'assert False\n"""'], "SyntaxError"),
        (["raise SystemExit", "assert False"], "SystemExit"),
        (["import os; os._exit(0)"], "ended with 0"),
        (["import os; os.kill(os.getpid(), 9)"], "PermissionError"),
        (["import ctypes; ctypes.string_at(0)"], "ended with -11"),
        (["def deep():\n    deep()", "deep()"], "RecursionError"),
        (["x = [0] * 2**30"], "MemoryError"),
        (["if __name__ == '__main__':\n    input()"], None),
        (["input()"], "EOFError"),
        (["print('x' * 2**24)"], None),
        (["import math, re, json, random, collections, itertools, heapq, hashlib, datetime, decimal"], None),
        (["open('own', 'w').write('x')", "assert open('own').read() == 'x'"], None),
        (["import torch"], "ModuleNotFoundError"),
        (["import autopeft.api"], "PermissionError"),
        (["s = '\\udc80'", "é = 'ä'"], None),
        # It is a module as any other, and has nothing of ours before it.
        (["from dataclasses import dataclass\n@dataclass\nclass A:\n    x: int", "assert A(1).x == 1"], None),
        (["import pickle\nclass A: pass\npickle.loads(pickle.dumps(A()))"], None),
        (["def f(x: Lst): pass"], "NameError"),
        ([], None),
    ],
)
def test_a_program_ends_as_it_does(parts, failed):
    assert run(parts, BRIEF).failed == failed


NAMELESS = """
class Kind(type):
    @property
    def __name__(cls):
        return {name}

class Nameless(Exception, metaclass=Kind):
    pass

raise Nameless
"""


@pytest.mark.parametrize(
    "program",
    [
        "import builtins\nbuiltins.exec = lambda *a, **k: None",
        "import builtins\nbuiltins.compile = lambda *a, **k: compile('0', '', 'eval')",
        "import builtins, types\nbuiltins.type = lambda e: types.SimpleNamespace(__name__='passed')",
        "import builtins\nbuiltins.BaseException = KeyError",
        "import json\njson.dumps = lambda *a, **k: '{}'",
        "import os\nos.write = os._exit = lambda *a: 1",
        "import sys\nsys.exit = sys.excepthook = lambda *a: None",
        *(NAMELESS.format(name=name) for name in ("None", "''", "'passed'")),
    ],
)
def test_what_a_program_puts_in_the_place_of_pythons_own_passes_no_test(program):
    assert not run([program, "assert False"], BRIEF).passed


def test_what_a_program_writes_for_an_answer_is_none():
    write = "import os\nfor number in range(3, 20):\n    try:\n        os.write(number, {0})\n    except OSError: pass"
    for answer in ("b'[' * 4000", "b'passed'", "b'{\"failed\": null}'", "b'\\xff' * 9000"):
        for ending in ("os._exit(0)", "assert False"):
            ended = run([f"{write.format(answer)}\n{ending}"], BRIEF)
            assert (ended.failed, ended.unguarded) == ("ended with 0", None)


def test_a_guard_that_cannot_be_put_on_is_told_by_its_name(monkeypatch):
    # Descriptors for less than Landlock takes.
    monkeypatch.setattr(subprocess, "Popen", partial(subprocess.Popen, preexec_fn=_few_files))
    assert run(["0"], BRIEF) == Ended(unguarded="landlock: Too many open files")


def _few_files():
    resource.setrlimit(resource.RLIMIT_NOFILE, (7, 7))


def test_nothing_is_run_for_who_has_ended_already(monkeypatch):
    parent = os.getppid()
    monkeypatch.setattr(os, "getpid", lambda: parent)
    assert run(["0"], BRIEF).failed == "ended with 1"


def test_it_has_nothing_of_the_environment(monkeypatch):
    monkeypatch.setenv("SECRET", "x")
    assert run(["import os; assert 'SECRET' not in os.environ"], BRIEF).passed


def test_sets_have_one_order():
    told = "raise type(f'Order{hash(str()) + hash(str(1))}'.replace('-', 'm'), (Exception,), {})"
    assert run([told], BRIEF) == run([told], BRIEF)


def test_who_sleeps_is_not_waited_for(monkeypatch):
    began = time.monotonic()
    monkeypatch.setattr(Limits, "patience", 0.5)
    assert run(["import time; time.sleep(60)"], BRIEF).failed == "too long"
    assert time.monotonic() - began < 30


def test_who_fills_the_disk_is_stopped(tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    fill = "for number in range(10**6):\n    open(str(number), 'wb').write(bytes(2**20))"
    assert run([fill], Limits()).failed == "too much written"
    assert run(["for number in range(10**6):\n    open(str(number), 'wb')"], Limits()).failed == "too much written"
    # Nothing is left.
    assert [*tmp_path.iterdir()] == []


def test_a_program_does_not_outlive_who_runs_it(tmp_path):
    code = "from autopeft.sandbox import run\nrun([\"import time\\nopen('mark', 'w').close()\\ntime.sleep(60)\"])"
    environment = {**os.environ, "TMPDIR": str(tmp_path)}
    runner = subprocess.Popen([sys.executable, "-c", code], env=environment)
    until = time.monotonic() + 20
    while not [*tmp_path.glob("*/mark")] and time.monotonic() < until:
        time.sleep(0.05)
    children = Path(f"/proc/{runner.pid}/task/{runner.pid}/children").read_text().split()
    runner.send_signal(signal.SIGKILL)
    runner.wait()
    assert len(children) == 1
    while Path(f"/proc/{children[0]}").exists() and "Z" not in Path(f"/proc/{children[0]}/stat").read_text():
        assert time.monotonic() < until
        time.sleep(0.05)
