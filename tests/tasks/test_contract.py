from pathlib import Path

import pytest

from autopeft.tasks import TaskSpec
from autopeft.testing.tasks import TaskContract

SHARED = Path(__file__).parents[2].parent / "shared" / "data"
needs_shared = pytest.mark.skipif(not SHARED.is_dir(), reason=f"no data sets in {SHARED}")


class TestIcd10(TaskContract):
    @pytest.fixture(scope="class")
    def spec(self):
        pytest.importorskip("simple_icd_10_cm", reason="the data of icd10 comes with the extra `demo`")
        return TaskSpec(name="icd10")


class TestFile(TaskContract):
    @pytest.fixture(scope="class")
    def spec(self, tmp_path_factory):
        path = tmp_path_factory.mktemp("data") / "numbers.csv"
        rows = [f"number {i} of many,{'even' if i % 2 == 0 else 'odd'}\n" for i in range(120)]
        path.write_text("text,label\n" + "".join(rows))
        return TaskSpec(data=str(path), metric="macro_f1")


@needs_shared
class TestPairs(TaskContract):
    @pytest.fixture(scope="class")
    def spec(self):
        folder = SHARED / "rte"
        files = {"data": str(folder / "train.tsv"), "test": str(folder / "dev.tsv")}
        return TaskSpec(**files, text="sentence1", text2="sentence2", metric="mcc")


@needs_shared
class TestManyLabels(TaskContract):
    @pytest.fixture(scope="class")
    def spec(self):
        return TaskSpec(data=str(SHARED / "trec6" / "train.csv"), label="fine_label")
