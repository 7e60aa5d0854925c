"""What holds of every schedule: the costs known beforehand, what it cannot be beside, and how it is written."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from autopeft.backbones import Anatomy
from autopeft.costs import Costs
from autopeft.errors import ConfigurationError, SpaceError
from autopeft.methods import METHODS, VOCABULARY, AdapterAdamW, Moment, load, save
from autopeft.methods.builder import applied
from autopeft.methods.schedules import SCHEDULE, Place, places_of
from autopeft.methods.schedules.suppressing import suppressed
from autopeft.space import SearchSpace, canonical
from autopeft.testing.methods import logits, randomise
from autopeft.testing.models import tiny_batch
from tests.methods.examples import EXAMPLES
from tests.methods.stepping import build, fresh, train

MODULES = {
    "full": {"full": {}},
    "lora": {"lora": {"rank": {"0": 2, "1": 5, "2": 3}, "targets": ["q", "v", "down"]}},
    "layers": {"serial_adapter": {"size": {"0": 4, "2": 7}}, "prefix": {"length": 2}},
    "shared": {"vera": {"rank": 8, "targets": ["q", "down"]}},
    "one bank": {"vblora": {"rank": 2, "num_vectors": 16, "vector_length": 8}},
    "wrapped": {"lora": {"rank": 2, "targets": ["q", "v"]}, "prefix": {"length": 2}},
}


@pytest.mark.parametrize("modules", MODULES)
@pytest.mark.parametrize("schedule", SCHEDULE.words)
@pytest.mark.parametrize("arch", ["bert", "llama"])
def test_what_trains_together_at_the_most_is_known_before_and_no_draw_has_more(tiny, arch, schedule, modules) -> None:
    backbone = tiny(arch)
    often = {"lisa_every": 1} if schedule == "lisa" else {}
    model, configuration = build(backbone, MODULES[modules], {"schedule": schedule, **often})
    [running] = applied(model).schedules
    own = [parameter for inserted in applied(model).inserted for parameter in inserted.parameters]
    most = 0
    for step in range(1, 41):
        moment = Moment(step, 40, AdapterAdamW(own), sample=lambda count: lambda: 0.0)
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
    hft, knobs = SCHEDULE.words["hft"], {"frozen": share, "unit": unit, "rounds": 1}
    running = SimpleNamespace(places=counts, anatomy=anatomy, knobs=knobs, generator=torch.Generator().manual_seed(0))
    for _ in range(5):
        drawn = hft.draw(running, None)
        assert sum(counts[place] for place in drawn) <= hft.most(counts, anatomy, knobs)


@pytest.mark.parametrize("schedule", SCHEDULE.words)
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
    with pytest.raises(SpaceError, match=f"training.schedule: found .*, expected none: {name}"):
        SearchSpace.from_dict(space).bind(VOCABULARY, tiny("bert").shape)


def test_all_that_step_by_rules_of_their_own_or_are_in_no_layer_are_known() -> None:
    own = {name for name, method in METHODS.items() if method.has_own_steps}
    assert own == {"adalora", "id3", "increlora", "lift", "locft", "lt_sft", "sft_ag", "sft_ma"}
    elsewhere = {"full_embeddings", "trainable_tokens", "unilora"}
    elsewhere |= {"prompt", "p_tuning", "prefix_tuning", "multitask_prompt", "cartridge"}
    assert own | elsewhere <= set(VOCABULARY.training["schedule"].excludes)
    assert not {"lora", "prefix", "full", "vera", "ia3"} & set(VOCABULARY.training["schedule"].excludes)


@pytest.mark.parametrize("name", EXAMPLES)
def test_a_method_is_in_the_layers_where_it_says_so(tiny, name) -> None:
    backbone = tiny("bert")
    try:
        model, _ = build(backbone, {name: EXAMPLES[name]})
    except ConfigurationError:
        pytest.skip("refused here")
    own = {id(parameter) for inserted in applied(model).inserted for parameter in inserted.parameters}
    places = {place for _, place in places_of(model, own, backbone.anatomy)}
    if places == {None} and METHODS[name].in_layers:
        # Its knobs may tie all that it trains.
        assert METHODS[name].joint
        with pytest.raises(ConfigurationError, match="nothing that trains is in a layer"):
            build(backbone, {name: EXAMPLES[name]}, {"schedule": "lisa"})
    else:
        assert METHODS[name].in_layers == (places != {None})


@pytest.mark.parametrize("name", [name for name in EXAMPLES if METHODS[name].schedulable])
@pytest.mark.parametrize("arch", ["bert", "llama"])
def test_what_says_that_it_can_be_suppressed_can(tiny, arch, name) -> None:
    backbone = tiny(arch)
    try:
        model, _ = build(backbone, {name: EXAMPLES[name]})
    except ConfigurationError:
        pytest.skip("refused here")
    if not METHODS[name].suppressible:
        with pytest.raises(ConfigurationError, match=f"{name} cannot be suppressed"):
            build(backbone, {name: EXAMPLES[name]}, {"schedule": "ist"})
        return
    model.config.use_cache = False
    randomise(model)
    batch = tiny_batch(backbone)
    whole, layers = logits(model, batch), range(backbone.anatomy.count)
    with suppressed(model, backbone.anatomy, layers, 1.0):
        torch.testing.assert_close(logits(model, batch), whole, rtol=1e-4, atol=1e-5)
    with suppressed(model, backbone.anatomy, layers, 0.0):
        assert not torch.allclose(logits(model, batch), whole, atol=1e-5)


def test_draws_of_methods_that_a_schedule_excludes_have_none(tiny) -> None:
    space = {"name": "mine", "choose": {"lift": {}, "lora": {}}, "training": {"schedule": "lisa | ist"}}
    bound = SearchSpace.from_dict(space).bind(VOCABULARY, tiny("bert").shape)
    rng, seen = np.random.default_rng(0), set()
    for _ in range(60):
        found = bound.decode(bound.sample(rng))
        assert canonical(found.to_dict(), VOCABULARY, tiny("bert").shape) == found
        assert bound.contains(found)
        seen.add((*found.modules, found.training.get("schedule")))
    assert seen == {("lift", None), ("lora", "lisa"), ("lora", "ist")}


def test_what_is_not_in_a_space_for_its_schedule_is_said_to_be(tiny) -> None:
    space = SearchSpace.from_dict({"name": "mine", "modules": {"lora": {}}, "training": {"schedule": "lisa"}})
    plain = canonical({"modules": {"lora": {"rank": 2, "learning_rate": 1e-3}}}, VOCABULARY, tiny("bert").shape)
    with pytest.raises(ConfigurationError, match=r"training\.schedule is never none"):
        space.bind(VOCABULARY, tiny("bert").shape).encode(plain)


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
