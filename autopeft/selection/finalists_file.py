"""The file `finalists.json` in a run folder: what became of the finalists."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from autopeft.errors import StudyError
from autopeft.selection.verdict import MARGIN

__all__ = ["FINALISTS", "Finalist", "FinalistsFile", "Interval", "SeedResult", "Setting", "read_finalists"]

#: Name of the file in a run folder.
FINALISTS = "finalists.json"


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Setting(_Part):
    """How long finalists train.

    Args:
        examples: Training examples.
        epochs: Epochs.
    """

    examples: int
    epochs: float


class Interval(_Part):
    """An estimate with its 95 % confidence interval."""

    mean: float
    low: float
    high: float


class SeedResult(_Part):
    """One training of a finalist.

    Args:
        seed: Its seed.
        validation: The metric on the whole validation split.
        test: The metric on the test split.
        folder: Adapters and head as `autopeft.methods.save` writes them; relative to the run folder.
    """

    seed: int
    validation: float
    test: float
    folder: str


class Finalist(_Part):
    """One configuration that was trained with several seeds and measured on test.

    Args:
        name: `trial-12`, or the name of the baseline.
        trial: Its number in the study; None where it was no trial of the study.
        baseline: Which baseline it is, if one.
        configuration: The configuration as plain data; of full fine-tuning, one without modules.
        in_words: The configuration in words.
        params: Trainable parameters, head not counted.
        share: `params` as a fraction of the backbone.
        learning_rate: Peak learning rate of the adapters; None without any.
        seeds: What each training reached.
        validation: The metric on validation, over seeds.
        test: The metric on test, over seeds and examples, not corrected for the choice among finalists.
        difference: Points of the metric on test above stock LoRA as a fraction, paired over examples and corrected for
            the choice among finalists; None for stock LoRA itself.
        as_good: Whether it is shown to be as good as stock LoRA within the margin; None for stock LoRA itself.
        front_probability: Probability of being on the true front of cost against accuracy.
        beats_stock: Probability of being better than stock LoRA; None for stock LoRA itself.
        verdict: One sentence on how it stands to stock LoRA.
    """

    name: str
    trial: int | None
    baseline: Literal["head", "stock-lora", "full"] | None
    configuration: Mapping[str, Any]
    in_words: str = ""
    params: int
    share: float
    learning_rate: float | None
    seeds: tuple[SeedResult, ...]
    validation: Interval
    test: Interval
    difference: Interval | None = None
    as_good: bool | None = None
    front_probability: float
    beats_stock: float | None
    verdict: str


class FinalistsFile(_Part):
    """What `autopeft select` found.

    Args:
        setting: How long finalists trained.
        metric: What accuracies are.
        margin: By how much worse than stock LoRA, as a fraction, is as good as it.
        test_readings: How often a model was measured on the test split in this run folder.
        verdict: One sentence: did the search help?
        finalists: By rising cost.
        trials: Finished trials of the study when they were chosen; None where that is not known.
    """

    setting: Setting
    metric: str
    margin: float = MARGIN
    test_readings: int
    verdict: str
    finalists: tuple[Finalist, ...]
    trials: int | None = None

    def write(self, run: Path) -> None:
        """Write the file into a run folder; it is whole as soon as it is there."""
        partial = run / f"{FINALISTS}.partial"
        partial.write_text(self.model_dump_json(indent=2) + "\n", encoding="utf8")
        partial.replace(run / FINALISTS)


def read_finalists(run: Path) -> FinalistsFile | None:
    """Read the file of a run folder; None where no selection has been made.

    Raises:
        StudyError: When the file cannot be read as one.
    """
    path = run / FINALISTS
    if not path.is_file():
        return None
    try:
        return FinalistsFile.model_validate_json(path.read_bytes())
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"])
        raise StudyError(
            f"{path}: {place}: {first['msg']}; it was not written by this version: run `autopeft select {run}` again"
        ) from None
