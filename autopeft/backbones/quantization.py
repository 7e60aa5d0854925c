"""Frozen weights in 4 or 8 bits: loaded by transformers through bitsandbytes."""

from __future__ import annotations

import math
from collections.abc import Iterable
from importlib.util import find_spec
from typing import Any, Literal, TypeAlias

from torch import nn
from transformers import PreTrainedModel

from autopeft.errors import BackboneError

__all__ = [
    "MISSING_BITSANDBYTES",
    "Quantization",
    "bitsandbytes_keys",
    "check_quantizable",
    "loaded_bytes",
    "quantization_of",
    "settle",
]

#: How the matrices of a backbone are held: NF4 (Dettmers et al. 2023, arXiv:2305.14314) or LLM.int8()
#: (Dettmers et al. 2022, arXiv:2208.07339).
Quantization: TypeAlias = Literal["4bit", "8bit"]

#: What to install where bitsandbytes is missing; None where it is there.
MISSING_BITSANDBYTES = None if find_spec("bitsandbytes") else "bitsandbytes; pip install 'autopeft[quantization]'"

#: Weights that share one scale, an fp32 number, in NF4; in LLM.int8() those of a row do.
_BLOCK = 64


def check_quantizable(quantization: Quantization, name: str, transposed: bool) -> None:
    """Check that a backbone can be quantised here.

    Args:
        quantization: How.
        name: What the user calls the backbone.
        transposed: Whether its weights are stored as (inputs, outputs).

    Raises:
        BackboneError: bitsandbytes is missing, or would turn the weights round.
    """
    if MISSING_BITSANDBYTES:
        raise BackboneError(f"--load-in-{quantization} needs {MISSING_BITSANDBYTES}")
    if transposed:
        raise BackboneError(
            f"{name} stores its weights as (inputs, outputs), which bitsandbytes would turn round; "
            f"expected another --model, or no --load-in-{quantization}"
        )


def bitsandbytes_keys(quantization: Quantization, plain: Iterable[str]) -> dict[str, Any]:
    """Return what `BitsAndBytesConfig` takes, as plain data.

    Args:
        quantization: How.
        plain: Names of the modules that keep their weights as they are.
    """
    keys: dict[str, Any] = {f"load_in_{quantization}": True, "llm_int8_skip_modules": sorted(plain)}
    if quantization == "4bit":
        keys |= {"bnb_4bit_quant_type": "nf4", "bnb_4bit_compute_dtype": "bfloat16"}
    return keys


def quantization_of(model: PreTrainedModel) -> Quantization | None:
    """Return how the matrices of a loaded model are held; None where they are plain."""
    if getattr(model, "is_loaded_in_4bit", False):
        return "4bit"
    return "8bit" if getattr(model, "is_loaded_in_8bit", False) else None


def settle(model: PreTrainedModel) -> None:
    """Keep a quantised model as it is now: its layers would change themselves in their first forward passes.

    On a CPU with AVX512-BF16, 4-bit layers repack their weights for a kernel without a backward pass. Layers of both
    kinds round their biases to the type of their inputs.
    """
    for module in model.modules():
        if isinstance(module, nn.Linear) and not module.weight.is_floating_point():
            layer: Any = module
            layer.support_avx512bf16_for_cpu = False
            if layer.bias is not None:
                layer.bias.data = layer.bias.data.bfloat16()


def loaded_bytes(model: PreTrainedModel, quantization: Quantization | None) -> int:
    """Return the bytes that the weights of a backbone take once loaded, in fp32 where they are not quantised.

    Args:
        model: The model with its task head; the meta device is fine.
        quantization: How it is loaded.
    """
    plain = 4 * sum(parameter.numel() for parameter in model.parameters())
    if quantization is None:
        return plain
    packed = [module for module in model.base_model.modules() if type(module) is nn.Linear]
    return plain - sum(_saved(module, quantization) for module in packed)


def _saved(layer: nn.Linear, quantization: Quantization) -> int:
    """Return by how many bytes a quantised layer is smaller than in fp32."""
    weights = layer.in_features * layer.out_features
    if quantization == "4bit":
        packed = math.ceil(weights / 2) + 4 * math.ceil(weights / _BLOCK)
    else:
        packed = weights + 4 * layer.out_features
    biases = 0 if layer.bias is None else 2 * layer.out_features
    return 4 * weights - packed + biases
