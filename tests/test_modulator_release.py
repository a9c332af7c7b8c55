"""Volume transmission: spikes that raise levels, against the oracle and against Poisson shot noise."""

from __future__ import annotations

import json
import math
from typing import Any

import numpy as np
import pytest
from oracle_modulators import Level

from neuromod import (
    BrainModel,
    LevelMonitor,
    NeuromodulationSystem,
    Simulation,
    SpikeMonitor,
    create_neuromodulation_system,
)

DOPAMINE = {"baseline": 0.1, "tau": 20.0}


def line_of_areas(sizes: dict[str, int], dt: float = 1.0, **more: dict[str, Any]) -> dict[str, Any]:
    """Areas along one axis, each of so many sites; `more` are keys of single areas by name."""
    areas, first = [], 0
    for name, size in sizes.items():
        ranges = {"x": [first, first + size - 1], "y": [0, 0], "z": [0, 0], "w": [0, 0]}
        areas.append({"name": name, "coord_ranges": ranges, **more.get(name, {})})
        first += size
    return {"lattice_shape": [first, 1, 1, 1], "areas": areas, "simulation": {"dt": dt}}


def scheduled(
    sizes: dict[str, int], spikes: dict[int, list[int]], system: NeuromodulationSystem, **more: dict[str, Any]
) -> Simulation:
    """Spike sources on every site; neuron -> the steps it fires in."""
    sim = Simulation(BrainModel(config=line_of_areas(sizes, **more)), seed=3, neuromodulation=system)
    sim.initialize_neurons(model="spike_source")
    for neuron, steps in spikes.items():
        sim.set_spike_times(neuron, [float(step) for step in steps])
    return sim


# ---- exact -------------------------------------------------------------------------------------------------

SPIKES = {0: [2, 3, 9], 1: [3], 2: [3, 4], 3: [5, 9]}  # areas: A holds 0 and 1, B holds 2, C holds 3


def test_levels_follow_the_spikes_of_the_releasing_areas_and_no_others() -> None:
    system = create_neuromodulation_system({"dopamine": DOPAMINE})
    system.add_release("dopamine", ["A", "C"], 0.125)
    sim = scheduled({"A": 2, "B": 1, "C": 1}, SPIKES, system)
    levels = LevelMonitor(sim)
    sim.run(12)
    count = {2: 1, 3: 2, 5: 1, 9: 2}
    oracle = Level(0.1, tau=20.0)
    course = [oracle.step([(0.125, count.get(step, 0))]) for step in range(1, 13)]
    np.testing.assert_allclose(levels.level("dopamine"), course, rtol=1e-15)
    assert (levels.level("serotonin") == 0.5).all()


def test_what_a_spike_releases_begins_to_decay_in_the_next_step_and_acts_from_it() -> None:
    """The spike of step 2 stands at the step's end: an additive release by hand between the steps is the same."""
    sections = {"norepinephrine": {"baseline": 0.0, "tau": 20.0}}
    by_spike, by_hand = (create_neuromodulation_system(sections) for _ in range(2))
    by_spike.add_release("norepinephrine", ["A"], 0.5)
    potentials = []
    for system in (by_spike, by_hand):
        sim = scheduled({"A": 1, "B": 1}, {0: [2]}, system, B={"model": "lif"})
        sim.model.remove_neuron(1)
        sim.initialize_neurons(["B"], model="lif")
        course = []
        for step in range(1, 5):
            sim.model.neurons.external_input[1] = 10.0
            sim.step()
            if step == 2 and system is by_hand:
                system.norepinephrine.release(0.5)
            course.append(sim.model.neurons.v_membrane[1])
        potentials.append(course)
    assert potentials[0] == potentials[1]
    assert by_spike.norepinephrine.state.level == pytest.approx(0.5 * math.exp(-2.0 / 20.0), rel=1e-15)
    kept = math.exp(-1.0 / 20.0)  # of the distance from rest, the neuron's tau being 20 ms, too
    plain = [-65.0 + 10.0 * (1.0 - kept**n) for n in (1, 2)]
    assert potentials[0][:2] == pytest.approx(plain, rel=1e-14)
    gain = 1.0 + 2.22 * 0.25
    assert potentials[0][2] == pytest.approx(
        -65.0 + (plain[1] + 65.0) * kept + 10.0 * gain * (1.0 - kept), rel=1e-14
    )


