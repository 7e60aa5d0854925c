"""What `autopeft predict` does with folders that are broken, rows that cannot be read, and files of others."""

import csv
import json
import shutil

import pytest
from safetensors.torch import load_file, save_file

import autopeft
from autopeft.backbones import load_decoder
from autopeft.errors import AutopeftError, BackboneError, ConfigurationError, DataError
from autopeft.methods import VOCABULARY
from autopeft.space import canonical
from autopeft.tasks.causal import FORMATS, Causal, CausalSplit, Turn
from autopeft.testing.decoders import tiny_decoder
from autopeft.testing.models import TEXTS, tiny_backbone
from autopeft.testing.tasks import task_of
from tests.saved.test_cards import saved
from tests.training.test_predict import LABELS, LORA, here, place

__all__ = ["here", "place"]


@pytest.mark.parametrize(
    ("file", "content", "message"),
    [
        ("predict.json", None, "no readable predict.json"),
        ("predict.json", "[" * 9, "save the adapters again"),
        ("predict.json", {"max_length": 0}, "max_length: Input should be greater than or equal to 2"),
        ("predict.json", {"max_length": True}, "max_length: Input should be a valid integer"),
        ("predict.json", {"precision": "fp8"}, "precision: Input should be 'bf16' or 'fp32'"),
        ("predict.json", {"kind": "chat"}, "there is no kind of task 'chat' here"),
        ("predict.json", {"how": {"tokens": 3}}, "found tokens; expected nothing"),
        ("predict.json", {"reads": {"labels": ["a", "b"], "columns": []}}, "expected one column or two"),
        ("predict.json", {"reads": {"labels": ["a", "a"]}}, "two or more different labels"),
        ("predict.json", {"reads": {"labels": ["a", "b", "c"]}}, "does not fit the model|tells 2 labels"),
        ("predict.json", {"base": {}}, "base.path: Field required"),
        ("model", "junk", "cannot read the weights in|cannot load what is in"),
        ("model", None, "cannot read the weights in|cannot load what is in"),
        ("config.json", None, "lacks config.json"),
        ("tokenizer.json", None, "cannot load what is in"),
        ("tokenizer_config.json", None, "lacks tokenizer_config.json"),
        ("tokenizer_config.json", "[]", "cannot load what is in"),
    ],
)
@pytest.mark.parametrize("which", ["out", "out/merged"])
def test_a_broken_folder_is_one_message(place, tmp_path, which, file, content, message):
    broken = tmp_path / "out"
    shutil.copytree(which, broken)
    if file == "model":
        file = "adapter_model.safetensors" if which == "out" else "model.safetensors"
    if isinstance(content, dict):
        content = json.dumps(json.loads((broken / file).read_text()) | content)
    (broken / file).unlink()
    if content is not None:
        (broken / file).write_text(content)
    with pytest.raises(ConfigurationError, match=message):
        autopeft.predict(broken, "good")


