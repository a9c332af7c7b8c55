"""Simulation: arguments, the order of a step, input, schedules, interruption, state."""

from __future__ import annotations

import json
import signal
import threading
import time
from typing import Any

import numpy as np
import pytest

from neuromod import (
    BrainModel,
    NeuromodulationSystem,
    NeuromodWarning,
    NumericalError,
    Simulation,
    create_neuromodulation_system,
)


def tiny(n=4, model="lif", dt=1.0, neuromodulation=None, **params):
    """A model of one area of n sites, all filled, without background or plasticity."""
    config = {
        "lattice_shape": [n, 1, 1, 1],
        "areas": [{"name": "A", "coord_ranges": {"x": [0, n - 1], "y": [0, 0], "z": [0, 0], "w": [0, 0]}}],
        "plasticity": {"rule": "none"},
    }
    sim = Simulation(BrainModel(config=config), seed=7, dt=dt, neuromodulation=neuromodulation)
    sim.initialize_neurons(["A"], model=model, params=params or None)
    return sim


def sources_and_cell(dt=1.0, delay=1, weight=5.0, **kwargs):
    """Neuron 0: spike_source; neuron 1: LIF; one synapse 0 -> 1."""
    config = {
        "lattice_shape": [2, 1, 1, 1],
        "areas": [
            {
                "name": name,
                "coord_ranges": {"x": [x, x], "y": [0, 0], "z": [0, 0], "w": [0, 0]},
                "model": model,
            }
            for x, (name, model) in enumerate([("S", "spike_source"), ("C", "lif")])
        ],
        "plasticity": {"rule": "none"},
    }
    sim = Simulation(BrainModel(config=config), seed=7, dt=dt)
    sim.initialize_neurons()
    sim.connect("S", "C", pairs=[(0, 1)], weight=weight, delay=delay, **kwargs)
    return sim


@pytest.mark.parametrize("delay", [1, 2, 7])
def test_a_spike_of_step_k_arrives_in_step_k_plus_delay(delay):
    sim = sources_and_cell(delay=delay)
    sim.set_spike_times(0, [3.0])
    rest = sim.model.neurons[1].v_membrane
    v = []
    for _ in range(3 + delay):
        sim.step()
        v.append(sim.model.neurons[1].v_membrane)
    assert v[:-1] == [rest] * (2 + delay)
    assert v[-1] == pytest.approx(rest + 5.0)


def test_inhibitory_synapse_acts_as_minus_its_magnitude():
    sim = sources_and_cell(weight=5.0, synapse_type="inhibitory")
    sim.set_spike_times(0, [1.0])
    rest = sim.model.neurons[1].v_membrane
    sim.run(2)
    assert sim.model.neurons[1].v_membrane == pytest.approx(rest - 5.0)
    assert sim.model.synapses[0].weight == 5.0
    assert sim.model.synapses[0].get_effective_weight() == -5.0


def test_external_input_serves_one_step_and_is_cleared():
    sim = tiny(2)
    sim.model.neurons[0].external_input = 10.0
    sim.step()
    assert sim.model.neurons[0].v_membrane == pytest.approx(-65.0 + 10.0 * (1 - np.exp(-1 / 20)), abs=1e-12)
    assert sim.model.neurons[1].v_membrane == -65.0
    assert sim.model.neurons.external_input.tolist() == [0.0, 0.0]


def test_input_rows_equal_external_input_set_by_hand():
    rows = np.random.default_rng(0).normal(25.0, 8.0, (60, 4))
    a, b = tiny(4), tiny(4)
    result = a.run(60, input=rows)
    for row in rows:
        b.model.neurons.external_input[:] = row
        b.step()
    assert result["spike_counts"].sum() > 0
    assert a.digest() == b.digest()


