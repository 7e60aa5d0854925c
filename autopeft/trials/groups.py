"""Which parameters train, at which learning rates."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from transformers import PreTrainedModel

from autopeft.backbones import head_parameters
from autopeft.methods import optimiser_groups
from autopeft.trials.setting import TrialSetting

__all__ = ["parameter_groups"]


def parameter_groups(
    model: PreTrainedModel,
    setting: TrialSetting,
    factors: Mapping[str, float] | None = None,
    backbone_rate: float | None = None,
) -> list[dict[str, Any]]:
    """Return the groups an optimiser takes, `params` and peak `lr`: the head's, the adapters', and the backbone's.

    Args:
        model: A model that `autopeft.methods.apply` adapted.
        setting: Brings the head's learning rate; the configuration brings the adapters'.
        factors: By what that of the head is multiplied for some of its parameters, by name.
        backbone_rate: Peak learning rate of the backbone; None where it is frozen.
    """
    heads: dict[float, list[Any]] = {}
    for name, parameter in head_parameters(model).items():
        heads.setdefault((factors or {}).get(name, 1.0), []).append(parameter)
    groups: list[dict[str, Any]] = [
        {"params": parameters, "lr": factor * setting.head_learning_rate} for factor, parameters in heads.items()
    ]
    groups += optimiser_groups(model)
    if backbone_rate is not None:
        taken = {id(parameter) for group in groups for parameter in group["params"]}
        rest = [parameter for parameter in model.parameters() if id(parameter) not in taken]
        groups.append({"params": rest, "lr": backbone_rate})
    return [group for group in groups if group["params"]]