def test_each_region_gets_what_is_released_into_it() -> None:
    more = {"A": {"region": "midbrain"}, "B": {"region": "striatum"}, "C": {"region": "cortex"}}
    system = create_neuromodulation_system({"dopamine": DOPAMINE}, regions=["cortex", "striatum", "midbrain"])
    system.add_release("dopamine", ["A"], 0.0625, regions=["striatum", "cortex"])
    system.add_release("dopamine", ["B", "A"], -0.03125, regions=["cortex"])
    system.add_release("serotonin", ["C"], 0.25)
    sim = scheduled({"A": 2, "B": 1, "C": 1}, SPIKES, system, **more)
    levels = LevelMonitor(sim)
    sim.run(12)
    of_a, of_ba, of_c = {2: 1, 3: 2, 9: 1}, {2: 1, 3: 3, 4: 1, 9: 1}, {5: 1, 9: 1}
    striatum, cortex, serotonin = Level(0.1, tau=20.0), Level(0.1, tau=20.0), Level(0.5)
    expected = np.array(
        [
            (
                cortex.step([(0.0625, of_a.get(s, 0)), (-0.03125, of_ba.get(s, 0))]),
                striatum.step([(0.0625, of_a.get(s, 0))]),
                serotonin.step([(0.25, of_c.get(s, 0))]),
            )
            for s in range(1, 13)
        ]
    )
    np.testing.assert_allclose(levels.level("dopamine", "cortex"), expected[:, 0], rtol=1e-14)
    np.testing.assert_allclose(levels.level("dopamine", "striatum"), expected[:, 1], rtol=1e-14)
    np.testing.assert_allclose(levels.level("dopamine", "midbrain"), 0.1, rtol=1e-15)
    for region in levels.regions:
        np.testing.assert_allclose(levels.level("serotonin", region), expected[:, 2], rtol=1e-14)


def test_level_is_clipped_once_all_releases_of_a_step_are_added() -> None:
    system = create_neuromodulation_system({"dopamine": {"baseline": 0.5, "decay_rate": 0.0}})
    system.add_release("dopamine", ["A"], 0.75)
    system.add_release("dopamine", ["B"], -0.5)
    sim = scheduled({"A": 1, "B": 1}, {0: [1, 2, 3], 1: [1]}, system)
    sim.step()
    assert system.dopamine.state.level == 0.75  # 0.5 + 0.75 - 0.5, and not 1 - 0.5
    sim.step()
    assert system.dopamine.state.level == 1.0


def test_large_networks_count_every_spike_once() -> None:
    """5,000 releasing neurons among 6,000: more than one part of the network, and runs on both sides of its cuts."""
    config = line_of_areas({"A": 1500, "B": 1000, "C": 3500})
    system = create_neuromodulation_system({"dopamine": {"baseline": 0.0, "decay_rate": 1.0}})
    system.add_release("dopamine", ["A", "C"], 2.0**-12)
    sim = Simulation(BrainModel(config=config), seed=5, neuromodulation=system)
    ids = sim.initialize_neurons(model="poisson", params={"rate": 50.0})
    levels, spikes = LevelMonitor(sim), SpikeMonitor(sim)
    sim.run(50)
    area = sim.model.neurons.area[np.searchsorted(ids, spikes.id)]
    counts = np.bincount(spikes.step[area != 1], minlength=51)[1:]
    assert counts.min() > 180
    assert counts.max() < 310  # 244 on average, with a standard deviation of 15
    assert levels.level("dopamine").tolist() == (counts * 2.0**-12).tolist()


# ---- Poisson spikes: shot noise ----------------------------------------------------------------------------------


