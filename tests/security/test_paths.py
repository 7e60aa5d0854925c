"""Data of strangers that names files elsewhere: paths in tables and graphs, members of archives, links."""

import json
import shutil
import zipfile

import pandas as pd
import pytest

from autopeft.errors import AutopeftError, DataError
from autopeft.tasks.causal.judging.sparql import metric
from autopeft.tasks.media import cells
from autopeft.tasks.tables import leads_outside, packing, read_source
from autopeft.whole_folder import whole_folder
from tests.cli.in_process import run_here
from tests.tasks.causal.test_judging import BOTH, GRAPH
from tests.tasks.causal.test_judging import loaded as loaded_questions
from tests.tasks.media.fill import fill, loaded, picture

PETS = {"cat": 30, "dog": 30}
OUT = "leads out of the folder of the table"


@pytest.fixture
def data(tmp_path):
    """A stranger's folder of pictures, beside a picture of somebody else's."""
    fill(tmp_path / "data", PETS)
    (tmp_path / "secret.png").write_bytes(picture())
    (tmp_path / "data" / "link.png").symlink_to(tmp_path / "secret.png")
    return tmp_path / "data"


def rows(cell):
    named = [(f"{label}/{n}.png", label) for label, count in PETS.items() for n in range(count)]
    return pd.DataFrame([*named, (cell, "cat")], columns=["image", "label"])


WAYS = {
    "above": lambda data: "../secret.png",
    "above, on the way": lambda data: "cat/../../secret.png",
    "absolute": lambda data: str(data.parent / "secret.png"),
    "a link": lambda data: "link.png",
}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("form", ["csv", "parquet", "struct"])
def test_a_path_that_leads_out_is_refused(way, form, data, monkeypatch):
    table = rows(WAYS[way](data))
    if form == "struct":
        table["image"] = [{"bytes": None, "path": path} for path in table["image"]]
    file = data / ("rows.csv" if form == "csv" else "rows.parquet")
    table.to_csv(file, index=False) if form == "csv" else table.to_parquet(file)
    with pytest.raises(DataError, match=OUT):
        loaded(file)
    monkeypatch.setattr(cells, "leads_outside", lambda folder, file: False)
    assert (data.parent / "secret.png").resolve() in {
        item.source.resolve() for split in loaded(file).splits.values() for item in split.items
    }


def test_it_is_one_message_of_the_command(data):
    rows("/etc/passwd").to_csv(data / "rows.csv", index=False)
    done = run_here("data", "data/rows.csv", "--image", "image", "--label", "label", cwd=data.parent)
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert f"names '/etc/passwd', which {OUT}" in done.stderr


def test_the_home_of_the_user_is_outside(data, monkeypatch):
    monkeypatch.setenv("HOME", str(data.parent))
    rows("~/secret.png").to_csv(data / "rows.csv", index=False)
    with pytest.raises(DataError, match=OUT):
        loaded(data / "rows.csv")


def test_paths_of_an_archive_begin_beside_it_and_lead_nowhere_else(data):
    rows("../secret.png").to_csv(data / "rows.csv", index=False)
    with zipfile.ZipFile(data / "rows.zip", "w") as archive:
        archive.write(data / "rows.csv", "rows.csv")
    (data / "rows.csv").unlink()
    with pytest.raises(DataError, match=OUT):
        loaded(data / "rows.zip")


def test_links_of_the_hubs_cache_are_no_way_out(tmp_path):
    commit = tmp_path / "datasets--a--b" / "snapshots" / "c0ffee"
    blobs = tmp_path / "datasets--a--b" / "blobs"
    (commit / "data").mkdir(parents=True)
    blobs.mkdir()
    (blobs / "1").write_bytes(picture())
    (commit / "data" / "1.png").symlink_to(blobs / "1")
    assert not leads_outside(commit / "data", commit / "data" / "1.png")
    assert leads_outside(commit / "data", tmp_path / "datasets--other" / "1.png")


@pytest.mark.parametrize("name", ["../graph.ttl", "link.ttl", "{place}/graph.ttl"])
def test_a_graph_elsewhere_is_refused(name, tmp_path, monkeypatch):
    (tmp_path / "graph.ttl").write_text(GRAPH)
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "link.ttl").symlink_to(tmp_path / "graph.ttl")
    named = name.format(place=tmp_path)
    asked = [{"question": f"Who is {n}?", "answer": BOTH, "graph": named} for n in range(40)]
    with pytest.raises(DataError, match=r"'graph': found .*, which leads out of"):
        loaded_questions(tmp_path / "data", asked, "relaxed_em")
    monkeypatch.setattr(metric, "leads_outside", lambda folder, file: False)
    assert loaded_questions(tmp_path / "data", asked, "relaxed_em")


@pytest.mark.parametrize("name", ["../../evil.csv", "/tmp/evil.csv", "a/../../evil.csv", "..\\evil.csv", "c:\\e.csv"])
def test_an_archive_whose_members_belong_elsewhere_is_refused(name, tmp_path, monkeypatch):
    folder = tmp_path / "deep" / "deeper"
    folder.mkdir(parents=True)
    with zipfile.ZipFile(folder / "rows.zip", "w") as archive:
        archive.writestr(name, "text,label\n" + "\n".join(f"film {n},{'ab'[n % 2]}" for n in range(20)))
    with pytest.raises(DataError, match="a name that leads out of an archive"):
        read_source(folder / "rows.zip")
    monkeypatch.setattr(packing, "_leads_out", lambda name: False)
    monkeypatch.setattr(packing, "_is_hidden", lambda name: False)
    before = sorted(tmp_path.rglob("*"))
    [table] = read_source(folder / "rows.zip").values()
    assert len(table.rows) == 20
    # Even so it is read in memory, and nothing is written.
    assert sorted(tmp_path.rglob("*")) == before


def test_a_folder_of_results_names_no_file_elsewhere_to_be_deleted(tmp_path):
    (tmp_path / "kept.txt").write_text("kept")
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "mine.txt").write_text("mine")
    (tmp_path / "out" / "written.json").write_text(json.dumps({"files": ["../kept.txt", str(tmp_path / "kept.txt")]}))
    with (
        pytest.raises(AutopeftError, match=r"holds mine\.txt, which autopeft did not write there"),
        whole_folder(tmp_path / "out"),
    ):
        pass
    (tmp_path / "out" / "mine.txt").unlink()
    (tmp_path / "out" / "linked").symlink_to(tmp_path)
    listed = {"files": ["../kept.txt", "linked"]}
    (tmp_path / "out" / "written.json").write_text(json.dumps(listed))
    with whole_folder(tmp_path / "out"):
        pass
    assert (tmp_path / "kept.txt").read_text() == "kept"
    shutil.rmtree(tmp_path / "out")
