"""Which parameters train, at which learning rates."""

from __future__ import annotations

from typing import Any

from transformers import PreTrainedModel

from autopeft.backbones import head_parameters
from autopeft.methods import adapter_parameters
from autopeft.space import Configuration
from autopeft.trials.setting import TrialSetting

__all__ = ["parameter_groups"]


def parameter_groups(
    model: PreTrainedModel, configuration: Configuration, setting: TrialSetting
) -> list[dict[str, Any]]:
    """Return the groups an optimiser takes, `params` and peak `lr`: the head's, and the adapters'.

    Args:
        model: A model that `autopeft.methods.apply` adapted.
        configuration: What it was built to; brings the adapters' learning rate.
        setting: Brings the head's.
    """
    groups = [{"params": list(head_parameters(model).values()), "lr": setting.head_learning_rate}]
    adapters = list(adapter_parameters(model).values())
    if adapters:
        groups.append({"params": adapters, "lr": configuration.training["learning_rate"]})
    return [group for group in groups if group["params"]]
