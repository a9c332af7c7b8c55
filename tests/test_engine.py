"""`_core.Engine` on arrays alone: no model, no simulation; what it is given is checked before C sees it."""

from __future__ import annotations

import ast
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from neuromod import BrainModel, Simulation, _core
from neuromod.network.layout import Layout, Learning, ProjectionLayout

N = 6


def columns_of(n: int) -> dict[str, np.ndarray]:
    """Columns of n lif neurons at rest, as a network would have them."""
    columns = {name: np.full(n, default, dtype) for name, (dtype, default) in _core.NEURON_FIELDS.items()}
    about = _core.neuron_models()["lif"]
    for table in ("params", "state"):
        columns |= {name: np.full(n, field["default"]) for name, field in about[table].items()}
    columns["id"] = np.arange(n, dtype=np.int64)
    columns["v_membrane"][:] = -65.0
    return columns


def chain(n: int = N, **changes: object) -> Layout:
    """Neuron k excites neuron k + 1, 40 mV, after two steps."""
    start = np.minimum(np.arange(n + 1, dtype=np.int64), n - 1)
    projection = ProjectionLayout(
        name="chain",
        number=0,
        pre_first=0,
        n_rows=n,
        run_start=start,
        target=np.arange(1, n, dtype=np.uint16),
        weight=np.full(n - 1, 40.0, np.float32),
        equal_delay=2,
    )
    layout = Layout(
        version=1,
        n=n,
        columns=columns_of(n),
        groups=(("lif", 0, n, 0),),
        zone_of=np.zeros(n, np.int32),
        zones=(("global", {}),),
        area_of=np.full(n, -1, np.int32),
        area_names=(),
        projections=(projection,),
    )
    return replace(layout, **changes)  # type: ignore[arg-type]


def with_projection(**changes: object) -> Layout:
    layout = chain()
    return replace(layout, projections=(replace(layout.projections[0], **changes),))  # type: ignore[arg-type]


