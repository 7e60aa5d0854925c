"""What people use today, with which every search compares what it finds."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from autopeft.methods.registry import VOCABULARY
from autopeft.space import Configuration
from autopeft.space.canonical import canonical
from autopeft.space.shape import BackboneShape

__all__ = ["HEAD_ONLY", "REFERENCES", "TITLES", "Reference", "references_of", "stock_lora"]

#: No adapters at all: only the task head is trained.
HEAD_ONLY = Configuration.from_dict({"modules": {}, "training": {}})

#: Of so many trials one may be what the others are compared with, the untouched model among them.
_SHARE = 3


@dataclass(frozen=True)
class Reference:
    """LoRA as people set it, on every layer.

    Args:
        name: What a study calls it.
        pick: What it is called where one is picked.
        title: What it is called in sentences.
        rank: Its rank; alpha is twice that.
        targets: The matrices it adapts; every matrix of a layer when left out.
        pace: Its learning rate as a multiple of stock LoRA's, as measured on the default job (studies/icd10/rates.py).
    """

    name: str
    pick: str
    title: str
    rank: int
    targets: Collection[str] = ()
    pace: float = 1.0

    @property
    def in_words(self) -> str:
        """What it is, for a legend."""
        return f"r={self.rank} on {','.join(self.targets) or 'every matrix'}"

    def configuration(self, shape: BackboneShape, learning_rate: float) -> Configuration:
        """Return it on a backbone.

        Args:
            shape: The backbone; where query, key and value are one matrix, that matrix is adapted.
            learning_rate: Peak learning rate of the adapters.
        """
        targets = [*self.targets] or [*shape.roles]
        lora = {"rank": self.rank, "alpha": 2.0 * self.rank, "targets": targets, "layers": "all"}
        return canonical({"modules": {"lora": lora}, "training": {"learning_rate": learning_rate}}, VOCABULARY, shape)


#: By what people reach for first; the last two are the rivals of "as good for less".
REFERENCES = (
    Reference("stock-lora", "stock", "stock LoRA", 8, ("q", "v")),
    Reference("all-linear", "all-linear", "all-linear LoRA", 16, pace=0.5),
    Reference("low-rank", "low-rank", "low-rank LoRA", 1, ("q", "v"), pace=2.0),
    Reference("low-rank-all", "low-rank-all", "low-rank-all LoRA", 1, pace=2.0),
)

#: What they are called in sentences, by name.
TITLES = {each.name: each.title for each in REFERENCES}


def stock_lora(shape: BackboneShape, learning_rate: float) -> Configuration:
    """Return the first of the references: r=8 and alpha=16 on q and v of every layer; see `Reference.configuration`."""
    return REFERENCES[0].configuration(shape, learning_rate)


def references_of(trials: int) -> tuple[Reference, ...]:
    """Return what a search of so many trials is compared with: stock LoRA, and others in a third of its trials."""
    return REFERENCES[: max(1, trials // _SHARE - 1)]
