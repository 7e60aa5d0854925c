"""The kinds of task that come with the package, held to their contract on tiny models."""

import json
from dataclasses import replace

import numpy as np
import pytest
import soundfile
from PIL import Image as Picture

from autopeft.backbones import load_embedder
from autopeft.tasks import KINDS, Source, TaskSpec, load_task
from autopeft.tasks.kinds import recognised
from autopeft.testing.decoders import tiny_decoder
from autopeft.testing.kinds import KindContract
from autopeft.testing.models import TEXTS, tiny_backbone
from autopeft.trials import TRIALS, kind_of, use_threads
from tests.tasks.rerank.data import ASKED, judged_rows, write_rows

WORDS = ("good happy film", "bad sad story", "how many of it", "the left arm")


def test_both_tables_have_the_same_kinds():
    assert list(KINDS) == list(TRIALS)
    assert all(name == kind.name for name, kind in KINDS.items())
    # Several tasks are named in the YAML of a search, and are no rows of their own.
    assert [name for name, kind in KINDS.items() if not kind.samples] == ["several"]


@pytest.mark.parametrize("name", KINDS)
def test_samples_are_recognised_as_what_they_are(name, tmp_path):
    for sample in KINDS[name].samples:
        (tmp_path / sample.file).write_text(sample.content)
        words = sample.flags.split()
        flags = dict(zip((word.removeprefix("--").replace("-", "_") for word in words[::2]), words[1::2], strict=True))
        flags.pop("model", None)
        kind = recognised(Source(TaskSpec.of(data=str(tmp_path / sample.file), **flags)))
        assert kind.name == name


class TestClassification(KindContract):
    @pytest.fixture(scope="class")
    def spec(self, tmp_path_factory):
        path = tmp_path_factory.mktemp("data") / "rows.csv"
        rows = [f"{WORDS[n % 2]} {WORDS[2 + n // 2 % 2]} {n},{'yn'[n % 2]}\n" for n in range(240)]
        path.write_text("text,label\n" + "".join(rows))
        return TaskSpec(data=str(path), metric="macro_f1")


class TestCausal(KindContract):
    architectures = ("llama", "gpt2")
    scored = ("transport",)

    @pytest.fixture(scope="class")
    def spec(self, tmp_path_factory):
        path = tmp_path_factory.mktemp("data") / "rows.jsonl"
        rows = [{"prompt": f"{WORDS[n % 4]} {n}", "completion": f" {WORDS[(n + 1) % 4]}"} for n in range(160)]
        path.write_text("".join(json.dumps(row) + "\n" for row in rows))
        return TaskSpec(data=str(path))


class TestPreference(KindContract):
    """Happy answers are better than sad ones, whatever is asked."""

    architectures = ("llama", "gpt2")
    scored = ("transport",)

    @pytest.fixture(scope="class")
    def spec(self, tmp_path_factory):
        path = tmp_path_factory.mktemp("data") / "rows.jsonl"
        rows = [
            {"prompt": f"{WORDS[2 + n % 2]} {n}", "chosen": f" {WORDS[0]}", "rejected": f" {WORDS[1]}"}
            for n in range(160)
        ]
        path.write_text("".join(json.dumps(row) + "\n" for row in rows))
        return TaskSpec(data=str(path))


class TestTokens(KindContract):
    """Names of organs and numbers; some sentences are longer than a window."""

    scored = ("transport",)

    @pytest.fixture(scope="class")
    def spec(self, tmp_path_factory):
        path = tmp_path_factory.mktemp("data") / "rows.conll"
        tagged = ("the O", "heart B-organ", "and O", "left B-organ", "lung I-organ", "of O", "seven B-number", "it O")
        rng = np.random.default_rng(0)
        sizes = rng.choice([3, 8, 20, 90], size=240, p=[0.3, 0.4, 0.25, 0.05])
        sentences = ["\n".join(tagged[word] for word in rng.integers(len(tagged), size=size)) for size in sizes]
        path.write_text("\n\n".join(sentences) + "\n")
        return TaskSpec(data=str(path))


class TestRegression(KindContract):
    @pytest.fixture(scope="class")
    def spec(self, tmp_path_factory):
        path = tmp_path_factory.mktemp("data") / "rows.csv"
        rows = [f"{'good ' * (n % 6)}{'sad ' * (5 - n % 6)}film {n},{n % 6 + 0.5}\n" for n in range(240)]
        path.write_text("text,label\n" + "".join(rows))
        return TaskSpec(data=str(path))


class TestMultilabel(KindContract):
    """Three words, each with a label; some texts have none of them."""

    @pytest.fixture(scope="class")
    def spec(self, tmp_path_factory):
        path = tmp_path_factory.mktemp("data") / "rows.jsonl"
        words = ("good", "sad", "lung")
        sets = [[word for place, word in enumerate(words) if n >> place & 1] for n in range(240)]
        rows = [{"text": f"{' '.join(3 * (each or ['film']))} {n}", "label": each} for n, each in enumerate(sets)]
        path.write_text("".join(json.dumps(row) + "\n" for row in rows))
        return TaskSpec(data=str(path))


