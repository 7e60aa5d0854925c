"""Adapters of templates that layers share, as a PEFT tuner; PEFT has none such."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, ClassVar

import torch
from peft import PeftConfig
from peft.tuners.tuners_utils import BaseTuner
from torch import nn
from torch.nn.functional import gelu
from typing_extensions import override

from autopeft.backbones import features
from autopeft.methods.layer import AdapterLayer, plain
from autopeft.methods.telling import Told, listening

__all__ = ["Generated", "HyperAdapterConfig", "HyperAdapterLayer", "HyperAdapterTuner", "Templates"]

#: How far the embeddings of several tasks are from ones at first, so that they differ: a standard deviation.
_APART = 0.1


@dataclass
class HyperAdapterConfig(PeftConfig):
    """Config of adapters of shared templates."""

    target_modules: list[str] | None = field(
        default=None, metadata={"help": "Names of the matrices whose output the adapters read and add to."}
    )
    lowest: str = field(default="", metadata={"help": "That of the lowest layer, with which the templates are kept."})
    size: int = field(default=16, metadata={"help": "Size of the bottleneck."})
    kernel: int = field(default=2, metadata={"help": "Size of the kernels, which divides that and the output's."})
    lite: bool = field(default=False, metadata={"help": "Whether templates train as they are."})
    rank: int = field(default=4, metadata={"help": "Inner size of the factors of a generated template."})
    embedding: int = field(default=8, metadata={"help": "Size of the embedding that they are generated from."})
    tasks: int = field(default=1, metadata={"help": "Of how many tasks each has an embedding of its own."})
    modules_to_save: list[str] | None = field(
        default=None, metadata={"help": "Modules trained and saved beside the adapters, such as a task head."}
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        self.peft_type = "HYPER_ADAPTER"


class Templates(nn.Module):
    """Two templates that train as they are, `features x size` and `size x features`; the second starts at zero.

    Args:
        features: Of hidden states, by the size of the kernels.
        size: That of the bottleneck, by the same.
    """

    def __init__(self, features: int, size: int) -> None:
        super().__init__()
        self.down = nn.Parameter(torch.randn(features, size) / features**0.5)
        self.up = nn.Parameter(torch.zeros(size, features))

    def forward(self) -> tuple[torch.Tensor, torch.Tensor]:
        """Return both."""
        return self.down, self.up


class Generated(nn.Module):
    """Two templates, each a product of two factors that are generated out of the embedding of a task.

    Args:
        features: Of hidden states, by the size of the kernels.
        size: That of the bottleneck, by the same.
        rank: Inner size of the factors.
        embedding: Size of the embedding.
        tasks: How many tasks there are, each with an embedding; of one, it has no dimension for tasks.
    """

    def __init__(self, features: int, size: int, rank: int, embedding: int, tasks: int = 1) -> None:
        super().__init__()
        self._rank = rank
        ends = (features, (features * rank) ** -0.5), (size, 1.0), (features, 0.0)
        maps = [_map(embedding, rows * rank, deviation) for rows, deviation in (ends[0], ends[1], ends[1], ends[2])]
        self.down, self.up = nn.ModuleList(maps[:2]), nn.ModuleList(maps[2:])
        start = torch.ones(embedding) if tasks == 1 else 1 + _APART * torch.randn(tasks, embedding)
        self.embedding = nn.Parameter(start)

    def forward(self) -> tuple[torch.Tensor, torch.Tensor]:
        """Return both, `features x size` and `size x features`; of several tasks, `[tasks, ...]`."""
        return self._product(self.down), self._product(self.up)

    def _product(self, maps: nn.ModuleList) -> torch.Tensor:
        tasks = self.embedding.shape[:-1]
        left, right = (each(self.embedding).view(*tasks, -1, self._rank) for each in maps)
        product: torch.Tensor = left @ right.mT
        return product


def _map(inputs: int, outputs: int, deviation: float) -> nn.Linear:
    """Return a linear map that makes numbers of this deviation out of ones."""
    made = nn.Linear(inputs, outputs, bias=False)
    nn.init.normal_(made.weight, std=deviation * inputs**-0.5)
    return made


class HyperAdapterLayer(AdapterLayer):
    """A matrix, and an adapter that reads its output and adds to it, made of shared templates and a kernel."""

    adapter_layer_names = ("hyper_adapter_kernel", "hyper_adapter_templates")

    def __init__(self, base_layer: nn.Module) -> None:
        super().__init__(base_layer)
        self.hyper_adapter_kernel = nn.ParameterDict()
        self.hyper_adapter_templates = nn.ModuleDict()
        # All layers reach the templates, of which one has them as its module.
        self._reached: dict[str, nn.Module] = {}
        # What says of which task an example is, where adapters differ by that.
        self._told: dict[str, Told] = {}

    def update_layer(
        self, adapter_name: str, templates: nn.Module, keeps: bool, config: HyperAdapterConfig, told: Told | None
    ) -> None:
        """Add an adapter of this name, which adds nothing at first.

        Args:
            adapter_name: The name.
            templates: What all layers share.
            keeps: Whether this layer is the one that they are kept and saved with.
            config: The rest.
            told: What says of which task each example is; None where there is one task.
        """
        self.hyper_adapter_kernel[adapter_name] = nn.Parameter(torch.eye(config.kernel))
        self._reached[adapter_name] = templates
        if told is not None:
            self._told[adapter_name] = told
        if keeps:
            self.hyper_adapter_templates[adapter_name] = templates
        self._move_adapter_to_device_of_base_layer(adapter_name)
        self.set_adapter(adapter_name, inference_mode=config.inference_mode)

    def matrices(self, adapter_name: str) -> tuple[torch.Tensor, torch.Tensor]:
        """Return the matrices of an adapter, `d x n` and `n x d`; of several tasks, `[tasks, ...]`."""
        down, up = self._reached[adapter_name]()
        kernel = self.hyper_adapter_kernel[adapter_name]
        return torch.kron(kernel, down), torch.kron(kernel, up)

    def forward(self, x: torch.Tensor, *args: Any, **kwargs: Any) -> torch.Tensor:
        """Return the output of the wrapped module with the adapter's share added."""
        result: torch.Tensor = self.base_layer(x, *args, **kwargs)
        if self.disable_adapters:
            return result
        total = result
        for name in self.active_adapters:
            if name in self._reached:
                total = total + self._added(name, result).to(result.dtype)
        return total

    def _added(self, name: str, result: torch.Tensor) -> torch.Tensor:
        """Return what an adapter adds to the output of the wrapped module, in the type of the adapter."""
        down, up = self.matrices(name)
        read: torch.Tensor = self._cast_input_dtype(result, down.dtype)
        if name not in self._told:
            return gelu(read @ down) @ up
        tasks = self._told[name].tasks_of(result, len(down))
        # Some architectures compute the tokens of all examples as rows of one matrix.
        apart = read.reshape(len(tasks), -1, read.shape[-1])
        added = gelu(apart @ down.index_select(0, tasks)) @ up.index_select(0, tasks)
        return added.reshape(read.shape)


