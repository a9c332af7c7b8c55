"""Doors of ``connect`` and ``initialize_neurons``: distributions, bounds, signs, orders, all or nothing."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from neuromod import BrainModel, NeuromodWarning, Simulation, _core

Ints = np.ndarray


def two(n: int = 200, m: int = 200, seed: int = 1) -> Simulation:
    line = {"y": [0, 0], "z": [0, 0], "w": [0, 0]}
    areas = [
        {"name": "A", "neuron_type": "excitatory", "coord_ranges": {**line, "x": [0, n - 1]}},
        {"name": "B", "neuron_type": "inhibitory", "coord_ranges": {**line, "x": [n, n + m - 1]}},
    ]
    config = {"lattice_shape": [n + m, 1, 1, 1], "areas": areas, "plasticity": {"rule": "hebbian"}}
    sim = Simulation(BrainModel(config=config), seed=seed)
    sim.initialize_neurons()
    return sim


def made(sim: Simulation, pre: str = "A", post: str = "B", **how: Any) -> Any:
    return sim.connect(pre, post, **{"probability": 1.0, "weight": 0.1, "rule": "none", **how})


# ---- delays --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("low", "high"), [(1, 5), (3, 3), (10, 27), (65530, 65535)])
def test_a_uniform_delay_has_each_whole_step_alike(low: int, high: int) -> None:
    """Chi-square of 40,000 draws: mean k - 1, standard deviation sqrt(2 (k - 1)); within 5 of them."""
    delay = made(two(), delay={"uniform": [low, high]}).delay
    count = np.bincount(delay, minlength=high + 1)[low:]
    assert count.sum() == len(delay) == 40_000
    k = high - low + 1
    chi = ((count - 40_000 / k) ** 2 / (40_000 / k)).sum()
    assert chi <= k - 1 + 5.0 * math.sqrt(2.0 * (k - 1))


@pytest.mark.parametrize(("mean", "sd", "low"), [(15.0, 7.5, 1), (1.0, 2.0, 1), (5.0, 3.0, 4)])
def test_a_normal_delay_is_drawn_again_below_the_least(mean: float, sd: float, low: int) -> None:
    delay = made(two(), delay={"normal": [mean, sd], **({"low": low} if low > 1 else {})}).delay

    def below(x: float) -> float:
        return 0.5 * math.erfc((mean - x) / sd / math.sqrt(2.0))

    for step in range(low, low + 4):
        share = (below(step + 0.5) - below(step - 0.5)) / (1.0 - below(low - 0.5))
        assert (delay == step).mean() == pytest.approx(share, abs=4.5 * math.sqrt(share / 40_000))
    assert delay.min() == low


def test_a_clipped_delay_piles_up_as_asked() -> None:
    delay = made(two(), delay={"normal": [1.0, 2.0], "outside": "clip"}).delay
    assert (delay == 1).mean() == pytest.approx(0.5 * math.erfc(-0.25 / math.sqrt(2.0)), abs=0.01)


@pytest.mark.parametrize(
    ("delay", "message"),
    [
        ({"uniform": [0, 5]}, r"^delay.uniform: must be two whole steps from 1 to 65535; got \[0, 5\]$"),
        ({"uniform": [1.5, 5]}, r"whole steps from 1 to 65535; got \[1.5, 5\]"),
        ({"uniform": [1, 65536]}, r"got \[1, 65536\]"),
        (
            {"normal": [-50.0, 1.0]},
            r"^delay.normal: must fall between .* once in 100 draws; got mean -50, sd 1$",
        ),
        ({"normal": [3.0, 0.0], "low": 5}, r"^delay.normal: must fall between .*; got mean 3, sd 0$"),
        ({"normal": [3.0, -1.0]}, r"^delay.normal: the standard deviation must be >= 0; got -1.0$"),
        ({"normal": [3.0, 1.0], "low": 5, "high": 4}, r"^delay.low: must be <= high; got 5.0 and 4.0$"),
        (
            {"normal": [3.0, 1.0], "outside": "wrap"},
            r"^delay.outside: must be 'redraw' or 'clip'; got 'wrap'$",
        ),
        ({"uniform": [3, 4], "low": 3}, r"^delay: must be "),
        ({"normal": [3.0, 1.0], "lo": 3}, r"^delay: must be "),
    ],
)
def test_delays_that_cannot_be_drawn_are_refused(delay: Any, message: str) -> None:
    sim = two(10, 10)
    with pytest.raises(ValueError, match=message):
        made(sim, delay=delay)
    assert not sim.projections


# ---- weights -------------------------------------------------------------------------------------------------


def test_weights_of_the_wrong_sign_are_refused_or_drawn_again_or_clipped() -> None:
    sim = two()
    with pytest.raises(
        ValueError,
        match=r"^weight.normal: must not be below 0 for .*; got \d+ of 40000 below 0 of mean 0.1, sd 0.1; .*low",
    ):
        made(sim, weight={"normal": [0.1, 0.1]})
    with pytest.raises(ValueError, match=r"^weight.normal: must have one sign.*mean 0.1, sd 0.1"):
        made(sim, "B", "A", weight={"normal": [0.1, 0.1]})
    with pytest.raises(ValueError, match=r"^weight.uniform: must not be below 0.*low -0.1, high 0.2$"):
        made(sim, weight={"uniform": [-0.1, 0.2]})
    with pytest.raises(ValueError, match=r"^weight.choice: must not be below 0.*got \[1, -1\]$"):
        made(sim, weight={"choice": [1, -1]})
    with pytest.raises(ValueError, match=r"^weight.choice: must have one sign.*got \[1, -1\]$"):
        made(sim, "B", "A", weight={"choice": [1, -1]})
    assert not sim.projections
    again = made(sim, weight={"normal": [0.1, 0.1], "low": 0}).weight
    # a normal cut at -1 sd: mean + sd phi(1) / Phi(1)
    right = 0.1 + 0.1 * math.exp(-0.5) / math.sqrt(2.0 * math.pi) / 0.5 / math.erfc(-1.0 / math.sqrt(2.0))
    assert again.min() >= 0.0
    assert again.mean() == pytest.approx(right, abs=0.002)
    clipped = made(sim, weight={"normal": [0.1, 0.1], "low": 0, "outside": "clip"}).weight
    assert (clipped == 0.0).mean() == pytest.approx(0.1587, abs=0.01)
    assert made(sim, "B", "A", weight={"normal": [-0.5, 0.05]}).weight.max() < 0.0
    assert made(sim, weight={"normal": [0.0, 0.1], "low": -1}).weight.min() < -0.1  # asked for


def test_what_is_inside_does_not_depend_on_what_is_drawn_again() -> None:
    free = made(two(), weight={"normal": [1.0, 0.3], "low": -9}).weight
    bound = made(two(), weight={"normal": [1.0, 0.3], "low": 0.5, "high": 2.0}).weight
    inside = (free >= 0.5) & (free <= 2.0)
    assert 0.9 < inside.mean() < 1.0
    assert free[inside].tobytes() == bound[inside].tobytes()
    assert bound.min() >= 0.5
    assert bound.max() <= 2.0
    assert len(np.unique(bound[~inside])) > 0.99 * (~inside).sum()


def test_lognormal_weights() -> None:
    size = np.log(np.abs(made(two(), "B", "A", weight={"lognormal": [-1.0, 0.5]}).weight))
    assert size.mean() == pytest.approx(-1.0, abs=0.01)
    assert size.std() == pytest.approx(0.5, abs=0.01)
    assert made(two(), weight={"lognormal": [-1.0, 0.5], "high": 0.5}).weight.max() <= 0.5


@pytest.mark.parametrize("rule", ["hebbian", "stdp", "rstdp", "triplet", "bcm"])
@pytest.mark.parametrize("pre", ["A", "B"])
def test_weights_outside_the_bounds_are_refused_at_every_door(rule: str, pre: str) -> None:
    if pre == "B" and rule == "bcm":
        pytest.skip("the bounds are the same code")
    sim = two(4, 4)
    post = "A" if pre == "B" else "B"
    about = {"rule": rule, "weight_min": 0.2, "weight_max": 0.8}
    for bad, bound in ((3.0, "weight_max, 0.8 mV"), (0.1, "weight_min, 0.2 mV")):
        for weight in (bad, np.full((4, 4), bad), {"uniform": [bad, bad]}):
            with pytest.raises(
                ValueError, match=rf"^weight.*: must be .*{bound}, under rule '{rule}'; got {bad:g}"
            ):
                made(sim, pre, post, weight=weight, rule=about)
    assert not sim.projections
    p = made(sim, pre, post, weight=0.8, rule=about, name="p")  # the bound itself, in float32 above it
    sim.run(3)
    with pytest.raises(ValueError, match=r"^weight: must be at most weight_max"):
        p.weight = 0.9
    p.weight[3] = 0.9
    before = sim.current_step
    with pytest.raises(
        ValueError, match=r"^projections\['p'\].weight: must be at most weight_max.*got 0.9 \(position 3\)"
    ):
        sim.run(2)
    assert sim.current_step == before
    p.weight[3] = 0.5
    sim.run(2)


def test_single_synapses_are_held_to_the_bounds() -> None:
    model = two(2, 2).model
    with pytest.raises(
        ValueError, match=r"^weight: must be at most weight_max, 1 mV, under rule 'hebbian'; got 3$"
    ):
        model.add_synapse(0, 1, weight=3.0)
    assert len(model.synapses) == 0
    synapse = model.add_synapse(0, 1, weight=1.0)
    with pytest.raises(
        ValueError, match=r"^weight: must be finite, and at most 3.4e\+38 in size; got 1e\+39$"
    ):
        synapse.weight = 1e39
    assert synapse.weight == 1.0


@pytest.mark.parametrize("weight", [1e39, -1e39, [[1e39]], {"normal": [1e39, 1.0]}, {"uniform": [0.0, 1e39]}])
def test_weights_beyond_float32_are_refused(weight: Any) -> None:
    sim = two(1, 1)
    with pytest.raises(ValueError, match=r"^weight.*3.4e\+38.*1e\+39"):
        made(sim, weight=weight)
    assert not sim.projections


def test_a_matrix_is_by_source_and_target_in_the_order_given() -> None:
    sim = two(5, 4)
    matrix, delays = np.arange(1.0, 21.0).reshape(5, 4) / 100.0, np.arange(1, 21).reshape(5, 4)
    pre, post = [3, 0, 4, 1, 2], [8, 5, 7, 6]
    for how in ({"probability": 1.0}, {"probability": 0.5}, {"in_degree": 3}):
        p = sim.connect(pre, post, **how, weight=matrix, delay=delays, rule="none")  # type: ignore[arg-type]
        i = [pre.index(k) for k in p.pre_id]
        j = [post.index(k) for k in p.post_id]
        assert p.weight.tolist() == matrix[i, j].astype(np.float32).tolist()
        assert p.delay.tolist() == delays[i, j].tolist()
    with pytest.raises(
        ValueError, match=r"^weight: a matrix must have a row for each source.*\(5, 4\); got shape \(4, 5\)$"
    ):
        made(sim, weight=matrix.T)
    with pytest.raises(
        ValueError, match=r"^pre: must name each neuron once where weights or delays are a matrix$"
    ):
        sim.connect([0, 0], [5], probability=1.0, weight=[[0.1], [0.2]], rule="none")


# ---- orders, autapses ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("delays", [False, True])
def test_the_given_order_of_pairs_is_available(delays: bool) -> None:
    sim, rng = two(30, 30), np.random.default_rng(2)
    pairs = np.stack([rng.integers(0, 30, 300), rng.integers(30, 60, 300)], axis=1)
    weight = np.arange(300) / 1000.0
    delay = rng.integers(1, 9, 300) if delays else 2
    p = sim.connect("A", "B", pairs=pairs, weight=weight, delay=delay, rule="stdp", name="p")

    def in_order(one: Any) -> None:
        assert one.pre_id.tolist() == pairs[one.order, 0].tolist()
        assert one.post_id.tolist() == pairs[one.order, 1].tolist()
        assert one.weight.tolist() == weight[one.order].astype(np.float32).tolist()

    in_order(p)
    assert p.weight[np.argsort(p.order)].tolist() == weight.astype(np.float32).tolist()
    in_order(sim.copy().projections["p"])
    in_order(Simulation.from_dict(sim.to_dict()).projections["p"])
    sim.model.remove_neuron(7)
    in_order(p)
    assert made(sim).order is None


def test_pairs_of_a_neuron_with_itself_are_refused_unless_asked_for() -> None:
    sim = two(4, 4)
    with pytest.raises(
        ValueError, match=r"^pairs: must not connect a neuron to itself unless .*; got \(3, 3\)$"
    ):
        sim.connect("A", "A", pairs=[[1, 2], [3, 3]], weight=0.1)
    assert not sim.projections
    assert len(sim.connect("A", "A", pairs=[[1, 2], [3, 3]], weight=0.1, autapses=True)) == 2


# ---- neurons -------------------------------------------------------------------------------------------------


def test_an_area_named_twice_is_refused() -> None:
    sim = Simulation(BrainModel("brain_base_model.json"), seed=1)
    with pytest.raises(ValueError, match=r"^area_names: must name each area once; got 'V1_like' twice$"):
        sim.initialize_neurons(["V1_like", "A1_like", "V1_like"], 0.1)
    assert len(sim.model.neurons) == 0


@pytest.mark.parametrize("model", ["lif", "adex"])
def test_a_failure_for_want_of_memory_adds_no_neuron(model: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The k-th block is refused, for every k until none is: the network stays as it was, and goes on."""
    sim = Simulation(BrainModel("brain_base_model.json"), seed=1)
    sim.initialize_neurons(["V1_like"], 0.001)
    sim.run(2)
    held = sim.model.neurons.v_membrane
    before, names = sim.digest(), dir(sim.model.neurons)
    real, left = _core.aligned, [0]

    def short(*given: Any) -> Any:
        left[0] -= 1
        if left[0] == 0:
            raise MemoryError
        return real(*given)

    monkeypatch.setattr(_core, "aligned", short)
    for k in range(1, 200):
        left[0] = k
        try:
            sim.initialize_neurons(["A1_like", "Striatum_like"], 0.1, model=model)
        except MemoryError:
            assert sim.digest() == before
            assert dir(sim.model.neurons) == names
            assert held.flags.writeable
        else:
            break
    left[0] = 0
    assert k > 10
    assert sim.digest() != before


