"""The exact costs of a configuration, without training it and mostly without weights."""

from __future__ import annotations

import sys
from collections.abc import Callable, Hashable, Iterator
from functools import reduce
from typing import NamedTuple, TypeVar

import torch

from autopeft.backbones import Backbone
from autopeft.costs.forwards import Forwards
from autopeft.costs.fragments import Fragments, OnMeta, needs_weights
from autopeft.costs.offloaded import Offloaded
from autopeft.costs.pruned import PrunedSizes
from autopeft.costs.sizes import PlaceSizes
from autopeft.errors import ConfigurationError
from autopeft.methods.builder import Part, plan
from autopeft.methods.checks import check_parts
from autopeft.methods.compression import COMPRESSION, NUMBER_BYTES, CompressionAsked
from autopeft.methods.forward_only import forward_only_of
from autopeft.methods.schedules import SCHEDULE
from autopeft.methods.tensors import PLACED, stored_tensors
from autopeft.space import Configuration

__all__ = ["REFUSED", "Costs"]

#: Bytes of a trainable number, and of AdamW's two moments of it.
_BYTES_OF_NUMBER, _BYTES_OF_MOMENTS = 4, 8

#: The price of what cannot be built: more than any budget.
REFUSED = sys.maxsize

_Cost = TypeVar("_Cost")


class _Size(NamedTuple):
    """How much is stored: numbers, which can be compressed, and the bytes of all else."""

    numbers: int = 0
    others: int = 0

    def plus(self, size: _Size) -> _Size:
        return _Size(self.numbers + size.numbers, self.others + size.others)

    def bytes(self, asked: CompressionAsked | None) -> int:
        packed = NUMBER_BYTES * self.numbers if asked is None else asked.word.bytes(self.numbers, asked.knobs)
        return packed + self.others


class _Stored(NamedTuple):
    """What a part stores for its places, and what its places share."""

    own: _Size
    shared: _Size


