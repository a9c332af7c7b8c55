"""`neuromod.plasticity`: the rules for one synapse or for arrays, held to the simulation and to their formulas."""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from plastic_network import network

from neuromod import Synapse, _core
from neuromod.plasticity import hebbian_update, istdp_update, stdp_update, triplet_update, weight_decay_update

UPDATES: dict[str, Callable[..., Any]] = {
    "hebbian": lambda weight, **options: hebbian_update(weight, True, True, **options),
    "stdp": lambda weight, **options: stdp_update(weight, 3.0, **options),
    "istdp": lambda weight, **options: istdp_update(weight, 3.0, **options),
    "triplet": lambda weight, **options: triplet_update(weight, [5.0, 9.0], [3.0, 12.0], **options),
    "decay": lambda weight, **options: weight_decay_update(weight, 0.1, **options),
}
every_update = pytest.mark.parametrize("update", UPDATES.values(), ids=UPDATES)


@pytest.mark.parametrize("name", ["hebbian", "stdp", "istdp", "triplet"])
def test_defaults_are_those_of_the_table_in_c(name: str) -> None:
    functions = {
        "hebbian": hebbian_update,
        "stdp": stdp_update,
        "istdp": istdp_update,
        "triplet": triplet_update,
    }
    function = functions[name]
    given = {key: p.default for key, p in inspect.signature(function).parameters.items()}
    for key, field in _core.plasticity_rules()[name]["params"].items():
        assert given[key] == field["default"]


@pytest.mark.parametrize(
    ("pre", "post", "change"), [(1, 1, 0.01), (1, 0, -0.005), (0, 1, 0.0), (0, 0, 0.0), (True, False, -0.005)]
)
def test_hebbian_of_a_number(pre: int, post: int, change: float) -> None:
    new = hebbian_update(0.5, pre, post)
    assert isinstance(new, float)
    assert new == pytest.approx(0.5 + change, rel=1e-15)


@pytest.mark.parametrize("delta_t", [-50.0, -3.5, -1e-9, 1e-9, 12.0, 80.0, math.inf, -math.inf])
def test_stdp_of_a_number(delta_t: float) -> None:
    change = 0.03 * math.exp(-delta_t / 7.0) if delta_t > 0 else -0.02 * math.exp(delta_t / 9.0)
    new = stdp_update(0.5, delta_t, 0.02, 0.04 / 3.0, 7.0, 9.0, learning_rate=1.5)
    assert new == pytest.approx(0.5 + change, rel=1e-15)


@pytest.mark.parametrize(
    ("coincident", "stdp", "istdp"),
    [("half", -0.001, 0.008), ("pre_first", 0.01, 0.008), ("none", 0.0, -0.002)],
)
def test_pairs_at_one_time(coincident: str, stdp: float, istdp: float) -> None:
    assert stdp_update(0.5, 0.0, coincident=coincident) == pytest.approx(0.5 + stdp, rel=1e-15)
    assert stdp_update(0.5, -0.0, coincident=coincident) == pytest.approx(0.5 + stdp, rel=1e-15)
    assert istdp_update(0.5, 0.0, coincident=coincident) == pytest.approx(0.5 + istdp, rel=1e-15)


def test_half_a_loss_comes_before_half_a_gain() -> None:
    """At the lower bound the loss is cut off, and the gain is not."""
    assert stdp_update(0.0, 0.0) == pytest.approx(0.005, rel=1e-15)
    assert stdp_update(1.0, 0.0) == pytest.approx(0.999, rel=1e-15)


