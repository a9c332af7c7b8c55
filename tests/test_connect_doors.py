"""Arguments of ``connect`` that are wrong in one way each, and forms of right ones that are rarely given."""

from __future__ import annotations

import math
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from neuromod import ConfigError, NeuromodWarning, Simulation
from neuromod.network.repeats import likeness


def network() -> Simulation:
    """Eight excitatory neurons "E" on a grid, four inhibitory ones "I" without positions."""
    sim = Simulation(dt=1.0, seed=1)
    sim.create(8, name="E", positions="grid")
    sim.create(4, name="I", neuron_type="inhibitory")
    return sim


def made(**how: Any) -> Any:
    """A projection in a new network; by default of all pairs of "E"."""
    sim = how.pop("sim", None) or network()
    about = {"pre": "E", "post": "E", "weight": 0.1, "rule": "none", **how}
    rules = {"pairs", "in_degree", "out_degree", "total_number", "one_to_one", "matrix", "all_to_all"}
    if not {"probability", *rules} & set(about):
        about["probability"] = 1.0
    try:
        return sim.connect(about.pop("pre"), about.pop("post"), **about)
    finally:
        assert len(sim.projections) <= 1


HOLED = np.full((8, 8), 0.1)
HOLED[2, 3] = np.nan
TRACE = {"rule": "rstdp"}

REFUSED: list[tuple[dict[str, Any], str]] = [
    # a distribution
    (
        {"weight": {"choice": [1, 2], "q": [0.5, 0.5]}},
        r"^weight: must be .* or \{\"choice\": values, .*'q': \[0\.5",
    ),
    (
        {"weight": {"choice": [[1, 2]]}},
        r"^weight\.choice: must be a row of finite numbers; got \[\[1, 2\]\]$",
    ),
    ({"weight": {"choice": []}}, r"^weight\.choice: must be a row of finite numbers; got \[\]$"),
    (
        {"weight": {"choice": [1, np.inf]}},
        r"^weight\.choice: must be a row of finite numbers; got \[1, inf\]$",
    ),
    ({"weight": {"uniform": [2, 1]}}, r"^weight\.uniform: the bounds must be in order; got \[2, 1\]$"),
    (
        {"weight": {"lognormal": [80, 2]}},
        r"^weight\.lognormal: must stay below 3\.4e\+38; got mu 80, sigma 2$",
    ),
    (
        {"weight": {"lognormal": [10.1, 0.0], "low": math.exp(10.1), "high": math.exp(10.1)}},
        r"^weight\.lognormal: must fall between 24343 and 24343; got mu 10\.1, sigma 0$",
    ),
    (
        {"delay": {"normal": [3, 1], "low": 1.5}},
        r"^delay\.low, delay\.high: must be whole steps from 1 to 65535; got 1\.5 and 65535$",
    ),
    (
        {"in_degree": {"normal": [3, 1], "high": 4.5}},
        r"^in_degree\.low, in_degree\.high: must be whole numbers from 0 to 16777216; got 0 and 4\.5$",
    ),
    (
        {"in_degree": {"choice": [1.5, 2]}},
        r"^in_degree\.choice: must be whole numbers >= 0; got \[1\.5, 2\]$",
    ),
    ({"out_degree": {"choice": [-1, 2]}}, r"^out_degree\.choice: must be whole numbers >= 0; got \[-1, 2\]$"),
    ({"in_degree": [-1] * 8}, r"^in_degree: must be whole numbers from 0 to 1099511627776; got -1$"),
    (
        {"in_degree": [1] * 7 + [2**62]},
        rf"^in_degree: must be whole numbers from 0 to 1099511627776; got {2**62}$",
    ),
    # state variables of a rule
    ({**TRACE, "state": [1]}, r"^state: must be a mapping of names to values; got \[1\]$"),
    ({**TRACE, "state": {"eligibility": np.inf}}, r"^state\.eligibility: must be finite; got inf$"),
    (
        {**TRACE, "state": {"eligibility": HOLED}},
        r"^state\.eligibility: must be finite; got nan \(row 2, column 3\)$",
    ),
    (
        {**TRACE, "state": {"eligibility": {"uniform": [0, 1]}}},
        r"^state\.eligibility: must be a number, an array or a function of distance; got \{'uniform': \[0, 1\]\}$",
    ),
    # functions of distance
    (
        {"weight": lambda d: d[:2]},
        r"^weight: must give one value for each of 56 distances; got shape \(2,\)$",
    ),
    (
        {"pre": "I", "post": "I", "probability": lambda d: d},
        r"^pre, post: must have positions of one number of coordinates",
    ),
    (
        {"probability": {"gaussian": [0.5, 1, 2]}},
        r"^probability\.gaussian: must be \[p_center, sigma\]; got \[0\.5, 1",
    ),
    # masks
    ({"mask": "circle"}, r"^mask: must be \{\"radius\": r\}, .*; got 'circle'$"),
    (
        {"mask": {"radius": 1, "box": 2}},
        r"^mask: must be \{\"radius\": r\}, .*; got \{'box': 2, 'radius': 1\}$",
    ),
    (
        {"mask": {"box": {"lower_left": [1, 1], "upper_right": [0, 2]}}},
        r"^mask\.box: lower_left must be below upper_right; got \{'lower_left': \[1, 1\]",
    ),
    (
        {"mask": {"box": {"lower_left": [0], "upper_right": [0, 2]}}},
        r"^mask\.box: lower_left must be below upper_right; got \{'lower_left': \[0\]",
    ),
    (
        {"mask": {"box": {"lower_left": [[0]], "upper_right": [[0]]}}},
        r"^mask\.box: lower_left must be below upper_right; got \{'lower_left': \[\[0\]\]",
    ),
    ({"mask": {"radius": 1.0}, "edge_wrap": [9] * 5}, r"^edge_wrap: must be at most 2 periods; got 5$"),
    # which pairs
    (
        {"pre": [0], "post": [0], "total_number": 1},
        r"^pre, total_number: needs two neurons to connect; got none$",
    ),
    ({"all_to_all": 1}, r"^all_to_all: must be True or False; got 1$"),
    ({"one_to_one": "yes"}, r"^one_to_one: must be True or False; got 'yes'$"),
    (
        {"matrix": np.ones((3, 2)), "weight": None},
        r"^matrix: must have a row for each .*, \(8, 8\); got shape \(3, 2\)$",
    ),
    (
        {"pairs": [[0, 1], [2, 3], [0, 1]], "multapses": False},
        r"^pairs: must have no pair twice unless multapses is True; got \(0, 1\) twice$",
    ),
    # neurons
    ({"pre": ["E", "I"]}, r"^synapse_type: must be given where pre mixes excitatory and inhibitory neurons"),
    (
        {"pre": [[0, 1], [2, 3]]},
        r"^pre: must be a row of neuron ids, area names or populations; got shape \(2, 2\)$",
    ),
]


