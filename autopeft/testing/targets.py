"""The contract every export target keeps, as a pytest class: subclass it and name what the target can and cannot say.

class TestMine(TargetContract):
    target = "mine"
    says = ({"lora": {"rank": 4}},)
    refuses = {"lora.gate": {"lora": {"rank": 4, "gate": True}}}
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar

import pytest

from autopeft.backbones import Backbone, load_backbone, load_decoder
from autopeft.errors import ConfigurationError
from autopeft.exporting import TARGETS, ExportJob, Target, export, refusal
from autopeft.exporting.check import check
from autopeft.methods import VOCABULARY
from autopeft.methods.builder import plan
from autopeft.space import Configuration, canonical
from autopeft.tasks import LabelledTexts, Task
from autopeft.tasks.causal import FORMATS, Causal, CausalSplit, Turn
from autopeft.tasks.classification import Classes, Classification
from autopeft.testing.decoders import CHAT_TEMPLATE, tiny_decoder
from autopeft.testing.models import TEXTS, tiny_backbone
from autopeft.trials import TrialSetting

__all__ = ["TargetContract", "tiny_job", "tiny_task"]

Modules = Mapping[str, Mapping[str, Any]]


def tiny_task(causal: bool, count: int = 16) -> Task:
    """Return a task of a few texts that tiny models know the words of."""
    if causal:
        form = next(form for form in FORMATS if form.name == "question")
        turns = [(Turn("user", TEXTS[4]), Turn("assistant", TEXTS[n % 3])) for n in range(count)]
        examples = CausalSplit(turns)
        return Causal().task("tiny", form, dict.fromkeys(("train", "validation", "test"), examples))
    split = LabelledTexts([TEXTS[n % 2] for n in range(count)], [n % 2 for n in range(count)])
    return Classification().task("tiny", Classes(("no", "yes")), dict.fromkeys(("train", "validation", "test"), split))


def tiny_job(backbone: Backbone, modules: Modules, causal: bool) -> ExportJob:
    """Return what is handed to a target: modules on a tiny backbone, trained for two epochs of batches of 4."""
    configuration = canonical({"modules": modules}, VOCABULARY, backbone.shape)
    setting = TrialSetting(examples=8, validation_examples=8, epochs=2.0, batch_size=4, max_length=64)
    return ExportJob(configuration, backbone, tiny_task(causal), setting, seed=3)


class TargetContract:
    """Tests that the files of a target build the very model, and that it refuses what it has no words for.

    Attributes:
        target: Name of the target.
        says: Modules it can express.
        refuses: Modules it cannot express, by the field that it names.
        architecture: The tiny decoder they are tried on.
    """

    target: ClassVar[str]
    says: ClassVar[tuple[Modules, ...]]
    refuses: ClassVar[Mapping[str, Modules]]
    architecture: ClassVar[str] = "llama"

    @pytest.fixture(scope="class")
    def decoder(self, tmp_path_factory: pytest.TempPathFactory) -> Backbone:
        """A tiny decoder with a chat template."""
        folder = tmp_path_factory.mktemp("decoder")
        return load_decoder(tiny_decoder(self.architecture, folder, template=CHAT_TEMPLATE))

    @pytest.fixture(scope="class")
    def classifier(self, tmp_path_factory: pytest.TempPathFactory) -> Backbone:
        """A tiny encoder."""
        return load_backbone(tiny_backbone("bert", tmp_path_factory.mktemp("encoder")))

    @property
    def tool(self) -> Target:
        """The target under test."""
        return TARGETS[self.target]

    def test_its_files_build_the_model(self, decoder: Backbone, tmp_path: Path) -> None:
        """What it can express it writes, the same files every time, each explained on its page."""
        for index, modules in enumerate(self.says):
            job = tiny_job(decoder, modules, causal=True)
            assert refusal(self.tool, job.configuration, decoder, job.kind) is None
            folders = [tmp_path / f"{index}{copy}" for copy in "ab"]
            for folder in folders:
                done = export(job, self.target, folder)
                assert done.command or done.code
                page = (folder / "README.md").read_text(encoding="utf8")
                assert all(f"`{_explained(name)}`" in page or f"`{name}`" in page for name in done.files)
            first, second = (_contents(folder) for folder in folders)
            assert first == second

    def test_the_check_notices_another_model(self, decoder: Backbone, tmp_path: Path) -> None:
        """Files of one configuration are not taken for those of another that has the same parameters or modules."""
        for index, modules in enumerate(self.says):
            job = tiny_job(decoder, modules, causal=True)
            export(job, self.target, tmp_path / str(index))
            for other in _relatives(job.configuration):
                with pytest.raises(ConfigurationError, match=r"would (adapt|train|compute)|shape|no "):
                    check(self.tool, replace(job, configuration=other), tmp_path / str(index))

    def test_it_refuses_by_name_and_names_who_can(self, decoder: Backbone, tmp_path: Path) -> None:
        """What it cannot express is an error with the field and another target; nothing is written."""
        for field, modules in self.refuses.items():
            job = tiny_job(decoder, modules, causal=True)
            with pytest.raises(ConfigurationError, match="expected --to") as error:
                export(job, self.target, tmp_path / "refused")
            assert field in str(error.value)
            other = str(error.value).partition("--to ")[2].split()[0].rstrip(",")
            assert refusal(TARGETS[other], job.configuration, decoder, job.kind) is None
        assert not (tmp_path / "refused").exists()

    def test_losses_are_listed_and_drop_no_adapter(self, decoder: Backbone, tmp_path: Path) -> None:
        """With leave to lose, what is lost is listed and every module stays; the rest is refused all the same."""
        for index, (field, modules) in enumerate(self.refuses.items()):
            job = tiny_job(decoder, modules, causal=True)
            found = list(self.tool.shortfalls(job.configuration, decoder))
            if all(shortfall.lossy for shortfall in found):
                left_out = export(job, self.target, tmp_path / str(index), allow_lossy=True).left_out
                assert any(line.startswith(field) for line in left_out)
            else:
                with pytest.raises(ConfigurationError, match="cannot express"):
                    export(job, self.target, tmp_path / str(index), allow_lossy=True)

    def test_of_classification(self, classifier: Backbone, tmp_path: Path) -> None:
        """A target for causal language models refuses classification, naming task and method; another writes it."""
        job = tiny_job(classifier, {"lora": {"rank": 4}}, causal=False)
        if not self.tool.takes(job.kind):
            with pytest.raises(ConfigurationError, match=r"the task tiny \(lora\) classifies"):
                export(job, self.target, tmp_path / "it")
        else:
            assert export(job, self.target, tmp_path / "it")


def _explained(name: str) -> str:
    """Return the folder of a file, which is explained as a whole."""
    first, _, rest = name.partition("/")
    return f"{first}/" if rest else name


def _contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def _relatives(configuration: Configuration) -> list[Configuration]:
    """Return configurations that differ in one number: a scale, a rank, or the layers."""
    found = []
    for name, knobs in configuration.modules.items():
        for knob, changed in (("alpha", 2), ("rank", 2)):
            if knob in knobs:
                data = configuration.to_dict()
                value = knobs[knob]
                many = isinstance(value, dict)
                data["modules"][name][knob] = (
                    {key: changed * each for key, each in value.items()} if many else changed * value
                )
                found.append(Configuration.from_dict(data))
    assert all(plan(other) for other in found)
    return found
