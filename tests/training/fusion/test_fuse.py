"""`autopeft fuse`: its rows are what `evaluate` measures, and on the small model itself that is the trained one."""

import json
import shutil
from pathlib import Path

import pytest

import autopeft
from autopeft.backbones import load_decoder
from autopeft.errors import ConfigurationError
from autopeft.methods import VOCABULARY
from autopeft.space import canonical
from autopeft.tasks import TaskSpec, load_task
from autopeft.testing.decoders import CHAT_TEMPLATE, tiny_decoder
from autopeft.testing.models import TEXTS, tiny_backbone
from autopeft.training.fusion.vocabulary import check_one_vocabulary
from autopeft.trials import use_threads
from tests.cli.in_process import run_here
from tests.saved.test_cards import saved

LORA = {"modules": {"lora": {"rank": 4}}, "training": {"learning_rate": 2e-2}}
ROWS = ("--data", "rows.jsonl")
DATA = (*ROWS, "--precision", "fp32", "--max-length", "24")


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A folder with two decoders of one vocabulary, data, and adapters of the smaller with random weights."""
    use_threads(1)
    folder = tmp_path_factory.mktemp("fuse")
    rows = [{"question": f"{' '.join(text.split()[:3])} {n}", "answer": text} for n in range(10) for text in TEXTS]
    (folder / "rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    for name in ("llama", "gpt2"):
        tiny_decoder(name, folder)
    tiny_decoder("mistral", folder, vocabulary=(*TEXTS, "quite other words"))
    tiny_backbone("bert", folder)
    small = load_decoder(str(folder / "tiny-llama"))
    task = load_task(TaskSpec.of(data=str(folder / "rows.jsonl")))
    saved(canonical(LORA, VOCABULARY, small.shape), small, task, folder / "out")
    return folder


@pytest.fixture(autouse=True)
def here(place, monkeypatch):
    monkeypatch.chdir(place)


def invoke(*words):
    done = run_here(*words, cwd=Path())
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_both_alone_are_measured_as_evaluate_does_and_all_three_beside(place):
    found = json.loads(invoke("fuse", "out", "--on", "tiny-gpt2", *DATA, "--generate", "4", "--json"))
    assert (found["metric"], found["split"], found["trained_on"]) == ("token_accuracy", "test", 0)
    large, tuned, untuned, one, solved = found["models"]
    assert [row["name"] for row in found["models"]] == [
        "tiny-gpt2",
        "tiny-llama, trained",
        "tiny-llama, untrained",
        "fused, weight 1",
        "fused, per token",
    ]
    assert [row["forwards"] for row in found["models"]] == [1, 1, 1, 3, 3]
    assert [row["weight"] for row in (large, tuned, untuned, one)] == [None, None, None, 1.0]
    assert 0 < solved["weight"] < 2
    assert all(set(row["figures"]) >= {"token_accuracy", "loss", "exact_match"} for row in found["models"])
    figures = json.loads(invoke("evaluate", "out", *DATA, "--generate", "4", "--json"))
    assert figures["examples"] == found["examples"]
    assert tuned["figures"] == pytest.approx({name: figures[name] for name in tuned["figures"]}, rel=1e-5)
    losses = [row["figures"]["loss"] for row in found["models"]]
    assert len(set(losses)) == 5
    # All three are run for each token, and that is said.
    assert one["flops"] == solved["flops"] == large["flops"] + tuned["flops"] + untuned["flops"]


def test_on_the_small_model_itself_it_is_the_trained_one(place):
    found = json.loads(invoke("fuse", "out", "--on", "tiny-llama", *DATA, "--split", "validation", "--json"))
    large, tuned, untuned, one, solved = (row["figures"] for row in found["models"])
    assert large == untuned != tuned
    assert one == pytest.approx(tuned, rel=1e-4)
    assert solved == pytest.approx(tuned, rel=1e-4)
    assert found["models"][-1]["weight"] == 1.0


def test_it_is_said_for_people(place):
    said = invoke("fuse", "out", "--on", "tiny-gpt2", *DATA)
    plain = " ".join(said.split())
    assert "lora r=4" in plain
    assert "three forward passes a token" in plain
    assert "model token_accuracy loss weight forwards GFLOPs seconds" in plain
    assert "fused, per token: token_accuracy 0." in plain


def test_from_python(place):
    rows = autopeft.fuse("out", on="tiny-gpt2", data="rows.jsonl", precision="fp32", max_length=24)
    assert [row.forwards for row in rows] == [1, 1, 1, 3, 3]
    opened = autopeft.open_fused("out", on="tiny-gpt2", weight=1.0)
    asked = opened.tokenizer(TEXTS[0], return_tensors="pt")
    ids = opened.model.generate(**asked, max_new_tokens=4, do_sample=False)
    assert 0 < ids.shape[1] - asked["input_ids"].shape[1] <= 4
    assert isinstance(opened.model, autopeft.Fused)


def test_a_chat_template_that_the_large_model_lacks_is_said(place, tmp_path):
    small = load_decoder(tiny_decoder("llama", tmp_path, template=CHAT_TEMPLATE))
    task = load_task(TaskSpec.of(data="rows.jsonl"))
    saved(canonical(LORA, VOCABULARY, small.shape), small, task, tmp_path / "out")
    opened = autopeft.open_fused(tmp_path / "out", on="tiny-gpt2")
    assert opened.notes[-1] == "prompts go through the chat template of tiny-llama, which tiny-gpt2 does not have"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--on", "tiny-gpt2"), "no data is named; expected --data FILE"),
        (("--on", "tiny-mistral", *ROWS), "tiny-mistral and tiny-llama have vocabularies of"),
        (("--on", "tiny-bert", *ROWS), "'bert' models do not generate text"),
        (("--on", "tiny-gpt2", *ROWS, "--max-length", "140"), "the model reads at most 128 tokens"),
        (("--on", "tiny-gpt2", *ROWS, "--generate", "-1"), "generate: found -1"),
        (("--on", "tiny-gpt2", *ROWS, "--metric", "exact_match@5"), "looks at several beams, and fused models"),
    ],
)
def test_what_cannot_be_fused_is_one_message(place, words, said):
    done = run_here("fuse", "out", *words, cwd=place)
    assert done.returncode == 2, done.stdout + done.stderr
    assert said in " ".join(done.stderr.split())
    assert "Traceback" not in done.stderr


def test_a_whole_model_is_refused(place):
    add = json.loads((place / "out" / "predict.json").read_text())
    whole = place / "whole"
    shutil.copytree(place / "tiny-llama", whole, dirs_exist_ok=True)
    (whole / "predict.json").write_text(json.dumps(add | {"base": None}))
    shutil.copy(place / "out" / "generation_config.json", whole)
    with pytest.raises(ConfigurationError, match="whole holds a whole model; expected adapters"):
        autopeft.open_fused(whole, on="tiny-gpt2")


@pytest.mark.slow
def test_picks_of_a_run_are_finalists(place):
    words = ("--budget", "10%", "--trials", 3, "--examples", 16, "--epochs", 1, "--workers", 0, "-o", "run")
    invoke("search", "--model", "tiny-llama", "--data", "rows.jsonl", *words, "--no-select")
    done = run_here("fuse", "run", "--pick", "1", "--on", "tiny-gpt2", cwd=place)
    assert done.returncode == 2
    assert "no trained adapters of trial 1 are in run" in " ".join(done.stderr.split())
    assert "`autopeft train run --pick 1 -o FOLDER`" in " ".join(done.stderr.split())
    invoke("select", "run", "--seeds", 3, "--workers", 0)
    found = json.loads(invoke("fuse", "run", "--pick", "1", "--on", "tiny-gpt2", "--json"))
    folder = max((place / "run" / "finalists").glob("stock*/seed-*"))
    same = json.loads(invoke("fuse", folder, "--on", "tiny-gpt2", "--data", "rows.jsonl", "--json"))
    assert found["examples"] == same["examples"]
    assert found["models"][0]["figures"] == same["models"][0]["figures"]


class Words:
    """A tokenizer, as far as its vocabulary goes."""

    def __init__(self, *words):
        self.words = words

    def get_vocab(self):
        return {word: number for number, word in enumerate(self.words)}


@pytest.mark.parametrize(
    ("other", "said"),
    [
        (
            Words("a", "c", "b"),
            "of 3 and 3 tokens that differ in 'b' (number 1 and number 2), 'c' (number 2 and number 1)",
        ),
        (Words("a", "b"), "of 3 and 2 tokens that differ in 'c' (number 2 and none); expected the same tokens"),
        (Words("a", "x", "y", "z"), "'x' (none and number 1), 'c' (number 2 and none) and 2 more; expected"),
    ],
)
def test_vocabularies_of_other_numbers_are_refused_with_what_differs(other, said):
    check_one_vocabulary(Words("a", "b", "c"), Words("a", "b", "c"), ("large", "small"))
    with pytest.raises(ConfigurationError) as error:
        check_one_vocabulary(Words("a", "b", "c"), other, ("large", "small"))
    assert said in str(error.value)