class TestRerank(KindContract):
    """Documents about two things each, of which the good ones answer queries about them."""

    architectures = ("bert", "roberta")
    scored = ()

    @pytest.fixture(scope="class")
    def spec(self, tmp_path_factory):
        path = tmp_path_factory.mktemp("data") / "rows.jsonl"
        return TaskSpec(data=write_rows(path, judged_rows()), kind="rerank", candidates=6)


class TestRerankByDecoders(TestRerank):
    """The same documents, of which a language model is asked."""

    architectures = ("llama", "gpt2")

    @pytest.fixture(scope="class")
    def backbone(self, spec, architecture, tmp_path_factory):
        use_threads(1)
        path = tiny_decoder(architecture, tmp_path_factory.mktemp("model"), vocabulary=(*TEXTS, ASKED))
        return kind_of(load_task(spec)).load_backbone(path)

    @pytest.fixture(scope="class")
    def task(self, spec, tmp_path_factory):
        task = load_task(spec)
        return replace(task, schema=task.schema.asked())


class TestRerankByGrades(TestRerankByDecoders):
    """The language model tells grades."""

    @pytest.fixture(scope="class")
    def spec(self, tmp_path_factory):
        path = tmp_path_factory.mktemp("data") / "rows.jsonl"
        return TaskSpec(data=write_rows(path, judged_rows()), kind="rerank", candidates=6, grades=4)


class TestRetrieve(KindContract):
    """The same documents, which are searched for what good ones have in common."""

    scored = ()

    @pytest.fixture(scope="class")
    def spec(self, tmp_path_factory):
        path = tmp_path_factory.mktemp("data") / "rows.jsonl"
        return TaskSpec(data=write_rows(path, judged_rows()), kind="retrieve", pooling="mean")

    @pytest.fixture(scope="class")
    def backbone(self, architecture, tmp_path_factory):
        use_threads(1)
        return load_embedder(tiny_backbone(architecture, tmp_path_factory.mktemp("model")))

    @pytest.fixture(scope="class")
    def task(self, spec, backbone):
        task = load_task(spec)
        return kind_of(task).fitted(task, backbone)


class TestAudio(KindContract):
    """Low tones and high ones."""

    architectures = ("wav2vec2", "ast")

    @pytest.fixture(scope="class")
    def spec(self, tmp_path_factory):
        folder, rng = tmp_path_factory.mktemp("clips"), np.random.default_rng(0)
        for number in range(120):
            pitch, seconds = ("low", "high")[number % 2], rng.uniform(0.1, 0.2)
            tone = np.sin(2 * np.pi * {"low": 400, "high": 2000}[pitch] * np.arange(int(8_000 * seconds)) / 8_000)
            (folder / pitch).mkdir(exist_ok=True)
            soundfile.write(folder / pitch / f"{number}.wav", 0.3 * tone + 0.02 * rng.normal(size=len(tone)), 8_000)
        return TaskSpec(data=str(folder))

    def given(self, task):
        return str(task.train.items[0].source)


class TestSeveral(KindContract):
    """Two tasks with a head that they share."""

    architectures = ("bert",)
    scored = ()

    @pytest.fixture(scope="class")
    def spec(self, tmp_path_factory):
        folder = tmp_path_factory.mktemp("tasks")
        for name, (one, other) in {"films": WORDS[:2], "bodies": WORDS[2:]}.items():
            rows = [f"{(one, other)[n % 2]} {n},{'yn'[n % 2]}\n" for n in range(160)]
            (folder / f"{name}.csv").write_text("text,label\n" + "".join(rows))
        parts = tuple(TaskSpec(data=str(folder / f"{name}.csv")) for name in ("films", "bodies"))
        return TaskSpec(parts=parts, mixture="joint")


class TestImage(KindContract):
    """Pictures that are light on the left or on the right."""

    architectures = ("vit",)

    @pytest.fixture(scope="class")
    def spec(self, tmp_path_factory):
        folder, rng = tmp_path_factory.mktemp("pictures"), np.random.default_rng(0)
        for number in range(120):
            side = ("left", "right")[number % 2]
            pixels = rng.integers(0, 120, (10, 12, 3), dtype=np.uint8)
            pixels[:, slice(0, 6) if side == "left" else slice(6, 12)] += 100
            (folder / side).mkdir(exist_ok=True)
            Picture.fromarray(pixels).save(folder / side / f"{number}.png")
        return TaskSpec(data=str(folder))

    def given(self, task):
        return str(task.train.items[0].source)
