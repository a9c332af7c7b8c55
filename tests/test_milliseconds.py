"""Times in ms wherever steps are: runs, delays, records, experiments; and numbers in the wrong unit."""

from __future__ import annotations

import pickle
from typing import Any

import numpy as np
import pytest

from neuromod import (
    BrainModel,
    ConfigError,
    DopamineSystem,
    LevelMonitor,
    NeuromodulationSystem,
    NeuromodWarning,
    OUCurrent,
    Population,
    Simulation,
    SineCurrent,
    StateMonitor,
    SynapseMonitor,
    correlated_trains,
    create_neuromodulation_system,
    gamma_trains,
)
from neuromod.experiment.run import run_experiment
from neuromod.experiment.section import check_experiment
from neuromod.near_names import names_near
from neuromod.together import Together
from neuromod.units import steps_of, steps_of_all


@pytest.fixture
def sim() -> Simulation:
    return Simulation(dt=0.1, seed=1, neuromodulation=NeuromodulationSystem())


@pytest.fixture
def E(sim: Simulation) -> Population:
    return sim.create(20, name="E", i_offset=20.0)


# ---- one time to steps -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("dt", [0.1, 0.025, 1 / 3, 1.0, 0.7])
def test_every_whole_number_of_steps_is_one(dt: float) -> None:
    steps = np.concatenate([np.arange(2000), 10 ** np.arange(4, 13)])
    assert [steps_of(k * dt, dt, "ms") for k in steps.tolist()] == steps.tolist()
    assert np.array_equal(steps_of_all(steps * dt, dt, "ms", 0, 2**62), steps)


@pytest.mark.parametrize("part", [0.5, 0.01, -0.01, 1e-5])
def test_parts_of_steps_are_refused(part: float) -> None:
    for k in (1, 15, 10_000):
        with pytest.raises(ValueError, match=r"^ms: must be a whole number of steps of 0\.1 ms; got "):
            steps_of((k + part) * 0.1, 0.1, "ms")


@pytest.mark.parametrize(
    ("time", "least", "message"),
    [
        (0.25, 0, r"must be a whole number of steps of 0\.1 ms; got 0\.25 ms; 0\.2 and 0\.3 are"),
        (0.05, 1, r"must be a whole number of steps of 0\.1 ms; got 0\.05 ms; 0\.1 is"),
        (-0.3, 0, r"must be >= 0 ms; got -0\.3 ms"),
        (0, 1, r"must be >= 0\.1 ms; got 0 ms"),
        (1e300, 0, r"must be from 0 to .* ms, 0 to 4611686018427387904 steps"),
        (np.nan, 0, "must be finite"),
        ("1", 0, "must be a number"),
        (True, 0, "must be a number"),
        (None, 0, "must be a number"),
        ([1.0], 0, "must be a number"),
    ],
)
def test_what_is_no_time_is_refused(time: Any, least: int, message: str) -> None:
    with pytest.raises((ValueError, TypeError), match=f"^every_ms: {message}"):
        steps_of(time, 0.1, "every_ms", least)


# ---- runs ------------------------------------------------------------------------------------------------------


def test_a_run_in_ms_is_the_run_in_steps(sim: Simulation, E: Population) -> None:
    other = sim.copy()
    first, second = sim.run(ms=30), other.run(300)
    assert first["step"] == second["step"] == first["n_steps"] == 300
    assert sim.digest() == other.digest() and first["spike_counts"].sum() > 0
    replicas = sim.replicas(2)
    assert replicas.run(ms=1.5)["n_steps"] == 15
    assert sim.run(ms=0)["n_steps"] == 0


