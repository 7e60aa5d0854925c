"""What trials learn from in other forms: in as many steps, of training rows alone, with all layers computed."""

from dataclasses import replace
from functools import partial

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from autopeft.backbones import load_backbone
from autopeft.costs import memory_features
from autopeft.errors import ConfigurationError, DataError
from autopeft.levers import AUGMENT, Rows
from autopeft.methods import VOCABULARY
from autopeft.space import canonical
from autopeft.tasks import KINDS, LabelledTexts, TaskKind
from autopeft.testing.models import tiny_backbone
from autopeft.trials import TRIALS, Material, TrialRunner, check_levers, kind_of, use_threads
from autopeft.trials.several.joint import JointTrials
from autopeft.trials.shortcuts import Shortcuts
from tests.trials.outcomes import lasting
from tests.trials.test_levers import CPU, SETTING, make_task

EDA = {"augment": "eda", "eda_rate": 0.2, "eda_number": 3}
BACK = {"augment": "back_translation", "back_translation_column": "other"}
MIXUP = {"augment": "mixup", "mixup_alpha": 0.4}
TERM = {"contrastive": "supervised", "supervised_weight": 0.5, "supervised_temperature": 0.2}
COLUMN = {"column": "other"}
FORMS = {"eda": EDA, "back-translation": BACK, "mixup": MIXUP, "contrastive": TERM, "column": COLUMN}


def told_task():
    """Every third row has nothing in the other column."""
    task = make_task()
    others = [None if row % 3 == 2 else "film good it film" for row in range(len(task.train))]
    return replace(task, beside={"other": others, "empty": [""] * len(others), "lists": [["a"]] * len(others)})


@pytest.fixture(scope="module")
def backbone(tmp_path_factory):
    use_threads(1)
    return load_backbone(tiny_backbone("bert", tmp_path_factory.mktemp("model")))


@pytest.fixture(scope="module")
def runner(backbone):
    return TrialRunner(backbone, told_task(), SETTING, CPU)


def configured(backbone, data, **training):
    modules = {"lora": {"rank": 2, "layers": [2]}}
    return canonical(
        {"modules": modules, "training": {"learning_rate": 1e-2, **training}, "data": data}, VOCABULARY, backbone.shape
    )


@pytest.fixture(scope="module")
def run(runner, backbone):
    def found(data, **training):
        outcome = runner.run(configured(backbone, data, **training), seed=1)
        assert outcome.status == "complete", outcome.detail
        return outcome

    return found


@pytest.mark.parametrize("data", FORMS.values(), ids=FORMS)
def test_a_lever_changes_what_is_learned_in_as_many_steps(run, data):
    plain, pulled = run({}), run(data)
    assert [point["step"] for point in plain.curve] == [point["step"] for point in pulled.curve]
    assert plain.metrics != pulled.metrics
    assert lasting(run(data)) == lasting(pulled)


@pytest.mark.parametrize("data", [{**MIXUP, "mixup_alpha": 0.0}, {**TERM, "supervised_weight": 0.0}])
@pytest.mark.parametrize("training", [{}, {"optimiser": "mezo"}])
def test_levers_that_do_nothing_are_the_trial_without(run, data, training):
    assert run(data, **training).metrics == run({}, **training).metrics


@pytest.mark.parametrize("data", FORMS.values(), ids=FORMS)
def test_what_is_learned_does_not_depend_on_what_is_held_out(backbone, tmp_path, data):
    task = told_task()
    other = LabelledTexts(["something else"] * len(task.validation), [0] * len(task.validation))
    learned = []
    for name, each in {"one": task, "two": replace(task, validation=other, test=other)}.items():
        TrialRunner(backbone, each, SETTING, CPU).run(configured(backbone, data), 1, folder=tmp_path / name)
        [file] = (tmp_path / name).rglob("adapter_model.safetensors")
        learned.append(load_file(file))
    assert learned[0].keys() == learned[1].keys()
    assert all(torch.equal(value, learned[1][name]) for name, value in learned[0].items())
    assert any(value.abs().sum() > 0 for name, value in learned[0].items() if "lora_B" in name)


@pytest.mark.parametrize(("data", "kept"), [({}, True), (MIXUP, True), (TERM, True), (EDA, False), (COLUMN, False)])
def test_layers_below_are_computed_where_inputs_change(runner, backbone, monkeypatch, data, kept):
    depths, taken = [], Shortcuts.taken

    def watched(self, configuration, depth, prefixes):
        depths.append(depth)
        return taken(self, configuration, depth, prefixes)

    monkeypatch.setattr(Shortcuts, "taken", watched)
    assert runner.run(configured(backbone, data), 1).status == "complete"
    assert depths == [2 if kept else 0]


