"""Scores of training rows: what the model says of them, against gradients taken the long way, and nothing held out."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from autopeft.backbones import load_backbone
from autopeft.errors import BackboneError, ConfigurationError, RunError
from autopeft.levers import Score
from autopeft.methods import adapter_parameters
from autopeft.space import Configuration
from autopeft.tasks import LabelledTexts
from autopeft.tasks.regression import Regression, Scale
from autopeft.testing.models import tiny_backbone
from autopeft.testing.tasks import task_of
from autopeft.trials import Levers, TrialRunner, use_threads
from autopeft.trials.scores import kept_scores, score_rows
from autopeft.trials.scores.effort import effort_of, last_value
from autopeft.trials.scores.embedding import embedded
from autopeft.trials.scores.reading import Reading
from autopeft.trials.scores.surrogate import _last_layer, influence_of
from tests.trials.test_levers import SETTING, make_task

FEW = replace(SETTING, examples=12, epochs=2.0)
EVERY = (Score("transport", (("epsilon", 0.1),)), Score("influence"), Score("effort"))
BY_TRANSPORT = {"select": "optimal_transport", "optimal_transport_epsilon": 0.1, "optimal_transport_direction": "near"}
BY_INFLUENCE = {"select": "influence", "influence_weight": 0.5, "influence_strata": 5}


@pytest.fixture(scope="module")
def backbones(tmp_path_factory):
    use_threads(1)
    folder = tmp_path_factory.mktemp("models")
    return {name: load_backbone(tiny_backbone(name, folder / name)) for name in ("bert", "llama", "gpt2")}


@pytest.fixture(scope="module", params=["bert", "llama", "gpt2"])
def reading(backbones, request):
    """Of a head that reads the first token, of heads that read the last, and of one matrix for q, k and v."""
    return Reading(backbones[request.param], make_task(), FEW, 0)


def loss_of(reading, model, row):
    return reading.kind.loss(model, reading.batch(np.array([row])), reading.device, "fp32")


def test_the_head_reads_what_its_last_layer_is_told_to_read(reading):
    features, logits, labels = _last_layer(reading)
    with reading.with_head() as model:
        last = model.get_submodule(reading.anatomy.head)
        weights = torch.cat([last.weight, *([] if last.bias is None else [last.bias[:, None]])], 1).double()
        torch.testing.assert_close((features @ weights.T).float(), logits, atol=1e-5, rtol=1e-5)
    assert labels.tolist() == reading.encoded.labels.tolist()


def test_influence_is_that_of_gradients_taken_row_by_row(reading):
    """With the curvature of the loss in full, by automatic differentiation."""
    with reading.with_head() as model:
        last = model.get_submodule(reading.anatomy.head)
        trained = [each for each in (last.weight, last.bias) if each is not None]
        parts = [torch.autograd.grad(loss_of(reading, model, row), trained) for row in range(12)]
        each = torch.stack([torch.cat([grad.flatten() for grad in found]) for found in parts]).double()
        curvature = _curvature(reading, model, trained)
    expected = each @ torch.linalg.solve(curvature + 0.25 * torch.eye(len(curvature)).double(), each.mean(0))
    np.testing.assert_allclose(influence_of(reading), expected.numpy(), atol=1e-5 * float(expected.abs().max()))


def _curvature(reading, model, trained):
    """The mean of the second derivatives of all rows' losses, parameter by parameter."""
    loss = sum(loss_of(reading, model, row) for row in range(12)) / 12
    flat = torch.cat([each.flatten() for each in torch.autograd.grad(loss, trained, create_graph=True)])
    lines = [torch.autograd.grad(each, trained, retain_graph=True) for each in flat]
    return torch.stack([torch.cat([part.flatten() for part in line]) for line in lines]).double()


def test_effort_reads_one_tensor(reading):
    with reading.with_head(last_value(reading.shape)) as model:
        [name, _] = sorted(adapter_parameters(model), reverse=True)
        tensor = dict(model.named_parameters())[name]
        assert ".lora_B." in name
        assert name.startswith(reading.anatomy.module(reading.anatomy.count - 1, "v"))
        assert not tensor.any()
        model.zero_grad()
        norms = []
        for row in range(12):
            tensor.grad = None
            loss_of(reading, model, row).backward()
            norms.append(float(tensor.grad.norm()))
    np.testing.assert_allclose(effort_of(reading), norms, rtol=1e-5)
    assert min(norms) > 0


def test_a_row_is_embedded_without_its_padding(reading):
    vectors = embedded(reading)
    assert vectors.shape == (12, reading.shape.hidden)
    found = {}
    layer = reading.model.get_submodule(reading.anatomy.layer(reading.anatomy.count - 1))
    handle = layer.register_forward_hook(lambda module, inputs, out: found.update(top=out))
    batch = {name: value for name, value in reading.batch(np.array([3])).items() if name != "labels"}
    with torch.no_grad():
        reading.model(**batch)
    handle.remove()
    top = found["top"][0] if isinstance(found["top"], tuple) else found["top"]
    norm = reading.anatomy.last_norm
    top = reading.model.get_submodule(norm)(top) if norm else top
    np.testing.assert_allclose(vectors[3], top[0].mean(0).detach().numpy(), atol=1e-5)


