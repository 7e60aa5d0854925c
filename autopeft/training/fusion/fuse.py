"""Measure a trained small decoder's shift on a large one, beside both alone."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from time import perf_counter
from typing import Any, Literal, cast

from transformers import PreTrainedModel

from autopeft.backbones import Backbone
from autopeft.costs import Costs
from autopeft.errors import ConfigurationError
from autopeft.launch import Groundwork
from autopeft.methods import HEAD_ONLY
from autopeft.methods.storage import read_manifest
from autopeft.space import Configuration
from autopeft.training.evaluate import as_known, evaluation_ground
from autopeft.training.evaluation import Evaluation
from autopeft.training.fusion.fused import Fused
from autopeft.training.fusion.opening import OpenedFused, open_fused, trained_pick
from autopeft.training.measuring import measure, paper
from autopeft.training.seen import seen_rows
from autopeft.trials import check_limits, kind_of

__all__ = ["FusedRow", "FusionGround", "fuse", "fusion_ground"]


@dataclass(frozen=True)
class FusionGround:
    """What is measured, and on what.

    Args:
        ground: The data, and how the small model was trained.
        opened: The models.
        what: What was trained, in words.
    """

    ground: Groundwork
    opened: OpenedFused
    what: str

    def on(self, split: Literal["validation", "test"], figures: Mapping[str, float]) -> Evaluation:
        """Return figures of the trained small model as `evaluate` has them, which says how they may be taken."""
        folder, examples = self.opened.small.folder, self.ground.task.splits[split]
        seen = seen_rows(folder, self.ground.task.kind, examples)
        return Evaluation(self.what, split, len(examples), seen, dict(figures))


@dataclass(frozen=True)
class FusedRow:
    """What a model, or three as one, reach on a split.

    Args:
        name: Which.
        figures: Every metric, and `loss`.
        seconds: How long measuring took.
        forwards: Forward passes for a token.
        flops: FLOPs of these, adapters merged where that can be; None where they cannot be counted without weights.
        weight: How much of the shift a learned token took in the mean; None of a model alone.
    """

    name: str
    figures: dict[str, float]
    seconds: float
    forwards: int
    flops: float | None
    weight: float | None

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON data."""
        return asdict(self)


def fusion_ground(source: Path, on: str, settings: Mapping[str, Any], *, chosen: str = "best") -> FusionGround:
    """Load what is to be measured, and the data.

    Args:
        source: A run folder, or a folder of saved adapters.
        on: The large model.
        settings: Fields of `SearchPlan` that `autopeft fuse` has flags for; of a run, those that are not given are its
            own.
        chosen: Of a run, the pick: that of its finalists, which are kept.

    Raises:
        AutopeftError: For whatever a user can mend.
    """
    trust = settings.get("trust_remote_code", False)
    folder, plan = trained_pick(source, chosen, trust_remote_code=trust, plugin=settings.get("plugin"))
    of_run = {} if plan is None else plan.model_dump(exclude_unset=True)
    ground = evaluation_ground(folder, of_run | dict(settings))
    if kind_of(ground.task).candidates > 1:
        raise ConfigurationError(
            f"{ground.task.metric} looks at several beams, and fused models write one token after the other; use "
            "another metric, by --metric"
        )
    opened = open_fused(folder, on, model=settings.get("model"), trust_remote_code=trust)
    check_limits(opened.large, ground.task, ground.setting)
    return FusionGround(ground, opened, read_manifest(folder)[0].describe())


def fuse(found: FusionGround, split: Literal["validation", "test"] = "test") -> Iterator[FusedRow]:
    """Measure the large model, the small one trained and not, and all three with one weight and with one a token.

    Args:
        found: The models and the data.
        split: Which split.

    Yields:
        A row for each, as soon as it is measured.

    Raises:
        DataError: When the adapters do not know something in the data.
        DivergedError: When logits are not finite.
    """
    opened, setting = found.opened, found.ground.setting
    task = as_known(found.ground.task, opened.small.folder)
    fused, small = opened.model, opened.backbone.name
    configuration = read_manifest(opened.small.folder)[0]
    alone = [_flops(opened.large), _flops(opened.backbone, configuration), _flops(opened.backbone)]
    together = None if None in alone else sum(each for each in alone if each is not None)
    proxy = Fused(fused.large, fused.tuned, fused.untuned, weight=1.0)
    on = paper(task, split, fused.large, opened.tokenizer, setting)
    for name, model, forwards, flops in (
        (opened.large.name, fused.large, 1, alone[0]),
        (f"{small}, trained", fused.tuned, 1, alone[1]),
        (f"{small}, untrained", fused.untuned, 1, alone[2]),
        ("fused, weight 1", proxy, 3, together),
        ("fused, per token", fused, 3, together),
    ):
        begun = perf_counter()
        # It does what is asked of a model here.
        figures = measure(cast(PreTrainedModel, model), on, opened.tokenizer, setting).figures
        weight = model.mean_weight if isinstance(model, Fused) else None
        yield FusedRow(name, figures, perf_counter() - begun, forwards, flops, weight)


def _flops(backbone: Backbone, configuration: Configuration = HEAD_ONLY) -> float | None:
    """Return the FLOPs of a forward for each token of a text, where they can be counted."""
    try:
        return Costs(backbone).forward(configuration)
    except ConfigurationError:
        return None