@pytest.mark.parametrize("replicas", [False, True])
@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"ms": 0.25}, r"ms: must be a whole number of steps of 0\.1 ms"),
        ({"n_steps": 3, "ms": 0.3}, r"n_steps, ms: must not be given both; got 3 and 0\.3"),
        ({}, "n_steps, ms: one of them must be given; got neither"),
        (
            {"n_steps": 1e3},
            r"n_steps: must be a whole number >= 0, of steps; got 1000\.0 \(ms=1000\.0 would be ms\)",
        ),
        ({"n_steps": -1}, "n_steps: must be a whole number >= 0; got -1"),
        ({"ms": -1.0}, "ms: must be >= 0 ms; got -1 ms"),
    ],
)
def test_bad_lengths_of_a_run(
    sim: Simulation, E: Population, arguments: Any, message: str, replicas: bool
) -> None:
    with pytest.raises((ValueError, TypeError), match=f"^{message}"):
        (sim.replicas(2) if replicas else sim).run(**arguments)
    assert sim.current_step == 0


# ---- delays ----------------------------------------------------------------------------------------------------


def test_delays_in_ms_are_those_in_steps(sim: Simulation, E: Population) -> None:
    def delays(**how: Any) -> Any:
        p = sim.connect(E, E, weight=0.1, **how)
        return p.delay if p.order is None else p.delay[np.argsort(p.order)]

    pairs = [[0, 1], [3, 2], [5, 4]]
    assert set(delays(probability=0.5, delay_ms=1.5)) == {15}
    assert set(delays(probability=0.5)) == {1}
    assert delays(pairs=pairs, delay_ms=[0.1, 2.0, 0.3]).tolist() == [1, 20, 3]
    matrix = (np.arange(400).reshape(20, 20) + 1) * 0.1
    p = sim.connect(E, E, probability=1.0, weight=0.1, delay_ms=matrix)
    assert np.array_equal(p.delay, p.pre_id * 20 + p.post_id + 1)
    uniform = delays(probability=1.0, autapses=True, delay_ms={"uniform": [0.3, 0.6]})
    assert set(uniform) == {3, 4, 5, 6}
    assert sim.add_synapse(E[0], 3, delay_ms=0.7).delay == 7 and sim.add_synapse(0, E[3]).delay == 1


def test_drawn_delays_in_ms(sim: Simulation, E: Population) -> None:
    many = sim.create(150, name="many")
    normal = sim.connect(many, many, probability=1.0, weight=0.1, delay_ms={"normal": [1.5, 0.3], "low": 0.5})
    assert (
        abs(normal.delay.mean() - 15) < 0.1 and abs(normal.delay.std() - 3) < 0.1 and normal.delay.min() >= 5
    )
    mu, sigma = np.log(2.0), 0.25
    lognormal = sim.connect(many, many, probability=1.0, weight=0.1, delay_ms={"lognormal": [mu, sigma]})
    assert abs(lognormal.delay.mean() - 20 * np.exp(sigma**2 / 2)) < 0.2


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            {"delay_ms": 0.15},
            r"delay_ms: must be a whole number of steps of 0\.1 ms; got 0\.15 ms; 0\.1 and 0\.2 are",
        ),
        ({"delay_ms": 0.0}, r"delay_ms: must be from 0\.1 to 6553\.5 ms, 1 to 65535 steps; got 0 ms"),
        ({"delay_ms": 7000.0}, r"delay_ms: must be from 0\.1 to 6553\.5 ms"),
        ({"delay_ms": [0.1, 0.25]}, r"delay_ms: must be a whole number of steps"),
        ({"delay_ms": {"uniform": [0.1, 0.25]}}, r"delay_ms\.uniform: must be a whole number of steps"),
        (
            {"delay_ms": {"normal": [1.0, 1.0], "low": 0.25}},
            r"delay_ms\.low: must be a whole number of steps",
        ),
        ({"delay_ms": {"normal": [1.0]}}, r"delay_ms\.normal: must be two finite numbers, in ms"),
        ({"delay_ms": {"gamma": [1.0]}}, r"delay: must be"),
        ({"delay_ms": 1.0, "delay": 3}, r"delay, delay_ms: must not be given both; got 3 and 1\.0"),
        (
            {"delay": 2.5},
            r"delay: must be a whole number >= 1, of steps; got 2\.5 \(delay_ms=2\.5 would be ms\)",
        ),
        ({"delay_ms": "1 ms"}, r"delay_ms: must be numbers"),
    ],
)
def test_bad_delays_in_ms(sim: Simulation, E: Population, arguments: Any, message: str) -> None:
    with pytest.raises((ValueError, TypeError), match=f"^{message}"):
        sim.connect(E, E, probability=0.1, weight=0.1, **arguments)
    assert not sim.projections