@pytest.mark.parametrize(("how", "message"), REFUSED)
def test_a_wrong_argument_is_named(how: dict[str, Any], message: str) -> None:
    sim = network()
    before = sim.digest()
    with pytest.raises((ValueError, TypeError), match=message):
        made(sim=sim, **how)
    assert not sim.projections and sim.digest() == before


def test_first_values_are_drawn_within_the_floats() -> None:
    """A column that is drawn is float32 until it is stored."""
    sim = network()
    before = sim.digest()
    with pytest.raises(
        ConfigError, match=r"^v_membrane\.uniform: must be at most 3\.4e\+38 in size; got low -1e\+39"
    ):
        sim.create(3, v_membrane={"uniform": [-1e39, 0.0]})
    assert sim.digest() == before


# ---- neurons -------------------------------------------------------------------------------------------------------


def test_views_of_neurons_are_taken_in_their_order() -> None:
    sim = network()
    cells = list(sim.populations["E"])
    p = sim.connect([cells[5], cells[2]], [cells[7], cells[0]], one_to_one=True, weight=0.1)
    assert sorted(zip(p.pre_id.tolist(), p.post_id.tolist(), strict=True)) == [(2, 0), (5, 7)]
    with pytest.raises(ValueError, match=r"^pre: must be a neuron of this network; got one of another$"):
        network().connect(cells[:2], "E", probability=1.0, weight=0.1)


def test_a_synapse_is_added_between_populations_of_one_neuron() -> None:
    sim = network()
    cells = sim.populations["E"]
    synapse = sim.model.add_synapse(cells[3:4], cells[5], 0.25)
    assert (synapse.pre_id, synapse.post_id, synapse.weight) == (3, 5, 0.25)
    with pytest.raises(ValueError, match=r"^pre_id: must be one neuron; got Population\('E\[:2\]'"):
        sim.model.add_synapse(cells[:2], cells[5], 0.25)
    with pytest.raises(ValueError, match=r"^post_id: must be a neuron of this network; got one of another$"):
        sim.model.add_synapse(cells[2], network().populations["E"][0], 0.25)
    assert len(sim.model.synapses) == 1


# ---- one value for all, boxes of other dimensions ------------------------------------------------------------------


def test_a_function_may_give_one_value_for_all_distances() -> None:
    assert len(made(probability=lambda d: 1.0)) == 56
    assert set(made(weight=lambda d: np.float64(0.25)).weight.tolist()) == {0.25}
    p = made(**TRACE, state={"eligibility": lambda d: -0.5})
    assert set(p.eligibility.tolist()) == {-0.5}


