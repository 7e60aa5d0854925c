"""What of a model's files is refused before any of them is read as weights or run.

Weights are safetensors: other formats are pickles, which run code when they are read. What leads to other models, to
files elsewhere or to code of the hub is refused with the file that says so.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from typing import Any

from autopeft.errors import BackboneError, one_line

__all__ = ["SAFE", "check_files", "check_kernels", "no_safe_weights"]

#: What `from_pretrained` is told wherever it reads weights.
SAFE: Mapping[str, Any] = {"use_safetensors": True}

#: Endings of weights in other formats.
_PICKLES = ("bin", "pt", "pth", "ckpt", "h5", "msgpack")

_ENDING = ".safetensors"
_ADAPTERS, _INDEX = "adapter_config.json", f"model{_ENDING}.index.json"


def check_files(name: str, path: str, config: Any, *, revision: str = "main", offline: bool = True) -> None:
    """Check that a model's weights are its own, and safetensors alone.

    Args:
        name: What the user calls the model.
        path: Its folder, or its hub id.
        config: Its config, which may name its file of weights.
        revision: Branch, tag or commit of a hub model.
        offline: Whether nothing is fetched.

    Raises:
        BackboneError: Adapters lie beside it, or a file of weights is a pickle or lies elsewhere.
    """
    if _found(path, _ADAPTERS, revision, offline) is not None:
        raise BackboneError(
            f"{name} holds adapters beside a config.json: {_ADAPTERS} in {path} would put them into the model unasked; "
            "expected a model alone: name the one that they are for, or merge them by "
            "`autopeft train --merge`"
        )
    pickles = sorted(file.name for kind in _PICKLES for file in Path(path).glob(f"*.{kind}"))
    if pickles and not any(Path(path).glob(f"*{_ENDING}*")):
        raise BackboneError(no_safe_weights(name, path, pickles[0]))
    index = _found(path, _INDEX, revision, offline)
    named = getattr(config, "transformers_weights", None)
    files = _parts(name, index) if index is not None else set()
    for file in sorted({*files, *([] if named is None else [str(named)])}):
        if not file.endswith((_ENDING, f"{_ENDING}.index.json")):
            raise BackboneError(no_safe_weights(name, path, file))
        if PurePosixPath(file).name != file or "\\" in file:
            raise BackboneError(
                f"{name} names weights outside its folder, {one_line(file)}; expected files in {path} itself, as "
                "`save_pretrained` writes them"
            )


def check_kernels(name: str, config: Any, trust_remote_code: bool) -> None:
    """Check that a model's config does not have code fetched from the hub in place of transformers' own attention.

    Raises:
        BackboneError: It does, and is not trusted.
    """
    asked = getattr(config, "_attn_implementation", None)
    for each in asked.values() if isinstance(asked, Mapping) else [asked]:
        if isinstance(each, str) and "/" in each and not trust_remote_code:
            raise BackboneError(
                f"the config.json of {name} asks for {one_line(each)}, a kernel of the hub: code that would run on "
                "this machine; take attn_implementation out of it, or add --trust-remote-code if you trust it "
                "(trust_remote_code=True in Python)"
            )


def no_safe_weights(name: str, path: str, found: str) -> str:
    """Say that weights are no safetensors.

    Args:
        name: What the user calls the model.
        path: Its folder, or its hub id.
        found: What was found in place of them.
    """
    return (
        f"{name}: found {one_line(found)} for weights; expected safetensors, for other formats may run code when they "
        f"are read. Where you trust it, convert it once, to a folder to be named in its place: "
        f"transformers' AutoModel.from_pretrained({path!r}), then save_pretrained"
    )


def _found(path: str, file: str, revision: str, offline: bool) -> str | None:
    """Return where a file of a model is on this machine; None where it has none."""
    from transformers.utils import cached_file

    none = {"_raise_exceptions_for_missing_entries": False, "_raise_exceptions_for_connection_errors": False}
    found: str | None = cached_file(path, file, revision=revision, local_files_only=offline, **none)
    return found


def _parts(name: str, index: str) -> set[str]:
    """Return the files that an index says weights are in."""
    try:
        with open(index, encoding="utf8") as file:
            return set(map(str, json.load(file)["weight_map"].values()))
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise BackboneError(
            f"{name}: its {_INDEX} is damaged: {type(error).__name__}: {error}; expected one as `save_pretrained` "
            "writes it"
        ) from error
