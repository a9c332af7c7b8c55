"""``neuromod bench`` runs and says what it should; how fast anything is, no test asks."""

from __future__ import annotations

import importlib.util
import json
import math
import os
import pickle
import subprocess
import sys
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from neuromod.bench import command
from neuromod.bench.numbers import WORKLOADS, da_sizes, interval_cv, spike_figures
from neuromod.bench.populations import build_populations
from neuromod.bench.shapes import NOTES, SHAPES, Shape, build_shape
from neuromod.bench.shapes_table import shapes_table
from neuromod.bench.workloads import Options, build_workload
from neuromod.cli import main
from neuromod.vector import vector_level

# At a scale of 0.1 and above the memory of the machine is measured at length, which one test does.
TINY = {
    "brunel_static": ["--scale", "0.02", "--t", "20"],
    "da_stdp": ["--scale", "0.02", "--t", "20"],
    "izhikevich_stdp": ["--scale", "0.05", "--t", "200"],
    "tutorial_example_4": ["--scale", "0.1", "--t", "50"],
}
KEYS = {
    "workload", "simulator", "version", "variant", "scale", "n_neurons", "n_synapses", "plastic_synapses", "sim_steps",
    "dt_ms", "threads", "vector", "seed", "build_s", "run_s", "run_s_all", "run_cpu_s", "realtime_factor",
    "us_per_step",
    "spikes", "mean_rate_hz", "cv_isi", "synaptic_events", "events_per_s", "updates_per_s", "base_rss_mb",
    "peak_rss_mb", "peak_bytes_per_synapse", "digest",
}  # fmt: skip
PLASTIC = {"da_stdp", "izhikevich_stdp"}


@pytest.fixture(autouse=True)
def _in_an_empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def bench(*arguments: str) -> list[dict[str, object]]:
    assert main(["bench", *arguments, "--json", "bench.jsonl", "--force"]) == 0
    return [json.loads(line) for line in Path("bench.jsonl").read_text().splitlines()]


def test_every_workload_has_a_tiny_form_here() -> None:
    assert set(TINY) == set(WORKLOADS)