@pytest.mark.parametrize("coincident", ["half", "pre_first", "none"])
@pytest.mark.parametrize(("rule", "update"), [("stdp", stdp_update), ("istdp", istdp_update)])
def test_what_the_simulation_does_to_a_pair_the_functions_do(
    rule: str, update: Callable[..., Any], coincident: str
) -> None:
    """Distances from -15 to 15 steps, and more synapses than one chunk holds. Weights stop at their bounds. A visit
    rounds to one of the two nearest float32, so that the mean of all errors is a tenth of one."""
    n = 700
    weight = np.random.default_rng(2).uniform(0.0, 1.0, n).astype(np.float32)
    weight[:31], weight[31:62] = 0.0, 1.0
    distance = np.arange(n) % 31 - 15
    trains: dict[int, list[int]] = {0: [20, 60]} | {i + 1: [21 + int(d)] for i, d in enumerate(distance)}
    net = network(
        {"rule": rule, "coincident": coincident},
        [(0, i + 1) for i in range(n)],
        trains,
        n_neurons=n + 1,
        weight=weight,
    )
    net.sim.run(55)
    new = update(weight.astype(np.float64), distance * 1.0, coincident=coincident)
    ulps = (net.weight - new) / np.spacing(np.maximum(np.abs(new), 0.01).astype(np.float32))
    assert np.abs(ulps).max() <= 3.1  # three visits
    assert abs(ulps.mean()) < 0.15


def test_what_the_simulation_does_in_one_event_hebbian_update_does() -> None:
    n = 700
    weight = np.random.default_rng(2).uniform(0.0, 1.0, n).astype(np.float32)
    fires = np.arange(n) % 3 == 0
    trains: dict[int, list[int]] = {0: [1]} | {i + 1: [2] for i in np.flatnonzero(fires).tolist()}
    net = network({"rule": "hebbian"}, [(0, i + 1) for i in range(n)], trains, n_neurons=n + 1, weight=weight)
    net.sim.run(5)
    new = hebbian_update(weight.astype(np.float64), True, fires)
    ulps = (net.weight - new) / np.spacing(np.maximum(np.abs(new), 1e-9).astype(np.float32))
    assert np.abs(ulps).max() <= 1.0
    assert abs(ulps.mean()) < 0.1


# ---- kinds of arguments ---------------------------------------------------------------------------------------


@every_update
def test_a_synapse_is_changed_in_place(update: Callable[..., Any]) -> None:
    synapse = Synapse(pre_id=0, post_id=1, weight=0.5)
    new = update(synapse)
    assert new == synapse.weight
    assert new == pytest.approx(update(0.5), rel=1e-7)
    assert new != 0.5


@every_update
def test_a_synapse_of_a_network_is_changed_in_its_columns(update: Callable[..., Any]) -> None:
    net = network({"rule": "hebbian"}, [(0, 1), (1, 0)], {}, n_neurons=2)
    new = update(net.sim.model.synapses[1])
    assert net.weight.tolist() == [0.5, new]
    assert new != 0.5


@every_update
def test_an_inhibitory_synapse_changes_in_strength(update: Callable[..., Any]) -> None:
    for weight in (0.5, -0.5):
        synapse = Synapse(pre_id=0, post_id=1, weight=weight, synapse_type="inhibitory")
        new = update(synapse)
        assert new == synapse.weight == pytest.approx(math.copysign(update(0.5), weight), rel=1e-7)


@every_update
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_an_array_gives_a_new_one_of_its_type(update: Callable[..., Any], dtype: type) -> None:
    weight = np.linspace(0.1, 0.6, 6, dtype=dtype).reshape(2, 3)
    before = weight.copy()
    new = update(weight)
    assert new.dtype == dtype and new.shape == (2, 3)
    assert np.array_equal(weight, before)
    assert (new != weight).all()
    singly = [update(float(w)) for w in weight.ravel()]
    np.testing.assert_allclose(new.ravel(), singly, rtol=1e-7 if dtype is np.float32 else 1e-15)


def test_lists_and_whole_numbers_count_as_float64() -> None:
    assert hebbian_update([0, 0], 1, [1, 0], weight_min=-1.0).tolist() == [0.01, -0.005]
    assert hebbian_update(np.array([0, 0]), 1, 1).tolist() == [0.01, 0.01]


def test_empty_arrays_stay_empty() -> None:
    assert hebbian_update(np.empty(0), [], []).shape == (0,)
    assert stdp_update(np.empty((0, 3)), 1.0).shape == (0, 3)


