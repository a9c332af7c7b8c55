"""The life cycle: against a plain twin, closed forms, and the rules that every part of a simulation keeps."""

from __future__ import annotations

import gc
import math
import pickle
import tracemalloc
from typing import Any

import numpy as np
import pytest
from plain_lifecycle import PlainLife

from neuromod import (
    BrainModel,
    ConfigError,
    NeuromodulationSystem,
    Simulation,
    SpikeMonitor,
    StateMonitor,
    _core,
)

SIDE = 10
ABOUT = {
    "interval": 10,
    "max_age": 300,
    "health_decay_per_step": 0.0,
    "death_threshold": 0.1,
    "death_probability_per_step": 0.001,
    "mutation_std_params": 0.05,
    "mutation_std_weights": 0.02,
    "enable_reproduction": True,
}


def config(n: int = SIDE * SIDE, **about: Any) -> dict[str, Any]:
    ranges = {"x": [0, n - 1], "y": [0, 0], "z": [0, 0], "w": [0, 0]}
    return {
        "lattice_shape": [n, 1, 1, 1],
        "areas": [{"name": "A", "coord_ranges": ranges}],
        "background_drive": {"rate": 900.0, "weight": 2.0},
        "plasticity": {"rule": "stdp", "weight_min": 0.0, "weight_max": 1.0},
        "cell_lifecycle": {**ABOUT, **about},
    }


def living(seed: int = 3, threads: int = 1, n: int = SIDE * SIDE, **about: Any) -> Simulation:
    sim = Simulation(BrainModel(config=config(n, **about)), seed=seed, threads=threads)
    sim.initialize_neurons()
    sim.initialize_random_synapses(0.05)
    return sim


def neurons_only(n: int, **about: Any) -> Simulation:
    """Without input and synapses."""
    plain = config(n, **about)
    del plain["background_drive"], plain["plasticity"]
    sim = Simulation(BrainModel(config=plain), seed=7)
    sim.initialize_neurons()
    return sim


# ---- the plain twin ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "about",
    [
        {"death_probability_per_step": 0.004},
        {"death_probability_per_step": 0.004, "enable_reproduction": False},
        {
            "death_probability_per_step": 0.004,
            "interval": 1,
            "mutation_std_params": 0.6,
            "mutation_std_weights": 0.5,
        },
        {"health_decay_per_step": 0.007, "interval": 7, "death_probability_per_step": 0.0},
    ],
    ids=["children", "no-children", "wild-mutations", "health"],
)
def test_it_is_that_of_the_plain_twin(about: dict[str, Any]) -> None:
    plain = config(30, **about)
    plain |= {
        "background_drive": {},
        "plasticity": {"rule": "hebbian", "learning_rate": 0.0, "weight_min": -1.0, "weight_max": 1.0},
    }
    sim = Simulation(BrainModel(config=plain), seed=11)
    sim.initialize_neurons(density=0.8)
    model = sim.model
    sim.connect(
        "A", "A", probability=0.2, weight={"normal": [0.3, 0.4], "low": -1, "high": 1, "outside": "clip"}
    )
    neurons = {
        int(n.id): {
            "age": 0,
            "health": 1.0,
            "generation": 0,
            "parent_id": -1,
            "params": dict(n.params),
            "site": n.position(),
        }
        for n in model.neurons.values()
    }
    synapses = [{"pre": s.pre_id, "post": s.post_id, "weight": s.weight} for s in model.synapses]
    twin = PlainLife(neurons, synapses, 11, **{**ABOUT, **about}, bounds=(-1.0, 1.0))
    births = deaths = 0
    for n_steps in (1, 20, 33, 66, 100):
        found = sim.run(n_steps)
        births, deaths = births + found["births"], deaths + found["deaths"]
        twin.run(n_steps)
    assert (births, deaths) == (twin.births, twin.deaths) and deaths > 5
    assert list(model.neurons) == sorted(twin.neurons)
    own = _core.neuron_models()["lif"]["params"]
    for neuron in model.neurons.values():
        plainly = twin.neurons[int(neuron.id)]
        for name in ("age", "health", "generation", "parent_id"):
            assert getattr(neuron, name) == plainly[name], name
        assert neuron.position() == plainly["site"]
        for name in own:
            assert math.isclose(neuron.params[name], plainly["params"][name], rel_tol=1e-5), name
    assert [(s.pre_id, s.post_id) for s in model.synapses] == [(s["pre"], s["post"]) for s in twin.synapses]
    np.testing.assert_allclose(model.synapses.weight, [s["weight"] for s in twin.synapses], atol=1e-5)


