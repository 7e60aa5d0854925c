"""What forward passes need not compute: layers below the adapters, and all but the first token of the top one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from functools import cached_property, partial

import torch
from transformers import PreTrainedModel

from autopeft.backbones import Anatomy, cache_folder, head_parameters
from autopeft.methods import frozen_depth, stays_in_layers
from autopeft.space import Configuration
from autopeft.tasks import Encoded
from autopeft.trials.exam import VALIDATION_BATCHES
from autopeft.trials.kind import Feed, TrialKind
from autopeft.trials.prefix import PrefixCache, feeding
from autopeft.trials.setting import TrialSetting
from autopeft.trials.skipping import can_skip
from autopeft.trials.top import first_token_only, reads_first_token

__all__ = ["Shortcuts"]


class Shortcuts:
    """Leaves out of forward passes what makes no difference.

    Args:
        model: The model without adapters, in eval mode on its device.
        anatomy: Its resolved anatomy.
        kind: What the task is.
        setting: Batches and precision.
        pad_id: Token id that fills short texts.
        identity: What tells the backbone from others.
        keeps: Whether what a layer answers to a text can be kept.
        few: Inputs of a few texts, to try on.
    """

    def __init__(
        self,
        model: PreTrainedModel,
        anatomy: Anatomy,
        kind: TrialKind,
        setting: TrialSetting,
        pad_id: int,
        identity: Mapping[str, str],
        keeps: bool,
        few: Mapping[str, torch.Tensor],
    ) -> None:
        self._model = model
        self._anatomy = anatomy
        self._kind = kind
        self._setting = setting
        self._pad_id = pad_id
        self._identity = identity
        self._keeps = keeps
        self._few = few
        self._first_token = not kind.each_token and reads_first_token(model, anatomy, few)

    def prefix(self, encoded: Encoded) -> PrefixCache:
        """Return what keeps what the lowest layers answer to texts."""
        return PrefixCache(
            self._model,
            self._anatomy,
            encoded,
            self._kind.grouped(encoded, VALIDATION_BATCHES * self._setting.batch_size),
            collate=partial(self._kind.collate, encoded, pad_id=self._pad_id),
            precision=self._setting.precision,
            identity=self._identity,
            folder=cache_folder() / "prefixes",
        )

    def depth(self, configuration: Configuration | None, prefixes: Sequence[PrefixCache]) -> int:
        """Return how many layers are left out, their activations at hand; asked while the model has no adapters.

        Args:
            configuration: What is to be put into the model; None where all of it is trained.
            prefixes: Of the splits that will go through it.
        """
        if configuration is None:
            return 0
        depth = frozen_depth(configuration, self._anatomy)
        untouched = depth == self._anatomy.count and not head_parameters(self._model)
        # A model in which nothing trains is measured once: its activations are of no further use.
        if depth == 0 or untouched or not self._keeps or not all(cache.fits() for cache in prefixes):
            return 0
        if not self._stands_alone:
            return 0
        for cache in prefixes:
            cache.at(depth)
        return depth

    @cached_property
    def _stands_alone(self) -> bool:
        """Whether the upper layers need nothing of the lower ones but hidden states; asked while there are no adapters.

        WavLM's, for one, take positions from the lowest.
        """
        return can_skip(self._model, self._anatomy, self._few, self._setting.precision)

    @contextmanager
    def taken(
        self, configuration: Configuration | None, depth: int, prefixes: Sequence[PrefixCache]
    ) -> Iterator[list[Feed]]:
        """Take them; yield for each prefix what to call before a forward pass.

        Args:
            configuration: What is in the model; None where all of it is trained.
            depth: What `depth` returned.
            prefixes: Of the splits.
        """
        inside = configuration is None or stays_in_layers(configuration)
        cut = self._first_token and depth < self._anatomy.count and inside
        with (
            feeding(self._model, self._anatomy, depth, *prefixes) as feeds,
            first_token_only(self._model, self._anatomy) if cut else nullcontext(),
        ):
            yield feeds