def test_what_comes_from_outside_serves_one_step_in_the_middle_of_a_run_too():
    """The columns of external input and scheduled spikes are cleared only in steps in which they were written."""
    n, rng = 1100, np.random.default_rng(5)
    rows = rng.normal(100.0, 300.0, (3, n))
    in_one, by_step = tiny(n), tiny(n)
    for sim in (in_one, by_step):
        sim.model.neurons.external_input[:] = np.linspace(0.0, 50.0, n)
    with pytest.warns(NeuromodWarning, match="i_offset"):
        in_one.run(3, input=rows)
    in_one.run(40)
    for row in rows:
        by_step.model.neurons.external_input[:] += row
        by_step.step()
    for _ in range(40):
        by_step.step()
    assert in_one.model.neurons.spike_count.sum() > 0
    assert in_one.digest() == by_step.digest()


@pytest.mark.parametrize("drive", ["drive_noise", "drive_uniform"])
def test_noise_is_drawn_anew_in_each_step_of_a_run(drive):
    in_one, by_step = tiny(1100), tiny(1100)
    for sim in (in_one, by_step):
        getattr(sim.model.neurons, drive)[500:] = 400.0
    in_one.run(50)
    for _ in range(50):
        by_step.step()
    assert in_one.model.neurons.spike_count.sum() > 0
    assert not in_one.model.neurons.external_input.any()
    assert in_one.digest() == by_step.digest()