# ---- closed forms ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("interval", [1, 50])
def test_survival_is_a_power(interval: int) -> None:
    n, p, steps = 20_000, 0.002, 300
    sim = neurons_only(
        n, death_probability_per_step=p, interval=interval, enable_reproduction=False, max_age=10**6
    )
    found = sim.run(steps)
    survival = (1.0 - p) ** steps
    sd = math.sqrt(n * survival * (1.0 - survival))
    assert abs(len(sim.model.neurons) - n * survival) < 4.0 * sd
    assert found["deaths"] == n - len(sim.model.neurons) and found["births"] == 0


def test_mean_age_of_a_population_that_is_replaced() -> None:
    """Ages are geometric: mean (1 - p) / p; the largest is cut off by nothing here."""
    n, p = 1000, 0.02
    sim = neurons_only(n, death_probability_per_step=p, interval=1, max_age=10**6)
    sim.run(600)  # exp(-12) of the first generation is left
    mean = (1.0 - p) / p
    assert abs(sim.model.neurons.age.mean() - mean) < 4.0 * math.sqrt(1.0 - p) / p / math.sqrt(n)
    assert len(sim.model.neurons) == n


def test_mean_age_under_a_greatest_age() -> None:
    """A death at the first step of the interval's multiple above max_age; ages are then uniform over 0 .. life - 1."""
    sim = neurons_only(500, death_probability_per_step=0.0, max_age=99, interval=10)
    sim.model.neurons.age[:] = np.arange(500) % 100
    ran = sim.run(1000)
    assert ran["deaths"] == ran["births"] == 500 * 10
    assert sim.model.neurons.age.mean() == pytest.approx(44.5, abs=5.0)
    assert sim.model.neurons.age.max() <= 109


def test_the_figures_of_upstream() -> None:
    """Health 1, less 0.0001 a step, dies below 0.1: in step 9,001 where deaths may take place in every step."""
    sim = neurons_only(
        3, death_probability_per_step=0.0, max_age=100_000, health_decay_per_step=1e-4, interval=1
    )
    health, step = 1.0, 0
    while health >= 0.1:
        health, step = health - 1e-4, step + 1
    assert step in (9000, 9001)
    sim.run(step - 1)
    assert list(sim.model.neurons) == [0, 1, 2]
    found = sim.step()
    assert (found["deaths"], found["births"]) == (3, 3)
    assert sim.model.neurons.parent_id.tolist() == [0, 1, 2]


def test_mutations_have_the_asked_spread() -> None:
    sim = neurons_only(20_000, death_probability_per_step=1.0, interval=1, mutation_std_params=0.03)
    before = sim.model.neurons.tau_m.copy()
    sim.step()
    ratio = sim.model.neurons.tau_m / before
    assert abs(ratio.mean() - 1.0) < 4 * 0.03 / math.sqrt(20_000)
    assert ratio.std() == pytest.approx(0.03, rel=0.03)
    assert not np.array_equal(ratio, sim.model.neurons.v_rest / -65.0)


# ---- the same bits -----------------------------------------------------------------------------------------------


def test_any_cut_and_any_threads_give_the_same_bits() -> None:
    whole, parts, copied = living(), living(threads=2), living()
    found = whole.run(400)
    births, left = 0, 400
    for k, length in enumerate((1, 9, 10, 7, 33, 1, 1, 1, 57, 80)):
        left -= length
        births += (parts.step() if length == 1 and k else parts.run(length))["births"]
    births += parts.run(left)["births"]
    assert births == found["births"] > 50
    assert parts.digest() == whole.digest()
    copied.run(205)
    others = [copied.copy(), Simulation.from_dict(copied.to_dict()), pickle.loads(pickle.dumps(copied))]
    for sim in (copied, *others):
        sim.run(195)
        assert sim.digest() == whole.digest()
    assert living(seed=4).digest() != whole.digest()


