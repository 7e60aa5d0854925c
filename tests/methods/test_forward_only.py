"""Forward-only steps: no gradient, no state, and what is drawn is drawn again."""

import pytest
import torch

from autopeft.errors import ConfigurationError
from autopeft.methods import METHODS, VOCABULARY, ForwardOnly, adapter_parameters, optimiser_groups, optimiser_of
from autopeft.methods.forward_only import Spsa
from autopeft.space import SearchSpace, canonical
from autopeft.testing.models import tiny_batch
from autopeft.trials.peak import watch_peak
from tests.methods.stepping import build

MEZO = {"optimiser": "mezo", "mezo_pace": 0.1, "learning_rate": 1e-2}
OVER = {"full": {"full": {}}, "lora": {"lora": {"rank": 2}}, "prefix": {"prefix": {"length": 2}}}


def quadratic(values, **settings):
    """Return parameters, an optimiser, and what measures half their squared sum."""
    parameter = torch.nn.Parameter(torch.tensor(values, dtype=torch.float64))
    settings = {"pace": 0.1, "epsilon": 1e-3, "frozen": 0.0} | settings
    decay = settings.pop("weight_decay", 0.0)
    optimiser = ForwardOnly([{"params": [parameter], "lr": 0.1}], Spsa(**settings), 0, decay)
    return parameter, optimiser, lambda: float((parameter**2).sum() / 2)


@pytest.mark.parametrize("modules", OVER)
def test_over_dense_lora_and_prefix_there_is_no_gradient_and_nothing_is_remembered(tiny, modules) -> None:
    backbone = tiny("bert")
    batch = tiny_batch(backbone)
    model, _ = build(backbone, OVER[modules], MEZO)
    before = {name: each.detach().clone() for name, each in adapter_parameters(model).items()}
    optimiser = optimiser_of(model, optimiser_groups(model), 0.0, seed=0)
    assert isinstance(optimiser, ForwardOnly)
    for _ in range(2):
        optimiser.step(lambda: float(model(**batch).loss))
    assert all(parameter.grad is None for parameter in model.parameters())
    assert not optimiser.state
    assert [group["lr"] for group in optimiser.param_groups] == pytest.approx([1e-3])
    assert all(not torch.equal(each, before[name]) for name, each in adapter_parameters(model).items())


def test_forth_and_back_and_restored_is_where_it_was_to_rounding() -> None:
    parameter = torch.nn.Parameter(torch.randn(3000))
    spsa = Spsa(pace=0.0, epsilon=1e-2)
    before, points = parameter.detach().clone(), []

    def loss():
        points.append(parameter.detach().clone())
        return 1.0

    ForwardOnly([{"params": [parameter], "lr": 0.0}], spsa, 7).step(loss)
    forth, back = points
    torch.testing.assert_close((forth - before), (before - back), atol=1e-6, rtol=0)
    torch.testing.assert_close((forth - before).std(), torch.tensor(1e-2), rtol=0.05, atol=0)
    torch.testing.assert_close(parameter.detach(), before, atol=1e-6, rtol=0)


def test_casts_of_what_trains_are_not_kept_for_a_backward_pass() -> None:
    model = torch.nn.Sequential(*(torch.nn.Linear(256, 256, bias=False) for _ in range(8)))
    inputs, peaks = torch.randn(1, 256), []

    def loss():
        with watch_peak(model) as peak, torch.autocast("cpu", torch.bfloat16):
            found = model(inputs).square().mean()
        peaks.append(peak())
        return found

    ForwardOnly([{"params": list(model.parameters()), "lr": 0.0}], Spsa(pace=0.0, epsilon=1e-2), 7).step(loss)
    weights = sum(each.nbytes for each in model.parameters())
    cast = 256 * 256 * 2
    assert all(weights + cast <= peak < weights + 2 * cast for peak in peaks)
    assert torch.is_autocast_cache_enabled()


def test_what_a_loss_leaves_to_chance_is_the_same_forth_and_back() -> None:
    _, optimiser, _ = quadratic([1.0, 2.0])
    drawn = []
    for _ in range(2):
        optimiser.step(lambda: drawn.append(torch.rand(1).item()) or 0.0)
    assert drawn[0] == drawn[1] != drawn[2] == drawn[3]


@pytest.mark.parametrize("pieces", [2**20, 7])
def test_one_seed_draws_one_direction_whatever_the_pieces(monkeypatch, pieces) -> None:
    monkeypatch.setattr("autopeft.methods.forward_only._PIECE", pieces)
    moved = []
    for _ in range(2):
        parameter, optimiser, loss = quadratic([1.0] * 20)
        optimiser.step(loss)
        moved.append(parameter.detach().clone())
    assert torch.equal(*moved)
    _, other, _ = quadratic([1.0] * 20)
    assert other.param_groups[0]["steps"] == 0


def test_a_step_is_that_of_two_steps_written_out() -> None:
    parameter, optimiser, loss = quadratic([0.5, -2.0, 1.0])
    theta = parameter.detach().clone()
    points = []
    optimiser.step(lambda: points.append(parameter.detach().clone()) or loss())
    direction = (points[0] - points[1]) / 2e-3
    slope = float((points[0] ** 2).sum() / 2 - (points[1] ** 2).sum() / 2) / 2e-3
    torch.testing.assert_close(parameter.detach(), theta - 0.01 * slope * direction, atol=1e-9, rtol=0)


def test_a_transposed_view_moves_too() -> None:
    parameter = torch.nn.Parameter(torch.randn(4, 3).t())
    before = parameter.detach().clone()
    ForwardOnly([{"params": [parameter], "lr": 0.1}], Spsa(1.0, 1e-3), 0).step(lambda: float(parameter.sum()))
    assert (parameter.detach() != before).all()


