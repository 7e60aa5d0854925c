"""The file `finalists.json` in a run folder: what became of the finalists."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError, model_validator

from autopeft.errors import StudyError
from autopeft.methods import REFERENCES
from autopeft.selection.verdict import MARGIN
from autopeft.whole_file import write_text

__all__ = [
    "FINALISTS",
    "Against",
    "Finalist",
    "FinalistsFile",
    "Interval",
    "Power",
    "SeedResult",
    "Setting",
    "read_finalists",
]

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


class Against(_Part):
    """A finalist beside a reference.

    Args:
        difference: Points of the metric on test above the reference as a fraction, paired over examples; all of a file
            hold at once.
        as_good: Whether it is shown to be as good within the margin; None in files of earlier versions.
        probability: Probability of being better.
    """

    difference: Interval
    as_good: bool | None
    probability: float

    @property
    def better(self) -> bool:
        """Whether it is shown to be better."""
        return self.difference.low > 0


class Finalist(_Part):
    """One configuration that was trained with several seeds and measured on test.

    Args:
        name: `trial-12`, or the name of the baseline.
        trial: Its number in the study; None where it was no trial of the study.
        baseline: `head`, the name of a reference, or `full`, where it is one of these.
        configuration: The configuration as plain data; of full fine-tuning, one without modules.
        in_words: The configuration in words.
        params: Trainable parameters, head not counted.
        share: `params` as a fraction of the backbone.
        learning_rate: Peak learning rate of the adapters; None without any.
        seeds: What each training reached.
        validation: The metric on validation, over seeds.
        test: The metric on test, over seeds and examples, not corrected for the choice among finalists.
        costs: The costs that are objectives, by name; those of full fine-tuning are not known.
        against: How it stands to each reference that it is not itself, by their names.
        front_probability: Probability of being on the true front of cost against accuracy.
        verdict: One sentence on how it stands to the best reference.
    """

    name: str
    trial: int | None
    baseline: str | None
    configuration: Mapping[str, Any]
    in_words: str = ""
    params: int
    share: float
    learning_rate: float | None
    seeds: tuple[SeedResult, ...]
    validation: Interval
    test: Interval
    costs: Mapping[str, float] = {}
    against: Mapping[str, Against]
    front_probability: float
    verdict: str

    @model_validator(mode="before")
    @classmethod
    def _of_earlier(cls, data: Any) -> Any:
        """Take what earlier versions wrote, which compared with stock LoRA alone."""
        if not isinstance(data, dict) or "beats_stock" not in data:
            return data
        names = ("difference", "as_good", "beats_stock")
        difference, as_good, probability = (data.get(name) for name in names)
        found = {"difference": difference, "as_good": as_good, "probability": probability}
        against = {} if None in (difference, probability) else {REFERENCES[0].name: found}
        return {key: value for key, value in data.items() if key not in names} | {"against": against}


class Power(_Part):
    """Half the width of intervals of the differences to the best reference, a mean over what the search found.

    Args:
        expected: As guessed before anything trained.
        foreseen: As told from validation, before test was read.
        reached: As it came out.
    """

    expected: float
    foreseen: float
    reached: float


class FinalistsFile(_Part):
    """What `autopeft select` found.

    Args:
        setting: How long finalists trained.
        metric: What accuracies are.
        margin: By how much worse than a reference, as a fraction, is as good as it.
        reference: The best reference on validation, which verdicts are against.
        cheapest: The cheapest of the references that are shown to be as good, of which shares are.
        failed: The names of references that could not be trained.
        test_readings: How often a model was measured on the test split in this run folder.
        verdict: One sentence: did the search help?
        finalists: By rising cost.
        trials: Finished trials of the study when they were chosen; None where that is not known.
        power: Which differences were to be told, and were; None where the search found nothing.
        gap: That validation and test are of different difficulty, and why that may be; empty where they are not.
    """

    setting: Setting
    metric: str
    margin: float = MARGIN
    reference: str = REFERENCES[0].name
    cheapest: str = REFERENCES[0].name
    failed: tuple[str, ...] = ()
    test_readings: int
    verdict: str
    finalists: tuple[Finalist, ...]
    trials: int | None = None
    power: Power | None = None
    gap: str = ""

    def write(self, run: Path) -> None:
        """Write the file into a run folder; it is whole as soon as it is there."""
        write_text(run / FINALISTS, self.model_dump_json(indent=2) + "\n")


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
        first = error.errors(include_url=False)[0]
        place = ".".join(str(part) for part in first["loc"])
        raise StudyError(
            f"cannot read {path}{f', {place}' if place else ''}: {first['msg']}; it is damaged, or of another version: "
            f"move it away and run `autopeft select {run}` again, which trains nothing twice"
        ) from None