@pytest.mark.parametrize(("data", "changed"), [({}, False), (MIXUP, False), (EDA, True), (COLUMN, True)])
def test_memory_is_predicted_of_changed_inputs_by_themselves(backbone, data, changed):
    plain, found = (memory_features(configured(backbone, each), backbone.anatomy) for each in ({}, data))
    assert found.items() >= plain.items()
    assert (found != plain) == changed


def material_of(backbone, task, numbers):
    kind = kind_of(task)
    encode = partial(kind.encode, tokenizer=backbone.tokenizer(), max_length=64)
    return Material(kind, task, np.asarray(numbers), encode, 64, 0)


def words_of(backbone, encoded):
    tokenizer = backbone.tokenizer()
    return [tokenizer.decode(ids, skip_special_tokens=True) for ids in encoded.inputs["input_ids"]]


def test_copies_are_of_the_rows_that_are_chosen(backbone):
    numbers = np.arange(3, 43)
    material = material_of(backbone, told_task(), numbers)
    half = {"select": "random", "share": 0.5}
    own, copied = (material.learned({**half, **each}) for each in ({}, EDA))
    assert own.encoded is material.train
    assert copied.rows.tolist() == [row + copy * len(numbers) for copy in range(4) for row in own.rows]
    assert words_of(backbone, copied.taken)[: len(own.rows)] == words_of(backbone, own.taken)
    assert copied.taken.labels.tolist() == 4 * own.taken.labels.tolist()
    assert material.form(EDA) is material.form({**EDA, "select": "random", "share": 0.1})


def test_a_copy_depends_on_its_row_and_not_on_the_others_drawn(backbone):
    """Of the same texts the same changes; the words that stand in for synonyms are those of the rows drawn."""
    rows = Rows([("a b c d",), ("a b c d",)], [4, 9], lambda column: (), 0)
    fewer = replace(rows, texts=rows.texts[1:], numbers=[9])
    knobs = {"rate": 0.5, "number": 3}
    eda = AUGMENT.words["eda"]
    assert [form[1] for form in eda.copies(rows, knobs)] == [form[0] for form in eda.copies(fewer, knobs)]
    assert eda.copies(rows, knobs)[0][0] != eda.copies(rows, knobs)[0][1]


def test_a_row_is_seen_as_itself_and_as_its_back_translation(backbone):
    task = told_task()
    found = words_of(backbone, material_of(backbone, task, range(6)).learned(BACK).taken)
    own = words_of(backbone, material_of(backbone, task, range(6)).train)
    assert found == [*own, *("film good it film" if row % 3 < 2 else own[row] for row in range(6))]


def test_of_pairs_the_first_text_is_another():
    kind = told_task().kind
    pairs = LabelledTexts([("one", "two"), ("three", "four")], [0, 1])
    assert kind.with_column(pairs, [" other ", None]).texts == [("other", "two"), ("three", "four")]


@pytest.mark.parametrize(
    ("asked", "error", "said"),
    [
        (
            {"column": ["empty"]},
            ConfigurationError,
            "'empty' is empty in all training rows; name another by data.column",
        ),
        ({"column": ["lists"]}, DataError, "'lists' holds a list in a training row; expected text or nothing"),
        ({"back_translation_column": ["empty"]}, ConfigurationError, "name another by data.back_translation_column"),
    ],
)
def test_columns_without_texts_are_refused(asked, error, said):
    with pytest.raises(error, match=said):
        check_levers(asked, told_task())


#: What each kind has: other columns, other words, mixing, the contrastive term.
HAS = {
    "classification": (True, True, True, True),
    "multilabel": (True, True, True, False),
    "regression": (True, True, True, False),
    "causal": (True, False, False, False),
    "preference": (False, False, False, False),
    "rerank": (True, False, False, False),
    "retrieve": (True, False, False, False),
    "image": (False, False, True, True),
    "audio": (False, False, True, True),
    "tokens": (False, False, False, False),
    "several": (False, False, False, False),
}


def test_what_kinds_have():
    found = {
        name: (bool(kind.replaced), type(kind).texts is not TaskKind.texts, TRIALS[name].mixes, TRIALS[name].contrasts)
        for name, kind in KINDS.items()
    }
    assert found == HAS
    assert not JointTrials.mixes
    assert not JointTrials.contrasts


def test_what_a_cut_leaves_nothing_of_is_left_out(backbone):
    material = material_of(backbone, told_task(), range(6))
    whole = material.form(COLUMN)
    [key] = material._forms
    material._forms[key] = replace(whole.take([0, 2, 3]), kept=np.array([0, 2, 3]))
    found = material.learned(COLUMN)
    assert found.examples.tolist() == [0, 1, 2]
    assert words_of(backbone, found.taken) == [words_of(backbone, whole)[row] for row in (0, 2, 3)]
    material._forms[key] = replace(whole.take([material._order[1]]), kept=np.array([material._order[1]]))
    with pytest.raises(ConfigurationError, match="cut at 64 tokens nothing is left to learn; raise --max-length"):
        material.learned(COLUMN, 1)
