"""Find the roles of a model: by its architecture, by a mapping the user gives, or by customary names."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from torch import nn

from autopeft.backbones.anatomy import Anatomy
from autopeft.backbones.architectures import REFUSED, known_anatomy
from autopeft.backbones.task_head import last_of_head
from autopeft.errors import BackboneError

if TYPE_CHECKING:
    from transformers import PreTrainedModel

__all__ = ["resolve_anatomy"]

#: Endings of module names by which architectures without an entry call the roles, most telling first.
_CUSTOMARY: dict[str, tuple[str, ...]] = {
    "q": ("q_proj", "query", "q_lin", "wq"),
    "k": ("k_proj", "key", "k_lin", "wk"),
    "v": ("v_proj", "value", "v_lin", "wv"),
    "qkv": ("c_attn", "query_key_value", "qkv_proj", "Wqkv", "in_proj"),
    "o": (
        "o_proj",
        "out_proj",
        "attention.output.dense",
        "attn.c_proj",
        "out_lin",
        "attention.dense",
        "attn.Wo",
        "wo",
    ),
    "up": ("up_proj", "gate_up_proj", "intermediate.dense", "lin1", "fc1", "c_fc", "dense_h_to_4h", "mlp.Wi"),
    "gate": ("gate_proj",),
    "down": ("down_proj", "output.dense", "lin2", "fc2", "mlp.c_proj", "dense_4h_to_h", "mlp.Wo"),
}


def resolve_anatomy(model: PreTrainedModel, given: Anatomy | None = None) -> Anatomy:
    """Return the anatomy of a task model, with names inside that model and every name checked.

    Args:
        model: A model with a task head; its weights are not looked at (meta device is fine).
        given: A mapping by the user, used instead of what is known of the architecture.

    Raises:
        BackboneError: Roles cannot be found; the message names them and says how to supply a mapping.
    """
    model_type = model.config.model_type
    if given is None and model_type in REFUSED:
        raise BackboneError(f"{model_type!r} models cannot be adapted layer by layer: {REFUSED[model_type]}")
    known = given or known_anatomy(model.config) or _by_custom(model)
    modules = dict(model.named_modules())
    prefix = model.base_model_prefix
    layers, last_norm = (
        f"{prefix}.{name}" if f"{prefix}.{name}" in modules else name for name in (known.layers, known.last_norm)
    )
    if layers not in modules:
        raise BackboneError(_help(model_type, f"no list of layers called {known.layers!r} in the model"))
    anatomy = replace(known, layers=layers, count=len(list(modules[layers].children())))
    absent = [
        f"{role} ({name})"
        for index in range(anatomy.count)
        for role, name in {**anatomy.roles, "attention": anatomy.attention}.items()
        if f"{anatomy.layer(index)}.{name}" not in modules
    ]
    missing = [*anatomy.missing, *dict.fromkeys(absent)]
    if missing:
        raise BackboneError(_help(model_type, f"roles not found: {', '.join(missing)}"))
    names = [anatomy.layer(index) for index in range(anatomy.count)]
    known_norms = all(f"{name}.{norm}" in modules for name in names for norm in anatomy.sublayer_norms.values())
    return replace(
        anatomy,
        last_norm=last_norm if last_norm in modules else "",
        sublayer_norms=anatomy.sublayer_norms if known_norms else {},
        transposed=type(modules[anatomy.module(0, "down")]).__name__ == "Conv1D",
        attention_open=bool(model._supports_attention_backend and model._supports_sdpa),
        layer_norms=tuple(_inside(name, modules, _is_norm) for name in names),
        layer_biased=tuple(_inside(name, modules, _has_bias) for name in names),
        layer_weighted=tuple(_inside(name, modules, _has_parameters) for name in names),
        outside=_outside(model, layers),
        embedding=_embedding(model),
        output=_name_of(model, model.get_output_embeddings()),
        head=last_of_head(model),
    )


def _outside(model: PreTrainedModel, layers: str) -> tuple[str, ...]:
    """Return the full names of the outermost modules beside the layers that own parameters, the task head aside."""
    whole = model if model.get_output_embeddings() is not None else model.base_model
    backbone = {id(parameter) for parameter in whole.parameters()}
    found: list[str] = []
    for name, module in model.named_modules():
        own = list(module.parameters(recurse=False))
        around = not name or f"{layers}.".startswith(f"{name}.") or name.startswith(f"{layers}.")
        within = any(name.startswith(f"{other}.") for other in found)
        if own and not around and not within and all(id(parameter) in backbone for parameter in own):
            found.append(name)
    return tuple(found)


def _inside(layer: str, modules: Mapping[str, nn.Module], wanted: Callable[[nn.Module], bool]) -> tuple[str, ...]:
    """Return the full names of the modules inside a layer that `wanted` picks."""
    return tuple(name for name, module in modules.items() if name.startswith(f"{layer}.") and wanted(module))


def _is_norm(module: nn.Module) -> bool:
    # By name, for most architectures bring an RMSNorm class of their own.
    return "norm" in type(module).__name__.lower() and getattr(getattr(module, "weight", None), "ndim", 0) == 1


def _has_bias(module: nn.Module) -> bool:
    return isinstance(getattr(module, "bias", None), nn.Parameter)


def _has_parameters(module: nn.Module) -> bool:
    return any(True for _ in module.parameters(recurse=False))


def _embedding(model: PreTrainedModel) -> str:
    """Return the full name of the embedding of the input tokens, empty when there is none."""
    try:
        found = model.get_input_embeddings()
    except NotImplementedError:
        return ""
    if not isinstance(found, nn.Embedding):
        return ""
    return _name_of(model, found)


def _name_of(model: PreTrainedModel, wanted: nn.Module | None) -> str:
    """Return the full name of a module, empty for none."""
    return next((name for name, module in model.named_modules() if wanted is not None and module is wanted), "")


def _by_custom(model: PreTrainedModel) -> Anatomy:
    """Return an anatomy guessed from customary names; roles without exactly one candidate are left out."""
    count = getattr(model.config, "num_hidden_layers", None)
    lists = [
        (name, module)
        for name, module in model.base_model.named_modules()
        if type(module).__name__ == "ModuleList" and name and len(list(module.children())) == count
    ]
    if not lists:
        raise BackboneError(_help(model.config.model_type, f"no list of {count} layers found"))
    name, layers = lists[0]
    matrices = _matrices(next(iter(layers.children())))
    roles: dict[str, str] = {}
    for role, endings in _CUSTOMARY.items():
        for ending in endings:
            hits = [
                path
                for path in matrices
                if (path == ending or path.endswith(f".{ending}")) and path not in roles.values()
            ]
            if len(hits) == 1:
                roles[role] = hits[0]
                break
    if roles.get("up", "").endswith("gate_up_proj"):
        roles["gate"] = roles["up"]
    query = roles.get("q", roles.get("qkv", ""))
    return Anatomy(layers=name, roles=roles, attention=query.rpartition(".")[0])


def _matrices(layer: nn.Module) -> list[str]:
    """Return the names of the submodules of a layer that hold a weight matrix."""
    return [name for name, module in layer.named_modules() if getattr(getattr(module, "weight", None), "ndim", 0) == 2]


def _help(model_type: str, fault: str) -> str:
    return (
        f"cannot tell the parts of this {model_type!r} model apart: {fault}.\n"
        "Supply a mapping, by `--roles FILE` with this YAML (names as `print(model)` shows them):\n"
        "  layers: encoder.layer            # the list of layers\n"
        "  attention: attention.self        # inside a layer: the module that computes the attention\n"
        "  roles: {q: attention.self.query, k: attention.self.key, v: attention.self.value,\n"
        "          o: attention.output.dense, up: intermediate.dense, down: output.dense}\n"
        "or in Python `load_backbone(model, roles=Anatomy(layers=..., attention=..., roles={...}))`."
    )
