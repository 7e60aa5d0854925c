"""Whether a program passes its tests, as problems of MBPP have them (Austin et al. 2021, arXiv:2108.07732)."""

from __future__ import annotations

from collections.abc import Sequence

from autopeft.errors import RunError
from autopeft.sandbox import check_sandbox, run
from autopeft.tasks.causal.formats import TESTS
from autopeft.tasks.causal.judging.beside import Beside, Column, lines_in, text_in
from autopeft.tasks.causal.judging.fences import unfenced
from autopeft.tasks.causal.judging.metric import AnswerMetric, Judged

__all__ = ["PASSES"]

_IMPORTS, _SETUP = "test_imports", "test_setup_code"

#: What ends a program in the prompts of the paper.
_DONE = "[DONE]"


def _passes(text: str, wanted: str, beside: Beside) -> float:
    """Tell whether a program passes all tests of its problem, run in the sandbox: 1.0 or 0.0.

    Raises:
        AutopeftError: When this machine, which may be one of many, has no sandbox.
    """
    check_sandbox()
    program = unfenced(text.partition(_DONE)[0])
    before = "\n".join([*beside[_IMPORTS], beside[_SETUP]])
    ended = run([before, program, *beside[TESTS]])
    if ended.unguarded:
        raise RunError(f"a program was not run, for a guard of the sandbox could not be put on: {ended.unguarded}")
    return float(ended.passed)


def _check(judged: Sequence[Judged]) -> None:
    check_sandbox()


PASSES = AnswerMetric(
    _passes,
    columns=(Column(TESTS, lines_in), Column(_IMPORTS, lines_in, otherwise=()), Column(_SETUP, text_in, otherwise="")),
    runs_code=True,
    check=_check,
)