@pytest.mark.long
@pytest.mark.parametrize("dt", [1.0, 5.0])
def test_poisson_release_has_the_mean_and_variance_of_shot_noise(dt: float) -> None:
    """Mean b + a r tau and variance a**2 r tau / 2: 0.2 and 0.05 at tau 0.2 s, r 2/s, a 0.5.

    With a = 0.5 levels would often pass 1 and be clipped, so a is a tenth here, and the level is taken times 10:
    nothing is clipped, since 20 spikes within 100 ms have a probability of 1e-38.

    100 regions, each with a neuron of its own that releases into it, for 100 s, of which the first 2 s (10 tau) are
    left out. Level samples have the autocorrelation exp(-t / tau), so a time T holds T / (2 tau) independent ones for
    the mean and T / tau for the variance (whose own autocorrelation is its square): n = 100 * 98 / 0.4 = 24,500 and
    49,000. The standard error of the mean is sqrt(0.05 / 24,500) = 0.0014. That of the variance follows from the
    fourth cumulant of shot noise, a**4 r tau / 4 = 0.00625: sqrt((2 * 0.05**2 + 0.00625) / 49,000) = 0.00048.
    Four of each are allowed.

    A sample is taken at a step's end, just after its spikes: a step of dt = x tau holds r tau x spikes, which gives
    the mean a r tau x / (1 - exp(-x)) and the variance a**2 r tau x / (1 - exp(-2 x)), exactly; to the first order
    in x that is 1 + x / 2 and 1 + x times the values above, and those of the continuous process in the middle of a
    step. A poisson neuron fires at most once in a step, with 1 - exp(-r dt) for r dt: -1e-3 of the rate at 1 ms.
    """
    n, tau, rate, jump = 100, 200.0, 2.0, 0.05
    names = [f"R{k}" for k in range(n)]
    config = line_of_areas(dict.fromkeys(names, 1), dt=dt, **{name: {"region": name} for name in names})
    system = create_neuromodulation_system({"dopamine": {"baseline": 0.0, "tau": tau}}, regions=names)
    for name in names:
        system.add_release("dopamine", [name], jump, regions=[name])
    sim = Simulation(BrainModel(config=config), seed=11, neuromodulation=system)
    sim.initialize_neurons(model="poisson", params={"rate": rate})
    levels = LevelMonitor(sim, every=round(10.0 / dt))
    sim.run(round(100_000.0 / dt))
    level = 10.0 * levels.level("dopamine")[levels.time > 2000.0]
    assert level.max() < 10.0
    x = dt / tau
    per_step = -math.expm1(
        -rate * dt / 1000.0
    )  # spikes; Bernoulli, so the variance of their number is p (1 - p)
    mean = 10.0 * jump * per_step / -math.expm1(-x)
    variance = (10.0 * jump) ** 2 * per_step * (1.0 - per_step) / -math.expm1(-2.0 * x)
    assert level.mean() == pytest.approx(mean, abs=4 * 0.0014)
    assert level.var() == pytest.approx(variance, abs=4 * 0.00048)
    assert mean == pytest.approx(
        0.2, rel=x
    )  # the closed forms of the continuous process, to the first order in dt
    assert variance == pytest.approx(0.05, rel=2 * x)
    middle = level.mean() * math.exp(-x / 2.0)  # of a step, and of a spike's place in it
    assert middle == pytest.approx(0.2, abs=4 * 0.0014 + 0.2 * rate * dt / 2000.0)


# ---- with the network's changes, and saved -----------------------------------------------------------------------


def test_releasing_neurons_may_come_and_go() -> None:
    system = create_neuromodulation_system({"dopamine": {"baseline": 0.0, "decay_rate": 1.0}})
    sim = scheduled({"A": 2, "B": 2}, {0: [1, 2, 3], 1: [1, 2, 3], 2: [1, 2, 3], 3: [1, 2, 3]}, system)
    sim.step()
    assert system.dopamine.state.level == 0.0
    system.add_release("dopamine", ["A"], 0.125)  # after the simulation was made
    sim.step()
    assert system.dopamine.state.level == 0.25
    sim.model.remove_neuron(0)
    sim.step()
    assert system.dopamine.state.level == 0.125


