"""LoRA's relatives that need more of the training loop than a gradient step."""

from __future__ import annotations

import torch
from peft import PeftConfig
from peft.tuners.lora.config import KasaConfig
from peft.tuners.tuners_utils import BaseTuner
from typing_extensions import override

from autopeft.backbones import Anatomy
from autopeft.methods.lora import ALPHA, RATES, LowRank
from autopeft.methods.method import Cells, Knobs, Start, learning_rate, shared_knob
from autopeft.methods.moment import Moment
from autopeft.methods.peft_method import PeftMethod, rank
from autopeft.space.shape import ROLES
from autopeft.space.vocabulary import Knob, MethodWords

__all__ = ["ADAPTIVE"]

#: Share of the steps before ranks are taken away, between two times, and after the last.
_WARM, _EVERY, _SETTLED = 0.1, 0.02, 0.2


class AdaLora(PeftMethod):
    """AdaLoRA starts every matrix at one rank and takes ranks away where they matter least."""

    def __init__(self) -> None:
        super().__init__(
            "adalora",
            "ADALORA",
            "a product in SVD form that loses the ranks that matter least; its cost is that of the start",
            "Zhang et al. 2023, arXiv:2303.10512",
            knobs=(
                rank("2..32 by x2", placed=False, help="rank at the start, of every matrix"),
                Knob("target_rank", "int", "mean rank in the end; half the first when left out", optional=True, low=1),
                Knob("alpha", "int", "the product is scaled by alpha / r", default="1r", low=1, relative=("r",)),
                Knob("orth_reg_weight", "float", "weight of the orthogonality loss", default=0.5, low=0.0),
            ),
            fields={"rank": "init_r", "target_rank": "target_r", "alpha": "lora_alpha"},
            fixed={
                # The schedule is set when the number of steps is known.
                "total_step": 10**6,
                **dict.fromkeys(("tinit", "tfinal"), 0),
                "deltaT": 1,
                "r": 8,
                "use_dora": False,
                "use_qalora": False,
                "init_lora_weights": True,
                "trainable_token_indices": None,
            },
            rates="1e-3..1e-1 log",
            excludes=("lora", "kasa"),
            quantizations=("8bit",),
        )

    @override
    def peft_config(self, cells: Cells, anatomy: Anatomy) -> PeftConfig:
        """Return a config over full module names."""
        config = super().peft_config(cells, anatomy)
        if shared_knob(cells, "target_rank") is None:
            config.target_r = max(1, config.init_r // 2)
        return config

    @override
    def penalty(self, tuner: BaseTuner, cells: Cells) -> torch.Tensor:
        """Return the weighted mean distance of the matrices from orthogonality (equation 4 of the paper)."""
        terms = []
        for name, parameter in tuner.model.named_parameters():
            if "lora_A.default" in name or "lora_B.default" in name:
                square = parameter @ parameter.T if "lora_A" in name else parameter.T @ parameter
                terms.append(torch.linalg.norm(square - torch.eye(len(square), device=square.device)))
        return shared_knob(cells, "orth_reg_weight") * torch.stack(terms).mean()

    @override
    def after_step(self, tuner: BaseTuner, cells: Cells, moment: Moment) -> None:
        """Let PEFT's rank allocator see the gradients and mask ranks."""
        if moment.step == 1:
            config = tuner.peft_config["default"]
            config.total_step = moment.steps
            config.tinit, config.tfinal = round(_WARM * moment.steps), round(_SETTLED * moment.steps)
            config.deltaT = max(1, round(_EVERY * moment.steps))
        tuner.update_and_allocate(moment.step)
        if moment.step == moment.steps:
            # Ranks that were taken away are 0 by now; PEFT would store the others alone, and could not load them here.
            tuner.peft_config["default"].rank_pattern = None


class Kasa(LowRank):
    """KaSA cuts the frozen weight's weakest directions off and trains a low-rank update in SVD form."""

    words = MethodWords(
        name="kasa",
        summary="LoRA in SVD form beside the weight without its weakest directions",
        source="Wang et al. 2024, arXiv:2412.06071",
        knobs=(
            rank(),
            ALPHA,
            Knob("targets", "roles", "the matrices it adapts", default=("q", "v"), choices=ROLES),
            Knob("beta", "float", "weight of the loss on singular values", default=1e-4, low=0.0),
            Knob("gamma", "float", "weight of the orthogonality loss", default=1e-3, low=0.0),
            learning_rate(RATES),
        ),
        excludes=frozenset({"lora", "adalora"}),
        alone=True,
    )
    start: Start = "differs"
    compressible = False
    prunable = False

    @override
    def peft_config(self, cells: Cells, anatomy: Anatomy) -> PeftConfig:
        """Return a `LoraConfig` with KaSA's own settings."""
        kasa = KasaConfig(beta=shared_knob(cells, "beta"), gamma=shared_knob(cells, "gamma"))
        return self.config(cells, anatomy, kasa_config=kasa)

    @override
    def alters_weights(self, knobs: Knobs) -> bool:
        """Tell that the weakest directions of the frozen weight are cut off."""
        return True

    @override
    def misfit(self, knobs: Knobs, inputs: int, outputs: int) -> str | None:
        """Refuse ranks that leave nothing of the weight, before PEFT does so while it cuts."""
        smaller = min(inputs, outputs)
        if knobs["rank"] >= smaller:
            return f"it cuts as many directions as its rank off a weight that has {smaller}, found rank {knobs['rank']}"
        return None

    @override
    def penalty(self, tuner: BaseTuner, cells: Cells) -> torch.Tensor:
        """Return the mean over matrices of the loss in equations 9 to 11 of the paper, as the authors' code has it.

        PEFT computes the sum.
        """
        loss: torch.Tensor = tuner._get_kasa_loss()
        return loss / len(cells)


ADAPTIVE = (AdaLora(), Kasa())