def test_events_broadcast() -> None:
    new = hebbian_update(np.full((3, 2), 0.5), [[1], [0], [1]], [1, 0])
    np.testing.assert_allclose(new, [[0.51, 0.495], [0.5, 0.5], [0.51, 0.495]])
    assert stdp_update(0.5, [1.0, -1.0]).shape == (2,)


# ---- bounds, modulation, decay --------------------------------------------------------------------------------


@every_update
def test_bounds_hold_for_what_changes(update: Callable[..., Any]) -> None:
    assert update(0.5, weight_min=0.5001, weight_max=0.5001) == 0.5001
    assert update(5.0) == 1.0
    assert update(5.0, weight_max=math.inf) != 5.0


def test_what_does_not_change_keeps_its_weight_even_outside_the_bounds() -> None:
    assert hebbian_update([7.0, -7.0], False, True).tolist() == [7.0, -7.0]
    assert stdp_update(7.0, math.inf) == 7.0
    assert weight_decay_update(7.0, 0.0) == 7.0


@pytest.mark.parametrize("name", ["hebbian", "stdp", "istdp", "triplet"])
def test_modulation_multiplies_the_change(name: str) -> None:
    plain = UPDATES[name](0.5) - 0.5
    new = UPDATES[name](np.full(3, 0.5), modulation=[0.0, 1.8, 2.0])
    np.testing.assert_allclose(new - 0.5, np.array([0.0, 1.8, 2.0]) * plain, rtol=1e-12)


def test_decay_over_steps_is_a_power() -> None:
    assert weight_decay_update(0.8, 0.1, 5) == pytest.approx(0.8 * 0.9**5, rel=1e-14)
    assert weight_decay_update(0.8, 1.0) == 0.0
    assert weight_decay_update(0.8, 0.5, 0) == 0.8


# ---- refusals -------------------------------------------------------------------------------------------------

NAN = math.nan
REFUSED: list[tuple[Callable[..., Any], tuple[Any, ...], dict[str, Any], str]] = [
    (hebbian_update, (True, True), {"learning_rate": NAN}, r"learning_rate: must be >= 0; got nan"),
    (hebbian_update, (True, True), {"learning_rate": -0.1}, r"learning_rate: must be >= 0; got -0\.1"),
    (hebbian_update, (NAN, True), {}, r"pre_fired: must be True or False, or 1 or 0; got nan"),
    (hebbian_update, (True, 2), {}, r"post_fired: must be True or False, or 1 or 0; got 2\.0"),
    (hebbian_update, (True, [1, 0.5]), {}, r"post_fired: must be .*; got 0\.5 \(entry 1\)"),
    (hebbian_update, (True, True), {"modulation": NAN}, r"modulation: must be finite; got nan"),
    (hebbian_update, (True, True), {"modulation": math.inf}, r"modulation: must be finite; got inf"),
    (
        hebbian_update,
        (True, True),
        {"weight_min": NAN},
        r"weight_min: must be <= weight_max \(1\.0 mV\); got nan",
    ),
    (hebbian_update, (True, True), {"weight_max": NAN}, r"weight_min: must be <= weight_max \(nan mV\)"),
    (
        hebbian_update,
        (True, True),
        {"weight_min": 2.0},
        r"weight_min: must be <= weight_max \(1\.0 mV\); got 2\.0",
    ),
    (hebbian_update, ("yes", True), {}, r"pre_fired: must be a number or an array of numbers; got 'yes'"),
    (stdp_update, (NAN,), {}, r"delta_t: must be a number; got nan"),
    (stdp_update, (1.0,), {"tau_plus": 0.0}, r"tau_plus: must be > 0 ms; got 0\.0"),
    (stdp_update, (1.0,), {"tau_minus": math.inf}, r"tau_minus: must be > 0 ms; got inf"),
    (stdp_update, (1.0,), {"a_plus": NAN}, r"a_plus: must be finite, in mV; got nan"),
    (stdp_update, (1.0,), {"a_minus": [1.0, 2.0]}, r"a_minus: must be a single number; got shape \(2,\)"),
    (weight_decay_update, (NAN,), {}, r"weight_decay: must be between 0 and 1; got nan"),
    (weight_decay_update, (1.5,), {}, r"weight_decay: must be between 0 and 1; got 1\.5"),
    (weight_decay_update, (0.5, -1), {}, r"n_steps: must be a whole number >= 0; got -1"),
    (weight_decay_update, (0.5, 1.5), {}, r"n_steps: must be a whole number >= 0; got 1\.5"),
]