class HyperAdapterTuner(BaseTuner):
    """PEFT tuner of adapters of shared templates."""

    prefix = "hyper_adapter_"
    tuner_layer_cls = HyperAdapterLayer
    target_module_mapping: ClassVar[dict[str, list[str]]] = {}

    @override
    def _pre_injection_hook(self, model: nn.Module, config: PeftConfig, adapter_name: str) -> None:
        assert isinstance(config, HyperAdapterConfig)
        lowest = model.get_submodule(config.lowest)
        hidden, kernel = features(plain(lowest))[1], config.kernel
        if hidden % kernel or config.size % kernel:
            raise ValueError(
                f"a kernel of {kernel} does not divide hidden states of {hidden} and a size of {config.size}; expected "
                "one that does"
            )
        if config.lite and config.tasks > 1:
            raise ValueError(
                f"lite has no embedding of a task, and so none for each of {config.tasks} tasks; leave one of them out"
            )
        sizes = hidden // kernel, config.size // kernel
        templates = Templates(*sizes) if config.lite else Generated(*sizes, config.rank, config.embedding, config.tasks)
        told, fresh = listening(model) if config.tasks > 1 else (None, False)
        # In a tuple, or the tuner would have them as its module too, and save them twice.
        self._shared = (templates,)
        self._told, self._listens = told, fresh

    def _create_and_replace(
        self,
        peft_config: HyperAdapterConfig,
        adapter_name: str,
        target: nn.Module,
        target_name: str,
        parent: nn.Module,
        current_key: str,
    ) -> None:
        layer = target if isinstance(target, HyperAdapterLayer) else HyperAdapterLayer(target)
        keeps = current_key == peft_config.lowest
        layer.update_layer(adapter_name, self._shared[0], keeps, peft_config, self._told)
        if layer is not target:
            self._replace_module(parent, target_name, layer, target)

    def stop_listening(self, model: nn.Module) -> None:
        """Leave a model as it was, where it can be told of tasks only since these adapters are in it."""
        if self._listens and self._told is not None:
            self._told.remove(model)

    def _check_merge_allowed(self) -> None:
        raise ValueError("adapters of templates are not linear and cannot be merged into the weights")
