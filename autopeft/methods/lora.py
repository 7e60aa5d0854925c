"""LoRA: a trainable low-rank product beside a frozen matrix, with the variants that PEFT has."""

from __future__ import annotations

from contextlib import nullcontext
from typing import Any

import torch
from peft import LoraConfig, PeftConfig
from peft.tuners.lora import LoraLayer
from peft.tuners.tuners_utils import BaseTuner
from torch import nn
from typing_extensions import override

from autopeft.backbones import Anatomy, Quantization
from autopeft.methods.gate import GATE
from autopeft.methods.gated_lora import GatedLoraConfig
from autopeft.methods.lora_starts import DATA_STARTS, LACKING, START, config_fields, look_at, quantising, set_start
from autopeft.methods.method import Cells, Knobs, Method, Start, learning_rate, shared_knob
from autopeft.methods.peft_method import rank
from autopeft.space.placement import Cell
from autopeft.space.shape import ROLES
from autopeft.space.vocabulary import Knob, MethodWords

__all__ = ["ALPHA", "RATES", "Lora", "LowRank"]

#: Step sizes for short trials; a full fine-tune wants lower ones.
RATES = "5e-4..2e-2 log"

ALPHA = Knob(
    "alpha", "float", "the product is scaled by alpha / r", default="2r", low=1e-6, placed=True, relative=("r",)
)

#: Initialisations by their PEFT names; those that are not here start from PEFT's default, A random and B zero.
_INITS = ("default", "gaussian", "orthogonal", "mica", "pissa", "olora", "loftq", *DATA_STARTS)
#: Initialisations that take their start out of the frozen weight.
_ALTERING = ("pissa", "olora", "loftq", "corda", "lora_ga")
#: Initialisations for which PEFT reads the frozen weight as it is stored.
_READING = ("orthogonal", "mica", *_ALTERING)


class LowRank(Method):
    """What goes in as a `LoraConfig`: rank and alpha of their own for every matrix."""

    peft_type = "LORA"
    order = 0
    layer_class = LoraLayer
    mergeable = True

    @override
    def modules(self, cell: Cell, knobs: Knobs, anatomy: Anatomy) -> tuple[str, ...]:
        """Return the one matrix of the cell's role."""
        assert cell.role is not None
        return (anatomy.module(cell.layer, cell.role),)

    def config(self, cells: Cells, anatomy: Anatomy, kind: type[LoraConfig] = LoraConfig, **fields: Any) -> LoraConfig:
        """Return a `LoraConfig` over full module names.

        Rank and alpha are both given by pattern: a pattern of ranks alone would leave alpha, and with it the
        scale alpha / r, to the global value.

        Args:
            cells: The places.
            anatomy: The resolved anatomy of the backbone.
            kind: Its class.
            fields: Further fields.
        """
        named = {self.modules(cell, knobs, anatomy)[0]: knobs for cell, knobs in cells.items()}
        names = sorted(named)
        return kind(
            r=named[names[0]]["rank"],
            lora_alpha=named[names[0]]["alpha"],
            rank_pattern={name: named[name]["rank"] for name in names},
            alpha_pattern={name: named[name]["alpha"] for name in names},
            target_modules=names,
            bias="none",
            fan_in_fan_out=anatomy.transposed,
            **fields,
        )