# ---- records ---------------------------------------------------------------------------------------------------


def test_samples_in_ms_are_those_in_steps(sim: Simulation, E: Population) -> None:
    p = sim.connect(E, E, probability=0.5, weight=0.1, rule="stdp")
    pairs = [
        (StateMonitor(sim, "v_membrane", E, every_ms=2.0), StateMonitor(sim, "v_membrane", E, 20)),
        (LevelMonitor(sim, every_ms=0.5), LevelMonitor(sim, 5)),
        (SynapseMonitor(sim, p, every_ms=3), SynapseMonitor(sim, p, every=30)),
    ]
    sim.run(ms=10)
    for in_ms, in_steps in pairs:
        assert np.array_equal(in_ms.values, in_steps.values) and np.array_equal(in_ms.time, in_steps.time)
    assert pairs[0][0].time.tolist() == [2.0, 4.0, 6.0, 8.0, 10.0]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"every_ms": 0.05}, r"every_ms: must be a whole number of steps of 0\.1 ms; got 0\.05 ms; 0\.1 is"),
        ({"every_ms": 0}, r"every_ms: must be >= 0\.1 ms; got 0 ms"),
        ({"every_ms": 1.0, "every": 3}, r"every, every_ms: must not be given both; got 3 and 1\.0"),
        (
            {"every": 2.5},
            r"every: must be a whole number >= 1, of steps; got 2\.5 \(every_ms=2\.5 would be ms\)",
        ),
        ({"every": 0}, "every: must be a whole number >= 1; got 0"),
    ],
)
def test_bad_distances_of_samples(sim: Simulation, E: Population, arguments: Any, message: str) -> None:
    p = sim.connect(E, E, probability=0.5, weight=0.1, rule="stdp")
    makers: list[Any] = [
        lambda **how: StateMonitor(sim, "v_membrane", **how),
        lambda **how: LevelMonitor(sim, **how),
        lambda **how: SynapseMonitor(sim, p, **how),
    ]
    for make in makers:
        with pytest.raises((ValueError, TypeError), match=f"^{message}"):
            make(**arguments)


# ---- experiments -----------------------------------------------------------------------------------------------


def test_experiments_in_ms() -> None:
    told = check_experiment({"duration": 500.0, "steps": 3, "image_duration": 30.0}, ["V1"], {})
    assert (told.in_steps(0.5).steps, told.in_steps(0.5).steps_per_image) == (1000, 60)
    assert int(run_experiment("brain_base_model.json", ms=40, seed=1)["steps"]) == 40
    with pytest.raises(ValueError, match=r"ms: must be a whole number of steps of 1 ms; got 40\.5 ms"):
        run_experiment("brain_base_model.json", ms=40.5, seed=1)
    with pytest.raises(TypeError, match="steps, ms: must not be given both; got 3 and 3"):
        run_experiment("brain_base_model.json", ms=3, steps=3)


