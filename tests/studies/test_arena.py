"""The arena: what answers proposals, and how searches are scored; on a benchmark made up and on recorded ones."""

import json
from dataclasses import replace

import numpy as np
import optuna
import pytest
from hypothesis import given
from hypothesis import strategies as st

from autopeft.launch import SearchPlan, prepare
from autopeft.methods import REFERENCES, stock_lora
from autopeft.space import Configuration
from autopeft.space.parameters import Parameter
from autopeft.study import ask
from studies.arena.benchmarks import Benchmark, Best, Nearest, Row, Surrogate
from studies.arena.catalogue import SHARED_TABLES, load, read_rows
from studies.arena.compare import against, holm, standings
from studies.arena.contestants import BEGUN, CONTESTANTS, make
from studies.arena.flat_space import FlatSpace
from studies.arena.record import TABLES, TASKS
from studies.arena.replay import replay
from studies.arena.run import LONG, SHORT
from studies.arena.sensitivity import expected_gain, sensitivity
from studies.arena.show import differences, draw, table
from studies.arena.surrogate import agreeing, noise_of

needs_tables = pytest.mark.skipif(not SHARED_TABLES.is_dir(), reason=f"no recorded runs in {SHARED_TABLES}")

SPACE = FlatSpace(
    "flat", [Parameter("method", ("a", "b"), ordered=False), Parameter("size", tuple(range(100))), Parameter("rate")]
)
SCALE = {"limit": 100, "reference": 0.5, "cheapest": 1}


def cost(configuration):
    return configuration.training["size"] + 1


def accuracy(configuration):
    knobs = configuration.training
    return 0.5 + 0.1 * np.log10(1 + knobs["size"]) + 0.1 * (knobs["method"] == "b") - 0.3 * (knobs["rate"] - 0.6) ** 2


def curve(final):
    """Return a curve that comes to its end evenly."""
    return [{"step": step, "accuracy": 0.4 + (final - 0.4) * step / 16, "loss": 1 - final} for step in (1, 4, 16)]


def rows(count):
    rng = np.random.default_rng(0)
    drawn = [SPACE.decode(SPACE.sample(rng)) for _ in range(count)]
    return [Row(each, cost(each), accuracy(each), curve(accuracy(each))) for each in drawn]