class Lora(LowRank):
    """LoRA (Hu et al., 2021): W + alpha / r * B A, with rank and alpha of their own for every matrix."""

    words = MethodWords(
        name="lora",
        summary="a trainable low-rank product beside a frozen matrix",
        source="Hu et al. 2021, arXiv:2106.09685",
        knobs=(
            rank(),
            ALPHA,
            Knob("targets", "roles", "the matrices it adapts", default=("q", "v"), choices=ROLES),
            Knob(
                "variant",
                "choice",
                "dora: direction and magnitude apart (arXiv:2402.09353); rslora: scale alpha / sqrt(r) (2312.03732)",
                default="lora",
                choices=("lora", "dora", "rslora"),
            ),
            Knob(
                "init",
                "choice",
                "pissa: the weight's strong singular directions (arXiv:2404.02948); olora: its QR factors "
                "(2406.01775); mica: its weak directions, frozen on one side; orthogonal; gaussian; loftq: what the "
                "weight loses in 4 bits, for a scale of 1 (2310.08659); from training batches: eva (2410.07170), "
                "corda (2406.05223), lora_ga (2407.05000)",
                default="default",
                choices=_INITS,
                lacking=LACKING,
            ),
            Knob(
                "optimizer",
                "choice",
                "lora_fa: A stays frozen, gradients of B are corrected for it (arXiv:2308.03303)",
                default="adamw",
                choices=("adamw", "lora_fa"),
            ),
            Knob(
                "b_ratio", "float", "how much faster B learns than A: LoRA+ (arXiv:2402.12354)", default=1.0, low=0.01
            ),
            Knob("dropout", "float", "dropout of its inputs", default=0.0, low=0.0, high=0.95),
            Knob("lora_bias", "bool", "whether B has a bias", default=False),
            GATE,
            learning_rate(RATES),
        ),
    )
    start: Start = "close"
    quantizations = ("4bit", "8bit")

    @override
    def works_beside(self, quantization: Quantization, knobs: Knobs) -> bool:
        """Tell whether neither its start nor DoRA's norm needs the weight itself; PEFT unpacks 4 bits for the norm."""
        if knobs["init"] in _READING or (knobs["variant"] == "dora" and quantization == "8bit"):
            return False
        return super().works_beside(quantization, knobs)

    @override
    def alters_weights(self, knobs: Knobs) -> bool:
        """Tell whether its start is taken out of the frozen weight."""
        return knobs["init"] in _ALTERING

    @override
    def counting(self, knobs: Knobs) -> Knobs:
        """Return knobs without the initialisations that need weights or data; they cost the same."""
        needs = self.alters_weights(knobs) or self.needs_batches(knobs)
        return {**knobs, "init": "default"} if needs else knobs

    @override
    def misfit(self, knobs: Knobs, inputs: int, outputs: int) -> str | None:
        """Refuse starts that take more directions than the matrix has; PEFT would take a smaller rank instead."""
        if (self.alters_weights(knobs) or self.needs_batches(knobs)) and knobs["rank"] > min(inputs, outputs):
            return f"{knobs['init']} has {min(inputs, outputs)} directions here, found rank {knobs['rank']}"
        return None

    @override
    def insert(self, config: PeftConfig, model: nn.Module) -> Any:
        """Let PEFT put it in."""
        with quantising() if getattr(config, "init_lora_weights", None) == "loftq" else nullcontext():
            return super().insert(config, model)

    @override
    def needs_batches(self, knobs: Knobs) -> bool:
        """Tell whether it starts from training batches."""
        return knobs["init"] in DATA_STARTS

    @override
    def without_batches(self, config: Any) -> None:
        """Start as plain LoRA does."""
        config.init_lora_weights = True

    @override
    def prepare(self, config: Any, model: Any, cells: Cells, batches: Any) -> Any:
        """Let PEFT look at the batches."""
        return look_at(shared_knob(cells, "init"), config, model, batches)

    @override
    def start_with(self, knobs: Knobs) -> Start:
        """Return `exact` where B is zero and W untouched, so that nothing changes at first.

        LoftQ's `differs`: some of what quantising loses stays lost.
        """
        if knobs["init"] == "loftq":
            return "differs"
        untouched = not self.alters_weights(knobs) and knobs["variant"] != "dora" and knobs["init"] != "orthogonal"
        return "exact" if untouched else "close"

    @override
    def merges(self, knobs: Knobs) -> bool:
        """Tell whether there is no gate, which looks at the input."""
        return not knobs["gate"]

    @override
    def peft_config(self, cells: Cells, anatomy: Anatomy) -> LoraConfig:
        """Return a `LoraConfig` over full module names."""
        init, variant = shared_knob(cells, "init"), shared_knob(cells, "variant")
        if init in ("olora", "loftq") and anatomy.transposed:
            # PEFT takes the factors of the weight as it is stored, and fails in the first forward.
            raise ValueError(f"{init} does not support weights stored as (inputs, outputs)")
        if init == "mica" and shared_knob(cells, "optimizer") == "lora_fa":
            raise ValueError("mica freezes B and lora_fa freezes A: nothing would train")
        gated = shared_knob(cells, "gate")
        if gated and variant == "dora":
            raise ValueError("dora has no sum to gate: it scales the whole weight")
        if gated and init in _ALTERING:
            raise ValueError(f"a gate would hide what {init} takes out of the weight")
        return self.config(
            cells,
            anatomy,
            GatedLoraConfig if gated else LoraConfig,
            use_dora=variant == "dora",
            use_rslora=variant == "rslora",
            init_lora_weights=True if init == "default" else init,
            lora_dropout=shared_knob(cells, "dropout"),
            lora_bias=shared_knob(cells, "lora_bias"),
            **config_fields(init),
        )

    @override
    def freeze(self, tuner: BaseTuner, cells: Cells, anatomy: Anatomy, prepared: Any) -> None:
        """Finish a start from batches; freeze A where the optimiser is LoRA-FA."""
        set_start(shared_knob(cells, "init"), tuner, prepared)
        if shared_knob(cells, "optimizer") == "lora_fa":
            for layer in _layers(tuner):
                layer.lora_A.requires_grad_(False)

    @override
    def beyond_config(self, knobs: Knobs) -> dict[str, str]:
        """Return what a config does not bring: starts from training batches, LoRA-FA's and LoRA+'s optimisers."""
        found = {}
        if self.needs_batches(knobs):
            found["init"] = "its start from training batches"
        if knobs["optimizer"] != "adamw":
            found["optimizer"] = "an optimiser of its own"
        if knobs["b_ratio"] != 1.0:
            found["b_ratio"] = "another learning rate for B"
        return found

    @override
    def stored(self, knobs: Knobs) -> Knobs:
        """Return the knobs of a plain LoRA that is the same beside the untouched weight.

        What was taken out of the weight from data cannot be computed again: it is stored as further ranks.
        """
        if not self.needs_batches(knobs):
            return knobs
        factor = 2 if self.alters_weights(knobs) else 1
        growth = factor**0.5 if knobs["variant"] == "rslora" else factor
        return {**knobs, "init": "default", "rank": factor * knobs["rank"], "alpha": growth * knobs["alpha"]}

    @override
    def stored_tensors(self, tuner: BaseTuner, tensors: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
        """Return the tensors of that plain LoRA: B A - B0 A0 as one product of twice the rank."""
        for name, (first_a, first_b) in tuner.__dict__.get(START, {}).items():
            for key, first, dim in (("lora_A", first_a, 0), ("lora_B", -first_b, 1)):
                path = f"base_model.model.{name.replace('.base_layer', '')}.{key}.weight"
                tensors[path] = torch.cat([tensors[path], first], dim=dim)
        return tensors

    @override
    def rate_factors(self, cells: Cells) -> dict[str, float]:
        """Return LoRA+'s ratio for the matrices B."""
        ratio = shared_knob(cells, "b_ratio")
        return {} if ratio == 1.0 else {"lora_B": ratio}

    @override
    def steps_by_gradients(self, knobs: Knobs) -> bool:
        """Tell that LoRA-FA projects them."""
        return self.needs_gradients or knobs["optimizer"] == "lora_fa"

    @override
    @torch.no_grad()
    def before_step(self, tuner: BaseTuner, cells: Cells) -> None:
        """Project the gradients of B as LoRA-FA does: the update of B A nearest to the full gradient."""
        if shared_knob(cells, "optimizer") != "lora_fa":
            return
        for layer in _layers(tuner):
            a, b = layer.lora_A["default"].weight.float(), layer.lora_B["default"].weight
            if b.grad is not None:
                ridge = 1e-8 * torch.eye(len(a), device=a.device)
                scaled = torch.linalg.pinv(a @ a.T + ridge) / layer.scaling["default"] ** 2
                b.grad.copy_(b.grad.float() @ scaled)


def _layers(tuner: BaseTuner) -> list[Any]:
    return [module for module in tuner.model.modules() if isinstance(module, LoraLayer)]
