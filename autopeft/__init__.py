"""Find which PEFT configuration to use for a model, a data set and a budget.

    from autopeft import search

    result = search(data="train.csv", text="text", label="label", budget="1%")
    for row in result.front.rows:
        print(row.params, row.accuracy, row.in_words)

Nothing heavy is imported until it is used. `import autopeft` also makes the methods that PEFT does not have known
to it, so that `PeftModel.from_pretrained` loads adapters saved by them.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from autopeft.peft_registration import register_with_peft

if TYPE_CHECKING:
    from autopeft.api import evaluate, export, fuse, open_fused, predict, report, search, select, train
    from autopeft.backbones import load_backbone
    from autopeft.costs import Budget, Costs
    from autopeft.errors import AutopeftError
    from autopeft.launch import Listener, SearchPlan, SearchResult, Silent, open_run
    from autopeft.samplers import ParetoSampler
    from autopeft.space import Configuration, SearchSpace, load_space
    from autopeft.training import Fused
    from autopeft.version import __version__ as __version__

__all__ = [
    "AutopeftError",
    "Budget",
    "Configuration",
    "Costs",
    "Fused",
    "Listener",
    "ParetoSampler",
    "SearchPlan",
    "SearchResult",
    "SearchSpace",
    "Silent",
    "evaluate",
    "export",
    "fuse",
    "load_backbone",
    "load_space",
    "open_fused",
    "open_run",
    "predict",
    "report",
    "search",
    "select",
    "train",
]

_HOMES = {
    "__version__": "version",
    "AutopeftError": "errors",
    "Budget": "costs",
    "Configuration": "space",
    "Costs": "costs",
    "Fused": "training",
    "Listener": "launch",
    "ParetoSampler": "samplers",
    "SearchPlan": "launch",
    "SearchResult": "launch",
    "SearchSpace": "space",
    "Silent": "launch",
    "evaluate": "api",
    "export": "api",
    "fuse": "api",
    "load_backbone": "backbones",
    "load_space": "space",
    "open_fused": "api",
    "open_run": "launch",
    "predict": "api",
    "report": "api",
    "search": "api",
    "select": "api",
    "train": "api",
}


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(import_module(f"autopeft.{_HOMES[name]}"), name)
    raise AttributeError(f"module 'autopeft' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)


register_with_peft()