def made_up(count=60):
    recorded = rows(count)
    baselines = {"head-only": recorded[0].configuration}
    answers = Nearest(SPACE, cost, recorded)
    return Benchmark("made-up", SPACE, cost, answers, baselines, count // 2, lambda: Best(0.4, 0.8, 10), **SCALE)


@pytest.mark.parametrize("task", TASKS)
def test_what_was_drawn_is_in_the_spaces_that_the_study_keeps(task):
    jobs = {
        name: prepare(SearchPlan.of({"task": "icd10", "space": str(TABLES.with_name(f"{name}.yaml"))}))
        for name in ("union", "adapters")
    }
    _, *recorded = read_rows(TABLES / f"{task}.jsonl")
    for row in recorded:
        names = ["union", *(["adapters"] if row["name"].startswith("autopeft-") else [])]
        assert all(jobs[name].space.contains(Configuration.from_dict(row["configuration"])) for name in names)


def test_a_recorded_configuration_is_answered_by_itself_and_then_by_its_neighbour():
    recorded = rows(30)
    answers, rng = Nearest(SPACE, cost, recorded), np.random.default_rng(0)
    wanted = recorded[7].configuration
    first = answers(wanted, set(), rng)
    assert (first.configuration, first.told) == (wanted, recorded[7].accuracy)
    second = answers(wanted, {wanted.text}, rng)
    assert second.configuration != wanted
    with pytest.raises(LookupError):
        answers(wanted, {row.configuration.text for row in recorded}, rng)


def test_a_model_answers_with_noise_that_does_not_count():
    answers = Surrogate(cost, lambda configurations: np.array([0.7] * len(configurations)), noise=0.1)
    found = [answers(rows(1)[0].configuration, set(), np.random.default_rng(seed)) for seed in range(400)]
    assert {answer.true for answer in found} == {0.7}
    assert np.std([answer.told for answer in found]) == pytest.approx(0.1, rel=0.15)


def test_noise_is_that_of_repeats():
    assert noise_of([("a", 0.5), ("a", 0.7), ("b", 0.1)]) == pytest.approx(np.sqrt(0.02))
    assert noise_of([("a", 0.5)]) == 0
    # What collapsed beside its twin is no noise.
    agree = [("a", 0.5), ("a", 0.45), ("b", 0.3)]
    assert agreeing([*agree, ("b", 0.1)]) == agree


@pytest.mark.slow
@pytest.mark.parametrize("name", CONTESTANTS)
def test_every_contestant_gets_the_same_start_and_no_row_twice(name):
    benchmark = made_up(24)
    found = replay(benchmark, name, 12, seed=1)
    again = replay(benchmark, name, 12, seed=1)
    assert found.growth == again.growth
    assert found.growth == sorted(found.growth)
    assert found.growth[0] == replay(benchmark, "random", 2, seed=1).growth[0]


def test_trials_out_of_reach_are_stopped_the_same_way_for_all():
    benchmark = made_up()
    whole = replay(benchmark, "random", 24, seed=1)
    stopped = replay(replace(benchmark, stopping=True), "random", 24, seed=1)
    assert whole.steps == 1.0
    # A stopped trial has the first rung behind it at least.
    assert 1 / 16 < stopped.steps < 0.9
    assert len(stopped.growth) == 24
    assert stopped.growth == sorted(stopped.growth)
    assert stopped.growth[:4] == whole.growth[:4]


@pytest.mark.slow
@pytest.mark.parametrize("name", CONTESTANTS)
def test_every_contestant_bears_with_stopped_trials(name):
    found = replay(replace(made_up(), stopping=True), name, 24, seed=1)
    assert found.steps < 1
    assert len(found.growth) == 24
    assert found.growth == sorted(found.growth)


@given(st.lists(st.floats(0, 1), min_size=1, max_size=12))
def test_holms_correction_keeps_the_order_and_never_helps(values):
    corrected = holm(values)
    assert all(c >= min(v, 1.0) for c, v in zip(corrected, values, strict=True))
    assert np.argmin(corrected) in np.flatnonzero(np.isclose(corrected, corrected[int(np.argmin(values))]))
    assert corrected[int(np.argmin(values))] == pytest.approx(min(1.0, min(values) * len(values)))


def searches(sampler, levels):
    curve = np.linspace(0, 1, SHORT)
    return [
        {"sampler": sampler, "trials": SHORT, "seed": seed, "seconds": 0.1, "growth": (level * curve).tolist()}
        for seed, level in enumerate(levels)
    ]


def test_the_better_sampler_is_told_apart():
    stored = searches("random", [0.7, 0.72, 0.74, 0.76]) + searches("pareto", [0.97, 0.98, 1.0, 1.0])
    first, second = standings(stored, best=1.0)
    assert first.shares[32][0] == pytest.approx(0.73)
    assert (first.goal, first.reached, second.reached) == (np.inf, 0, 1)
    assert second.goal <= SHORT
    compared = against("random", "made-up", stored, best=1.0)
    assert {test.checkpoint for test in compared} == {8, 16, 24, 32}
    assert "pareto on made-up at 32: +0.2" in differences("random", compared)
    assert table([first, second]).count("\n") == 3


def test_where_most_short_searches_do_not_get_there_long_ones_tell():
    long = [{**row, "trials": LONG, "growth": np.linspace(0, 1, LONG).tolist()} for row in searches("random", [1.0])]
    short = searches("random", [0.7, 1.0, 0.8])
    [found] = standings([*short, *long], best=1.0)
    assert (found.goal, found.within, found.seeds) == (96, LONG, 3)
    quick = [{**row, "growth": np.minimum(1, np.linspace(0, 10, LONG)).tolist()} for row in long]
    [found] = standings([*short, *quick], best=1.0)
    assert (found.goal, found.within) == (np.inf, SHORT)


def test_the_figure_is_drawn(tmp_path):
    draw({"made-up": searches("pareto", [0.9, 1.0])}, {"made-up": 1.0}, tmp_path / "arena.png")
    assert (tmp_path / "arena.png").stat().st_size > 1000


@needs_tables
def test_the_runs_of_peft_have_the_hypervolume_that_is_known():
    benchmark = load("peft")
    best = benchmark.best()
    assert best.hypervolume == pytest.approx(2.535, abs=0.002)
    assert replay(benchmark, "random", 16, seed=0).growth[-1] > 0.5 * best.hypervolume


@needs_tables
def test_the_runs_of_peft_are_stopped_at_rungs_of_their_own_curves():
    found = replay(load("peft-stopping"), "random", 24, seed=0)
    assert 0.05 < found.steps < 1.0


@needs_tables
def test_the_lora_runs_are_modelled_without_the_two_that_contradict_others():
    benchmark = load("lora-hpo")
    found = replay(benchmark, "random", 8, seed=0)
    assert 0 <= found.growth[-1] < benchmark.best().hypervolume


@pytest.mark.slow
def test_what_an_earlier_search_said_changes_where_one_begins():
    benchmark = load("icd10")
    samplers = [make(name, benchmark, 32, seed=0) for name in BEGUN]
    studies = [optuna.create_study(sampler=sampler, directions=["minimize", "maximize"]) for sampler in samplers]
    begun, misled = (ask(study, benchmark.space).configuration for study in studies)
    assert begun != misled


@pytest.mark.slow
def test_gradients_promise_more_of_more_and_of_sensitive_places():
    job = prepare(SearchPlan.of({"task": "icd10"}))
    by, shape = sensitivity(job), job.backbone.shape
    assert len(by) == 6 * shape.layers
    assert min(by.values()) > 0
    lora = stock_lora(shape, 1e-3).modules["lora"]

    def gain(**knobs):
        return expected_gain(Configuration.from_dict({"modules": {"lora": {**lora, **knobs}}, "training": {}}), by)

    assert gain(rank=16) == pytest.approx(gain(rank=8) + np.log(2))
    layers = sorted(range(shape.layers), key=lambda layer: by[layer, "q"] + by[layer, "v"])
    assert gain(layers=[layers[0]]) < gain(layers=[layers[-1]])


@pytest.mark.parametrize("name", sorted(TASKS))
def test_every_recorded_configuration_is_in_the_space_that_holds_all(name):
    benchmark = load(name)
    recorded = read_rows(TABLES / f"{name}.jsonl")
    assert recorded[0].keys() == {"limit", "reference", "cheapest"}
    assert benchmark.baselines.keys() == {"head-only", *(each.name for each in REFERENCES)}
    names = [(row["name"], row["seed"]) for row in recorded[1:]]
    assert len(set(names)) == len(names)
    about = json.loads((TABLES / f"{name}.json").read_text(encoding="utf8"))
    assert about["trial"]["early_stopping"] is True