@pytest.mark.parametrize("name", WORKLOADS)
def test_a_workload_runs_and_its_record_is_complete(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    machine, record = bench(name, *TINY[name], "--seed", "3", "--repeat", "2")
    assert machine["workload"] == "machine"
    assert {"read_gb_s", "copy_gb_s", "triad_gb_s", "scatter_64k_m_s", "processor", "load"} <= set(machine)
    assert set(record) >= KEYS | ({"w_mean", "w_sd"} if name in PLASTIC else set())
    assert record["workload"] == name
    assert record["seed"] == 3
    assert record["vector"] == machine["vector"] == vector_level()
    assert record["spikes"] > 0
    assert len(record["run_s_all"]) == 2
    assert len(record["digest"]) == 64
    said = capsys.readouterr().out
    assert f"{name}: {record['n_neurons']:,} neurons" in said
    assert record["digest"] in said
    assert "GB/s" in said


def test_the_tutorials_loop_is_measured() -> None:
    record = bench("tutorial_example_4", "--scale", "0.09", "--t", "50")[1]
    assert {"step_call_us", "synapse_loop_s", "synapse_loop_ns_per_synapse", "synapse_column_us"} <= set(
        record
    )
    driven = record["n_neurons"] * record["sim_steps"] * WORKLOADS["tutorial_example_4"]["driven_share"]
    # every driven neuron fires, unless its background has fired it within the 5 ms before
    assert 0.95 * driven < record["spikes"] < 1.1 * driven


def test_micro_benchmarks_have_a_positive_value_each(capsys: pytest.CaptureFixture[str]) -> None:
    micro = bench("micro", "--scale", "0.01", "--t", "1", "--history", "history.jsonl")[1]
    figures = {figure["key"]: figure for figure in micro["figures"]}
    assert {
        "construction", "construction_in_degree", "updates_lif_10000", "updates_izhikevich_1000000", "poisson_2",
        "delivery_constant", "delivery_weights", "delivery_delays", "plastic_stdp", "step_call",
    } <= set(figures)  # fmt: skip
    assert all(figure["value"] > 0 for key, figure in figures.items() if key != "step_call")
    said = capsys.readouterr().out
    assert all(figure["name"] in said for figure in figures.values())
    kept = json.loads(Path("history.jsonl").read_text())["figures"]
    assert kept["micro.construction"] == figures["construction"]["value"]


def test_history_grows_by_a_line_of_flat_figures() -> None:
    for _ in range(2):
        bench("izhikevich_stdp", *TINY["izhikevich_stdp"], "--history", "history.jsonl")
    lines = [json.loads(line) for line in Path("history.jsonl").read_text().splitlines()]
    assert len(lines) == 2
    assert {"version", "time", "processor", "vector", "options", "figures"} == set(lines[0])
    assert lines[0]["options"]["scale"] == 0.05
    assert {"izhikevich_stdp.realtime_factor", "machine.read_gb_s"} <= set(lines[0]["figures"])


def test_json_on_standard_output_stands_alone(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["bench", "izhikevich_stdp", *TINY["izhikevich_stdp"], "--json", "-"]) == 0
    said = capsys.readouterr()
    assert [json.loads(line)["workload"] for line in said.out.splitlines()] == ["machine", "izhikevich_stdp"]
    assert "izhikevich_stdp" in said.err


@pytest.mark.parametrize("dc", [[], ["--dc"]])
def test_the_microcircuit_has_its_populations(dc: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    record = bench("microcircuit", "--scale", "0.01", "--t", "20", *dc)[1]
    assert set(record) >= KEYS
    assert record["n_neurons"] == 771  # the nearest to a hundredth of each
    assert abs(record["n_synapses"] - 1e-4 * 298_880_968) < 60  # each of the 55 numbers is rounded
    assert list(record["rates_hz"]) == ["L23E", "L23I", "L4E", "L4I", "L5E", "L5I", "L6E", "L6I"]


def test_populations_are_timed_beside_one() -> None:
    small = ["--scale", "0.02", "--t", "2", "--populations", "3"]
    for more in (["--delays", "one"], ["--rule", "rstdp"]):
        record = bench("populations", *small, *more)[1]
        assert set(record) >= KEYS
        assert record["n_neurons"] == 198
        assert len(record["ratios"]) == 7
        assert record["ratio"] > 0


def test_the_scan_measures_every_cell(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["bench", "shapes", "--scale", "0.004", "--t", "0.01"]) == 0
    lines = capsys.readouterr().out.split("\n\n")[1].splitlines()
    labels = [f"{row}: {label}" for row, shapes in SHAPES.items() for label in shapes]
    assert [line[2:50].rstrip() for line in lines[1:]] == labels
    assert all(float(line[50:].split()[1]) > 0 for line in lines[1:])
    assert set(NOTES) <= {(row, label) for row, shapes in SHAPES.items() for label in shapes}


def test_synapses_onto_sources_are_measured_without_a_word() -> None:
    """`connect` warns of them, once for each projection: 1,024 times in a network of 32 populations."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        build_populations(Options(scale=0.02), 3)
        build_shape(Shape(neurons=40, in_degree=2, populations=2))


def test_every_shape_can_go_to_another_process() -> None:
    for shapes in SHAPES.values():
        for shape in shapes.values():
            assert pickle.loads(pickle.dumps(shape)) == shape


def test_a_cell_above_twice_its_row_is_marked() -> None:
    cells = [
        {
            "row": "dt, ms",
            "label": label,
            "us_per_step": 1.0,
            "ns_per_unit": cost,
            "bytes_per_synapse": 0.0,
            "note": "",
        }
        for label, cost in (("0.1", 1.0), ("1.0", 2.5))
    ]
    assert [line.endswith("!") for line in shapes_table(cells).splitlines()] == [False, False, True]


def test_long_measurements_are_made_only_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    measured: list[str] = []

    def note(name: str, *about: Any) -> dict[str, Any]:
        measured.append(name)
        return {"workload": name}

    monkeypatch.setattr(command, "_measured", note)
    monkeypatch.setattr(command, "in_a_process", lambda *about: {})
    known = dict.fromkeys(("brunel_static", "microcircuit", "populations", "micro"), note)
    command.run_bench(known)
    assert measured == ["brunel_static", "micro"]
    command.run_bench(known, ["microcircuit"])
    assert measured[-1] == "microcircuit"


def test_an_unknown_workload_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["bench", "brunell"]) == 2
    assert capsys.readouterr().err.startswith("workload: must be one of brunel_static, ")


@pytest.mark.parametrize("option", [["--scale", "0"], ["--t", "nan"], ["--repeat", "0"], ["--threads", "0"]])
def test_options_out_of_range_are_refused(option: list[str]) -> None:
    with pytest.raises(SystemExit) as refused:
        main(["bench", *option])
    assert refused.value.code == 2


def test_interval_cv_of_known_trains() -> None:
    regular = [(0, t) for t in (1.0, 2.0, 3.0, 4.0)]
    mixed = [(1, t) for t in (0.0, 1.0, 4.0, 5.0, 8.0)]  # intervals 1 3 1 3: sd 1, mean 2
    short = [(2, t) for t in (0.0, 1.0, 9.0)]
    rng = np.random.default_rng(1)
    neuron, time = zip(*rng.permutation(regular + mixed + short), strict=True)
    assert interval_cv(neuron, time) == pytest.approx((0.0 + 0.5) / 2)
    assert interval_cv([], []) is None
    assert interval_cv([0, 1, 2], [1.0, 2.0, 3.0]) is None
    # a Poisson train has exponential intervals, whose CV is 1; the sample's standard error is 1 / sqrt(4000)
    train = np.cumsum(rng.exponential(10.0, 4000))
    assert interval_cv(np.zeros(4000, int), train) == pytest.approx(1.0, abs=5 / np.sqrt(4000))


def test_weights_are_given_in_the_unit_asked_for() -> None:
    figures = spike_figures([0, 0], [1.0, 2.0], 4, 500.0, [0.1, 0.3], 0.1)
    assert figures["mean_rate_hz"] == 1.0
    assert figures["w_mean"] == pytest.approx(2.0)
    assert figures["w_sd"] == pytest.approx(1.0)


def test_the_networks_have_the_published_degrees() -> None:
    sim = build_workload("brunel_static", Options(scale=0.02)).sim
    excitatory, inhibitory = sim.projections.values()
    assert (len(excitatory), len(inhibitory)) == (250 * 20, 250 * 5)
    assert (excitatory.synapse_type, inhibitory.synapse_type) == ("excitatory", "inhibitory")
    assert np.all(np.bincount(excitatory._table.post, minlength=250) == 20)
    assert excitatory.weight[0] == pytest.approx(5.0)  # 0.1 mV of 1,000 inputs, on 20
    assert inhibitory.weight[0] == pytest.approx(25.0)
    assert excitatory.delay[0] == 15
    v = sim.model.neurons.v_membrane
    assert 0.0 <= v.min() < 2.0
    assert 18.0 < v.max() < 20.0


def test_dopamine_pulses_are_those_of_the_peers() -> None:
    """There dw/dt = c n and n jumps by 1/tau: so learning_rate m level must be a_plus n, with level at hand."""
    p, sizes = WORKLOADS["da_stdp"], da_sizes(0.02)
    workload = build_workload("da_stdp", Options(scale=0.02))
    workload.advance(25_000)  # 2,500 ms: pulses at 1,000 and 2,000 ms
    n = (math.exp(-1500.0 / p["tau_dopamine"]) + math.exp(-500.0 / p["tau_dopamine"])) / p["tau_dopamine"]
    system = workload.sim.neuromodulation
    factor = system.modulate_learning(1.0)
    assert workload.plastic.rule_params["learning_rate"] * factor == pytest.approx(
        sizes["a_plus"] * n, rel=1e-9
    )
    assert workload.plastic.rule_params["a_minus"] == pytest.approx(p["a_minus"] / p["a_plus"])
    assert system.modulate_neuron_update(None, 5.0, 20.0) == (5.0, 20.0)


# ---- the scripts that compare with peers -------------------------------------------------------------------


def peers_script(checkout: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    script, *rest = arguments
    command = [sys.executable, str(checkout / "tests" / "peers" / script), *rest]
    # the scripts import each other from their folder, which conftest.py's safe path would hide
    own = {name: value for name, value in os.environ.items() if name != "PYTHONSAFEPATH"}
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=False, env=own)


def test_the_script_of_neuromod_prints_one_record(checkout: Path) -> None:
    done = peers_script(checkout, "peer_neuromod.py", "--workload", "brunel_static", *TINY["brunel_static"])
    assert done.returncode == 0, done.stderr
    assert set(json.loads(done.stdout)) == KEYS - {"run_s_all"}


def test_a_peer_that_is_not_there_is_named(checkout: Path, tmp_path: Path) -> None:
    python = tmp_path / "python"  # which knows no module
    python.write_text("#!/bin/sh\nexit 1\n")
    python.chmod(0o755)
    done = peers_script(
        checkout, "compare.py", "--workload", "da_stdp", "--peer", "nest", "--python", f"nest={python}"
    )
    assert done.returncode == 2
    assert done.stdout == f"nest: not installed in {python}; pip install nest-simulator\n"


def test_networks_that_differ_are_told_apart(checkout: Path, capsys: pytest.CaptureFixture[str]) -> None:
    spec = importlib.util.spec_from_file_location("compare", checkout / "tests" / "peers" / "compare.py")
    compare = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(compare)
    ours = {"simulator": "neuromod", "mean_rate_hz": 10.0, "cv_isi": 0.5, "w_mean": 1.0, "w_sd": 0.3}
    close = {"simulator": "peer", "mean_rate_hz": 10.1, "cv_isi": 0.52, "w_mean": 1.01, "w_sd": 0.302}
    assert compare.same_network([ours], [close], True)
    for key, value in {"mean_rate_hz": 10.3, "cv_isi": 0.53, "w_mean": 1.03, "w_sd": 0.31}.items():
        assert not compare.same_network([ours], [close | {key: value}], True)
        assert "NOT THE SAME" in capsys.readouterr().out
        assert compare.same_network([ours], [close | {key: value}], False) == key.startswith("w_")


def test_runs_that_lie_apart_by_chance_were_told_to_be_other_networks(
    checkout: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    spec = importlib.util.spec_from_file_location("compare", checkout / "tests" / "peers" / "compare.py")
    compare = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(compare)

    def runs(simulator: str, *rates: float) -> list[dict[str, object]]:
        return [{"simulator": simulator, "mean_rate_hz": rate, "cv_isi": 1.0} for rate in rates]

    assert compare.same_network(runs("neuromod", 45.0, 47.0, 49.0), runs("nest", 43.5, 46.0, 47.5), True)
    assert "0.8 standard errors: take more pairs" in capsys.readouterr().out
    assert not compare.same_network(runs("neuromod", 46.9, 47.0, 47.1), runs("nest", 45.5, 45.6, 45.7), True)
    assert "NOT THE SAME" in capsys.readouterr().out


if sys.platform == "linux":

    def test_memory_is_told_on_linux() -> None:
        record = bench("brunel_static", *TINY["brunel_static"])[1]
        assert record["peak_rss_mb"] >= record["base_rss_mb"] > 1.0


def test_single_cells_are_those_of_nest(checkout: Path) -> None:
    """Where NEST is: NEUROMOD_PEER_NEST names its Python."""
    if "NEUROMOD_PEER_NEST" not in os.environ:
        pytest.skip("needs NEST")
    done = peers_script(checkout, "cells.py")
    assert done.returncode == 0, done.stdout + done.stderr


def test_single_cells_without_nest_say_so(checkout: Path) -> None:
    done = peers_script(checkout, "cells.py", "--python", f"nest={sys.executable}")
    assert done.returncode == 2
    assert "nest: failed in" in done.stdout
