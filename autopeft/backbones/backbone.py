"""The pretrained model a search adapts: loaded cheaply first, with weights when asked."""

from __future__ import annotations

import logging
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from transformers import AutoConfig, BitsAndBytesConfig

from autopeft.backbones.anatomy import Anatomy
from autopeft.backbones.called import roles_not_called
from autopeft.backbones.complete import check_complete
from autopeft.backbones.modalities import MODALITIES, Modality
from autopeft.backbones.quantization import Quantization, bitsandbytes_keys, check_quantizable, settle
from autopeft.backbones.quiet import quiet
from autopeft.backbones.resolve import resolve_anatomy
from autopeft.backbones.safe import SAFE, check_files, check_kernels, no_safe_weights
from autopeft.backbones.source import Source, find_source
from autopeft.backbones.task_head import head_parameters
from autopeft.errors import BackboneError
from autopeft.space.shape import BackboneShape

if TYPE_CHECKING:
    from transformers import PretrainedConfig, PreTrainedModel, PreTrainedTokenizerBase

__all__ = ["Backbone", "features", "load_backbone", "roles_of"]

#: So many tokens show what a forward pass calls.
_FEW_TOKENS = 8


class Backbone:
    """A pretrained model, its parts and its sizes, without its weights until `classifier` is called.

    Args:
        source: Where it is loaded from.
        revision: Branch, tag or commit of a hub model.
        roles: A mapping of roles to modules, for architectures autopeft does not know.
        quantization: Whether, and how, its frozen matrices are held in few bits once loaded.
        trust_remote_code: Whether code that the model brings may run.

    Attributes:
        name: What the user calls it; a folder by its last part.
        roles: The mapping of roles that was given.
        config: The transformers config of the pretrained model.
        modality: What it reads.
        anatomy: Where the roles of its layers are found.
        shape: Its sizes and roles, for search spaces.

    Raises:
        BackboneError: The model cannot be found, read, understood or quantised, its weights are no safetensors, or it
            needs code of its own that is not trusted.
    """

    def __init__(
        self,
        source: Source,
        revision: str | None = None,
        roles: Anatomy | None = None,
        quantization: Quantization | None = None,
        trust_remote_code: bool = False,
    ) -> None:
        self.name = source.name
        self.path = source.path
        self.revision = revision
        self.roles = roles
        self.quantization = quantization
        self.trust_remote_code = trust_remote_code
        self._source = source
        self._metas: dict[int, PreTrainedModel] = {}
        self.config: PretrainedConfig = self._load(AutoConfig)
        check_kernels(self.name, self.config, trust_remote_code)
        check_files(self.name, self.path, self.config, revision=revision or "main", offline=self._here)
        self.modality = self._reads()
        anatomy = resolve_anatomy(self.meta(), roles)
        self.anatomy = replace(anatomy, tokenizer=self.path) if self.modality.tokenizes else anatomy
        if quantization is not None:
            check_quantizable(quantization, self.name, self.anatomy.transposed)
        self.shape = self._shape()

    @cached_property
    def identity(self) -> dict[str, str]:
        """What tells this model from others: name, hub commit or sha256 of weights and code, quantisation if any."""
        quantized = {"quantization": self.quantization} if self.quantization else {}
        if self._source.local:
            code = {"code": self._source.code_fingerprint()} if self.runs_own_code else {}
            return {"model": self.name, "weights": self._source.fingerprint(), **code, **quantized}
        commit = getattr(self.config, "_commit_hash", None) or self.revision or "main"
        return {"model": self.name, "revision": commit, **quantized}

    @cached_property
    def num_parameters(self) -> int:
        """Number of parameters of the model without its task head."""
        return sum(parameter.numel() for parameter in self.meta().base_model.parameters())

    @property
    def address(self) -> str:
        """Where others find it: a hub id, that of the same weights where a copy is installed here, or a folder."""
        return self._source.published or self.path

    @property
    def package(self) -> str | None:
        """The import package of an installed copy and the folder inside it, as `package/folder`; None for others."""
        return self._source.package

    @property
    def mended(self) -> bool:
        """Whether adapters do nothing in the model as transformers loads it; autopeft's own loading has seen to it."""
        return self.modality.mends(self.config)

    @property
    def runs_own_code(self) -> bool:
        """Whether the model is one of a class that it brings, trusted to run."""
        return type(self.meta()).__module__.startswith("transformers_modules")

    @property
    def notes(self) -> list[str]:
        """Lines on how it is loaded, for people."""
        if self.runs_own_code:
            return ["code that the model brings is run (--trust-remote-code)"]
        if getattr(self.config, "auto_map", None):
            kind = self.config.model_type
            return [f"it brings code of its own, which is not run: transformers has its own for {kind!r} models"]
        return []

    def meta(self, num_labels: int = 2) -> PreTrainedModel:
        """Return the classification model on the meta device: modules and shapes, no weights; cached."""
        if num_labels not in self._metas:
            config = self._load(AutoConfig, **self._task_config(num_labels))
            own = {"code_revision": self.revision} if self.revision and self._brings(self._task_class) else {}
            try:
                with quiet(), torch.device("meta"):
                    self._metas[num_labels] = self.modality.settle(
                        self._task_class.from_config(config, trust_remote_code=self.trust_remote_code, **own)
                    )
            except ValueError as error:
                raise BackboneError(f"{self.name}: its config.json describes no model: {error}") from error
        return self._metas[num_labels]

    def check_called(self) -> None:
        """Check that adapters in its matrices have a say.

        Raises:
            BackboneError: Some are never called.
        """
        idle = roles_not_called(self.meta(), self.anatomy, self.blank(_FEW_TOKENS))
        if idle:
            raise BackboneError(
                f"{self.name}: the modules of {', '.join(idle)} are never called, so that adapters in them would do "
                "nothing; choose another model, or map the roles to modules that are, by --roles"
            )

    def tokenizer(self) -> PreTrainedTokenizerBase:
        """Return the tokenizer; one without a padding token pads with its end-of-text token.

        What reads images is an image processor, and what reads sound a feature extractor.

        Raises:
            BackboneError: There is no tokenizer, it has neither token, or it needs code of its own that is not trusted.
        """
        tokenizer: PreTrainedTokenizerBase = self._load(self.modality.reader)
        if not self.modality.tokenizes:
            return tokenizer
        if not self.trust_remote_code and _stands_in(tokenizer):
            raise BackboneError(self._untrusted())
        if tokenizer.pad_token_id is None:
            if tokenizer.eos_token is None:
                raise BackboneError(f"{self.name}: the tokenizer has neither a padding nor an end-of-text token")
            tokenizer.pad_token = tokenizer.eos_token
        return tokenizer

    def blank(self, tokens: int) -> dict[str, torch.Tensor]:
        """Return one input on the meta device: of so many tokens, or of the one size that the model reads."""
        return self.modality.blank(self.config, tokens)

    def tokens_of_blank(self, tokens: int = 1) -> int:
        """Return how many tokens the layers see of such inputs, without what methods put in front of them."""
        with torch.no_grad():
            states = self.meta().eval().base_model(**self.blank(tokens)).last_hidden_state
        return int(states.shape[1])

    def classifier(
        self, num_labels: int, dtype: torch.dtype = torch.float32, device: torch.device | None = None
    ) -> PreTrainedModel:
        """Return the model with its weights and a new classification head, which is never quantised.

        Args:
            num_labels: Number of classes.
            dtype: Type of the weights that are not quantised.
            device: Where; the CPU when left out. A quantised model stays where it was loaded.

        Returns:
            The model in eval mode; its head is drawn from torch's global generator.

        Raises:
            BackboneError: The weights cannot be loaded, or are not all there.
        """
        model, loading = self._load(
            self._task_class,
            **self._task_config(num_labels),
            dtype=dtype,
            ignore_mismatched_sizes=True,
            output_loading_info=True,
            **SAFE,
            **self._quantizing(device),
        )
        self.modality.settle(model)
        check_complete(self.name, self.config.model_type, loading, head_parameters(model))
        if self.modality.tokenizes:
            # Decoders read the last token that is no padding, so that it has to be what texts are padded with.
            model.config.pad_token_id = self.tokenizer().pad_token_id
        return self._placed(model, device)

    def _pretrained(self, dtype: torch.dtype, device: torch.device | None) -> PreTrainedModel:
        """Return a model of which nothing is new; arguments and errors as for `classifier`."""
        how = {"dtype": dtype, "output_loading_info": True, **SAFE, **self._quantizing(device)}
        model, loading = self._load(self._task_class, **how)
        check_complete(self.name, self.config.model_type, loading, ())
        return self._placed(model, device)

    @property
    def quantization_keys(self) -> dict[str, Any]:
        """What transformers' `BitsAndBytesConfig` takes, as plain data; empty where nothing is quantised."""
        return bitsandbytes_keys(self.quantization, self._head_modules()) if self.quantization else {}

    def _head_modules(self) -> set[str]:
        """Return the names of the modules that are never quantised."""
        return {name.rpartition(".")[0] for name in head_parameters(self.meta())}

    def _quantizing(self, device: torch.device | None) -> dict[str, Any]:
        """Return what quantisation adds to the arguments of `from_pretrained`."""
        if self.quantization is None:
            return {}
        # Its layers warn of casts in every forward pass.
        logging.getLogger("bitsandbytes").setLevel(logging.ERROR)
        place = {"": device or torch.device("cpu")}
        return {"quantization_config": BitsAndBytesConfig(**self.quantization_keys), "device_map": place}

    def _placed(self, model: PreTrainedModel, device: torch.device | None) -> PreTrainedModel:
        """Return a loaded model on its device, ready to compute."""
        if self.quantization is not None:
            settle(model)
        elif device is not None:
            model.to(device)
        return model.eval()

    def _reads(self) -> Modality:
        """Return what it reads.

        Raises:
            BackboneError: transformers has no head for such a model.
        """
        for modality in MODALITIES.values():
            if type(self.config) in modality.known or self._brings(modality.classifier):
                return modality
        raise BackboneError(
            f"{self.name}: {self.config.model_type!r} models have no classification head in transformers, be it for "
            f"{', '.join(modality.plural for modality in MODALITIES.values())}; choose another model"
        )

    def _brings(self, auto: Any) -> bool:
        """Tell whether the model brings a class of its own for a task.

        Raises:
            BackboneError: It does, and is not trusted.
        """
        found = auto.__name__ in (getattr(self.config, "auto_map", None) or {})
        if found and not self.trust_remote_code:
            raise BackboneError(self._untrusted())
        return found

    def _untrusted(self) -> str:
        return (
            f"the model {self.name} brings code of its own, which would run on this machine; look at it in "
            f"{self.path}, and add --trust-remote-code if you trust it (trust_remote_code=True in Python). A YAML file "
            "cannot allow it"
        )

    @property
    def _here(self) -> bool:
        """Whether it is read from this machine alone."""
        return self._source.local or self._source.offline

    @property
    def _task_class(self) -> Any:
        return self.modality.classifier

    def _task_config(self, num_labels: int) -> dict[str, Any]:
        """Return what the task changes in the config."""
        return self.modality.task_config(num_labels)

    def _load(self, auto: Any, **kwargs: Any) -> Any:
        try:
            with quiet():
                return auto.from_pretrained(
                    self.path,
                    revision=self.revision or "main",
                    local_files_only=self._here,
                    # Left out, transformers would ask on standard input.
                    trust_remote_code=self.trust_remote_code,
                    **kwargs,
                )
        except Exception as error:
            # Code that the model brings may fail in any way; a machine may run out of memory.
            if not self.trust_remote_code and isinstance(error, RuntimeError | MemoryError):
                raise
            if not self.trust_remote_code and "trust_remote_code" in str(error):
                raise BackboneError(self._untrusted()) from error
            if "use_safetensors" in str(error):
                raise BackboneError(no_safe_weights(self.name, self.path, "no safetensors")) from error
            first = next((line for line in str(error).splitlines() if line.strip()), type(error).__name__)
            raise BackboneError(
                f"cannot load the model {self.name} from {self.path}: {first.rstrip('.: ')}; expected a whole model "
                "and its tokenizer, as `save_pretrained` writes them"
            ) from error

    def _shape(self) -> BackboneShape:
        ffn, hidden = features(self.meta().get_submodule(self.anatomy.module(0, "down")))
        return BackboneShape(
            layers=self.anatomy.count,
            hidden=hidden,
            ffn=ffn,
            roles=self.anatomy.present,
            aliases=self.anatomy.aliases,
        )


