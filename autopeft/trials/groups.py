"""Which parameters train, at which learning rates."""

from __future__ import annotations

from typing import Any

from transformers import PreTrainedModel

from autopeft.backbones import head_parameters
from autopeft.methods import learning_rates
from autopeft.trials.setting import TrialSetting

__all__ = ["parameter_groups"]


def parameter_groups(model: PreTrainedModel, setting: TrialSetting) -> list[dict[str, Any]]:
    """Return the groups an optimiser takes, `params` and peak `lr`: the head's, and the adapters'.

    Args:
        model: A model that `autopeft.methods.apply` adapted.
        setting: Brings the head's learning rate; the configuration brings the adapters'.
    """
    groups = [{"params": list(head_parameters(model).values()), "lr": setting.head_learning_rate}]
    groups += [{"params": parameters, "lr": rate} for rate, parameters in learning_rates(model).items()]
    return [group for group in groups if group["params"]]
