"""What every method is: its words, and how it becomes PEFT configs."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from typing import Any, Literal

import torch
from peft import PeftConfig
from peft.mapping import PEFT_TYPE_TO_TUNER_MAPPING
from peft.tuners.tuners_utils import BaseTuner
from torch import nn

from autopeft.backbones import Anatomy, Quantization
from autopeft.methods.moment import Moment, TrainBeforehand
from autopeft.space.placement import Cell
from autopeft.space.vocabulary import Knob, MethodWords

__all__ = ["Cells", "Knobs", "Method", "learning_rate", "shared_knob"]

#: The values of all knobs of a method at one place.
Knobs = Mapping[str, Any]
Start = Literal["exact", "close", "differs"]
#: Where a method sits in a backbone, and with which knobs.
Cells = Mapping[Cell, Knobs]


class Method(ABC):
    """A way to adapt a backbone, put in by PEFT.

    Attributes:
        words: Its name and knobs, for the search-space language.
        peft_type: Its name in PEFT's tables.
        order: Where it stands when several methods wrap the same module: lower is nearer the
            backbone's weights.
        layer_class: The PEFT layer, or layers, that wrap an adapted module.
        start: The logits right after `apply`: those of the backbone to the bit (`exact`), up to rounding
            (`close`), or others (`differs`); knobs may change it, see `start_with`.
        mergeable: Whether it can be folded into the backbone's weights after training; knobs may forbid it, see
            `merges`.
        ours: Whether PEFT lacks it, so that its folders load only after `import autopeft`.
        stepwise: Whether a decoder with it computes a token from the keys and values it keeps of those before.
        joint: Whether its cost depends on all its places together, as where they share parameters.
        dense: Whether at some time all weights of the matrices it is put in train.
        sees_gradients: Whether it chooses what trains by gradients of training batches, before training begins.
        in_layers: Whether what trains of it is in the layers.
        suppressible: Whether its layers give tensors, so that what they make with it can be mixed with what they make
            without.
        prunable: Whether the frozen weights can be pruned beside it: it reads them as they are at the time, and leaves
            them where they are.
        allows_dropping: Whether attentions may leave tokens out beside it: it has no keys and values of its own there,
            and reads none; knobs may forbid it, see `drops_beside`.
        compressible: Whether its adapter can be compressed: it is what it trains and no more, of a size known before,
            and still an adapter where numbers of it are 0.
        offloads: Whether the weights of the modules it is put in wait on disk meanwhile, where they were in the
            machine's memory.
        grows: Whether parameters come in while it trains: what is built at first is less than its cost.
        reads_out: Whether the task head reads more of the layers for it than their last hidden states.
        quantizations: The ways of holding the frozen weights in few bits beside which it works; knobs may take some
            away, see `works_beside`.
    """

    words: MethodWords
    peft_type: str
    order: int
    layer_class: type[nn.Module] | tuple[type[nn.Module], ...]
    start: Start
    mergeable: bool
    ours: bool = False
    stepwise: bool = True
    joint: bool = False
    dense: bool = False
    sees_gradients: bool = False
    in_layers: bool = True
    suppressible: bool = True
    prunable: bool = True
    allows_dropping: bool = True
    compressible: bool = True
    offloads: bool = False
    grows: bool = False
    reads_out: bool = False
    quantizations: tuple[Quantization, ...] = ()

    @abstractmethod
    def modules(self, cell: Cell, knobs: Knobs, anatomy: Anatomy) -> tuple[str, ...]:
        """Return the full names of the modules that a cell wraps or reads."""

    @abstractmethod
    def peft_config(self, cells: Cells, anatomy: Anatomy) -> PeftConfig:
        """Return the PEFT config that puts in exactly these cells.

        Args:
            cells: One of `parts`.
            anatomy: The resolved anatomy of the backbone.
        """

    def wraps(self, cells: Cells, anatomy: Anatomy) -> list[str]:
        """Return the full names of the modules that the config of a part wraps, sorted."""
        return sorted(getattr(self.peft_config(cells, anatomy), "target_modules", None) or ())

    def parts(self, cells: Cells) -> list[Cells]:
        """Split places into those that one PEFT config can describe; all of them unless overridden."""
        return [cells]

    def alters_weights(self, knobs: Knobs) -> bool:
        """Tell whether putting it in changes the frozen weights that it wraps."""
        return False

    def works_beside(self, quantization: Quantization, knobs: Knobs) -> bool:
        """Tell whether it works with these knobs beside frozen weights in few bits."""
        return quantization in self.quantizations

    def can_be_compressed(self, knobs: Knobs) -> bool:
        """Tell whether its adapter can be compressed with these knobs, see `compressible`."""
        return self.compressible

    def drops_beside(self, knobs: Knobs) -> bool:
        """Tell whether attentions may leave tokens out beside it with these knobs, see `allows_dropping`."""
        return self.allows_dropping

    def start_with(self, knobs: Knobs) -> Start:
        """Return the logits right after `apply` with these knobs, see `start`."""
        return self.start

    def merges(self, knobs: Knobs) -> bool:
        """Tell whether it can be folded into the backbone's weights after training with these knobs."""
        return self.mergeable

    def counting(self, knobs: Knobs) -> Knobs:
        """Return knobs of the same cost that PEFT can build without weights."""
        return knobs

    def sees_padding(self, knobs: Knobs) -> bool:
        """Tell whether what it makes of a token depends on those after it, padding too, as with a gate's mean."""
        return bool(knobs.get("gate"))

    def misfit(self, knobs: Knobs, inputs: int, outputs: int) -> str | None:
        """Say why a matrix of these sizes cannot have these knobs, where PEFT would not say it; None when it can."""
        return None

    def count(self, knobs: Knobs, module: nn.Module) -> int | None:
        """Return the trainable parameters of one wrapped module, or None where PEFT builds it on the meta device."""
        return None

    def shared_count(self, knobs: Knobs) -> int | None:
        """Return the trainable parameters of a part where all of them are shared by its places, else None."""
        return None

    @property
    def has_own_steps(self) -> bool:
        """Whether it has a say in what of it trains when."""
        hooks = ("beforehand", "before_backward", "after_backward", "after_step")
        return any(getattr(type(self), hook) is not getattr(Method, hook) for hook in hooks)

    @property
    def schedulable(self) -> bool:
        """Whether a layer schedule may say what of it trains when."""
        return self.in_layers and not self.has_own_steps

    @property
    def needs_gradients(self) -> bool:
        """Whether it looks at gradients, so that forward passes alone cannot train it."""
        return self.has_own_steps or self.sees_gradients

    def steps_by_gradients(self, knobs: Knobs) -> bool:
        """Tell whether it looks at gradients with these knobs, see `needs_gradients`."""
        return self.needs_gradients

    def rate_factors(self, cells: Cells) -> dict[str, float]:
        """Return factors on the learning rate, for parameters with a word in their names."""
        return {}

    def insert(self, config: PeftConfig, model: nn.Module) -> Any:
        """Let PEFT put a config into a model; return its tuner."""
        return PEFT_TYPE_TO_TUNER_MAPPING[config.peft_type](model, config, "default")

    def extract(self, tuner: Any, model: nn.Module) -> None:
        """Undo what `insert` did beside wrapping modules."""
        return

    def needs_batches(self, knobs: Knobs) -> bool:
        """Tell whether its start depends on training batches."""
        return False

    def prepare(
        self, config: PeftConfig, model: nn.Module, cells: Cells, batches: Iterable[Mapping[str, torch.Tensor]]
    ) -> Any:
        """Look at training batches before the adapter is put in; called only where `needs_batches`.

        Args:
            config: The config that will be put in; may be changed.
            model: The model so far.
            cells: The places.
            batches: Inputs with labels, on the model's device.

        Returns:
            What `freeze` is handed.
        """
        raise NotImplementedError

    def without_batches(self, config: PeftConfig) -> None:
        """Change a config to a start that needs no batches; called only where `needs_batches`."""
        return

    def beyond_config(self, knobs: Knobs) -> dict[str, str]:
        """Return what makes its training another one than PEFT alone has from its config, by the knob that asks for it.

        Told from the hooks that a method overrides unless it says better; the name of the method where no knob asks.
        """
        hooks = {
            "freeze": "how it starts",
            "start_head": "how the task head starts",
            "penalty": "its share in the loss",
            "optimiser_settings": "how its parameters are stepped",
            "beforehand": "what it trains before",
            "before_backward": "what it sees of gradients",
            "after_backward": "what it does to gradients",
            "before_step": "what it does before steps",
            "after_step": "what it does after steps",
        }
        found = [said for hook, said in hooks.items() if getattr(type(self), hook) is not getattr(Method, hook)]
        found += ["its start from training batches"] if self.needs_batches(knobs) else []
        return {self.words.name: " and ".join(found)} if found else {}

    def stored(self, knobs: Knobs) -> Knobs:
        """Return the knobs that a saved adapter is built to, where they are others than those that trained it."""
        return knobs

    def stored_config(self, tuner: Any, cells: Cells, anatomy: Anatomy) -> PeftConfig:
        """Return the config of a saved adapter.

        Args:
            tuner: What was trained.
            cells: The places.
            anatomy: The resolved anatomy of the backbone.
        """
        return self.peft_config({cell: self.stored(knobs) for cell, knobs in cells.items()}, anatomy)

    def stored_tensors(self, tuner: Any, tensors: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
        """Return the tensors of a saved adapter, given those that PEFT would store."""
        return tensors

    def shape_as(self, tuner: Any, tensors: Mapping[str, torch.Tensor]) -> None:
        """Give a new adapter the sizes of a saved one, where training may have changed them.

        Args:
            tuner: What was built to the knobs.
            tensors: Those of the saved adapter.
        """
        return

    def head_inputs(self, knobs: Knobs, hidden: int) -> int:
        """Return how many numbers one place gives to the task head: weights that each of its outputs has more.

        Args:
            knobs: Those at the place.
            hidden: Size of hidden states.
        """
        return 0

    def in_head(self, tuner: Any) -> list[nn.Parameter]:
        """Return the parameters that `insert` added to the task head, which are counted, trained and saved as its."""
        return []

    def start_head(self, head: Mapping[str, nn.Parameter], generator: torch.Generator) -> None:
        """Draw the last linear layer of a task head otherwise than other methods have it.

        Args:
            head: Its `weight`, and its `bias` where it has one; changed in place.
            generator: Draws.
        """
        return

    def training_state(self, tuner: Any) -> dict[str, torch.Tensor]:
        """Return what training changes beside parameters, by names of the method's own, for a checkpoint."""
        return {}

    def resume(self, tuner: Any, state: Mapping[str, torch.Tensor]) -> None:
        """Take what `training_state` returned from a checkpoint; parameters are read afterwards."""
        return

    def freeze(self, tuner: BaseTuner, cells: Cells, anatomy: Anatomy, prepared: Any) -> None:
        """Finish a new adapter: freeze or set what PEFT's own start does not.

        Args:
            tuner: What PEFT put into the model.
            cells: The places.
            anatomy: The resolved anatomy of the backbone.
            prepared: What `prepare` returned; None without batches, as on the meta device or before loading.
        """
        return

    def penalty(self, tuner: BaseTuner, cells: Cells) -> torch.Tensor | None:
        """Return what the method adds to the training loss, or None."""
        return None

    def optimiser_settings(self, tuner: BaseTuner, cells: Cells) -> dict[str, Any]:
        """Return settings of the optimiser's group of its parameters, see `autopeft.methods.optimiser`."""
        return {}

    def beforehand(self, tuner: BaseTuner, cells: Cells, train: TrainBeforehand) -> None:
        """Train something before training begins, as methods do that choose by what would change.

        Args:
            tuner: What PEFT put into the model.
            cells: The places.
            train: Trains what it is given, beside the task head, and puts the head back.
        """
        return

    def before_backward(self, tuner: BaseTuner, cells: Cells, moment: Moment) -> None:
        """Do what the method does before the gradients of a step are computed.

        Args:
            tuner: What PEFT put into the model.
            cells: The places.
            moment: Which step this is.
        """
        return

    def after_backward(self, tuner: BaseTuner, cells: Cells, moment: Moment) -> None:
        """Do what the method does to the gradients of a step before they are clipped; see `before_backward`."""
        return

    def before_step(self, tuner: BaseTuner, cells: Cells) -> None:
        """Do what the method does to the gradients before an optimiser step."""
        return

    def after_step(self, tuner: BaseTuner, cells: Cells, moment: Moment) -> None:
        """Do what the method's training loop does after an optimiser step, while the gradients are there.

        See `before_backward`.
        """
        return


def learning_rate(range: str) -> Knob:
    """Return the knob of a method's own learning rate.

    Args:
        range: What a space searches that names no learning rate for all its methods.
    """
    return Knob(
        "learning_rate",
        "float",
        "peak learning rate of its parameters; that under `training` when left out",
        range=range,
        optional=True,
        low=1e-7,
        high=10.0,
        relative=("w",),
    )


def shared_knob(cells: Cells, name: str) -> Any:
    """Return the value of a knob that is the same at every place."""
    return next(iter(cells.values()))[name]
