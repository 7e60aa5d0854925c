"""Decoders that are asked how relevant documents are: questions, answers, scores, and what is refused."""

import math
from dataclasses import replace

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from autopeft.backbones import Decoder, load_either
from autopeft.errors import AutopeftError, DataError
from autopeft.methods import stock_lora
from autopeft.saved import loading_code, open_saved
from autopeft.tasks import IGNORED, TaskSpec, load_task
from autopeft.tasks.rerank import Pairs
from autopeft.tasks.rerank.asked import HEAD, question_of
from autopeft.tasks.tables import Table
from autopeft.testing.decoders import tiny_decoder
from autopeft.testing.models import TEXTS, tiny_backbone
from autopeft.training import evaluate, evaluation_ground, fine_tune
from autopeft.trials import Ready, kind_of, use_threads
from autopeft.trials.rerank.answered import answered, scores_of_answers
from tests.tasks.rerank.data import ASKED, judged_rows, write_rows

CPU = torch.device("cpu")

LOGITS = st.lists(st.lists(st.floats(-6, 6), min_size=7, max_size=7), min_size=1, max_size=3)


@given(LOGITS)
def test_scores_are_those_of_a_hand_computation(logits):
    given_logits, answers = torch.tensor(logits, dtype=torch.float32), (5, 2, 3, 6)
    odds = scores_of_answers(given_logits, (5, 2), graded=False)
    assert odds.tolist() == pytest.approx([row[2] - row[5] for row in logits], abs=1e-5)
    likeliest = scores_of_answers(given_logits, answers, graded=True)
    expected = scores_of_answers(given_logits, answers, graded=True, expectation=True)
    for row, one, mean in zip(given_logits.tolist(), likeliest.tolist(), expected.tolist(), strict=True):
        powers = [math.exp(each) for each in row]
        best = max(range(4), key=lambda grade: (row[answers[grade]], -grade))
        assert one == pytest.approx(best * powers[answers[best]] / sum(powers), abs=1e-5)
        told = [powers[token] for token in answers]
        assert mean == pytest.approx(sum(grade * each for grade, each in enumerate(told)) / sum(told), abs=1e-5)


def test_of_one_grade_the_surer_document_is_better():
    logits = torch.tensor([[0.0, 3.0, 0.0], [0.0, 5.0, 0.0]])
    low, high = scores_of_answers(logits, (0, 1), graded=True).tolist()
    assert 0 < low < high < 1


def test_of_the_lowest_grade_all_documents_are_equal():
    logits = torch.tensor([[3.0, 0.0, 0.0], [5.0, 0.0, 0.0]])
    assert scores_of_answers(logits, (0, 1), graded=True).tolist() == [0.0, 0.0]
    expected = scores_of_answers(logits, (0, 1), graded=True, expectation=True)
    assert expected[0] > expected[1] > 0


@given(LOGITS, st.integers(0, 2), st.floats(0.1, 5))
def test_the_mean_grade_rises_with_the_logits_of_high_grades(logits, cut, more):
    answers = (5, 2, 3, 6)
    raised = [[each + more * (token in answers[cut + 1 :]) for token, each in enumerate(row)] for row in logits]
    low, high = (
        scores_of_answers(torch.tensor(each, dtype=torch.float64), answers, graded=True, expectation=True)
        for each in (logits, raised)
    )
    assert (high > low).all()


def test_what_yes_and_no_do_not_tell_apart_grades_do():
    binary, graded = Pairs(highest=2).asked(), Pairs(grades=9, highest=2).asked()
    assert binary.right(1) == binary.right(2)
    assert graded.right(1) < graded.right(2)


@given(LOGITS)
def test_losses_are_those_of_a_hand_computation(logits):
    given_logits, answers = torch.tensor(logits, dtype=torch.float32), (5, 2)
    right = torch.tensor([answers[number % 2] for number in range(len(logits))])
    binary = [
        math.log1p(math.exp(row[answers[1 - number % 2]] - row[answers[number % 2]]))
        for number, row in enumerate(logits)
    ]
    assert float(answered(given_logits, right, answers, graded=False)) == pytest.approx(sum(binary), abs=1e-4)
    among_all = [
        math.log(sum(map(math.exp, row))) - row[token] for row, token in zip(logits, right.tolist(), strict=True)
    ]
    assert float(answered(given_logits, right, answers, graded=True)) == pytest.approx(sum(among_all), abs=1e-4)


@pytest.mark.parametrize(
    ("grades", "highest", "expected"),
    [(None, 2, [0, 0, 1, 1]), (1, 1, [0, 0, 1, 1]), (2, 2, [0, 0, 1, 2]), (9, 2, [0, 0, 4, 9]), (2, 9, [0, 0, 1, 1])],
)
def test_grades_are_stretched_over_those_that_are_told(grades, highest, expected):
    schema = Pairs(grades=grades, highest=highest).asked()
    assert [schema.right(grade) for grade in (-1, 0, 1, 2)] == expected
    assert len(schema.answers) == (2 if grades is None else grades + 1)


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    use_threads(1)
    return write_rows(tmp_path_factory.mktemp("data") / "rows.jsonl", judged_rows())