@pytest.mark.parametrize(("function", "arguments", "options", "message"), REFUSED)
def test_bad_arguments_are_refused_and_change_nothing(
    function: Callable[..., Any], arguments: tuple[Any, ...], options: dict[str, Any], message: str
) -> None:
    synapse = Synapse(pre_id=0, post_id=1, weight=0.5)
    with pytest.raises(ValueError, match=message):
        function(synapse, *arguments, **options)
    assert synapse.weight == 0.5


@every_update
def test_weights_must_be_finite(update: Callable[..., Any]) -> None:
    for value in (NAN, math.inf):
        with pytest.raises(ValueError, match=rf"weight: must be finite; got {value} \(entry 1\)"):
            update([0.5, value])
        with pytest.raises(ValueError, match=rf"weight: must be finite; got {value}$"):
            update(value)


def test_shapes_that_do_not_fit_are_named() -> None:
    with pytest.raises(ValueError, match=r"must broadcast to one shape; got \(3,\), \(\), \(2,\), \(\)"):
        hebbian_update(np.zeros(3), [1, 0], 1)
    synapse = Synapse(pre_id=0, post_id=1, weight=0.5)
    with pytest.raises(ValueError, match=r"one synapse takes single numbers; got values of shape \(2,\)"):
        hebbian_update(synapse, [1, 1], 1)
    assert synapse.weight == 0.5


# ---- the hooks as Python calls them ----------------------------------------------------------------------------


def test_hooks_do_not_depend_on_where_a_chunk_ends() -> None:
    rng, n = np.random.default_rng(4), 3 * 512 + 5
    weight, x, fired = rng.random(n), rng.random((1, n)), (rng.random(n) < 0.5) * 1.0
    params = {name: field["default"] for name, field in _core.plasticity_rules()["stdp"]["params"].items()}
    whole = _core.rule_change("stdp", "post", params, weight, pre=x)
    np.testing.assert_allclose(whole, 0.01 * x[0], rtol=1e-15)
    for cut in (1, 511, 512, 513, 1100):
        parts = [
            _core.rule_change("stdp", "post", params, weight[s], pre=np.ascontiguousarray(x[:, s]))
            for s in (slice(0, cut), slice(cut, n))
        ]
        assert np.concatenate(parts).tobytes() == whole.tobytes()
    hebbian = _core.rule_change("hebbian", "pre", {"learning_rate": 0.2}, weight, post_fired=fired)
    assert np.array_equal(hebbian, np.where(fired == 1.0, 0.2, -0.1))
    assert not _core.rule_change("hebbian", "post", {"learning_rate": 0.2}, weight).any()


def test_hooks_refuse_what_does_not_fit() -> None:
    params = {"learning_rate": 0.1}
    with pytest.raises(ValueError, match=r"rule: must be a registered rule; got 'none'"):
        _core.rule_change("none", "pre", params, np.zeros(3))
    with pytest.raises(ValueError, match=r"event: must be 'pre' or 'post'; got 'step'"):
        _core.rule_change("hebbian", "step", params, np.zeros(3))
    with pytest.raises(ValueError, match=r"post_fired: must have shape \(1, 3\); got \(1, 2\)"):
        _core.rule_change("hebbian", "pre", params, np.zeros(3), post_fired=np.zeros(2))
    with pytest.raises(ValueError, match=r"as long as weight, 3; got 2, 3"):
        _core.apply_change(np.zeros(3), np.zeros(2), np.ones(3), 0.0, 1.0)
