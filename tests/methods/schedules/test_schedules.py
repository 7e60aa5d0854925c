"""What holds of every schedule: the costs known beforehand, what it cannot be beside, and how it is written."""

from types import SimpleNamespace

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from autopeft.backbones import Anatomy
from autopeft.costs import Costs
from autopeft.errors import ConfigurationError, SpaceError
from autopeft.methods import METHODS, VOCABULARY, Moment, load, save
from autopeft.methods.builder import applied
from autopeft.methods.schedules import SCHEDULES, Place
from autopeft.space import SearchSpace, canonical
from autopeft.testing.methods import logits
from autopeft.testing.models import tiny_batch
from tests.methods.stepping import build, fresh, train

MODULES = {
    "full": {"full": {}},
    "lora": {"lora": {"rank": {"0": 2, "1": 5, "2": 3}, "targets": ["q", "v", "down"]}},
    "layers": {"serial_adapter": {"size": {"0": 4, "2": 7}}, "prefix": {"length": 2}},
    "shared": {"vera": {"rank": 8, "targets": ["q", "down"]}},
}


@pytest.mark.parametrize("modules", MODULES)
@pytest.mark.parametrize("schedule", SCHEDULES)
@pytest.mark.parametrize("arch", ["bert", "llama"])
def test_what_trains_together_at_the_most_is_known_before_and_no_draw_has_more(tiny, arch, schedule, modules) -> None:
    backbone = tiny(arch)
    often = {"lisa_every": 1} if schedule == "lisa" else {}
    model, configuration = build(backbone, MODULES[modules], {"schedule": schedule, **often})
    [running] = applied(model).schedules
    own = [parameter for inserted in applied(model).inserted for parameter in inserted.parameters]
    most = 0
    for step in range(1, 41):
        moment = Moment(step, 40, torch.optim.SGD(own), sample=lambda count: lambda: 0.0)
        running.before_backward(moment)
        most = max(most, sum(parameter.numel() for parameter in own if parameter.requires_grad))
    costs = Costs(backbone)
    assert most <= costs.active(configuration) <= costs.params(configuration)
    assert costs.params(configuration) == sum(parameter.numel() for parameter in own)
    if schedule != "hft":
        # The largest layers are drawn at some time.
        assert most == costs.active(configuration)


@given(share=st.floats(0, 0.9), unit=st.sampled_from(["category", "layer", "model"]), sizes=st.data())
def test_no_half_of_a_model_is_more_than_the_most(share, unit, sizes) -> None:
    roles = {role: role for role in ("q", "k", "v", "o", "up", "down")}
    norms = tuple((f"layers.{layer}.norm",) for layer in range(3))
    anatomy = Anatomy("layers", roles, "attention", count=3, layer_norms=norms)
    places = [Place(layer, module) for layer in range(3) for module in (*roles, "norm")]
    counts = {place: sizes.draw(st.integers(1, 9)) for place in places}
    hft, knobs = SCHEDULES["hft"], {"frozen": share, "unit": unit, "rounds": 1}
    running = SimpleNamespace(places=counts, anatomy=anatomy, knobs=knobs, generator=torch.Generator().manual_seed(0))
    for _ in range(5):
        drawn = hft.draw(running, None)
        assert sum(counts[place] for place in drawn) <= hft.most(counts, anatomy, knobs)


@pytest.mark.parametrize("schedule", SCHEDULES)
def test_saved_is_what_trained_without_a_schedule(tiny, tmp_path, schedule) -> None:
    backbone = tiny("bert")
    batch = tiny_batch(backbone)
    model, configuration = build(backbone, MODULES["lora"], {"schedule": schedule})
    train(model, batch, 4)
    save(model, tmp_path)
    twin = fresh(backbone)
    assert load(tmp_path, twin, backbone.anatomy) == configuration
    assert not applied(twin).schedules
    assert torch.equal(logits(twin, batch), logits(model, batch))


