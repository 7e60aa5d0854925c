"""A label that a selection leaves without a row is named before the first trial."""

import pytest

from autopeft.launch import Hearing, SearchPlan, prepare, run_search
from autopeft.launch.labels_lost import labels_lost
from autopeft.levers import smallest_selections
from autopeft.methods import VOCABULARY
from autopeft.space import BackboneShape, SearchSpace
from autopeft.tasks import LabelledTexts
from autopeft.tasks.classification import Classes, Classification
from autopeft.tasks.multilabel import Labels, Multilabel
from autopeft.tasks.regression import Regression, Scale
from autopeft.testing.models import TEXTS, tiny_backbone
from autopeft.testing.tasks import task_of
from autopeft.trials import TrialSetting

SETTING = TrialSetting(examples=40, validation_examples=8)
NAMES = ("common", "rare")
RANDOM = {"select": "random", "share": 0.1}


def task(labels):
    texts = [f"{TEXTS[row % 2]} {row}" for row in range(40)]
    return task_of(Classification(), Classes(NAMES), LabelledTexts(texts, labels))


def test_what_is_left_out_is_named():
    few = [int(row in (3, 17)) for row in range(40)]
    [line] = labels_lost([{"select": "random", "share": 0.5}, RANDOM], task(few), SETTING, {})
    assert line == (
        "data.select: random with a share of 0.1, which is 4 of 40 rows, leaves no row of 1 of 2 labels to learn from: "
        "'rare'"
    )
    assert labels_lost([RANDOM], task([row % 2 for row in range(40)]), SETTING, {}) == []


def test_scores_decide_and_the_worst_is_said():
    """Rows of the rare label are the last to be taken by one epsilon, and the first by another."""
    rare = [int(row < 10) for row in range(40)]
    scores = {
        "transport (epsilon 0.1)": {row: -float(row) for row in range(40)},
        "transport (epsilon 1)": {row: float(row % 7) for row in range(40)},
    }
    far = {"select": "optimal_transport", "share": 0.1, "optimal_transport_direction": "near"}
    asked = [{**far, "optimal_transport_epsilon": epsilon} for epsilon in (1.0, 0.1)]
    [line] = labels_lost(asked, task(rare), SETTING, scores)
    assert "optimal_transport (epsilon 0.1, direction near) with a share of 0.1, which is 4 of 40 rows" in line


def test_kinds_say_what_is_told():
    few = LabelledTexts(["a", "b"] * 20, [(0,), (0, 1)] + [(0,)] * 38)
    [line] = labels_lost([RANDOM], task_of(Multilabel(), Labels(NAMES, ("text",)), few), SETTING, {})
    assert "'rare'" in line
    numbers = LabelledTexts(["a"] * 40, [float(row) for row in range(40)])
    assert labels_lost([RANDOM], task_of(Regression(), Scale("score", 0.0, 1.0), numbers), SETTING, {}) == []


def test_the_smallest_selections_of_a_space():
    data = {"select": "all | random | influence", "share": "20%..60%", "influence_strata": "5..50 by x2"}
    space = SearchSpace(name="x", modules={"lora": {"rank": 1}}, data=data)
    shape = BackboneShape(layers=2, hidden=32, ffn=64, roles=("q", "k", "v", "o", "up", "down"))
    found = smallest_selections(space.bind(VOCABULARY, shape))
    assert found == [
        {"select": "random", "share": 0.2},
        *(
            {"select": "influence", "share": 0.2, "influence_weight": weight, "influence_strata": strata}
            for weight in (0.3, 0.5, 1.0)
            for strata in (5, 10, 20, 40)
        ),
    ]


@pytest.mark.slow
def test_a_search_says_it_before_the_first_trial(tmp_path):
    rows = (f"{TEXTS[n % 2]} {n},{'ab'[n % 2] if n % 12 else 'c'}" for n in range(120))
    (tmp_path / "rows.csv").write_text("\n".join(["text,label", *rows]))
    space = {"name": "x", "modules": {"lora": {"rank": 1}}, "data": {"select": "random", "share": "2% | 50%"}}
    plan = {"model": tiny_backbone("bert", tmp_path / "model"), "data": str(tmp_path / "rows.csv"), "space": space}
    lines = []
    quick = {"budget": "20%", "workers": 0, "epochs": 1.0, "trials": 2, "out": str(tmp_path / "run")}
    run_search(prepare(SearchPlan.of({**plan, **quick})), listener=Hearing(lines.append))
    assert any(line.startswith("data.select: random with a share of 0.02, which is ") for line in lines)