@pytest.fixture(scope="module")
def backbone(tmp_path_factory):
    return load_either(tiny_decoder("llama", tmp_path_factory.mktemp("model"), vocabulary=(*TEXTS, ASKED)))


def fitted(data, backbone, **settings):
    task = load_task(TaskSpec(data=data, candidates=4, **settings))
    return kind_of(task).fitted(task, backbone)


def test_a_pair_is_asked_of_and_only_its_text_is_cut(data, backbone):
    task, tokenizer = fitted(data, backbone), backbone.tokenizer()
    question = question_of(("no", "yes"), tokenizer)
    kind, few = kind_of(task), task.train.take([0, 1])
    for length in (64, 16):
        encoded = kind.encode(few, tokenizer, length)
        for ids, labels, (query, document), grade in zip(
            encoded.inputs["input_ids"], encoded.inputs["labels"], few.pairs(), few.labelled().labels, strict=True
        ):
            text = tokenizer(HEAD.format(query=query, document=document), add_special_tokens=False)["input_ids"]
            right = question.answers[grade > 0]
            expected = [*question.begin, *text[: question.room(length)], *question.tail, right]
            assert ids == expected
            assert len(ids) <= length
            assert labels == [IGNORED] * (len(ids) - 1) + [right]
        assert encoded.truncated == (length == 16)
    with pytest.raises(DataError, match="the question alone takes"):
        kind.encode(few, tokenizer, 3)


def test_answers_without_a_token_of_their_own_are_refused(backbone):
    with pytest.raises(DataError, match="no token of its own for the answer '10'"):
        question_of(tuple(map(str, range(11))), backbone.tokenizer())


@pytest.mark.parametrize("settings", [{}, {"grades": 4}, {"grades": 4, "expectation": True}], ids=str)
def test_the_code_of_a_card_scores_as_predict_does(settings, data, backbone, tmp_path, capsys):
    task = fitted(data, backbone, **settings)
    kind, tokenizer = kind_of(task), backbone.tokenizer()
    model = kind.model(backbone, CPU)
    code = kind.using_code(backbone, task, 40, alone=False)
    names = {"torch": torch, "model": model, "tokenizer": tokenizer}
    exec("\n".join(code), names)
    told = [line.rsplit(" ", 1) for line in capsys.readouterr().out.splitlines()]
    rows = task.kind.rows_of(task.schema, [(names["query"], document) for document, _ in told])
    table = Table("f", task.schema.columns, [(f"row {n}", row) for n, row in enumerate(rows)])
    split, _, _ = task.kind.unlabelled(task.schema, table)
    found, _ = kind.predict(Ready(tmp_path, model, tokenizer, 40, "fp32", {}), split)
    assert [each.value for each in found] == pytest.approx([float(score) for _, score in told], abs=1e-4)
    assert len({score for _, score in told}) == 2
    compile("\n".join(kind.merged_code(backbone, task, 40)), "card", "exec")
    assert "AutoModelForCausalLM" in loading_code(stock_lora(backbone.shape, 1e-3), backbone, task, 40)


def test_what_was_trained_on_grades_is_measured_by_them(data, backbone, tmp_path):
    task = fitted(data, backbone, grades=4, expectation=True)
    setting, said = kind_of(task).choose_setting(task, backbone.tokenizer(), precision="fp32", examples=32, epochs=1.0)
    assert "answers 0 to 4; the score is the mean of the grades" in said[-1]
    tuned = fine_tune(stock_lora(backbone.shape, 5e-3), backbone, task, replace(setting, epochs=0.5), tmp_path)
    ground = evaluation_ground(tmp_path, {"data": data, "candidates": 4})
    found = evaluate(tmp_path, ground.backbone, ground.task, ground.setting)
    assert found.figures == pytest.approx(tuned.test, abs=1e-5)
    assert open_saved(tmp_path).task.schema.expectation


def test_decoders_are_told_from_others_and_what_is_not_for_them_is_refused(data, backbone, tmp_path):
    encoder = load_either(tiny_backbone("roberta", tmp_path))
    assert (type(backbone) is Decoder, type(encoder) is Decoder) == (True, False)
    task = load_task(TaskSpec(data=data, candidates=4))
    assert not kind_of(kind_of(task).fitted(task, encoder)).each_token
    graded = load_task(TaskSpec(data=data, grades=4))
    with pytest.raises(AutopeftError, match="--grades is for decoders, and tiny-roberta is none"):
        kind_of(graded).fitted(graded, encoder)
    decoding = kind_of(task).fitted(task, backbone)
    with pytest.raises(AutopeftError, match="found 'listwise'; expected pointwise, as decoders are trained"):
        kind_of(decoding).choose_setting(decoding, backbone.tokenizer(), loss="listwise")
    with pytest.raises(DataError, match="--expectation is a mean of grades; give --grades too"):
        load_task(TaskSpec(data=data, expectation=True))
    with pytest.raises(DataError, match="--grades is 0; expected 1 or more"):
        load_task(TaskSpec(data=data, grades=0))
    with pytest.raises(DataError, match="--grades is not for a task of causal"):
        load_task(TaskSpec(data=data, grades=3, kind="causal"))