def test_decay_pulls_what_moves_and_nothing_else() -> None:
    parameter, optimiser, _ = quadratic([0.1, 0.2, 5.0, -6.0], frozen=0.5, weight_decay=0.1)
    optimiser.step(lambda: 1.0)
    expected = torch.tensor([0.1 * 0.999, 0.2 * 0.999, 5.0, -6.0], dtype=torch.float64)
    torch.testing.assert_close(parameter.detach(), expected, atol=1e-9, rtol=0)


def test_large_weights_stay_to_the_bit_and_one_pushed_above_stops_for_good() -> None:
    values = torch.linspace(0.1, 1.0, 10).tolist()
    parameter, optimiser, loss = quadratic(values, frozen=0.7)
    before = parameter.detach().clone()
    optimiser.step(loss)
    assert (parameter.detach() != before).tolist() == [True] * 3 + [False] * 7
    with torch.no_grad():
        parameter[0] = 0.9
    for _ in range(3):
        optimiser.step(loss)
    now = parameter.detach().tolist()
    assert now[0] == 0.9
    assert now[1] != values[1]


def test_what_begins_at_zero_trains_whole() -> None:
    parameter, optimiser, _ = quadratic([0.0] * 8, frozen=0.75)
    for _ in range(2):
        before = parameter.detach().clone()
        optimiser.step(lambda: float(parameter.sum()))
        assert (parameter.detach() != before).all()


def test_the_mean_estimate_goes_with_the_masked_gradient() -> None:
    values = torch.linspace(0.1, 1.0, 10).tolist()
    moved = torch.zeros(10, dtype=torch.float64)
    for seed in range(4000):
        parameter, _, loss = quadratic(values, frozen=0.5)
        ForwardOnly([{"params": [parameter], "lr": 0.1}], Spsa(0.1, 1e-3, 0.5), seed).step(loss)
        moved += torch.tensor(values, dtype=torch.float64) - parameter.detach()
    gradient = torch.tensor(values, dtype=torch.float64)
    gradient[5:] = 0.0
    torch.testing.assert_close(moved / 4000 / 0.01, gradient, atol=0.05, rtol=0)


def test_a_loss_that_is_no_number_leaves_the_weights() -> None:
    parameter, optimiser, _ = quadratic([1.0, 2.0])
    assert optimiser.step(lambda: float("nan")) != optimiser.step(lambda: float("nan"))
    torch.testing.assert_close(parameter.detach(), torch.tensor([1.0, 2.0], dtype=torch.float64))


def test_a_checkpoint_goes_on_with_the_same_directions() -> None:
    first, one, loss = quadratic([0.1, 0.5, 2.0], frozen=0.5)
    for _ in range(3):
        one.step(loss)
    second, other, measure = quadratic([0.1, 0.5, 2.0], frozen=0.5)
    with torch.no_grad():
        second.copy_(first)
    other.load_state_dict(one.state_dict())
    one.step(loss)
    other.step(measure)
    assert torch.equal(first, second)


@pytest.mark.parametrize("name", VOCABULARY.training["optimiser"].excludes)
def test_what_needs_gradients_is_refused(tiny, name) -> None:
    with pytest.raises(ConfigurationError, match=f"found mezo with {name}, beside which it can only be adamw"):
        canonical({"modules": {name: {}}, "training": MEZO}, VOCABULARY, tiny("bert").shape)


def test_what_needs_gradients_is_known() -> None:
    assert {"id3", "increlora", "lift", "spt", "adalora"} <= set(VOCABULARY.training["optimiser"].excludes)
    assert not METHODS["lora"].needs_gradients


def test_rates_are_those_of_the_methods_times_the_pace(tiny) -> None:
    backbone = tiny("bert")
    modules = {"lora": {"rank": 2, "b_ratio": 4}, "prefix": {"length": 2, "learning_rate": 0.1}}
    model, found = build(backbone, modules, MEZO)
    assert found.training == {"optimiser": "mezo", "mezo_pace": 0.1, "mezo_epsilon": 1e-3, "learning_rate": 1e-2}
    assert found.describe().endswith("lr 0.01, mezo epsilon=0.001 pace=0.1")
    rates = sorted(group["lr"] for group in optimiser_of(model, optimiser_groups(model), 0.0, 0).param_groups)
    assert rates == pytest.approx([1e-3, 4e-3, 1e-2])


def test_a_projection_of_gradients_is_refused(tiny) -> None:
    with pytest.raises(ConfigurationError, match="lora needs gradients with these knobs"):
        build(tiny("bert"), {"lora": {"rank": 2, "optimizer": "lora_fa"}}, MEZO)


def test_decay_pulls_the_sum_where_what_trains_is_a_change() -> None:
    parameter = torch.nn.Parameter(torch.zeros(3, dtype=torch.float64))
    group = {"params": [parameter], "lr": 0.1, "origins": lambda each: torch.full_like(each, 2.0)}
    optimiser = ForwardOnly([group], Spsa(1.0, 1e-3), 0, 0.1)
    optimiser.step(lambda: 1.0)
    torch.testing.assert_close(parameter.detach(), torch.full((3,), -0.02, dtype=torch.float64), atol=1e-9, rtol=0)
    assert "origins" not in optimiser.state_dict()["param_groups"][0]


def test_a_space_may_hold_both(tiny) -> None:
    space = {"name": "both", "modules": {"lora": {}}, "training": {"optimiser": "adamw | sparse_mezo"}}
    bound = SearchSpace.from_dict(space).bind(VOCABULARY, tiny("bert").shape)
    assert {"training.mezo_pace", "training.mezo_epsilon", "training.mezo_frozen"} <= set(bound.distributions())