def test_an_engine_runs_a_network_of_arrays() -> None:
    layout = chain()
    layout.columns["external_input"][0] = 400.0
    engine = _core.Engine(layout, 1.0, 7)
    fired = []
    for _ in range(2 * N):
        engine.run(1)
        fired.append(engine.spikes().tolist())
    assert fired[: 2 * N] == [[k // 2] if k % 2 == 0 else [] for k in range(2 * N)]
    assert layout.columns["spike_count"].tolist() == [1] * N


def test_the_same_bits_as_a_simulation_of_the_same_arrays() -> None:
    model = BrainModel("brain_base_model.json")
    sim = Simulation(model, seed=3)
    sim.initialize_neurons(["V1_like"], density=0.05)
    sim.connect("V1_like", "V1_like", probability=0.1, weight=0.5, rule="stdp", synapse_type="excitatory")
    other = model.copy()
    lent = other._store.layout()
    engine = _core.Engine(lent, sim.dt, sim.seed)
    sim.run(300)
    engine.run(300)
    for name in ("v_membrane", "spike_count", "last_spike_time"):
        np.testing.assert_array_equal(lent.columns[name][: lent.n], getattr(model.neurons, name))
    weight = next(iter(engine.keepers.values())).read()["weight"]
    np.testing.assert_array_equal(weight, next(iter(sim.projections.values())).weight)


def learning_rule(**params: Any) -> Learning:
    defaults = {name: field["default"] for name, field in _core.plasticity_rules()["stdp"]["params"].items()}
    return Learning(rule="stdp", params=defaults | params, weight_max=100.0)


def test_a_changed_network_is_bound_and_keeps_what_is_under_way() -> None:
    layout = chain()
    layout.columns["external_input"][0] = 400.0
    engine = _core.Engine(layout, 1.0, 7)
    engine.run(2)
    engine.bind(replace(layout, version=2))
    assert engine.version == 2 and engine.step == 2
    engine.run(1)
    assert engine.spikes().tolist() == [1]


def test_a_layout_that_is_refused_leaves_the_engine_as_it_was() -> None:
    layout = chain()
    layout.columns["external_input"][0] = 400.0
    engine = _core.Engine(layout, 1.0, 7)
    engine.run(2)
    with pytest.raises(_core.CoreFailure, match="points outside"):
        engine.bind(with_projection(target=np.full(N - 1, 999, np.uint16)))
    assert engine.version == 1
    engine.run(1)
    assert engine.spikes().tolist() == [1]


def with_ports(port: str, n_slow: int) -> Layout:
    """The last `n_slow` neurons have ports of their own; the chain's spikes arrive at `port`."""
    slow = "lif_nmda_gaba_b"
    layout = with_projection(port=port)
    about = _core.neuron_models()[slow]
    for table in ("params", "state"):
        for name, field in about[table].items():
            columns = layout.columns.setdefault(name, np.zeros(N))  # type: ignore[attr-defined]
            columns[N - n_slow :] = field["default"]
    return replace(layout, groups=(("lif", 0, N - n_slow, 0), (slow, N - n_slow, n_slow, 0)))


def test_an_engine_gives_a_port_what_arrives() -> None:
    layout = with_ports("nmda", N - 1)
    engine = _core.Engine(layout, 1.0, 7)
    layout.columns["external_input"][0] = 400.0
    engine.run(3)
    assert layout.columns["g_decay_nmda"][1] > 0.0
    assert not layout.columns["g_syn_excitatory"].any()


BAD = {
    "a port that is not there": (lambda: with_projection(port="nmda"), "port must be one of"),
    "a port that a target lacks": (lambda: with_ports("nmda", N - 2), "points outside"),
    "ids that do not ascend": (
        lambda: chain(columns={**columns_of(N), "id": np.zeros(N, np.int64)}),
        "ascend",
    ),
    "a short column": (lambda: chain(columns={**columns_of(N), "tau_m": np.ones(2)}), "tau_m: must be 6"),
    "a column of another type": (
        lambda: chain(columns={**columns_of(N), "tau_m": np.ones(N, np.float32)}),
        "of type f8",
    ),
    "a model that is not there": (lambda: chain(groups=(("hodgkin", 0, N, 0),)), "registered neuron models"),
    "groups that leave slots out": (lambda: chain(groups=(("lif", 0, N - 1, 0),)), "must cover"),
    "groups that go too far": (lambda: chain(groups=(("lif", 0, 10**9, 0),)), "must cover"),
    "a zone that is not there": (lambda: chain(zone_of=np.full(N, 3, np.int32)), "zone_of"),
    "a group's zone that is not there": (lambda: chain(groups=(("lif", 0, N, 9),)), "zones must be"),
    "an area that is not there": (lambda: chain(area_of=np.full(N, 1, np.int32)), "area_of"),
    "a negative zone": (lambda: chain(zone_of=np.full(N, -1, np.int32)), "zone_of"),
    "rows beyond the neurons": (lambda: with_projection(pre_first=1), "do not fit"),
    "segments that fall": (
        lambda: with_projection(run_start=np.array([0, 4, 2, 5, 5, 5, 5])),
        "do not fit",
    ),
    "segments beyond the synapses": (
        lambda: with_projection(run_start=np.array([0, 1, 10**9, 10**9, 10**9, 10**9, 5])),
        "do not fit",
    ),
    "segments below 0": (
        lambda: with_projection(run_start=np.array([0, -9, 5, 5, 5, 5, 5])),
        "do not fit",
    ),
    "a delay of 0": (lambda: with_projection(equal_delay=0), "outside its domain"),
    "a weight that is not finite": (
        lambda: with_projection(weight=np.full(N - 1, np.nan, np.float32)),
        "outside its domain",
    ),
    "too few weights": (lambda: with_projection(weight=np.ones(2, np.float32)), "weight: must be 5"),
    "a rule that is not there": (lambda: with_projection(learning=Learning(rule="oja")), "registered rule"),
    "a rule without its parameters": (
        lambda: with_projection(learning=Learning(rule="stdp")),
        "learning_rate",
    ),
    "names that repeat": (
        lambda: replace(chain(), projections=chain().projections * 2),
        "names must differ",
    ),
}


@pytest.mark.parametrize("what", BAD)
def test_bad_layouts_are_refused(what: str) -> None:
    make, message = BAD[what]
    with pytest.raises(
        (ValueError, KeyError, _core.CoreFailure, _core.RemovedError, RuntimeError), match=message
    ):
        _core.Engine(make(), 1.0, 1).run(1)


@pytest.mark.parametrize("dt", [0.0, -1.0, np.nan, np.inf])
def test_a_time_step_is_checked(dt: float) -> None:
    with pytest.raises(ValueError, match="dt: must be > 0"):
        _core.Engine(chain(), dt, 1)


def test_a_lazy_rule_without_a_store() -> None:
    layout = chain()
    projection = replace(
        layout.projections[0],
        learning=learning_rule(coincident="pre_first"),
        weight=np.full(N - 1, 40.0, np.float32),
    )
    engine = _core.Engine(replace(layout, projections=(projection,)), 1.0, 7)
    layout.columns["external_input"][0] = 400.0
    engine.run(2 * N)
    columns = engine.keepers["chain"].read()
    assert list(columns) == ["weight"]
    assert np.all(columns["weight"] > 40.0)  # each target fires on arrival


# ---- the law: the core knows nothing of what is above it ---------------------------------------------------------

ABOVE = ("BrainModel", "Simulation", "NeuronColumns", "SynapseStore", "SynapseTable", "Weights", "Session")


def core_sources(checkout: Path) -> dict[str, str]:
    found = {path.name: path.read_text() for path in (checkout / "neuromod" / "_core").glob("*.p*x*")}
    assert {"core.pyx", "engine.pxi", "binding.pxi"} <= set(found)
    return found


def without_docstrings(source: str) -> str:
    return re.sub(r'""".*?"""|#[^\n]*', "", source, flags=re.S)


def test_the_core_imports_nothing_of_the_package_but_errors_and_saved_state(checkout: Path) -> None:
    for name, source in core_sources(checkout).items():
        imports = re.findall(r"^\s*(?:from|c?import)\s+(neuromod[\w.]*)", without_docstrings(source), re.M)
        assert set(imports) <= {"neuromod.errors", "neuromod.state"}, name


def test_the_core_names_no_class_above_it_and_reads_no_private_attribute(checkout: Path) -> None:
    for name, source in core_sources(checkout).items():
        code = without_docstrings(source)
        assert not [word for word in ABOVE if re.search(rf"\b{word}\b", code)], name
        foreign = re.findall(r"\b(?:model|layout|projection|store|sim)\._\w+", code)
        assert not foreign, f"{name}: {foreign}"


def test_what_the_core_reads_of_a_layout_are_its_fields(checkout: Path) -> None:
    code = "".join(without_docstrings(source) for source in core_sources(checkout).values())
    for word, cls in (("layout", Layout), ("projection", ProjectionLayout), ("learning", Learning)):
        read = set(re.findall(rf"\b{word}\.([a-z]\w*)", code))
        assert read
        known = set(cls.__dataclass_fields__) | {n for n, v in vars(cls).items() if isinstance(v, property)}
        assert read <= known | {"raw"}, f"{word}: {sorted(read - known)}"


def test_the_layout_module_is_below_the_network(checkout: Path) -> None:
    tree = ast.parse((checkout / "neuromod" / "network" / "layout.py").read_text())
    imports = [node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)]
    assert not [name for name in imports if (name or "").startswith("neuromod.")]