def test_a_copy_with_another_seed_lives_otherwise() -> None:
    sim = living()
    other = sim.copy(seed=99)
    sim.run(200), other.run(200)
    assert list(sim.model.neurons) != list(other.model.neurons) or sim.digest() != other.digest()


def test_off_is_as_without_the_section() -> None:
    bare = config()
    del bare["cell_lifecycle"]
    off = living(enabled=False)
    sim = Simulation(BrainModel(config=bare), seed=3)
    sim.initialize_neurons()
    sim.initialize_random_synapses(0.05)
    assert off.run(400)["deaths"] == sim.run(400)["deaths"] == 0
    assert off.digest() == sim.digest()
    assert off.model.neurons.age.max() == 0


def test_without_death_neurons_age_only() -> None:
    sim = living(enable_death=False, health_decay_per_step=0.01)
    assert sim.run(500)["deaths"] == 0
    assert set(sim.model.neurons.age.tolist()) == {500}
    assert set(sim.model.neurons.health.tolist()) == {0.0}


# ---- order within a step -----------------------------------------------------------------------------------------


def test_hooks_read_the_age_of_their_step_and_may_write_it() -> None:
    sim, seen = neurons_only(2, death_probability_per_step=0.0, max_age=1000), []
    sim.every(7.0, lambda sim: seen.append(int(sim.model.neurons.age[0])))
    sim.every(20.0, lambda sim: sim.model.neurons.age.__setitem__(1, 5000))
    found = sim.run(25)
    assert seen == [7, 14, 21]
    assert found["deaths"] == 1, "the hook's write counts in its own step, which is divisible by the interval"
    assert sim.model.neurons.age.tolist() == [25, 5]


def test_a_stopped_run_has_the_deaths_of_its_last_step_once() -> None:
    sim, whole = living(), living()
    hook = sim.every(50.0, lambda sim: sim.stop())
    first = sim.run(400)
    assert first["n_steps"] == 50
    hook.remove()
    rest = sim.run(350)
    assert first["deaths"] + rest["deaths"] == whole.run(400)["deaths"]
    assert sim.digest() == whole.digest()
    assert sim.run(0)["deaths"] == 0 and sim.digest() == whole.digest()


def test_a_hook_that_raises_ends_a_step_that_is_done() -> None:
    sim, whole = living(), living()

    def fail(sim: Simulation) -> None:
        raise OSError("disk full")

    hook = sim.every(50.0, fail)
    with pytest.raises(OSError, match="disk full"):
        sim.run(400)
    hook.remove()
    sim.run(350)
    whole.run(400)
    assert sim.digest() == whole.digest()


def test_recorded_ages_are_those_of_each_step() -> None:
    whole, steps = neurons_only(2, max_age=35), neurons_only(2, max_age=35)
    monitors = [StateMonitor(sim, "age") for sim in (whole, steps)]
    whole.run(50)
    for _ in range(50):
        steps.step()
    np.testing.assert_array_equal(monitors[0].values, monitors[1].values)
    assert monitors[0].values[:3, 0].tolist() == [0.0, 1.0, 2.0], "a recorder comes before the ageing"
    assert np.isnan(monitors[0].values[-1]).all(), "the two have died"


# ---- what goes with a child --------------------------------------------------------------------------------------


def test_input_goes_to_the_child_in_its_parents_place() -> None:
    plain = config(4, max_age=5, death_probability_per_step=0.0, mutation_std_params=0.0)
    plain["background_drive"] = {}
    sim = Simulation(BrainModel(config=plain), seed=1)
    sim.initialize_neurons()
    sim.model.neurons.age[:] = [5, -1000, 5, -1000]
    drive = np.tile([0.0, 0.0, 400.0, 0.0], (107, 1))
    counts = sim.run(107, input=drive)["spike_counts"]
    by_site = dict(zip(sim.model.neurons.x.tolist(), counts.tolist(), strict=True))
    assert by_site[2] > 0 and by_site[0] == by_site[1] == by_site[3] == 0
    alone = sim.run(10, input=40.0, input_ids=[1])
    assert alone["n_steps"] == 10


