"""How long neuromod, NEST and Brian2 take to connect a network, in each way of connecting that they have.

    python tests/peers/building.py --synapses 1e7 --python nest=/venvs/nest/bin/python \\
        --python brian2=/venvs/brian2/bin/python

One process for each entry, on one thread. A small network is built first, so that compiling and importing do not count.
An entry of the table is synapses a second in connecting, in millions, and behind it seconds until the first step is
done. By distance: a torus with as many neurons as have 100 neighbours within the radius, 10^5 at 10^7 synapses.
An environment variable ``NEUROMOD_PEER_NEST`` may name a Python as well. "-": the simulator has no such way.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
RADIUS = math.sqrt(100.0 / math.pi)  # of 100 sites
SIGMA = math.sqrt(100.0 / (2.0 * math.pi))  # a gaussian, or an exponential, that holds 100 sites
WAYS = {
    "probability": "probability 0.1",
    "in_degree": "in-degree 1,000, with replacement",
    "in_degree_distinct": "in-degree 1,000, without replacement",
    "out_degree": "out-degree 1,000, with replacement",
    "out_degree_distinct": "out-degree 1,000, without replacement",
    "total": "total number, with replacement",
    "total_distinct": "total number, without replacement",
    "all_to_all": "all to all",
    "one_to_one": "one to one (a tenth of the synapses)",
    "pairs": "a list of pairs, in any order",
    "drawn": "in-degree 1,000; lognormal weights, delays of 1 to 10 steps",
    "pairs_drawn": "a list of pairs with weights and delays of their own",
    "box": "distance: all within a radius of 100 neighbours",
    "gaussian": "distance: gaussian of 100 neighbours, cut at 4 sigma",
    "exponential": "distance: exponential of 100 neighbours, cut at 6 lengths",
}
SPATIAL = {"box": RADIUS, "gaussian": 4.0 * SIGMA, "exponential": 6.0 * SIGMA}  # where a kernel is cut
SIMULATORS = ("neuromod", "nest", "brian2")
HAS_NOT = {
    ("nest", "total_distinct"),
    ("brian2", "in_degree"),
    ("brian2", "out_degree"),
    ("brian2", "total"),
    ("brian2", "total_distinct"),
}
DEGREE = 1000


def neurons(way: str, synapses: float) -> int:
    if way in SPATIAL:
        return round(math.sqrt(synapses / 100.0)) ** 2
    if way == "all_to_all":
        return round(math.sqrt(synapses))
    if way == "one_to_one":
        return round(synapses / 10.0)
    return max(round(synapses / DEGREE), 2 * DEGREE)


def lists(n: int, synapses: float, drawn: bool) -> tuple[Any, ...]:
    import numpy as np

    rng = np.random.default_rng(1)
    pre, post = rng.integers(0, n, (2, round(synapses)))
    if not drawn:
        return pre, post
    return pre, post, rng.lognormal(-1.0, 0.5, len(pre)), rng.integers(1, 11, len(pre)) / 10.0


# ---- neuromod ------------------------------------------------------------------------------------------------------


def by_neuromod(way: str, synapses: float) -> tuple[Callable[[], Any], Callable[[], Any]]:
    """What connects, and what then takes the first step. The same for the other simulators."""
    import numpy as np

    import neuromod

    n = neurons(way, synapses)
    sim = neuromod.Simulation(dt=0.1, seed=1, threads=1)
    side = math.isqrt(n)
    a = sim.create(n, "lif", positions={"grid": [side, side]} if way in SPATIAL else None)
    lognormal, uniform = {"lognormal": [-1.0, 0.5]}, {"uniform": [1, 10]}
    how: dict[str, Any] = {"weight": 0.1, "rule": "none", "autapses": True, "delay": 1}
    on_torus = {"edge_wrap": [float(side)] * 2, "mask": {"radius": SPATIAL.get(way, 1.0)}, "autapses": False}
    rules: dict[str, dict[str, Any]] = {
        "probability": {"probability": 0.1 if n > DEGREE else 1.0},
        "in_degree": {"in_degree": DEGREE},
        "in_degree_distinct": {"in_degree": DEGREE, "multapses": False},
        "out_degree": {"out_degree": DEGREE},
        "out_degree_distinct": {"out_degree": DEGREE, "multapses": False},
        "total": {"total_number": round(synapses)},
        "total_distinct": {"total_number": round(synapses), "multapses": False},
        "all_to_all": {"all_to_all": True},
        "one_to_one": {"one_to_one": True},
        "drawn": {"in_degree": DEGREE, "weight": lognormal, "delay": uniform},
        "box": {"probability": 1.0, **on_torus},
        "gaussian": {"probability": {"gaussian": [1.0, SIGMA]}, **on_torus},
        "exponential": {"probability": {"exponential": [1.0, SIGMA]}, **on_torus},
    }
    if way.startswith("pairs"):
        given = lists(n, synapses, way == "pairs_drawn")
        rules[way] = {"pairs": np.stack(given[:2], axis=1)}
        if way == "pairs_drawn":
            rules[way] |= {"weight": given[2], "delay": np.rint(10.0 * given[3]).astype(int)}
    return lambda: len(sim.connect(a, a, **how | rules[way])), sim.step


# ---- NEST ----------------------------------------------------------------------------------------------------------


def by_nest(way: str, synapses: float) -> tuple[Callable[[], Any], Callable[[], Any]]:
    sys.argv = sys.argv[:1]  # NEST reads it as well
    import nest

    nest.verbosity = nest.VerbosityLevel.ERROR
    nest.ResetKernel()
    nest.set(resolution=0.1, local_num_threads=1, rng_seed=1)
    n = neurons(way, synapses)
    side = math.isqrt(n)
    where = nest.spatial.grid([side, side], extent=[float(side)] * 2, edge_wrap=True)
    a = nest.Create("iaf_psc_delta", **({"positions": where} if way in SPATIAL else {"n": n}))
    static: dict[str, Any] = {"weight": 0.1, "delay": 0.1}
    drawn = {"weight": nest.random.lognormal(-1.0, 0.5), "delay": 0.1 * (1 + nest.random.uniform_int(10))}
    p = {
        "box": 1.0,
        "gaussian": nest.spatial_distributions.gaussian(nest.spatial.distance, std=SIGMA),
        "exponential": nest.spatial_distributions.exponential(nest.spatial.distance, beta=SIGMA),
    }
    near = {
        "rule": "pairwise_bernoulli",
        "p": p.get(way, 1.0),
        "allow_autapses": False,
        "mask": {"circular": {"radius": SPATIAL.get(way, 1.0)}},
    }
    rules: dict[str, tuple[Any, Any]] = {
        "probability": ({"rule": "pairwise_bernoulli", "p": 0.1}, static),
        "in_degree": ({"rule": "fixed_indegree", "indegree": DEGREE}, static),
        "in_degree_distinct": (
            {"rule": "fixed_indegree", "indegree": DEGREE, "allow_multapses": False},
            static,
        ),
        "out_degree": ({"rule": "fixed_outdegree", "outdegree": DEGREE}, static),
        "out_degree_distinct": (
            {"rule": "fixed_outdegree", "outdegree": DEGREE, "allow_multapses": False},
            static,
        ),
        "total": ({"rule": "fixed_total_number", "N": round(synapses)}, static),
        "all_to_all": ({"rule": "all_to_all"}, static),
        "one_to_one": ({"rule": "one_to_one"}, static),
        "drawn": ({"rule": "fixed_indegree", "indegree": DEGREE}, drawn),
        **dict.fromkeys(SPATIAL, (near, static)),
    }

    def number() -> int:
        return int(nest.num_connections)

    def connect() -> None:
        if not way.startswith("pairs"):
            nest.Connect(a, a, *rules[way])
            return
        pre, post, *more = given
        per_synapse = dict(zip(("weight", "delay"), more, strict=False)) if more else static
        nest.Connect(pre + 1, post + 1, "one_to_one", per_synapse | {"synapse_model": "static_synapse"})

    given = lists(n, synapses, way == "pairs_drawn") if way.startswith("pairs") else ()
    if given and way == "pairs":
        import numpy as np

        static = {"weight": np.full(len(given[0]), 0.1), "delay": np.full(len(given[0]), 0.1)}
    return lambda: (connect(), number())[1], lambda: nest.Simulate(0.1)


# ---- Brian2 ----------------------------------------------------------------------------------------------------------


def by_brian2(way: str, synapses: float) -> tuple[Callable[[], Any], Callable[[], Any]]:
    import brian2
    from brian2 import ms

    brian2.defaultclock.dt = 0.1 * ms
    n = neurons(way, synapses)
    side = math.isqrt(n)
    group = brian2.NeuronGroup(n, "dv/dt = -v/(20*ms) : 1\nx : 1\ny : 1", threshold="v > 1", reset="v = 0")
    group.x, group.y = "i // side", "i % side"
    own = way in {"drawn", "pairs_drawn"}
    s = brian2.Synapses(
        group, group, "w : 1" if own else "", on_pre="v_post += w" if own else "v_post += 0.1"
    )
    network = brian2.Network(group, s)
    steps = [f"abs({c}_pre - {c}_post)" for c in "xy"]
    d2 = " + ".join(f"clip({step}, 0, side - {step})**2" for step in steps)
    kernel = {"gaussian": f"exp(-({d2}) / (2*sigma**2))", "exponential": f"exp(-sqrt({d2}) / sigma)"}
    names = {"side": side, "sigma": SIGMA, "cut": SPATIAL.get(way, 0.0), "k": DEGREE}
    rules: dict[str, dict[str, Any]] = {
        "probability": {"p": 0.1},
        "in_degree_distinct": {"i": "q for q in sample(N_pre, size=k)"},
        "out_degree_distinct": {"j": "q for q in sample(N_post, size=k)"},
        "drawn": {"i": "q for q in sample(N_pre, size=k)"},
        "all_to_all": {},
        "one_to_one": {"j": "i"},
        **{
            name: {"condition": f"i != j and ({d2}) <= cut**2", "p": kernel.get(name, 1.0)}
            for name in SPATIAL
        },
    }
    given = lists(n, synapses, own) if way.startswith("pairs") else ()

    def connect() -> int:
        s.connect(**(dict(zip("ij", given, strict=False)) if given else rules[way]), namespace=names)
        if way == "drawn":
            s.w, s.delay = "exp(-1 + 0.5*randn())", "ceil(10*rand())*0.1*ms"
        elif way == "pairs_drawn":
            s.w, s.delay = given[2], given[3] * ms
        else:
            s.delay = 0.1 * ms
        return len(s)

    return connect, lambda: network.run(0.1 * ms, namespace=names)


# ---- one entry, and the table ----------------------------------------------------------------------------------

BY: dict[str, Callable[[str, float], tuple[Callable[[], Any], Callable[[], Any]]]] = {
    "neuromod": by_neuromod,
    "nest": by_nest,
    "brian2": by_brian2,
}


def measure(simulator: str, way: str, synapses: float) -> dict[str, Any]:
    """After a small network of the same kind. Processor time, so that what else runs counts less."""
    for size in (1e6 if way in SPATIAL else 1e4, synapses):
        connect, step = BY[simulator](way, size)
        start = time.process_time()
        found = connect()
        connected = time.process_time() - start
        step()
        stepped = time.process_time() - start
    return {"synapses": found, "connect_s": connected, "first_step_s": stepped}


def entry(simulator: str, way: str, a: argparse.Namespace) -> str:
    if (simulator, way) in HAS_NOT:
        return "-"
    chosen = dict(item.split("=", 1) for item in a.python)
    python = chosen.get(simulator) or os.environ.get(f"NEUROMOD_PEER_{simulator.upper()}") or sys.executable
    command = [python, __file__, "--synapses", str(a.synapses), "--one", simulator, way]
    single = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1")
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=a.limit, env=os.environ | single, check=False
        )
    except subprocess.TimeoutExpired:
        return f"> {a.limit:g} s"
    lines = [line for line in done.stdout.splitlines() if line.startswith("{")]
    if done.returncode != 0 or not lines:
        print(done.stderr[-1500:], file=sys.stderr)
        return "failed"
    found = json.loads(lines[-1])
    return f"{found['synapses'] / found['connect_s'] / 1e6:.3g} ({found['first_step_s']:.2g} s)"


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--synapses", type=float, default=1e7)
    parser.add_argument("--simulators", nargs="+", choices=SIMULATORS, default=list(SIMULATORS))
    parser.add_argument("--ways", nargs="+", choices=WAYS, default=list(WAYS))
    parser.add_argument("--python", action="append", default=[], metavar="SIMULATOR=PYTHON")
    parser.add_argument("--limit", type=float, default=250.0, help="seconds for an entry")
    parser.add_argument("--one", nargs=2, metavar=("SIMULATOR", "WAY"), help="this entry, as a line of JSON")
    a = parser.parse_args()
    if a.one:
        print(json.dumps(measure(*a.one, a.synapses)), flush=True)
        return
    print(
        f"{a.synapses:g} synapses, millions a second of processor time (seconds until the first step is done)"
    )
    print(f"{'':<60}" + "".join(f"{name:>18}" for name in a.simulators))
    for way in a.ways:
        print(f"{WAYS[way]:<60}", end="")
        for name in a.simulators:
            print(f"{entry(name, way, a):>18}", end="", flush=True)
        print()


if __name__ == "__main__":
    main()