def test_running_an_empty_network_warns() -> None:
    sim = Simulation(BrainModel("brain_base_model.json"), seed=1)
    for call in (sim.step, lambda: sim.run(3)):
        with pytest.warns(NeuromodWarning, match="the network has no neurons"):
            call()


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda s: s.run(10**30), "n_steps: must be at most"),
        (lambda s: Simulation(s.model, threads=2**31), "threads: must be at most 2147483647"),
        (
            lambda s: Simulation(s.model, dt=10**400),
            "dt: must be > 0 ms, from 1e-09 to 1e\\+15; got an integer of 1329",
        ),
        (lambda s: s.set_spike_times(0, [1e19]), "ids: must be spike_source"),
    ],
)
def test_numbers_of_any_size_get_a_sentence(call: Any, message: str) -> None:
    with pytest.raises(ValueError, match=f"^{message}"):
        call(two(2, 2))


@pytest.mark.parametrize(("synapse_type", "rule"), [("inhibitory", "istdp"), ("excitatory", "stdp")])
def test_drawn_weights_of_0_do_not_pass_a_lower_bound(synapse_type: str, rule: str) -> None:
    sim = Simulation(seed=1)
    cells = sim.create(10, "poisson", rate=50.0, name="cells")
    bounded = {"rule": rule, "weight_min": 0.1}
    with pytest.raises(ValueError, match=r"must be at least weight_min, 0\.1 mV"):
        sim.connect(
            cells, cells, in_degree=1, weight={"uniform": [0, 0]}, rule=bounded, synapse_type=synapse_type
        )