def test_a_box_of_fewer_axes_leaves_the_others_free() -> None:
    sim = network()
    p = made(sim=sim, probability=1.0, mask={"box": {"lower_left": [0], "upper_right": [0]}})
    at = sim.populations["E"].positions
    same = at[:, 0][:, np.newaxis] == at[:, 0]
    assert len(p) == same.sum() - 8
    assert np.array_equal(at[p.pre_id, 0], at[p.post_id, 0])


@pytest.mark.parametrize("degree", ["in_degree", "out_degree"])
def test_degrees_are_drawn_from_a_box(degree: str) -> None:
    sim = Simulation(dt=1.0, seed=1)
    cells = sim.create(100, name="E", positions="grid")
    box = {"lower_left": [-1, -2], "upper_right": [1, 2]}
    p = made(sim=sim, mask={"box": box}, edge_wrap=[10, 10], **{degree: 5})
    step = cells.positions[p.post_id] - cells.positions[p.pre_id]
    step = (step + 5) % 10 - 5
    assert np.all(np.abs(step) <= [1, 2])
    ends = p.post_id if degree == "in_degree" else p.pre_id
    assert np.array_equal(np.bincount(ends, minlength=100), np.full(100, 5))


def test_what_is_right_is_taken() -> None:
    """The nearest right forms of what is refused above."""
    assert set(np.bincount(made(in_degree={"choice": [1, 2]}).post_id, minlength=8).tolist()) == {1, 2}
    assert np.bincount(made(out_degree=[3, *[1] * 7]).pre_id, minlength=8).tolist() == [3, *[1] * 7]
    weights = np.arange(64.0).reshape(8, 8) / 64
    p = made(**TRACE, autapses=True, state={"eligibility": weights})
    assert np.array_equal(p.eligibility, weights[p.pre_id, p.post_id])
    assert set(made(**TRACE, state={"eligibility": 0.5}).eligibility.tolist()) == {0.5}
    assert len(made(matrix=np.triu(weights, 1), weight=None)) == 28
    assert len(made(pairs=[[0, 1], [1, 0]], multapses=False)) == 2
    assert len(made(total_number=9)) == 9
    delay = made(delay={"normal": [3, 1], "low": 2, "high": 4}).delay
    assert set(delay.tolist()) == {2, 3, 4}
    bounds = {"lognormal": [0.0, 0.1], "low": 0.9, "high": 1.1}
    assert np.all(np.abs(made(weight=bounds, rule="none").weight - 1.0) <= 0.1001)


# ---- pairs of a file -----------------------------------------------------------------------------------------------


def test_pairs_bring_weights_and_delays_once(tmp_path: Path) -> None:
    path = tmp_path / "pairs.csv"
    path.write_text("pre,post,weight,delay\n0,1,0.5,2\n1,2,0.25,3\n")
    p = made(pairs=path, weight=None)
    assert (p.weight.tolist(), p.delay.tolist()) == ([0.5, 0.25], [2, 3])
    for name in ("weight", "delay"):
        with pytest.raises(
            ValueError, match=rf"^{name}: must be given once; the pairs bring {name}s of their own$"
        ):
            made(pairs=path, **{"weight": None, name: 1})


def test_a_column_of_a_file_is_there_once(tmp_path: Path) -> None:
    path = tmp_path / "pairs.csv"
    path.write_text("pre,pre_id,post\n0,1,2\n")
    with pytest.raises(
        ValueError, match=r"^pairs \(pairs\.csv\): must have each column once; got pre twice$"
    ):
        made(pairs=path)


@pytest.mark.filterwarnings("ignore:loadtxt:UserWarning")
def test_a_file_of_names_alone_has_no_pairs(tmp_path: Path) -> None:
    path = tmp_path / "pairs.csv"
    path.write_text("pre,post,weight\n")
    p = made(pairs=path, weight=None)
    assert len(p) == 0


# ---- calls that were made before -----------------------------------------------------------------------------------


def test_a_call_with_what_is_like_nothing_is_none_that_was_made_before() -> None:
    """A function that closes over what is not set yet, and rows of objects."""
    cells = list(network().populations["E"])
    for value in ([*cells] * 9, np.array(cells, dtype=object)):
        assert likeness(value) != likeness(value)

    def weight(distance: Any) -> Any:
        return 0.1 if distance is not None else later

    sim = network()
    with warnings.catch_warnings():
        warnings.simplefilter("error", NeuromodWarning)
        for _ in range(2):
            sim.connect("E", "E", probability=1.0, weight=weight, rule="none")
    assert len(sim.projections) == 2
    later = 0.1
    assert likeness(weight) == likeness(weight)