# ---- numbers in seconds or volts -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda sim, E: sim.create(2, tau_m=0.02), r"tau_m: .* seconds\? 0\.02 s would be 20\.0"),
        (lambda sim, E: sim.create(2, v_rest=-0.07), r"v_rest: .* volts\? -0\.07 V would be -70\.0"),
        (
            lambda sim, E: sim.create(2, tau_syn_excitatory=0.005),
            r"tau_syn_excitatory: .* 0\.005 s would be 5\.0",
        ),
        (lambda sim, E: sim.create(2, v_membrane={"uniform": [-0.065, -0.05]}), "v_membrane: .* volts"),
        (lambda sim, E: setattr(E, "v_membrane", -0.07), r"E\.v_membrane: .* volts"),
        (
            lambda sim, E: sim.create(2, i_offset=376.0),
            r"i_offset: is in mV, .* did you mean pA\? pA divided by C_m",
        ),
        (lambda sim, E: setattr(E, "i_offset", [376.0] * 20), r"E\.i_offset: is in mV, .* did you mean pA\?"),
        (
            lambda sim, E: sim.create(2, "adex", i_offset=0.8),
            r"i_offset: is in pA; .* nA\? 0\.8 nA would be 800\.0",
        ),
        (
            lambda sim, E: sim.create(2, "adex", i_offset=[0.0, 0.8]),
            r"i_offset: is in pA; .*did you mean nA\?",
        ),
        (lambda sim, E: setattr(E, "tau_m", np.full(20, 0.02)), r"E\.tau_m: .* seconds"),
        (lambda sim, E: setattr(sim.model.neurons, "tau_m", 0.02), r"neurons\.tau_m: .* seconds"),
        (lambda sim, E: Simulation(dt=0.0001), r"dt: is in ms; got 0\.0001, .* 0\.0001 s would be 0\.1"),
        (lambda sim, E: DopamineSystem(tau=0.2), r"dopamine\.state\.tau: .* 0\.2 s would be 200\.0"),
        (lambda sim, E: setattr(sim.neuromodulation.serotonin.state, "tau", 0.5), r"serotonin\.state\.tau"),
        (
            lambda sim, E: sim.connect(E, E, probability=0.1, weight=0.1, short_term={"tau_rec": 0.8}),
            r"short_term\.tau_rec: is in ms; got 0\.8, did you mean seconds\? 0\.8 s would be 800\.0",
        ),
        (
            lambda sim, E: sim.connect(
                E, E, probability=0.1, weight=0.1, rule={"rule": "stdp", "tau_plus": 0.02}
            ),
            r"rule\.tau_plus: .* seconds",
        ),
        (
            lambda sim, E: create_neuromodulation_system({"dopamine": {"tau": 0.2}}),
            r"neuromodulation\.dopamine\.tau: .* seconds",
        ),
        (
            lambda sim, E: BrainModel("brain_base_model.json").add_neuron(0, 0, 0, 0, params={"tau_m": 0.02}),
            r"params\.tau_m: .* seconds",
        ),
        (
            lambda sim, E: Simulation(BrainModel("brain_base_model.json")).initialize_neurons(
                ["V1_like"], 0.001, params={"v_threshold": -0.05}
            ),
            r"params\.v_threshold: .* volts",
        ),
        (
            lambda sim, E: BrainModel(config={"areas": [], "simulation": {"dt": 0.0001}}),
            r"simulation\.dt: .* seconds",
        ),
    ],
)
def test_numbers_that_look_like_another_unit_are_doubted(
    sim: Simulation, E: Population, make: Any, message: str
) -> None:
    with pytest.warns(NeuromodWarning, match=message) as caught:
        make(sim, E)
    assert len([w for w in caught if "did you mean" in str(w.message)]) == 1


def test_an_error_says_what_unit_was_likely_meant(sim: Simulation) -> None:
    with pytest.raises(ConfigError) as error:
        sim.create(2, v_reset=-0.07)
    assert len(error.value.problems) == 2 and error.value.problems[1].endswith(
        "volts? -0.07 V would be -70.0"
    )
    lattice = Simulation(BrainModel("brain_base_model.json"))
    with pytest.raises(
        ConfigError, match=r"params\.v_threshold: must be > v_reset .*\n.*did you mean volts\?"
    ):
        lattice.initialize_neurons(["V1_like"], 0.001, params={"v_reset": -0.07})


def test_numbers_in_use_are_not_doubted(sim: Simulation) -> None:
    Simulation(dt=0.01), Simulation(dt=0.0125)
    sim.create(
        2, tau_m=1.0, v_rest=0.0, v_reset=-1.0, v_threshold=1.0, refractory_period=0.1, tau_syn_excitatory=0.5
    )
    sim.create(2, "izhikevich", a=0.02, i_offset=10.0)
    sim.create(2, i_offset=-150.0)
    sim.create(2, "adex", i_offset=[0.0, 100.0])
    sim.create(2, "adex", i_offset=0.0)
    E.external_input = 1000.0
    DopamineSystem(tau=1.0)


