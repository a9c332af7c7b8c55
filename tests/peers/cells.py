"""Single neurons and synapses of neuromod beside those of NEST: spike trains and weights under the same input.

    python tests/peers/cells.py --python nest=/venvs/nest/bin/python

Each case is a function of each simulator: it takes the case's numbers and returns spike times (ms) or values. A case
passes where both have as many spikes (or values), and these differ by no more than is allowed. NEST counts the delay of
a plastic synapse after the neuron, neuromod before it: NEST's presynaptic train is two delays later. neuromod runs in
this Python, or ``--python neuromod=PYTHON``; the environment variable ``NEUROMOD_PEER_NEST`` may name NEST's. The map
of ``izhikevich`` is thought to amplify the last bit: its trains part after 500 to 1,000 ms, and 500 ms are compared.
Exit code: 0 all cases agree, 1 some do not, 2 NEST is missing.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

DT = 0.1
CASES: dict[str, tuple[float, dict[str, Any]]] = {  # how far values may lie apart; the case's numbers
    "lif, constant current": (0.0, {"current": [15.5, 18.0, 25.0, 60.0], "t": 1000.0}),
    "lif, jumps of the potential": (0.0, {"rate": 900.0, "weight": 1.0, "tau_syn": 0.0, "t": 2000.0}),
    "lif, decaying currents": (0.0, {"rate": 900.0, "weight": 4.0, "tau_syn": 5.0, "t": 2000.0}),
    "lif_cond": (0.0, {"rate": 900.0, "weight": 0.4, "t": 2000.0}),
    "izhikevich, constant current": (0.0, {"current": [5.0, 10.0, 14.0], "t": 500.0}),
    "adex, constant current": (1.5, {"current": [700.0, 800.0, 1000.0], "t": 300.0}),
    "lif, a network": (0.0, {"n": 500, "inputs": 50, "weight": 2.5, "rate": 800.0, "t": 1000.0}),
    "short-term plasticity": (1e-12, {"U": 0.3, "tau_rec": 200.0, "tau_facil": 100.0}),
    "stdp": (1e-6, {"a_plus": 0.01, "a_minus": 0.012, "tau": 20.0}),
}
TRAIN = [5.0, 25.0, 31.0, 60.0, 61.0, 110.0, 250.0, 255.0, 400.0]  # ms
POST = [12.0, 27.0, 70.0, 105.0, 130.0, 252.0, 300.0, 390.0]  # ms


def arrivals(p: dict[str, Any]) -> list[float]:
    """Times of spikes of a Poisson process, ms, from a generator that every Python has; one for each step at most."""
    import random

    draw, steps = random.Random(1), round(p["t"] / DT)
    return [round(k * DT, 6) for k in range(10, steps) if draw.random() < p["rate"] * DT / 1000.0]


def wiring(p: dict[str, Any]) -> tuple[list[list[int]], list[list[int]], list[float], list[list[float]]]:
    """Pairs of the excitatory and of the inhibitory fifth, with themselves and repeats among them; initial potentials;
    and a train of input for each neuron."""
    import random

    draw, n, steps = random.Random(2), p["n"], round(p["t"] / DT)
    first = n - n // 5
    excitatory = [[draw.randrange(first), k] for k in range(n) for _ in range(p["inputs"] * 4 // 5)]
    inhibitory = [[draw.randrange(first, n), k] for k in range(n) for _ in range(p["inputs"] // 5)]
    start = [draw.uniform(0.0, 20.0) for _ in range(n)]
    odds = p["rate"] * DT / 1000.0
    trains = [[round(k * DT, 6) for k in range(1, steps) if draw.random() < odds] for _ in range(n)]
    return excitatory, inhibitory, start, trains


# ---- neuromod ------------------------------------------------------------------------------------------------------


def of_neuromod(name: str, p: dict[str, Any]) -> Any:
    import numpy as np

    from neuromod import Simulation, SpikeMonitor, StateMonitor

    model = name.partition(",")[0]
    dt = 1.0 if model == "izhikevich" else DT
    sim = Simulation(seed=1, dt=dt)

    def trains(cells: Any) -> list[list[float]]:
        spikes = SpikeMonitor(sim)
        sim.run(round(p["t"] / dt))
        return [np.round(spikes.time[spikes.id == k], 6).tolist() for k in cells.ids]

    def driven_by(times: list[float], cells: Any, weight: float, **more: Any) -> Any:
        source = sim.create(1, "spike_source")
        sim.set_spike_times(source, [times])
        return sim.connect(source, cells, probability=1.0, weight=weight, delay=1, **more)

    if "inputs" in p:
        excitatory, inhibitory, start, given = wiring(p)
        how = {
            "v_rest": 0.0,
            "v_reset": 10.0,
            "v_threshold": 20.0,
            "refractory_period": 2.0,
            "v_membrane": start,
        }
        cells, sources = sim.create(p["n"], "lif", **how), sim.create(p["n"], "spike_source")
        delay = {"delay_ms": 1.5, "autapses": True}
        sim.connect(cells, cells, pairs=excitatory, weight=p["weight"], **delay)
        inhibition = {"pairs": inhibitory, "weight": 5.0 * p["weight"], "synapse_type": "inhibitory"}
        sim.connect(cells, cells, **inhibition, **delay)
        sim.connect(sources, cells, one_to_one=True, weight=p["weight"], delay_ms=1.5)
        sim.set_spike_times(sources, given)
        return trains(cells)
    if "current" in p:
        cells = sim.create(len(p["current"]), model)
        cells.i_offset[:] = p["current"]
        return trains(cells)
    if "rate" in p:
        tau = {"tau_syn_excitatory": p["tau_syn"]} if "tau_syn" in p else {}
        cells = sim.create(1, model, **tau)
        driven_by(arrivals(p), cells, p["weight"])
        return trains(cells)
    if name == "stdp":
        pre, post = sim.create(1, "spike_source"), sim.create(1, "lif")
        sim.set_spike_times(pre, [TRAIN])
        driven_by([t - DT for t in POST], post, 1000.0)
        rule = {
            "rule": "stdp", "learning_rate": 1.0, "a_plus": p["a_plus"], "a_minus": p["a_minus"],
            "tau_plus": p["tau"], "tau_minus": p["tau"], "weight_max": 100.0,
        }  # fmt: skip
        synapse = sim.connect(pre, post, probability=1.0, weight=0.5, delay=1, rule=rule)
        sim.run(5000)
        return [float(synapse.weight[0])]
    quiet = sim.create(1, "lif", tau_m=5.0, v_threshold=1e6)
    driven_by(TRAIN, quiet, 1.0, short_term={key: p[key] for key in ("U", "tau_rec", "tau_facil")})
    v = StateMonitor(sim, "v_membrane", quiet.ids)
    sim.run(5000)
    value = v.values[:, 0] + 65.0
    return [float(value[k] - value[k - 1] * np.exp(-DT / 5.0)) for k in (round(t / DT) for t in TRAIN)]


# ---- NEST ----------------------------------------------------------------------------------------------------------


def of_nest(name: str, p: dict[str, Any]) -> Any:
    import nest
    import numpy as np

    model = name.partition(",")[0]
    dt = 1.0 if model == "izhikevich" else DT
    nest.verbosity = nest.VerbosityLevel.ERROR
    nest.ResetKernel()
    nest.resolution = dt
    lif = {
        "E_L": -65.0,
        "V_reset": -70.0,
        "V_th": -50.0,
        "t_ref": 5.0,
        "tau_m": 20.0,
        "C_m": 20.0,
        "V_m": -65.0,
    }
    adex = {
        "C_m": 281.0, "g_L": 30.0, "E_L": -70.6, "V_th": -50.4, "Delta_T": 2.0, "a": 4.0, "b": 80.5, "tau_w": 144.0,
        "V_reset": -70.6, "V_peak": 0.0, "t_ref": 0.0, "V_m": -70.6,
    }  # fmt: skip
    cond = {
        "C_m": 200.0, "g_L": 10.0, "E_L": -60.0, "V_reset": -60.0, "V_th": -50.0, "t_ref": 5.0, "E_ex": 0.0,
        "E_in": -80.0, "tau_syn_ex": 5.0, "tau_syn_in": 10.0, "V_m": -60.0,
    }  # fmt: skip
    izhikevich = {"V_m": -65.0, "U_m": -13.0, "consistent_integration": False}
    kinds = {
        "lif": ("iaf_psc_exp", lif), "lif_cond": ("iaf_cond_exp", cond), "adex": ("aeif_cond_exp", adex),
        "izhikevich": ("izhikevich", izhikevich),
    }  # fmt: skip

    def trains(cells: Any) -> list[list[float]]:
        recorder = nest.Create("spike_recorder")
        nest.Connect(cells, recorder)
        nest.Simulate(p["t"])
        events = recorder.get("events")
        return [np.round(events["times"][events["senders"] == k], 6).tolist() for k in cells.tolist()]

    def driven_by(times: list[float], cells: Any, weight: float) -> None:
        source = nest.Create("spike_generator", params={"spike_times": times})
        nest.Connect(source, cells, syn_spec={"weight": weight, "delay": dt})

    if "inputs" in p:
        excitatory, inhibitory, start, given = wiring(p)
        own = {"C_m": 1.0, "tau_m": 20.0, "E_L": 0.0, "V_reset": 10.0, "V_th": 20.0, "t_ref": 2.0}
        cells = nest.Create("iaf_psc_delta", p["n"], params=own)
        cells.V_m = start
        for pairs, weight in ((excitatory, p["weight"]), (inhibitory, -5.0 * p["weight"])):
            pre, post = (np.array(end) + 1 for end in zip(*pairs, strict=True))
            values = {"weight": np.full(len(pre), weight), "delay": np.full(len(pre), 1.5)}
            nest.Connect(pre, post, "one_to_one", values)
        sources = nest.Create("spike_generator", p["n"], params=[{"spike_times": each} for each in given])
        nest.Connect(sources, cells, "one_to_one", {"weight": p["weight"], "delay": 1.5})
        return trains(cells)
    if "current" in p:
        kind, params = kinds[model]
        cells = nest.Create(kind, len(p["current"]), params=params)
        cells.I_e = p["current"]
        return trains(cells)
    if "rate" in p:
        kind, params = kinds[model]
        if p.get("tau_syn") == 0.0:
            kind = "iaf_psc_delta"
        elif "tau_syn" in p:
            params = params | {"tau_syn_ex": p["tau_syn"]}
        cells = nest.Create(kind, params=params)
        driven_by(arrivals(p), cells, p["weight"] * (10.0 if model == "lif_cond" else 1.0))
        return trains(cells)
    source = nest.Create("spike_generator", params={"spike_times": TRAIN})
    parrot = nest.Create("parrot_neuron")
    nest.Connect(source, parrot, syn_spec={"delay": dt})
    if name == "stdp":
        source.spike_times = [round(t + dt, 6) for t in TRAIN]  # the parrot is one delay later, too
        post = nest.Create("iaf_psc_delta", params=lif | {"tau_minus": p["tau"]})
        driven_by([round(t - DT, 6) for t in POST], post, 1000.0)
        rule = {
            "synapse_model": "stdp_synapse", "weight": 0.5, "delay": dt, "Wmax": 100.0, "lambda": p["a_plus"] / 100.0,
            "alpha": p["a_minus"] / p["a_plus"], "mu_plus": 0.0, "mu_minus": 0.0, "tau_plus": p["tau"],
        }  # fmt: skip
        nest.Connect(parrot, post, syn_spec=rule)
        nest.Simulate(500.0)
        return [float(nest.GetConnections(parrot, post).weight)]
    source.spike_times = [round(t - dt, 6) for t in TRAIN]
    quiet = nest.Create("iaf_psc_delta", params=lif | {"tau_m": 5.0, "C_m": 5.0, "V_th": 1e6})
    # the first spike finds u and x as they are given
    facts = {"U": p["U"], "u": p["U"], "x": 1.0, "tau_rec": p["tau_rec"], "tau_fac": p["tau_facil"]}
    nest.Connect(
        parrot, quiet, syn_spec={"synapse_model": "tsodyks2_synapse", "weight": 1.0, "delay": dt, **facts}
    )
    meter = nest.Create("voltmeter", params={"interval": dt})
    nest.Connect(meter, quiet)
    nest.Simulate(500.0)
    value = meter.get("events")["V_m"] + 65.0  # from dt on
    at = [round(t / DT) for t in TRAIN]
    return [float(value[k] - value[k - 1] * np.exp(-DT / 5.0)) for k in at]


# ---- side by side --------------------------------------------------------------------------------------------------

SIDES: dict[str, Callable[[str, dict[str, Any]], Any]] = {"neuromod": of_neuromod, "nest": of_nest}


def agree(name: str, ours: list[Any], theirs: list[Any]) -> bool:
    """Print how far they are apart; whether that is allowed."""
    allowed = CASES[name][0]
    of = ours if isinstance(ours[0], list) else [ours]
    with_ = theirs if isinstance(theirs[0], list) else [theirs]
    numbers = [len(each) for each in of], [len(each) for each in with_]
    pairs = [
        abs(a - b) for one, other in zip(of, with_, strict=True) for a, b in zip(one, other, strict=False)
    ]
    equal = sum(apart < 1e-9 for apart in pairs)
    fine = numbers[0] == numbers[1] and max(pairs) <= allowed + 1e-9
    what = "spikes" if isinstance(ours[0], list) else "values"
    print(
        f"  {name:<30}{sum(numbers[0]):>5} and {sum(numbers[1]):>5} {what}, {equal:>5} equal, "
        f"at most {max(pairs):.3g} apart, allowed {allowed:g}{'' if fine else '  NOT THE SAME'}"
    )
    return fine


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--python", action="append", default=[], metavar="SIMULATOR=PYTHON")
    parser.add_argument("--side", choices=SIDES, help="print what one simulator gives, as JSON")
    arguments = parser.parse_args()
    if arguments.side:
        print(json.dumps({name: SIDES[arguments.side](name, p) for name, (_, p) in CASES.items()}))
        return 0
    found = {}
    for side in SIDES:
        python = dict(item.split("=", 1) for item in arguments.python).get(side)
        python = python or os.environ.get(f"NEUROMOD_PEER_{side.upper()}") or sys.executable
        command = [python, str(Path(__file__)), "--side", side]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        lines = [line for line in done.stdout.splitlines() if line.startswith("{")]
        if done.returncode != 0 or not lines:
            print(f"{side}: failed in {python}:\n{done.stderr[-1500:]}")
            return 2
        found[side] = json.loads(lines[-1])
    agreed = [agree(name, found["neuromod"][name], found["nest"][name]) for name in CASES]
    return 0 if all(agreed) else 1


if __name__ == "__main__":
    sys.exit(main())