def test_simulation_with_releases_goes_on_where_it_was_saved() -> None:
    sections = {
        "dopamine": {**DOPAMINE, "release": {"areas": ["A"], "amount": 0.01, "regions": ["striatum"]}},
        "own": {
            "tau": 30,
            "response": {"inverted_u": {"peak": 0.6}},
            "targets": ["gain", "threshold"],
            "release": [{"areas": ["A", "B"], "amount": 0.02}, {"areas": ["B"], "amount": -0.005}],
        },
    }
    more = {"A": {"region": "midbrain"}, "B": {"region": "striatum", "receptors": {"own": 0.5}}}
    config = line_of_areas({"A": 10, "B": 10}, **more) | {"neuromodulation": sections}
    model = BrainModel(config=config)
    system = create_neuromodulation_system(sections, regions=model.regions)
    sim = Simulation(model, seed=2, neuromodulation=system)
    sim.initialize_neurons(["A"], model="poisson", params={"rate": 40.0})
    sim.initialize_neurons(["B"])
    sim.model.neurons.drive_rate[10:], sim.model.neurons.drive_weight[10:] = 2000.0, 1.0
    system.own.set_tonic(0.75, region="striatum")
    sim.run(100)
    again = Simulation.from_dict(json.loads(json.dumps(sim.to_dict(), sort_keys=True)))
    assert again.neuromodulation.names == system.names
    assert again.neuromodulation.releases == system.releases
    assert again.digest() == sim.digest()
    for each in (sim, again):
        each.run(100)
    assert again.digest() == sim.digest()
    assert (system.level != again.neuromodulation._levels.baseline).any()
    single = Simulation.from_dict(json.loads(json.dumps(sim.to_dict())))
    sim.run(30)
    for _ in range(30):
        single.step()
    assert single.digest() == sim.digest()


def test_digest_tells_releases_and_declarations_apart() -> None:
    def digest(amount: float, peak: float, tonic: float) -> str:
        own = {"response": {"inverted_u": {"peak": peak}}, "targets": ["gain"]}
        system = create_neuromodulation_system({"own": own})
        system.add_release("own", ["A"], amount)
        system.own.state.tonic = tonic
        return scheduled({"A": 1}, {}, system).digest()

    digests = {digest(0.1, 0.5, 0.5), digest(0.2, 0.5, 0.5), digest(0.1, 0.6, 0.5), digest(0.1, 0.5, 0.6)}
    assert len(digests) == 4
    assert digest(0.1, 0.5, 0.5) in digests


# ---- what is refused ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        (
            ("dopamin", ["A"], 0.1),
            ValueError,
            r"^name: must be one of dopamine, .*; got 'dopamin'; did you mean 'dopamine'\?$",
        ),
        (
            ("dopamine", "A", 0.1),
            TypeError,
            r"^neuromodulation\.dopamine\.release\.areas: must be a seq.*got 'A' \(\['A'\] is one\)$",
        ),
        (("dopamine", [], 0.1), TypeError, r"^neuromodulation\.dopamine\.release\.areas: must be .*\[\]$"),
        (("dopamine", ["A"], math.nan), ValueError, r"^neuromodulation\.dopamine\.release\.amount: .* nan$"),
        (("dopamine", ["A"], 0.1, ["x"]), ValueError, r"\.release\.regions: must be .*\(global\); got 'x'$"),
        (
            ("dopamine", ["A"], 0.1, []),
            TypeError,
            r"\.release\.regions: must be a sequence of names; got \[\]$",
        ),
        (
            ("dopamine", ["A", "Z"], 0.1),
            ValueError,
            r"\.areas: must be areas of the model \(A, B\); got 'Z'$",
        ),
    ],
)
def test_bad_release_is_refused(arguments: Any, error: type[Exception], message: str) -> None:
    system = NeuromodulationSystem()
    scheduled({"A": 1, "B": 1}, {}, system)
    with pytest.raises(error, match=message):
        system.add_release(*arguments)
    assert system.releases == ()


def test_model_without_the_releasing_area_or_the_regions_is_refused() -> None:
    system = NeuromodulationSystem()
    system.add_release("dopamine", ["VTA"], 0.1)
    with pytest.raises(ValueError, match=r"^neuromodulation\.dopamine\.release\.areas: .*\(A\); got 'VTA'$"):
        scheduled({"A": 1}, {}, system)
    scheduled({"VTA": 1}, {}, system)
    two = NeuromodulationSystem(["a", "b"])
    with pytest.raises(
        ValueError, match=r"^neuromodulation\.regions: must be one for all, .*\(c\); got a, b$"
    ):
        scheduled({"A": 1}, {}, two, A={"region": "c"})
    scheduled({"A": 1}, {}, two, A={"region": "b"})