def test_input_for_the_dead_is_not_for_others() -> None:
    sim = neurons_only(3, max_age=5, death_probability_per_step=0.0, enable_reproduction=False)
    sim.model.neurons.age[:] = [0, -1000, -1000]
    counts = sim.run(100, input=np.tile([400.0, 0.0, 400.0], (100, 1)))["spike_counts"]
    assert list(sim.model.neurons) == [1, 2] and counts[0] == 0 and counts[1] > 0


def test_a_childs_synapses_transmit_what_is_fired_after_its_birth() -> None:
    still = {**ABOUT, "max_age": 9, "death_probability_per_step": 0.0}
    still |= {"mutation_std_params": 0.0, "mutation_std_weights": 0.0}
    sim = Simulation(BrainModel(config={"areas": [], "cell_lifecycle": still}), seed=5)
    source, cell = sim.create(1, "spike_source"), sim.create(1, "lif", name="cell")
    sim.connect(source, cell, pairs=[[0, 1]], weight=3.0, delay=8, rule="none")
    sim.set_spike_times(source.ids[0], [5.0, 11.0])
    jumps = []
    for step in range(1, 25):
        assert sim.step()["births"] == (1 if step % 10 == 0 else 0)
        if cell[0].v_membrane > -64.9 and (not jumps or step - jumps[-1] > 3):
            jumps.append(step)
    assert jumps == [19], "the spike of step 5 would have come in step 13, to the cell that died in step 10"


def test_a_population_without_lattice_keeps_its_positions() -> None:
    sim = Simulation(BrainModel(config={"areas": [], "cell_lifecycle": {**ABOUT, "max_age": 25}}), seed=5)
    cells = sim.create(20, name="cells", positions="line", share_sites=False)
    before = cells.positions
    source = sim.create(5, "poisson", name="source", rate=50.0)
    sim.connect(source, cells, probability=1.0, weight=1.0, name="in")
    assert sim.run(30)["births"] >= 20
    assert len(cells) == 20 and cells.ids.min() >= 25
    assert cells.positions is not None and before is not None
    np.testing.assert_array_equal(np.sort(cells.positions.ravel()), before.ravel())
    assert source.ids.tolist() == list(range(20, 25)), "a source does not age"
    assert len(sim.projections["in"]) == 100
    again = Simulation.from_dict(sim.to_dict())
    assert again.digest() == sim.digest()
    np.testing.assert_array_equal(again.populations["cells"].positions, cells.positions)


def test_weights_keep_sign_and_bounds_and_parameters_their_domain() -> None:
    sim = living(mutation_std_weights=2.0, mutation_std_params=1.0, interval=5)
    sim.connect("A", "A", probability=0.1, weight=-0.5, synapse_type="inhibitory", rule="none", name="static")
    sim.run(400)
    neurons = sim.model.neurons
    assert (neurons.tau_m > 0).all() and (neurons.refractory_period >= 0).all()
    assert (neurons.v_threshold > neurons.v_reset).all()
    for name, projection in sim.projections.items():
        weight = projection.weight
        assert len(np.unique(weight)) > 3
        assert (weight <= 0).all() if name == "static" else ((weight >= 0) & (weight <= 1)).all(), name


def test_a_childs_synapses_are_new_ones() -> None:
    sim = living(death_probability_per_step=0.0, mutation_std_weights=0.0, max_age=9)
    degrees = len(sim.model.synapses)
    sim.model.neurons.age[1:] = -10_000
    ends, weight = _ends_and_weights(sim)
    views = list(sim.model.synapses)
    touched = [0 in pair for pair in ends]
    assert sim.run(10)["births"] == 1
    assert len(sim.model.synapses) == degrees
    for view, pair, mine in zip(views, ends, touched, strict=True):
        if mine:
            with pytest.raises(_core.RemovedError):
                view.weight  # noqa: B018
        else:
            assert (view.pre_id, view.post_id) == pair
    child = max(sim.model.neurons)
    renamed = [tuple(child if end == 0 else end for end in pair) for pair in ends]
    assert sorted(renamed) == sorted(_ends_and_weights(sim)[0]) and len(weight) == degrees


