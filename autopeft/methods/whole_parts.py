"""Parts of a backbone trained as they are: whole layers, and the embeddings with what makes logits of tokens."""

from __future__ import annotations

from typing_extensions import override

from autopeft.backbones import Anatomy
from autopeft.methods.method import Cells, Knobs, Method, Start, learning_rate, shared_knob
from autopeft.methods.trained_copy import TrainedCopyConfig, TrainedCopyLayer
from autopeft.space.placement import Cell
from autopeft.space.vocabulary import ANY, Knob, MethodWords

__all__ = ["FullEmbeddings", "FullLayers", "FullModel", "Whole"]

_SOURCE = "Zlotchevski et al. 2022, arXiv:2208.13928"


class Whole(Method):
    """All parameters of some modules, trained themselves."""

    peft_type = "TRAINED_COPY"
    prunable = False
    # Nothing else can be in what is trained itself.
    order = 0
    layer_class = TrainedCopyLayer
    offloads = True
    start: Start = "exact"
    mergeable = True
    ours = True

    @override
    def peft_config(self, cells: Cells, anatomy: Anatomy) -> TrainedCopyConfig:
        """Return a config over full module names."""
        names = sorted({name for cell, knobs in cells.items() for name in self.modules(cell, knobs, anatomy)})
        if not names:
            raise ValueError("the backbone has no such part")
        return TrainedCopyConfig(target_modules=names)


class FullLayers(Whole):
    """All weights of the last layers, what is often left to train of a large model."""

    words = MethodWords(
        name="full_layers",
        summary="all weights of the last layers, trained themselves",
        source=_SOURCE,
        knobs=(
            Knob("top_layers", "int", "how many layers, counted from the top", low=1, gate=True, range="1..3"),
            learning_rate("1e-5..1e-3 log"),
        ),
        placement="model",
        excludes=frozenset({ANY}),
    )

    @override
    def peft_config(self, cells: Cells, anatomy: Anatomy) -> TrainedCopyConfig:
        """Return a config over full module names."""
        layers = shared_knob(cells, "top_layers")
        if layers > anatomy.count:
            raise ValueError(f"{layers} layers of a backbone that has {anatomy.count}")
        return super().peft_config(cells, anatomy)

    @override
    def modules(self, cell: Cell, knobs: Knobs, anatomy: Anatomy) -> tuple[str, ...]:
        """Return the modules of these layers that own parameters."""
        layers = range(max(0, anatomy.count - knobs["top_layers"]), anatomy.count)
        return tuple(name for layer in layers for name in anatomy.weighted(layer))


class FullModel(Whole):
    """All weights of the backbone: full fine-tuning.

    Those aside that a layer or the model owns itself and none of its modules, as BEiT's layer scales.
    """

    words = MethodWords(
        name="full",
        summary="all weights of the backbone, trained themselves",
        source="full fine-tuning",
        knobs=(learning_rate("5e-6..5e-4 log"),),
        placement="model",
        excludes=frozenset({ANY}),
    )

    @override
    def modules(self, cell: Cell, knobs: Knobs, anatomy: Anatomy) -> tuple[str, ...]:
        """Return all modules that own parameters, those of the task head aside."""
        inside = (name for layer in range(anatomy.count) for name in anatomy.weighted(layer))
        return tuple(dict.fromkeys((*anatomy.outside, *inside)))


class FullEmbeddings(Whole):
    """The embeddings of tokens, and what makes logits of them; where both share a weight it is one."""

    words = MethodWords(
        name="full_embeddings",
        summary="the embeddings of all tokens and the output over them, trained themselves",
        source=_SOURCE,
        knobs=(learning_rate("1e-5..1e-3 log"),),
        placement="model",
        excludes=frozenset({"trainable_tokens"}),
    )
    in_layers = False

    @override
    def modules(self, cell: Cell, knobs: Knobs, anatomy: Anatomy) -> tuple[str, ...]:
        """Return the embedding of tokens, and the output where there is one."""
        return tuple(name for name in (anatomy.embedding, anatomy.output) if name)
