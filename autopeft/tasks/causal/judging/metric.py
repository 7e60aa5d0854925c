"""What a metric of generated texts is."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from autopeft.tasks.causal.judging.beside import Beside, Column

__all__ = ["AnswerMetric", "Judged"]

#: What an answer is held against: the text that was wanted, and what stands beside it.
Judged = tuple[str, Beside]


def _nothing(judged: Sequence[Judged]) -> None:
    return


@dataclass(frozen=True)
class AnswerMetric:
    """A metric of generated texts; its value is the mean over examples.

    Args:
        score: Judges a text by what was wanted and by what stands beside that: 0 to 1, which is perfect.
        usual: Whether it is measured wherever models write answers; else only where a task is judged by it.
        columns: What it reads of rows beside the text that was wanted.
        candidates: How many texts a model writes to each prompt, of which the best counts.
        weight: The column that says how much an example counts; each the same when left out.
        runs_code: Whether it runs code that a model wrote.
        check: Looks at what answers will be held against, and at what is installed, before anything is measured; raises
            an `AutopeftError` where they will not do.
    """

    score: Callable[[str, str, Beside], float]
    usual: bool = False
    columns: tuple[Column, ...] = ()
    candidates: int = 1
    weight: str | None = None
    runs_code: bool = False
    check: Callable[[Sequence[Judged]], None] = _nothing

    def best(self, texts: Sequence[str], judged: Judged) -> float:
        """Return the score of the best of some texts."""
        wanted, beside = judged
        return max(self.score(text, wanted, beside) for text in texts)