@pytest.fixture(scope="module")
def scores(backbones):
    return score_rows(backbones["bert"], make_task(), SETTING, 0, EVERY)


def test_nothing_held_out_has_a_part_in_them(backbones, scores):
    task = make_task()
    other = LabelledTexts(["bad bad film"] * len(task.validation), [0] * len(task.validation))
    assert score_rows(backbones["bert"], replace(task, validation=other, test=other), SETTING, 0, EVERY) == scores


@pytest.mark.parametrize("data", [BY_TRANSPORT, BY_INFLUENCE])
def test_a_trial_goes_by_them(backbones, scores, data):
    """The rows that are learned from are those chosen, whichever of the split were drawn."""
    drawn = np.array(sorted(scores["influence"]))
    task = replace(make_task(), scores=scores)
    chosen = Levers(task, drawn, 0).examples({**data, "share": 0.25}, np.arange(len(drawn)))
    assert len(chosen) == 12
    assert set(chosen) != set(Levers(task, drawn, 0).examples({"select": "random", "share": 0.25}, np.arange(48)))
    if data is BY_TRANSPORT:
        values = np.array(list(scores["transport (epsilon 0.1)"].values()))
        assert values[chosen].max() <= np.delete(values, chosen).min()
    part = task.learning(drawn[::2].tolist())
    assert part.scores["effort"] == {new: scores["effort"][old] for new, old in enumerate(drawn[::2].tolist())}
    outcome = TrialRunner(backbones["bert"], task, SETTING, torch.device("cpu")).run(_configuration(data), seed=1)
    assert outcome.status == "complete", outcome.detail


def _configuration(data):
    written = {"modules": {}, "training": {}, "data": {**data, "share": 0.5}}
    return Configuration.from_dict(written)


def test_another_embedder_chooses_otherwise(backbones):
    found = [score_rows(backbones[name], make_task(), SETTING, 0, EVERY[:1]) for name in ("bert", "llama")]
    chosen = []
    for scores in found:
        levers = Levers(replace(make_task(), scores=scores), np.array(sorted(scores["transport (epsilon 0.1)"])), 0)
        chosen.append(set(levers.examples({**BY_TRANSPORT, "share": 0.5}, np.arange(48))))
    assert chosen[0] != chosen[1]


def test_without_scores_a_trial_says_what_it_lacks():
    with pytest.raises(
        ConfigurationError, match="the influence of training rows, which `select` goes by, is not known"
    ):
        Levers(make_task(), np.arange(48), 0).examples({**BY_INFLUENCE, "share": 0.5}, np.arange(48))


def test_they_are_computed_once(tmp_path):
    asked = []

    def compute(scores):
        asked.append([score.text for score in scores])
        return {score.text: {3: 0.1, 7: 1 / 3} for score in scores}

    def keep(setting=SETTING, scores=EVERY[:2]):
        return kept_scores(tmp_path, {"name": "m"}, make_task(), setting, 0, scores, compute)

    first = keep()
    assert keep() == first == {"transport (epsilon 0.1)": {3: 0.1, 7: 1 / 3}, "influence": {3: 0.1, 7: 1 / 3}}
    assert asked == [["transport (epsilon 0.1)", "influence"]]
    keep(scores=EVERY)
    assert asked[1:] == [["effort"]]
    keep(setting=replace(SETTING, examples=47))
    assert asked[2:] == [["transport (epsilon 0.1)", "influence"]]
    for file in (tmp_path / "scores").iterdir():
        file.write_text(file.read_text()[:-20])
    assert keep() == first
    assert len(asked) == 4


def test_what_is_not_finite_is_said(backbones, monkeypatch):
    monkeypatch.setattr("autopeft.trials.scores.surrogate.influences", lambda *given: np.full(48, np.nan))
    with pytest.raises(BackboneError, match="the influence of training rows is not finite"):
        score_rows(backbones["bert"], make_task(), SETTING, 0, EVERY[1:2])


def test_a_head_that_cannot_be_trained_is_said(backbones):
    with pytest.raises(RunError, match="cannot be trained: nan"):
        score_rows(backbones["bert"], make_task(), replace(SETTING, head_learning_rate=float("nan")), 0, EVERY[1:2])


def test_influence_does_not_depend_on_the_unit_of_numbers(backbones):
    found = []
    for unit in (1.0, 1000.0):
        texts = [f"{'good ' * (row % 4)}film {'sad ' * (row % 3)}" for row in range(40)]
        task = task_of(
            Regression(), Scale("n", 2 * unit, unit), LabelledTexts(texts, [unit * (n % 4) for n in range(40)])
        )
        found.append(list(score_rows(backbones["bert"], task, FEW, 0, EVERY[1:2])["influence"].values()))
    np.testing.assert_allclose(*found, rtol=1e-2, atol=1e-3 * np.abs(found[0]).max())