def load_backbone(
    model: str | None = None,
    revision: str | None = None,
    roles: Anatomy | Path | None = None,
    quantization: Quantization | None = None,
    trust_remote_code: bool = False,
) -> Backbone:
    """Load what is needed to know a pretrained model, which is its config but not its weights.

    Args:
        model: A hub id, a folder, `smollm2`, or None (or `minilm`) for the packaged default.
        revision: Branch, tag or commit of a hub model.
        roles: A mapping of roles to modules, or its YAML file, for architectures autopeft does not know.
        quantization: `4bit` or `8bit` to hold its frozen matrices in so many bits, through bitsandbytes.
        trust_remote_code: Whether code that the model brings may run; else a model that needs it is refused.

    Raises:
        BackboneError: The model cannot be found, read, understood or quantised, its weights are no safetensors, or it
            needs code of its own that is not trusted.
    """
    return Backbone(find_source(model, revision), revision, roles_of(roles), quantization, trust_remote_code)


def _stands_in(tokenizer: PreTrainedTokenizerBase) -> bool:
    """Tell whether a general tokenizer was loaded, without a word, for one that the model brings code for."""
    brought = tokenizer.init_kwargs.get("auto_map") or {}
    # Once a list of the tokenizer's classes alone.
    own = isinstance(brought, list | tuple) or "AutoTokenizer" in brought
    return own and type(tokenizer).__name__ in ("TokenizersBackend", "PythonBackend")


def roles_of(roles: Anatomy | Path | None) -> Anatomy | None:
    """Return the mapping that a user gives, read from its YAML file if need be."""
    return Anatomy.from_file(roles) if isinstance(roles, Path) else roles


def features(module: torch.nn.Module) -> tuple[int, int]:
    """Return the input and output size of a linear layer; GPT-2's `Conv1D` stores its weight transposed."""
    if isinstance(module, torch.nn.Linear):
        # A quantised weight is packed into another shape.
        return module.in_features, module.out_features
    weight = module.weight
    assert isinstance(weight, torch.Tensor)
    rows, columns = weight.shape
    return (rows, columns) if type(module).__name__ == "Conv1D" else (columns, rows)