@pytest.mark.parametrize("name", VOCABULARY.training["schedule"].excludes)
def test_what_decides_itself_when_it_trains_is_refused_beside_one(tiny, name) -> None:
    with pytest.raises(ConfigurationError, match=f"found lisa with {name}, beside which it can only be none"):
        canonical({"modules": {name: {}}, "training": {"schedule": "lisa"}}, VOCABULARY, tiny("bert").shape)
    space = {"name": "mine", "modules": {name: {}}, "training": {"schedule": "none | lisa"}}
    with pytest.raises(SpaceError, match=f"training.schedule: found .*, expected none: {name} has its own rules"):
        SearchSpace.from_dict(space).bind(VOCABULARY, tiny("bert").shape)


def test_all_that_step_by_rules_of_their_own_are_known() -> None:
    assert set(VOCABULARY.training["schedule"].excludes) == {
        "adalora", "id3", "increlora", "lift", "locft", "lt_sft", "sft_ag", "sft_ma",
    }  # fmt: skip
    assert not METHODS["lora"].has_own_steps


def test_a_schedule_over_nothing_in_the_layers_is_refused(tiny) -> None:
    with pytest.raises(ConfigurationError, match="lisa: nothing that trains is in a layer"):
        build(tiny("bert"), {"full_embeddings": {}}, {"schedule": "lisa"})


@pytest.mark.parametrize(
    ("training", "words"),
    [
        ({"schedule": "lisa", "lisa_layers": 1}, "lora r=2 a=4 q,v @0-2, lr 0.0005, lisa every=20 layers=1"),
        ({"schedule": "hft"}, "lora r=2 a=4 q,v @0-2, lr 0.0005, hft frozen=0.5 rounds=2 unit=category"),
        ({"schedule": "none"}, "lora r=2 a=4 q,v @0-2, lr 0.0005"),
    ],
)
def test_in_words(tiny, training, words) -> None:
    found = canonical({"modules": {"lora": {"rank": 2}}, "training": training}, VOCABULARY, tiny("bert").shape)
    assert found.describe() == words


def test_no_schedule_is_left_unsaid_so_that_configurations_stay_what_they_were(tiny) -> None:
    shape = tiny("bert").shape
    plain = canonical({"modules": {"lora": {"rank": 2}}}, VOCABULARY, shape)
    assert plain == canonical({"modules": {"lora": {"rank": 2}}, "training": {"schedule": "none"}}, VOCABULARY, shape)
    assert plain.training.keys() == {"learning_rate"}


def test_a_knob_of_another_schedule_is_refused(tiny) -> None:
    wrong = {"modules": {"lora": {"rank": 2}}, "training": {"schedule": "ist", "lisa_layers": 2}}
    with pytest.raises(ConfigurationError, match=r"lisa_layers: found 2 with schedule ist.*expected schedule lisa"):
        canonical(wrong, VOCABULARY, tiny("bert").shape)
    space = {"name": "mine", "modules": {"lora": {}}, "training": {"schedule": "none | ist", "lisa_layers": "1 | 2"}}
    with pytest.raises(SpaceError, match="lisa_layers: is there only with schedule lisa"):
        SearchSpace.from_dict(space).bind(VOCABULARY, tiny("bert").shape)


def test_a_space_searches_the_knobs_of_the_schedules_that_it_names_and_no_others(tiny) -> None:
    space = {"name": "mine", "modules": {"lora": {}}, "training": {"schedule": "none | lisa"}}
    names = set(SearchSpace.from_dict(space).bind(VOCABULARY, tiny("bert").shape).distributions())
    assert {"training.schedule", "training.lisa_layers", "training.lisa_every"} <= names
    assert not [name for name in names if "hft" in name or "ist_" in name]
    plain = SearchSpace.from_dict({"name": "plain", "modules": {"lora": {}}})
    assert not [name for name in plain.bind(VOCABULARY, tiny("bert").shape).distributions() if "schedule" in name]