@pytest.mark.filterwarnings("error")
def test_a_doubted_call_that_raises_has_changed_nothing(sim: Simulation, E: Population) -> None:
    before = sim.digest()  # warnings are errors in these tests
    for make in (lambda: sim.create(2, tau_m=0.02), lambda: setattr(E, "tau_m", 0.02)):
        with pytest.raises(NeuromodWarning):
            make()
    assert sim.digest() == before


# ---- names and many problems -----------------------------------------------------------------------------------


def test_near_names(sim: Simulation, E: Population) -> None:
    with pytest.raises(ValueError, match=r"variable: must be one of .*; did you mean 'v_membrane'\?"):
        StateMonitor(sim, "v_mem")
    with pytest.raises(
        ValueError, match=r"name: must be one of .*; got 'dopamin'; did you mean 'dopamine'\?"
    ):
        sim.neuromodulation.event("dopamin", 1.0)
    with pytest.raises(
        ValueError, match=r"model: must be one of .*; got 'izhikevic'; did you mean 'izhikevich'\?"
    ):
        Simulation(BrainModel("brain_base_model.json")).initialize_neurons(["V1_like"], model="izhikevic")
    with pytest.raises(
        ValueError, match=r"pre: must be the name of an area or population; got 'Ee'; did you mean 'E'"
    ):
        sim.connect("Ee", E, probability=0.1, weight=1.0)


def test_connect_reports_all_problems_at_once(sim: Simulation, E: Population) -> None:
    before = sim.digest()
    with pytest.raises(ConfigError) as error:
        sim.connect(
            "Ee",
            3.5,
            probability=2,
            in_degree=3,
            weight={"normal": [1]},
            delay_ms=0.25,
            rule="stpd",
            synapse_type="exc",
            port=3,
            modulators=["dopamin"],
            autapses=3,
            name="",
        )
    assert [line.split(":")[0] for line in error.value.problems] == [
        *("modulators", "delay_ms", "rule.rule", "pre", "post", "synapse_type", "port", "name", "autapses"),
        *("connect", "weight.normal"),
    ]
    with pytest.raises(ConfigError) as error:
        sim.connect(E, E, in_degree=-1, weight="x", delay=0.5)
    assert [line.split(":")[0] for line in error.value.problems] == ["delay", "in_degree", "weight"]
    assert sim.digest() == before and not sim.projections


def test_one_problem_is_raised_as_it_came(sim: Simulation, E: Population) -> None:
    with pytest.raises(TypeError, match=r"^autapses: must be True or False; got 3$"):
        sim.connect(E, E, probability=0.1, weight=0.1, autapses=3)
    with pytest.raises(ValueError, match=r"^weight: must be at most weight_max"):
        sim.connect(E, E, probability=0.1, weight=5.0, rule="stdp")
    with pytest.raises(ValueError, match=r"^weight: a matrix must have a row for each source"):
        sim.connect(E, E, probability=0.1, weight=np.ones((3, 3)))


def test_together_keeps_only_bad_arguments() -> None:
    found = Together()
    assert found(int, "3") == 3 and found(int, "a") is None and len(found) == 1
    with pytest.raises(ValueError, match="invalid literal"):
        found.finish()
    with pytest.raises(ZeroDivisionError):
        found(lambda: 1 / 0)
    Together().finish()


