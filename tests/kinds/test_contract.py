"""The kinds of task that come with the package, held to their contract on tiny models."""

import json

import pytest

from autopeft.tasks import KINDS, Source, TaskSpec
from autopeft.tasks.kinds import recognised
from autopeft.testing.kinds import KindContract
from autopeft.trials import TRIALS

WORDS = ("good happy film", "bad sad story", "how many of it", "the left arm")


def test_both_tables_have_the_same_kinds():
    assert list(KINDS) == list(TRIALS)
    assert all(name == kind.name for name, kind in KINDS.items())


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

    @pytest.fixture(scope="class")
    def spec(self, tmp_path_factory):
        path = tmp_path_factory.mktemp("data") / "rows.jsonl"
        rows = [{"prompt": f"{WORDS[n % 4]} {n}", "completion": f" {WORDS[(n + 1) % 4]}"} for n in range(160)]
        path.write_text("".join(json.dumps(row) + "\n" for row in rows))
        return TaskSpec(data=str(path))