class Costs:
    """Counts what configurations cost on one backbone.

    A cell (one method at one place) costs the same wherever the modules it touches have the same shapes. So
    each kind of cell is built once, into a copy on the meta device of just those modules, measured there and
    remembered; a configuration is a sum over its cells. The places of methods that share parameters among them are
    built together.

    Args:
        backbone: The backbone to adapt.
        tokens: Length of the text that `flops` is of; a model of images has the tokens of an image.
        half: Whether trials hold the frozen matrices inside layers in half precision.
        offloads: Whether weights that are trained themselves wait on disk meanwhile, as where trials run on a CPU.
    """

    def __init__(self, backbone: Backbone, tokens: int = 128, half: bool = False, offloads: bool = True) -> None:
        self._backbone = backbone
        self._fragments = Fragments(backbone)
        self._forwards = Forwards(backbone, tokens)
        self._sizes = PlaceSizes(self._fragments, backbone.anatomy)
        self._pruned = PrunedSizes(backbone)
        self._offloaded = Offloaded(backbone, half) if offloads else None
        self._counts: dict[Hashable, int] = {}
        self._stored: dict[Hashable, _Stored] = {}
        self._flops: dict[Hashable, int] = {}

    def params(self, configuration: Configuration) -> int:
        """Return the number of trainable parameters of the adapters; the task head is not counted.

        Raises:
            ConfigurationError: PEFT cannot build the configuration on this backbone, or not beside its weights in
                few bits.
        """
        parts = plan(configuration)
        backbone = self._backbone
        check_parts(parts, configuration, backbone.meta(), backbone.anatomy, backbone.quantization)
        return sum(self._params_of(part) for part in parts)

    def price(self, configuration: Configuration, refused: int = REFUSED) -> int:
        """Return `params`, or `refused` for what PEFT cannot build on this backbone."""
        try:
            return self.params(configuration)
        except ConfigurationError:
            return refused

    def share(self, configuration: Configuration) -> float:
        """Return `params` as a fraction of the parameters of the backbone."""
        return self.params(configuration) / self._backbone.num_parameters

    def head_inputs(self, configuration: Configuration) -> int:
        """Return how many numbers a configuration gives to the task head beside those that this always reads.

        Each of its outputs has so many parameters more, which `params` and budgets do not count.
        """
        hidden = self._backbone.shape.hidden
        return sum(
            part.method.head_inputs(knobs, hidden) for part in plan(configuration) for knobs in part.cells.values()
        )

    def active(self, configuration: Configuration) -> int:
        """Return the most parameters of the adapters that train together: what memory goes with, see `params`."""
        parts, scheduled = plan(configuration), SCHEDULE.asked(configuration.training)
        if scheduled is not None:
            schedule, knobs = scheduled
            places, outside = self._sizes.of(parts)
            return outside + schedule.most(places, self._backbone.anatomy, knobs)
        dense = [part for part in parts if part.method.dense]
        whole = sum(self._fragments.size(part) for part in dense)
        return self.params(configuration) - sum(map(self._params_of, dense)) + whole

    def held(self, configuration: Configuration) -> int:
        """Return the bytes at the peak of all that may train and of what is remembered of it and of pruned weights.

        Less those of weights that wait on disk. Numbers are in fp32. Gradients come as activations go.
        """
        zeros, bits, _ = self._pruned.of(configuration)
        # Flags are held as bytes while it trains.
        gone = 0 if self._offloaded is None else self._offloaded.of(plan(configuration))
        return self._training(configuration) + _BYTES_OF_NUMBER * zeros + bits - gone

    def _training(self, configuration: Configuration) -> int:
        scheduled, active = SCHEDULE.asked(configuration.training), self.active(configuration)
        spsa = forward_only_of(configuration.training)
        if spsa is not None:
            # Whether each may move is a byte.
            return (_BYTES_OF_NUMBER + bool(spsa.frozen)) * self.params(configuration)
        if scheduled is None:
            return (_BYTES_OF_NUMBER + _BYTES_OF_MOMENTS) * active
        params = self.params(configuration)
        return _BYTES_OF_NUMBER * params + _BYTES_OF_MOMENTS * (params if scheduled.word.keeps_moments else active)

    def bytes(self, configuration: Configuration) -> int:
        """Return the bytes of all tensors in the files that `save` writes of the adapters; the head is not counted.

        The masks of what is pruned are.

        What is stored of methods that move or grow while they train is not known before: of `lift`, whose earlier
        choices are stored too, it is what trains at a time; of `spt` and `increlora` the most there can be. Of what is
        compressed it is known but for changes of the same size, which are kept or dropped together.

        Raises:
            ConfigurationError: PEFT cannot build the configuration on this backbone.
        """
        asked = COMPRESSION.asked(configuration.training)
        masks = self._pruned.of(configuration).bits // 8
        return masks + sum(self._size_of(part).bytes(asked) for part in plan(configuration, stored=True))

    def flops(self, configuration: Configuration) -> float:
        """Return the FLOPs that a forward takes more per token, once all is merged that can be.

        Counted are matrix products, two FLOPs for each multiplication and addition. Prompts lengthen the text: they
        cost more per token in shorter ones. What pruned heads no longer take is subtracted, so that it may be below 0.

        Raises:
            ConfigurationError: PEFT cannot build the configuration on this backbone.
        """
        left = [part for part in plan(configuration) if not all(map(part.method.merges, part.cells.values()))]
        if any(part.method.words.placement == "model" for part in left):
            # What is put into a model as a whole may change what goes through the others.
            extra = self._forwards.extra(left)
        else:
            pieces = [piece for part in left for piece in _pieces(part)]
            extra = sum(self._once(self._flops, piece, lambda one: self._forwards.extra([one])) for piece in pieces)
        saved = self._pruned.of(configuration, self._forwards.length).flops
        return (extra - saved) / self._forwards.length

    def forward(self, configuration: Configuration) -> float:
        """Return the FLOPs of a forward per token, the backbone's own among them; see `flops`.

        Raises:
            ConfigurationError: PEFT cannot build the configuration on this backbone.
        """
        return self._forwards.bare / self._forwards.length + self.flops(configuration)

    def nonzero(self, configuration: Configuration) -> int:
        """Return the bytes of all numbers of backbone and adapters that are stored and not made 0, in fp32.

        Those of what is saved beside each other: merged into a weight that is 0, an adapter is not.

        Raises:
            ConfigurationError: PEFT cannot build the configuration on this backbone.
        """
        asked = COMPRESSION.asked(configuration.training)
        stored = (self._size_of(part).numbers for part in plan(configuration, stored=True))
        kept = sum(number if asked is None else asked.word.numbers(number, asked.knobs) for number in stored)
        left = self._backbone.num_parameters - self._pruned.of(configuration).zeros
        return _BYTES_OF_NUMBER * (left + kept)

    def _params_of(self, part: Part) -> int:
        shared = part.method.shared_count(next(iter(part.cells.values()))) if part.method.joint else None
        if shared is not None:
            return shared
        return sum(self._once(self._counts, piece, self._count) for piece in _pieces(part))

    def _size_of(self, part: Part) -> _Size:
        found = [self._once(self._stored, piece, self._store) for piece in _pieces(part)]
        if len(found) > 1 and any(any(stored.shared) for stored in found):
            found = [self._once(self._stored, part, self._store)]
        return reduce(_Size.plus, (size for stored in found for size in stored), _Size())

    def _once(self, known: dict[Hashable, _Cost], part: Part, measure: Callable[[Part], _Cost]) -> _Cost:
        """Measure a part, or return what one of its kind has."""
        kind = self._fragments.kind(part)
        if kind not in known:
            known[kind] = measure(part)
        return known[kind]

    def _count(self, part: Part) -> int:
        try:
            with self._fragments.built(part) as inserted:
                return sum(parameter.numel() for each in inserted for parameter in each.parameters)
        except (ConfigurationError, RuntimeError) as error:
            knobs = next(iter(part.cells.values()))
            counted = part.method.count(knobs, self._fragments.first_module(part)) if needs_weights(error) else None
            if counted is None:
                raise
            return counted

    def _store(self, part: Part, device: str = "meta") -> _Stored:
        own, shared = _Size(), _Size()
        try:
            with self._fragments.built(part, device) as inserted, OnMeta():
                for each in inserted:
                    for name, tensor in stored_tensors(each, self._backbone.anatomy).items():
                        # What trains is trained, and stored, in fp32.
                        numbers = tensor.numel() if tensor.dtype == torch.float32 else 0
                        size = _Size(numbers, tensor.numel() * tensor.element_size() - NUMBER_BYTES * numbers)
                        own, shared = (own.plus(size), shared) if name.startswith(PLACED) else (own, shared.plus(size))
        except (ConfigurationError, RuntimeError) as error:
            if device != "meta" or not needs_weights(error):
                raise
            return self._store(part, "cpu")
        return _Stored(own, shared)


def _pieces(part: Part) -> Iterator[Part]:
    """Yield what of a part can be measured by itself: each place, unless the places depend on each other."""
    if part.method.joint:
        yield part
        return
    for cell, knobs in part.cells.items():
        yield part._replace(cells={cell: knobs})