@pytest.mark.parametrize("n", [1, 15, 16, 17, 512, 539, 5000])
def test_exactly_those_that_fire_are_listed(n):
    """In blocks of 16, in pieces of 512 and what is left over, in one part and in several."""
    sim, rng = tiny(n, model="spike_source"), np.random.default_rng(n)
    share = [0.0, 1.0, 0.002, 0.5, 0.03, 0.0, 0.97]
    wanted = [np.flatnonzero(rng.uniform(size=n) < p) for p in share]
    wanted += [np.array([0]), np.array([n - 1]), np.unique([n // 2, n - 1])]
    ids = np.concatenate(wanted)
    steps = np.repeat(np.arange(1, len(wanted) + 1), [len(w) for w in wanted])
    own = np.unique(ids)
    sim.set_spike_times(own, [steps[ids == i].astype(float) for i in own])
    for expected in wanted:
        assert sim.step()["spikes"].tolist() == expected.tolist()
    assert sim.run(5)["spike_counts"].sum() == 0


def test_how_neurons_are_cut_into_blocks_changes_no_bit():
    """Parameters that differ when the run begins make pieces of their own; those set later do not."""

    def run(later):
        sim = tiny(900, model="izhikevich")
        sim.connect("A", "A", out_degree=5, weight=2.0, delay=2)
        if later:
            sim.run(0)
        sim.model.neurons.a[400:] = 0.1
        sim.model.neurons.d[400:] = 2.0
        sim.run(300, input=np.random.default_rng(1).normal(4.0, 6.0, (300, 900)))
        return sim

    before, after = run(False), run(True)
    assert before.model.neurons.spike_count.sum() > 0
    assert before.digest() == after.digest()


def test_input_ids_choose_the_neurons():
    sim = tiny(3)
    sim.run(1, input=[[10.0]], input_ids=[2])
    assert sim.model.neurons.v_membrane.tolist()[:2] == [-65.0, -65.0]
    assert sim.model.neurons.v_membrane[2] > -65.0


def test_spike_time_is_the_end_of_its_step():
    sim = tiny(1, model="spike_source", dt=0.5)
    sim.set_spike_times([0], [[2.0]])
    assert [len(sim.step()["spikes"]) for _ in range(5)] == [0, 0, 0, 1, 0]
    assert sim.model.neurons[0].last_spike_time == 2.0
    assert sim.time == 2.5


@pytest.mark.parametrize(
    ("ids", "times", "rule"),
    [
        (0, [0.0], "must be after the present time"),
        (0, [np.nan], "must be after the present time"),
        (0, [1e19], "must be before step 2\\*\\*62"),
        (0, [np.inf], "must be after the present time|before step"),
        (0, [0.4], "must be after the present time of 0 ms, once rounded to steps of 1 ms; got 0.4"),
        (0, [2.0, 2.2], "at most one spike of a neuron in one step; got 2 of neuron 0 in that of 2 ms"),
        (9, [2.0], "must be ids of neurons in the network; got 9"),
        ([0, 1], [[1.0]], "must be as long as ids"),
        (1, [2.0], "must be spike_source neurons; got a lif neuron"),
    ],
)
def test_bad_spike_times_are_refused_and_change_nothing(ids, times, rule):
    sim = sources_and_cell()
    sim.set_spike_times(0, [4.0])
    before = sim.digest()
    with pytest.raises(ValueError, match=rule):
        sim.set_spike_times(ids, times)
    assert sim.digest() == before


def test_new_spike_times_replace_those_of_the_same_neuron_only():
    sim = tiny(2, model="spike_source")
    sim.set_spike_times([0, 1], [[2.0, 5.0], [3.0]])
    sim.set_spike_times(0, [4.0])
    assert [sim.step()["spikes"].tolist() for _ in range(5)] == [[], [], [1], [0], []]


@pytest.mark.parametrize(
    ("arguments", "error", "rule"),
    [
        ({"seed": -1}, ValueError, "seed: must be between 0"),
        ({"seed": 1.5}, TypeError, "seed: must be a whole number"),
        ({"seed": True}, TypeError, "seed: must be a whole number"),
        ({"dt": 0.0}, ValueError, "dt: must be > 0 ms"),
        ({"dt": float("nan")}, ValueError, "dt: must be > 0 ms"),
        ({"dt": "1"}, TypeError, "dt: must be a number"),
        ({"threads": 0}, ValueError, "threads: must be"),
        ({"neuromodulation": {}}, TypeError, "neuromodulation: must be a NeuromodulationSystem"),
    ],
)
def test_bad_arguments(arguments, error, rule):
    with pytest.raises(error, match=rule):
        Simulation(BrainModel("brain_base_model.json"), **arguments)


def test_seeds_of_numpy_are_taken_and_the_seed_is_kept():
    model = BrainModel("brain_base_model.json")
    for source in (np.random.default_rng, np.random.SeedSequence):
        first, same, other = (Simulation(model, seed=source(seed)).seed for seed in (3, 3, 4))
        assert first == same != other
    assert Simulation(model, seed=2**64 - 1).seed == 2**64 - 1


@pytest.mark.parametrize("bad", [-1, 1.5, True, "3"])
def test_bad_n_steps(bad):
    with pytest.raises(ValueError, match="n_steps: must be a whole number >= 0"):
        tiny(1).run(bad)


@pytest.mark.parametrize(
    ("rows", "ids", "rule"),
    [
        (np.zeros((2, 4)), None, r"must have shape .* \(3, 4\); got \(2, 4\)"),
        (np.full((3, 4), np.nan), None, "must be finite; got nan"),
        (np.zeros((3, 1)), [99], "must be ids of neurons"),
        (None, [0], "input_ids: needs input"),
    ],
)
def test_bad_input(rows, ids, rule):
    sim = tiny(4)
    before = sim.digest()
    with pytest.raises(ValueError, match=rule):
        sim.run(3, input=rows, input_ids=ids)
    assert sim.digest() == before


@pytest.mark.parametrize(
    ("column", "value", "message"),
    [
        ("tau_m", -3.0, r"neurons\[1\].tau_m: must be > 0 ms; got -3.0"),
        ("tau_m", np.nan, r"neurons\[1\].tau_m: must be > 0 ms; got nan"),
        ("v_threshold", -80.0, r"neurons\[1\].v_threshold: must be > v_reset; got -80.0"),
        ("drive_rate", -1.0, r"neurons\[1\].drive_rate: must be >= 0 Hz; got -1.0"),
        ("external_input", np.inf, r"neurons\[1\].external_input: must be finite; got inf"),
    ],
)
def test_values_written_through_columns_are_checked_before_the_next_step(column, value, message):
    sim = tiny(3)
    sim.run(2)
    getattr(sim.model.neurons, column)[1] = value
    with pytest.raises(ValueError, match=message):
        sim.step()
    assert sim.current_step == 2


def test_a_state_that_diverges_is_reported():
    sim = tiny(2)
    sim.model.neurons.v_membrane[1] = np.nan
    with pytest.raises(NumericalError, match=r"neurons\[1\].v_membrane: must stay finite; got nan"):
        sim.run(600)
    assert 0 < sim.current_step <= 256


def test_parameters_changed_between_steps_act_in_the_next():
    sim = tiny(2)
    sim.run(3)
    sim.model.neurons[1].params["tau_m"] = 5.0
    sim.run(1, input=[[10.0, 10.0]])
    expected = -65.0 + 10.0 * (1 - np.exp(-1 / np.array([20.0, 5.0])))
    assert sim.model.neurons.v_membrane == pytest.approx(expected, abs=1e-12)


def test_levels_are_those_at_the_start_of_the_step_and_decay_after_it():
    system = NeuromodulationSystem()
    sim = tiny(1, neuromodulation=system)
    system.norepinephrine.state.level = 0.9
    gain = system.norepinephrine.get_gain_multiplier()
    sim.run(1, input=[[10.0]])
    assert sim.model.neurons.v_membrane[0] == pytest.approx(
        -65 + gain * 10 * (1 - np.exp(-1 / 20)), abs=1e-12
    )
    assert system.norepinephrine.state.level == pytest.approx(0.5 + 0.4 * 0.9)


def test_more_serotonin_makes_a_negative_threshold_harder_and_never_writes_params():
    counts = []
    for level in (0.0, 0.5, 1.0):
        system = NeuromodulationSystem()
        for modulator in (system.serotonin, system.norepinephrine):
            modulator.state.baseline = 0.0
        system.serotonin.state.baseline = level
        system.serotonin.state.level = level
        system.norepinephrine.state.level = 0.0
        sim = tiny(1, neuromodulation=system)
        counts.append(int(sim.run(2000, input=np.full((2000, 1), 25.0))["spike_counts"][0]))
        assert sim.model.neurons[0].params["v_threshold"] == -50.0
    assert counts[0] > counts[1] > counts[2] > 0


def test_interrupt_stops_at_a_step_boundary_and_the_run_can_go_on():
    # A shell starts jobs in the background with SIGINT ignored; Python's own handler must be there.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        _interrupt_and_go_on()
    finally:
        signal.signal(signal.SIGINT, before)


def _interrupt_and_go_on():
    sim, whole = tiny(500, "poisson"), tiny(500, "poisson")
    timer = threading.Timer(0.2, lambda: signal.raise_signal(signal.SIGINT))
    timer.start()
    with pytest.raises(KeyboardInterrupt):
        sim.run(50_000_000)
    stopped = sim.current_step
    assert 0 < stopped < 50_000_000
    sim.run(10)
    assert sim.current_step == stopped + 10
    whole.run(stopped + 10)
    assert sim.digest() == whole.digest()
    assert whole.model.neurons.spike_count.sum() > 0


def test_the_gil_is_free_while_a_run_goes_on():
    """This thread goes on several times between two calls of a hook; on a busy machine not between the first two."""
    sim, ticks, before, most = tiny(2000), 0, 0, 0

    def look(sim):
        nonlocal before, most
        before, most = ticks, max(most, ticks - before)
        if most > 3:
            sim.stop()

    sim.every(2000.0, look)
    thread = threading.Thread(target=lambda: sim.run(500 * 2000))
    thread.start()
    while thread.is_alive():
        ticks += 1
        time.sleep(0.0005)
    thread.join()
    assert most > 3


def test_a_second_thread_is_refused_while_a_run_goes_on():
    sim = tiny(2000)
    seen = []

    def progress(done, total, simulated_ms, elapsed):
        if not seen:
            try:
                sim.step()
            except RuntimeError as error:
                seen.append(str(error))

    sim.run(20000, progress=progress)
    assert len(seen) == 1 and "simulation is already running: run of 20000 steps in thread" in seen[0]


def test_progress_callable_gets_growing_counts():
    calls = []
    tiny(2000).run(20_000, progress=lambda *call: calls.append(call))
    done = [call[0] for call in calls]
    assert done == sorted(done) and done[0] > 0 and all(call[1] == 20_000 for call in calls)


def test_to_dict_is_json_and_goes_on_to_the_bit():
    sim = Simulation(BrainModel("brain_base_model.json"), seed=5, neuromodulation=NeuromodulationSystem())
    sim.initialize_neurons(["V1_like"], density=0.02)
    sim.connect(
        "V1_like",
        "V1_like",
        probability=0.1,
        weight=0.3,
        delay={"uniform": [1, 6]},
        rule="stdp",
        synapse_type="excitatory",
    )
    sim.run(60)
    sim.neuromodulation.process_reward(1.0)
    again = Simulation.from_dict(json.loads(json.dumps(sim.to_dict())))
    assert again.digest() == sim.digest()
    sim.run(60)
    again.run(60)
    assert again.digest() == sim.digest()


def test_from_dict_refuses_other_things():
    with pytest.raises(ValueError, match=r"must be a mapping made by Simulation.to_dict"):
        Simulation.from_dict({})


def test_digest_sees_every_kind_of_state():
    def fresh():
        sim = sources_and_cell(delay=5)
        sim.set_spike_times(0, [3.0, 20.0])
        sim.run(4)
        return sim

    def changed(change):
        sim = fresh()
        change(sim)
        return sim.digest()

    digests = [
        fresh().digest(),
        changed(lambda s: s.run(1)),
        changed(lambda s: s.model.neurons.v_membrane.__setitem__(1, -64.0)),
        changed(lambda s: setattr(s.model.synapses[0], "weight", 5.5)),
        changed(lambda s: s.set_spike_times(0, [21.0])),
        changed(lambda s: setattr(s.model.neurons[1], "external_input", 1.0)),
    ]
    assert len(set(digests)) == len(digests)
    assert fresh().digest() == digests[0]


def test_growth_between_steps_keeps_spikes_under_way():
    sim = sources_and_cell(delay=6)
    sim.set_spike_times(0, [2.0])
    sim.run(3)
    sim.model.add_synapse(0, 1, weight=1.0, delay=6)
    sim.run(4)
    assert sim.model.neurons[1].v_membrane == -65.0
    sim.run(1)
    # from the older synapse alone: the one made in step 3 transmits no spike of step 2
    assert sim.model.neurons[1].v_membrane == pytest.approx(-65.0 + 5.0)


def test_repr_is_one_line():
    text = repr(tiny(3))
    assert text == "Simulation(neurons=3, synapses=0, dt=1 ms, t=0 ms, seed=7)"


@pytest.mark.parametrize("rule", ["hebbian", "stdp_nearest", "graupner_brunel"])
def test_a_network_that_has_lost_all_its_neurons_goes_on(rule: str) -> None:
    """Under the address sanitizer: no id is read where there is none."""
    sim = Simulation(seed=1)
    cells = sim.create(2, "lif")
    learning = {"rule": rule, "weight_decay": 0.01, "homeostatic": {"every": 5.0, "tau": 10.0}}
    sim.connect(cells, cells, all_to_all=True, weight=0.5, rule=learning)
    sim.run(10)
    for neuron_id in (0, 1):
        sim.model.remove_neuron(neuron_id)
    assert sim.run(20)["n_steps"] == 20
    assert len(sim.model.synapses) == 0


@pytest.mark.parametrize("wrong", [{"dt": -1.0}, {"seed": -1}, {"threads": 0}])
def test_a_simulation_that_is_refused_has_not_taken_the_modulators(wrong: dict[str, Any]) -> None:
    """They were the other model's: areas of their own were refused, and the other knew modulators that it had not."""
    box = {"x": [0, 4], "y": [0, 0], "z": [0, 0], "w": [0, 0]}
    model = BrainModel(config={"lattice_shape": [5, 1, 1, 1], "areas": [{"name": "A", "coord_ranges": box}]})
    histamine = {"response": {"linear": {"strength": 0.5}}, "targets": ["gain"]}
    system = create_neuromodulation_system({"histamine": histamine})
    Simulation(model, seed=1, neuromodulation=system)
    other = BrainModel(config={"areas": []})
    with pytest.raises(ValueError, match=next(iter(wrong))):
        Simulation(other, neuromodulation=system, **wrong)
    system.add_release("dopamine", ["A"], 0.1)
    alone = Simulation(other, seed=1)
    alone.create(2, "lif", name="E")
    with pytest.raises(ValueError, match="histamine"):
        alone.connect("E", "E", all_to_all=True, weight=0.1, rule="stdp", modulators=["histamine"])