def _ends_and_weights(sim: Simulation) -> tuple[list[tuple[int, int]], list[float]]:
    synapses = sim.model.synapses
    return list(
        zip(synapses.pre_id.tolist(), synapses.post_id.tolist(), strict=True)
    ), synapses.weight.tolist()


@pytest.mark.parametrize("probability", [0.0, 0.4, 1.0])
def test_reconnection_leads_to_near_neurons(probability: float) -> None:
    sim = living(
        n=200,
        reconnection_probability=probability,
        reconnection_distance=6.0,
        death_probability_per_step=0.0,
        max_age=9,
    )
    sim.model.neurons.age[:] = -10_000
    sim.model.neurons.age[100] = 0
    near = set(range(94, 107))
    before = [s.post_id for s in sim.model.get_synapses_for_neuron(100, "pre")]
    assert len(before) > 4
    sim.run(10)
    child = max(sim.model.neurons)
    after = [s.post_id for s in sim.model.get_synapses_for_neuron(child, "pre")]
    assert len(after) == len(before)
    if probability == 0.0:
        assert after == before
    elif probability == 1.0:
        assert set(after) <= near and after != before
    else:
        assert 0 < len([a for a in after if a not in before]) < len(after)
    assert child not in after


# ---- nothing silent ----------------------------------------------------------------------------------------------


def test_wrong_keys_and_values_are_all_named() -> None:
    with pytest.raises(ConfigError) as caught:
        BrainModel(config=config(max_ages=3, interval=0, mutation_std_params=-1.0, enable_death="no"))
    text = str(caught.value)
    for part in (
        "cell_lifecycle.max_ages",
        "max_age",
        "cell_lifecycle.interval: must be >= 1",
        "mutation_std_params",
    ):
        assert part in text
    assert "cell_lifecycle.enable_death: must be true or false" in text


def test_a_health_that_is_none_is_refused_before_the_run() -> None:
    sim = living()
    sim.model.neurons.health[3] = np.nan
    for run in (sim.step, lambda: sim.run(5)):
        with pytest.raises(ValueError, match=r"health: must be finite and >= 0; got nan \(neuron 3\)"):
            run()
    assert sim.current_step == 0
    sim.model.neurons.health[3] = 1.0
    assert sim.run(5)["step"] == 5


def test_many_projections_and_modulators_live_alike() -> None:
    def built(threads: int) -> Simulation:
        config = {
            "areas": [],
            "cell_lifecycle": {**ABOUT, "max_age": 60, "reconnection_probability": 0.3},
            "neuromodulation": {},
        }
        model = BrainModel(config=config)
        sim = Simulation(model, seed=9, threads=threads, neuromodulation=NeuromodulationSystem())
        groups = [
            sim.create(15, "lif", name=f"g{k}", neuron_type=kind, drive={"rate": 1500.0, "weight": 2.0})
            for k, kind in enumerate(("excitatory", "excitatory", "inhibitory"))
        ]
        cells = sim.create(15, "izhikevich", name="g3", region="other")
        for a in groups:
            for b in (*groups, cells):
                sim.connect(a, b, probability=0.3, weight=0.4, delay={"uniform": [1, 6]}, rule="none")
        sim.connect(groups[0], groups[1], probability=0.3, weight=0.4, rule="rstdp", name="learns")
        sim.connect(
            groups[0], cells, probability=0.3, weight=0.4, rule="triplet", short_term=True, name="short"
        )
        return sim

    whole, parts = built(1), built(2)
    births = whole.run(300)["births"]
    assert births >= 4 * 60
    done = 0
    for length in (1, 59, 1, 77, 100):
        parts.run(length)
        done += length
        if length == 59:
            parts = Simulation.from_dict(parts.to_dict())
    parts.copy().run(10)
    parts.run(300 - done)
    assert parts.digest() == whole.digest()
    assert [len(p) for p in whole.populations.values()] == [15] * 4


def test_replicas_are_refused() -> None:
    with pytest.raises(ValueError, match="replicas: must be of a network without cell_lifecycle"):
        living().replicas(2)


