"""What sentence-transformers loads, and how it is asked how near a document is to a query."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch

from autopeft.exporting.job import ExportJob
from autopeft.trials.card_code import trusting

__all__ = ["MODELS", "SentenceModel"]


class SentenceModel(ABC):
    """A class of sentence-transformers."""

    @abstractmethod
    def bare(self, job: ExportJob) -> Any:
        """Return the model that an adapter is for, from where it is here."""

    @abstractmethod
    def of_folder(self, job: ExportJob, folder: Path) -> Any:
        """Return the model of a folder."""

    @abstractmethod
    def scores(self, model: Any, pairs: Sequence[tuple[str, ...]]) -> torch.Tensor:
        """Return for each query and document how near they are, `[n]`."""

    @abstractmethod
    def code(self, job: ExportJob, base: Sequence[str] | None) -> list[str]:
        """Return code that ranks two documents in a folder.

        Args:
            job: What was exported.
            base: Lines that say where the model is that an adapter is for, as `base`; None where the folder's own word
                is enough.
        """


class _CrossEncoder(SentenceModel):
    def bare(self, job: ExportJob) -> Any:
        """Return a model with a new head, which the adapter's replaces."""
        from sentence_transformers import CrossEncoder

        how: dict[str, Any] = {"max_length": job.setting.max_length, "activation_fn": torch.nn.Identity()}
        return CrossEncoder(job.backbone.path, num_labels=1, revision=job.backbone.revision, **how, **_place(job))

    def of_folder(self, job: ExportJob, folder: Path) -> Any:
        """Return the model of a folder."""
        from sentence_transformers import CrossEncoder

        return CrossEncoder(str(folder), **_place(job))

    def scores(self, model: Any, pairs: Sequence[tuple[str, ...]]) -> torch.Tensor:
        """Return what it says of pairs."""
        return torch.as_tensor(model.predict(pairs, show_progress_bar=False))

    def code(self, job: ExportJob, base: Sequence[str] | None) -> list[str]:
        """Return code that lets it rank."""
        if base is None:
            begin = [
                "from sentence_transformers import CrossEncoder",
                "",
                f'ranker = CrossEncoder("."{trusting(job.backbone)})',
            ]
        else:
            begin = [
                "from importlib.resources import files",
                "",
                "import torch",
                "from sentence_transformers import CrossEncoder",
                "",
                *base,
                f"how = dict(num_labels=1, max_length={job.setting.max_length}, activation_fn=torch.nn.Identity())",
                "ranker = CrossEncoder(base, **how)",
                'ranker.load_adapter(".")',
            ]
        return [
            *begin,
            _DOCUMENTS,
            'for found in ranker.rank("What is asked.", documents, return_documents=True):',
            '    print(found["text"], found["score"])',
        ]


class _SentenceTransformer(SentenceModel):
    def bare(self, job: ExportJob) -> Any:
        """Return the modules that the files of the folder name, around the model as it is."""
        from sentence_transformers import SentenceTransformer
        from sentence_transformers.sentence_transformer.modules import Normalize, Pooling

        files = job.kind.sentence_files()
        inner = SentenceTransformer(job.backbone.path, revision=job.backbone.revision, **_place(job))[0]
        inner.max_seq_length = job.setting.max_length
        # As the folder's own tokenizer has it; that of the model may have none.
        inner.tokenizer.pad_token = job.backbone.tokenizer().pad_token
        modules = [inner, Pooling(**files["1_Pooling/config.json"]), Normalize()]
        prompts = files["config_sentence_transformers.json"]["prompts"]
        return SentenceTransformer(modules=modules, prompts=prompts, device="cpu")

    def of_folder(self, job: ExportJob, folder: Path) -> Any:
        """Return the model of a folder."""
        from sentence_transformers import SentenceTransformer

        return SentenceTransformer(str(folder), **_place(job))

    def scores(self, model: Any, pairs: Sequence[tuple[str, ...]]) -> torch.Tensor:
        """Return the cosines of queries and documents."""
        queries, documents = ([pair[place] for pair in pairs] for place in (0, 1))
        asked, told = model.encode_query(queries), model.encode_document(documents)
        return torch.as_tensor(model.similarity_pairwise(asked, told))

    def code(self, job: ExportJob, base: Sequence[str] | None) -> list[str]:
        """Return code that lets it find."""
        if base is None:
            lines = ["from sentence_transformers import SentenceTransformer", ""]
            begin = [*lines, f'encoder = SentenceTransformer("."{trusting(job.backbone)})']
        else:
            files = job.kind.sentence_files()
            pooling = files["1_Pooling/config.json"]
            prompts = files["config_sentence_transformers.json"]["prompts"]
            begin = [
                "from importlib.resources import files",
                "",
                "from sentence_transformers import SentenceTransformer",
                "from sentence_transformers.sentence_transformer.modules import Normalize, Pooling, Transformer",
                "",
                *base,
                "inner = Transformer(base)",
                f"inner.max_seq_length = {job.setting.max_length}",
                f"pooling = Pooling({pooling['embedding_dimension']}, pooling_mode={pooling['pooling_mode']!r})",
                f"encoder = SentenceTransformer(modules=[inner, pooling, Normalize()], prompts={prompts!r})",
                'encoder.load_adapter(".")',
            ]
        return [
            *begin,
            'query = "What is asked."',
            _DOCUMENTS,
            "scores = encoder.similarity(encoder.encode_query(query), encoder.encode_document(documents))[0]",
            "for score, document in sorted(zip(scores.tolist(), documents), reverse=True):",
            "    print(document, score)",
        ]


#: By the name of the class.
MODELS: Mapping[str, SentenceModel] = {
    "CrossEncoder": _CrossEncoder(),
    "SentenceTransformer": _SentenceTransformer(),
}

_DOCUMENTS = 'documents = ["A short document.", "Another document, which is a little longer than the first one."]'


def _place(job: ExportJob) -> dict[str, Any]:
    """Return where models are loaded, and whether code that they bring may run."""
    return {"device": "cpu"} | ({"trust_remote_code": True} if job.backbone.runs_own_code else {})
