"""Examples for causal language models: conversations, prompts with completions, or texts to go on with."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from autopeft.tasks.causal.judging.beside import Beside
from autopeft.tasks.causal.turns import Example

__all__ = ["CausalSplit"]


@dataclass(frozen=True)
class CausalSplit:
    """Examples whose assistant's turns are learned.

    Args:
        examples: The examples.
        choices: Of multiple-choice data, the choices of each example, among them what is learned.
        places: Where each example stands, for messages; empty where it stands nowhere.
        beside: What stands beside each for the metric of the task; empty where that looks at texts alone.
    """

    examples: Sequence[Example]
    choices: Sequence[tuple[str, ...]] | None = None
    places: Sequence[str] = ()
    beside: Sequence[Beside] = ()

    def __len__(self) -> int:
        return len(self.examples)

    def take(self, indices: Iterable[int]) -> CausalSplit:
        """Return the examples at the indices, in their order."""
        picked = [int(index) for index in indices]
        choices = None if self.choices is None else [self.choices[index] for index in picked]
        places = [self.places[index] for index in picked] if self.places else ()
        beside = [self.beside[index] for index in picked] if self.beside else ()
        return CausalSplit([self.examples[index] for index in picked], choices, places, beside)