def test_a_change_that_fails_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    sim = living(death_probability_per_step=0.0, max_age=5)
    sim.run(9)
    before = sim.copy()

    def fail(*_: Any) -> None:
        raise MemoryError

    monkeypatch.setattr(sim.model._areas, "replace_members", fail)
    with pytest.raises(MemoryError):
        sim.step()
    before.step()
    assert before.model.neurons.generation.max() == 1
    assert sim.current_step == 10 and sim.model.neurons.age.tolist() == [10] * 100
    assert len(sim.model.neurons) == 100 and sim.model.neurons.generation.max() == 0
    monkeypatch.undo()
    assert sim.run(10)["births"] == 100


def test_everybody_may_die() -> None:
    sim = living(max_age=5, enable_reproduction=False)
    assert sim.run(50)["deaths"] == 100
    assert len(sim.model.neurons) == len(sim.model.synapses) == 0
    assert sim.run(10)["spike_counts"].shape == (0,)


def test_reset_keeps_the_living() -> None:
    sim = living()
    sim.run(200)
    ids = list(sim.model.neurons)
    sim.reset(weights=True, parameters=True)
    assert list(sim.model.neurons) == ids and sim.current_step == 0
    assert sim.model.neurons.age.max() == 0 and set(sim.model.neurons.health.tolist()) == {1.0}
    assert sim.run(100)["births"] > 0


@pytest.mark.long
def test_memory_is_flat_over_many_generations() -> None:
    sim = living(n=20, max_age=450, interval=200)
    tracemalloc.start()
    try:
        sim.run(20_000)  # what is made once is there
        before = _held()
        births = sim.run(80_000)["births"]
        now = _held()
    finally:
        tracemalloc.stop()
    assert births > 2_000
    assert now[0] - before[0] < 8 * 2 * births + 20_000, "the table of ids grows with births, up to 8 MB"
    assert now[1] - before[1] < 200, "objects"


def _held() -> tuple[int, int]:
    """Bytes of arrays, and objects."""
    gc.collect()
    arrays = tracemalloc.DomainFilter(inclusive=True, domain=np.lib.tracemalloc_domain)
    found = tracemalloc.take_snapshot().filter_traces([arrays])
    return sum(trace.size for trace in found.traces), len(gc.get_objects())


def test_rates_count_the_spikes_of_the_dead() -> None:
    """They were those of the neurons at the end of the run, beside a mean rate of all that lived."""
    ranges = {"y": [0, 5], "z": [0, 0], "w": [0, 0]}
    areas = [
        {"name": name, "coord_ranges": {"x": [3 * k, 3 * k + 2], **ranges}} for k, name in enumerate("AB")
    ]
    areas[1]["model"], areas[1]["params"] = "poisson", {"rate": 50.0}
    config: dict[str, Any] = {
        "lattice_shape": [6, 6, 1, 1],
        "areas": areas,
        "background_drive": {"rate": 2000.0, "weight": 1.0},
        "cell_lifecycle": {"max_age": 50, "health_decay_per_step": 0.0, "interval": 25},
    }
    for births in (True, False):
        config["cell_lifecycle"]["enable_reproduction"] = births
        sim = Simulation(BrainModel(config=config), seed=1)
        sim.initialize_neurons()
        sim.model.neurons.age[:] = np.arange(36)
        monitor = SpikeMonitor(sim)
        result = sim.run(200)
        sources = np.isin(monitor.id, sim.populations["B"].ids)
        assert result["deaths"] > 15 and len(sim.populations["B"]) == 18
        assert result["rates"]["B"] == pytest.approx(sources.sum() / 18 / 0.2)
        if births:
            assert result["rates"]["A"] == pytest.approx((~sources).sum() / 18 / 0.2)
            assert result["mean_rate"] == pytest.approx((result["rates"]["A"] + result["rates"]["B"]) / 2.0)
        else:
            assert len(sim.populations["A"]) == 0 and result["rates"]["A"] > 0.0
    assert dict(sim.run(10)["rates"]).keys() == {"B"}
    assert dict(sim.run(0)["rates"]) == {"B": 0.0}