@pytest.mark.parametrize(
    ("name", "meant"), [("V_th", "v_threshold"), ("E_L", "v_rest"), ("t_ref", "refractory_period")]
)
def test_names_of_other_simulators_find_ours(sim: Simulation, name: str, meant: str) -> None:
    with pytest.raises(ConfigError, match=f"{name}: unknown parameter; did you mean '{meant}'"):
        sim.create(3, "lif", **{name: 1.0})
    with pytest.raises(ConfigError, match=r"got 'iaf_psc_delta' .did you mean 'lif'"):
        sim.create(3, "iaf_psc_delta")


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            lambda s, n: s.connect(n, n, p=0.1),
            "connect: no such argument, 'p'; did you mean 'probability'[?]",
        ),
        (lambda s, n: s.connect(n, n, probabilty=0.1), "did you mean 'probability'[?]"),
        (lambda s, n: s.run(duration=100.0), "run: no argument 'duration'; did you mean 'ms'[?]"),
        (lambda s, n: Simulation(sed=1), "Simulation: no argument 'sed'; did you mean 'seed'[?]"),
        (lambda s, n: StateMonitor(s, "v_membrane", evry=2), "did you mean 'every'[?]"),
        (lambda s, n: s.connect(n), "missing 1 required positional argument: 'post'"),
        (lambda s, n: s.connect("A", ["B"]), "^pre: must "),
    ],
)
def test_a_wrong_name_of_an_argument_is_answered_with_the_near_one(
    sim: Simulation, call: Any, message: str
) -> None:
    some = sim.create(3, "lif", name="some")
    before = sim.digest()
    with pytest.raises((TypeError, ValueError), match=message):
        call(sim, some)
    assert sim.digest() == before


def test_an_error_within_a_call_stays_as_it_is() -> None:
    @names_near
    def outer(a: int) -> int:
        return inner(b=a)  # type: ignore[call-arg]

    def inner(a: int) -> int:
        return a

    with pytest.raises(TypeError, match=r"inner\(\) got an unexpected keyword argument 'b'"):
        outer(1)


def test_a_function_of_distance_is_not_blamed_for_a_wrong_edge(sim: Simulation) -> None:
    grid = sim.create(9, positions="grid")
    with pytest.raises(ValueError, match=r"^edge_wrap: must be a period") as caught:
        sim.connect(
            grid,
            grid,
            probability={"gaussian": [0.5, 1.0]},
            edge_wrap=True,
            weight=0.1,
            delay_ms=lambda d: 1.0 + d,
        )
    assert "delay" not in str(caught.value)


# ---- delays of synapses that are added later ----------------------------------------------------------------------


def test_synapses_are_added_with_delays_in_ms(sim: Simulation, E: Population) -> None:
    p = sim.connect(E, E, pairs=[[0, 1]], weight=0.1, name="p")
    one = p.add([[2, 3], [3, 2]], weight=0.1, delay_ms=1.5)
    assert p.delay[one].tolist() == [15, 15]
    two = p.add([[4, 5], [5, 4]], weight=0.1, delay_ms=[0.1, 0.2])
    assert p.delay[two].tolist() == [1, 2]


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"delay_ms": 0.25}, r"^delay_ms: must be a whole number of steps of 0\.1 ms"),
        ({"delay_ms": 0.0}, r"^delay_ms: must be from 0\.1"),
        ({"delay_ms": [0.1]}, r"^delay: must have one value for each of the 2 pairs"),
        (
            {"delay_ms": [[0.1, 0.2], [0.1, 0.2]]},
            r"^delay_ms: must be a number or a row of 2; got shape \(2, 2\)",
        ),
        ({"delay_ms": 0.1, "delay": 1}, r"^delay, delay_ms: must not be given both"),
        ({"delay_ms": lambda d: d}, r"^weight, delay: must be numbers or arrays"),
        (
            {"delay": 1.5},
            r"^delay: must be a whole number >= 1, of steps; got 1\.5 \(delay_ms=1\.5 would be ms\)",
        ),
    ],
)
def test_added_synapses_with_a_wrong_delay_are_refused(
    sim: Simulation, E: Population, given: dict[str, Any], message: str
) -> None:
    p = sim.connect(E, E, pairs=[[0, 1]], weight=0.1, name="p")
    with pytest.raises((ValueError, TypeError), match=message):
        p.add([[2, 3], [3, 2]], weight=0.1, **given)
    assert len(p) == 1