def test_a_whole_model_that_lacks_its_head_is_refused(place, tmp_path):
    shutil.copytree("out/merged", tmp_path / "merged")
    tensors = load_file(tmp_path / "merged" / "model.safetensors")
    del tensors["score.weight"]
    save_file(tensors, tmp_path / "merged" / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(BackboneError, match=r"lacks score\.weight"):
        autopeft.predict(tmp_path / "merged", "good")


def test_another_model_in_the_place_of_the_one_trained_on_is_refused(place, tmp_path):
    shutil.copytree("out", tmp_path / "out")
    with pytest.raises(ConfigurationError, match=r"no readable predict.json; expected a folder"):
        autopeft.predict(tmp_path, ["good"])
    use = json.loads((tmp_path / "out" / "predict.json").read_text())
    use["base"]["identity"]["weights"] = "0" * 64
    (tmp_path / "out" / "predict.json").write_text(json.dumps(use))
    with pytest.raises(ConfigurationError, match="holds other weights than when the adapters"):
        autopeft.predict(tmp_path / "out", ["good"])
    found = autopeft.predict(tmp_path / "out", ["good"], model=use["base"]["path"])
    assert any("has other weights than the model that was trained on" in note for note in found.notes)
    use["base"]["path"] = str(tmp_path / "gone")
    (tmp_path / "out" / "predict.json").write_text(json.dumps(use))
    with pytest.raises(BackboneError, match="say where it is by --model"):
        autopeft.predict(tmp_path / "out", ["good"])


def _row(form, number):
    if form == "messages":
        return {"messages": [{"role": "user", "content": TEXTS[number]}, {"role": "assistant", "content": TEXTS[4]}]}
    if form == "choices":
        return {"question": TEXTS[number], "choices": ["film", "good happy", "sad"]}
    column = {"text": "text", "prompt": "prompt", "question": "question", "instruction": "instruction"}[form]
    return {column: TEXTS[number]}


def test_a_method_that_nobody_entered_wants_its_file(place, tmp_path):
    shutil.copytree("out", tmp_path / "out")
    manifest = json.loads((tmp_path / "out" / "autopeft.json").read_text())
    manifest["configuration"]["modules"] = {"of_a_plugin": {"groups": 1}}
    (tmp_path / "out" / "autopeft.json").write_text(json.dumps(manifest))
    with pytest.raises(ConfigurationError, match="adapters of of_a_plugin, which autopeft lacks; name the Python file"):
        autopeft.predict(tmp_path / "out", ["good"])


def test_adapters_name_the_kind_of_model_that_they_are_for(place):
    with pytest.raises(ConfigurationError, match="are for a gpt2 model, and tiny-bert is a bert model"):
        autopeft.predict("out", "good", model=tiny_backbone("bert", place))


def test_an_output_is_no_way_into_other_files(place, tmp_path):
    (tmp_path / "new.csv").write_text("review\ngood\n")
    (tmp_path / "secret.csv").write_text("old")
    (tmp_path / "secret.csv").chmod(0o600)
    (tmp_path / "link.csv").symlink_to("secret.csv")
    (tmp_path / "victim").write_text("untouched")
    (tmp_path / ".link.csv.partial").symlink_to("victim")
    autopeft.predict("out", file=tmp_path / "new.csv", output=tmp_path / "link.csv")
    assert (tmp_path / "link.csv").is_symlink()
    assert (tmp_path / "secret.csv").read_text().startswith("review,predicted")
    assert (tmp_path / "secret.csv").stat().st_mode & 0o777 == 0o600
    assert (tmp_path / "victim").read_text() == "untouched"
    names = [".link.csv.partial", "link.csv", "new.csv", "secret.csv", "victim"]
    assert sorted(path.name for path in tmp_path.iterdir()) == names


@pytest.mark.parametrize("texts", [[1], [None], [["a"]], ["a", ("b", "c")]])
def test_what_is_no_text_is_refused(place, texts):
    with pytest.raises(AutopeftError, match="reads single texts; found"):
        autopeft.predict("out", texts)


def test_other_columns_are_written_as_they_were(place, tmp_path):
    odd = ['{"review": NaN, "x": {"a": [1, NaN]}}', '{"review": "good", "x": "\\ud83d", "y": "  ", "z": 1e400}']
    (tmp_path / "odd.jsonl").write_text("\n".join(odd))
    for name in ("said.jsonl", "said.csv"):
        autopeft.predict("out", file=tmp_path / "odd.jsonl", output=tmp_path / name)
    lines = (tmp_path / "said.jsonl").read_text().splitlines()
    first, second = (json.loads(line, parse_constant=pytest.fail) for line in lines)
    assert first == {"review": None, "x": {"a": [1, None]}, "predicted": None}
    assert (second["review"], second["predicted"], second["y"], second["z"]) == ("good", LABELS[1], "  ", "inf")
    with (tmp_path / "said.csv").open(newline="", encoding="utf8") as rows:
        first, second = csv.DictReader(rows)
    assert (first["review"], first["x"], first["predicted"]) == ("", '{"a": [1, null]}', "")
    assert (second["x"], second["y"]) == ("\ufffd", "  ")


def test_one_row_that_cannot_be_read_keeps_no_other_from_its_answer(tmp_path):
    backbone = load_decoder(tiny_decoder("gpt2", tmp_path))
    how = next(each for each in FORMATS if each.name == "choices")
    split = CausalSplit([(Turn("user", TEXTS[0]), Turn("assistant", "film"))] * 4, [("film", "sad")] * 4)
    task = task_of(Causal(), how, split)
    folder = saved(canonical(LORA, VOCABULARY, backbone.shape), backbone, task, tmp_path / "out")
    long = "film " * 500
    rows = [(TEXTS[0], ["film", "sad"]), (long, ["film", "sad"]), (TEXTS[1], [long, "sad"]), (TEXTS[1], ["sad"])]
    found = [json.dumps({"question": question, "choices": choices}) + "\n" for question, choices in rows]
    (tmp_path / "asked.jsonl").write_text("".join(found))
    said = autopeft.predict(folder, file=tmp_path / "asked.jsonl")
    assert [row is None for row in said.rows] == [False, True, True, True]
    assert "expected a list of at least two choices" in said.notes[-1]
    assert "longer than the model reads" in said.notes[-1]
    (tmp_path / "asked.jsonl").write_text(found[-1])
    with pytest.raises(DataError, match=r"none of the 1 rows of .* can be read: 'choices'"):
        autopeft.predict(folder, file=tmp_path / "asked.jsonl")