def test_delays_in_ms_need_the_step_of_a_simulation() -> None:
    sim = Simulation(dt=0.5, seed=1)
    E = sim.create(3)
    p = sim.connect(E, E, pairs=[[0, 1]], weight=0.1)
    other = Simulation(sim.model, dt=0.1, seed=1)
    with pytest.raises(
        ValueError, match=r"^delay_ms: .*got simulations with steps of 0\.1, 0\.5 ms; give delay"
    ):
        p.add([[1, 2]], weight=0.1, delay_ms=1.0)
    del other
    added = p.add([[1, 2]], weight=0.1, delay_ms=1.0)
    assert p.delay[added].tolist() == [2]


# ---- what is read-only says what to do ----------------------------------------------------------------------------


def test_a_write_to_delays_says_how_they_are_set(sim: Simulation, E: Population) -> None:
    p = sim.connect(E, E, pairs=[[0, 1], [2, 3]], weight=0.1, name="p")
    how = r"^projections\['p'\]\.delay: is read-only; set it as a whole: d = p\.delay\.copy\(\); d\[:5\] = 3; p\."
    with pytest.raises(ValueError, match=how):
        p.delay[:1] = 3
    with pytest.raises(ValueError, match=how):
        p.delay += 1
    with pytest.raises(ValueError, match=r"\.post_id: is read-only; rewire moves synapses"):
        p.post_id[0] = 3
    d = p.delay.copy()
    d[0] = 3
    p.delay = d
    assert sorted(p.delay.tolist()) == [1, 3]


def test_what_is_computed_from_a_read_only_array_is_a_plain_one(sim: Simulation, E: Population) -> None:
    p = sim.connect(E, E, pairs=[[0, 1], [2, 3]], weight=0.1, name="p")
    for made in (p.delay + 1, p.delay.copy(), p.delay * 0.5, np.sort(p.delay), p.delay.astype(float)):
        made[...] = 7
        assert made.flags.writeable
    assert type(p.delay + 1) is np.ndarray and type(p.delay.copy()) is np.ndarray
    assert repr(p.delay) == "array([1, 1], dtype=uint16)" and str(p.delay[:1]) == "[1]"
    assert type(pickle.loads(pickle.dumps(p.delay))) is np.ndarray
    out = np.zeros(2)
    assert np.add(p.delay, p.delay, out=out) is out and out.tolist() == [2.0, 2.0]
    assert p.delay.max() == 1 and np.add.reduce(p.delay) == 2


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda sim, E: OUCurrent(sim, E, 1.0, 1.0, tau=0.01), r"^tau: is in ms; .* 0\.01 s would be 10\.0"),
        (
            lambda sim, E: gamma_trains(2, 20.0, 2.0, 0.5, 1),
            r"^duration: is in ms; .* 0\.5 s would be 500\.0",
        ),
        (lambda sim, E: correlated_trains(2, 20.0, 0.5, duration=0.5, seed=1), "^duration: is in ms"),
    ],
)
def test_times_of_inputs_that_look_like_seconds_are_doubted(
    sim: Simulation, E: Population, make: Any, message: str
) -> None:
    with pytest.warns(NeuromodWarning, match=message):
        make(sim, E)


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda sim, E: SineCurrent(sim, E, amp=5.0), "SineCurrent: no argument 'amp'; did you mean 'amplitude'"),
        (lambda sim, E: sim.load("a.npz", sed=3), "load: no argument 'sed'; there are path, threads"),
        (lambda sim, E: sim.save("a.npz", None), "save: must have no more than 1 argument by position"),
        (lambda sim, E: sim.reset(weight=True), "reset: no argument 'weight'; did you mean 'weights'"),
        (lambda sim, E: gamma_trains(2, 20.0, 2.0, seeds=1), "gamma_trains: no argument 'seeds'; did you mean 'seed'"),
        (lambda sim, E: sim.every(ms=1.0, func=print), "every: no argument 'func'; did you mean 'function'"),
        (lambda sim, E: sim.neuromodulation.process_reward(rewad=1.0), "did you mean 'reward'"),
    ],
)  # fmt: skip
def test_inputs_files_and_hooks_answer_wrong_names_too(
    sim: Simulation, E: Population, call: Any, said: str
) -> None:
    with pytest.raises(TypeError) as caught:
        call(sim, E)
    assert said in str(caught.value)
