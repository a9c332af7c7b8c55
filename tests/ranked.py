"""Networks that run on one process or on several, by the same calls: ``python ranked.py THREADS
CASE...`` under ``mpiexec`` prints, on rank 0, the digest of each case."""

from __future__ import annotations

import os
import sys
from typing import Any

import numpy as np

from neuromod import Simulation, _core, create_neuromodulation_system

RULES = list(_core.plasticity_rules())


def random_case(number: int) -> dict[str, Any]:
    """A random network: sizes, delays, weights, short-term plasticity, sources, modulators."""
    rng = np.random.default_rng(number)
    n = int(rng.choice([50, 5000, 9000, 12500]))
    scale = 40.0 / n
    return {
        "n": n,
        "dt": float(rng.choice([0.1, 1.0])),
        "threads": int(rng.integers(1, 3)),
        "delay": [1, {"uniform": [2, 9]}, 15, {"uniform": [1, 40]}][int(rng.integers(4))],
        "equal": bool(rng.integers(2)),
        "dense": bool(rng.integers(2)) and n <= 5000,
        "short_term": bool(rng.integers(2)),
        "modulated": bool(rng.integers(2)),
        "degree": max(5, int(n * scale * 0.5)),
        "steps": [int(k) for k in rng.integers(1, 90, 3)],
        "rules": [random_rule(rng) for _ in range(int(rng.integers(4)))],
        "released": bool(rng.random() < 0.3),
    }


def random_rule(rng: Any) -> dict[str, Any]:
    """A projection that learns: rule, what goes with it, delays."""
    rule: dict[str, Any] = {"rule": str(rng.choice(RULES))}
    if rng.random() < 0.3:
        rule["weight_decay"] = 1e-3
    if rng.random() < 0.2:
        rule["weight_dependence"] = 1.0
    if rng.random() < 0.3:
        rule["homeostatic"] = {"every": 20.0, "tau": 200.0}
    if rng.random() < 0.2:
        rule["rounding"] = "nearest"
    if rng.random() < 0.3:
        rule["modulators"] = ["serotonin"]
    if rng.random() < 0.3:
        rule["short_term"] = True
    return rule_case(rule, [1, 5, {"uniform": [1, 20]}][int(rng.integers(3))], int(rng.integers(3)))


def rule_case(rule: dict[str, Any], delay: Any, ends: int = 0) -> dict[str, Any]:
    """A projection under a rule between two of the populations."""
    return {"rule": rule, "delay": delay, "ends": ends}


def built(sim: Any, case: dict[str, Any]) -> Any:
    """The network of a case, by calls that a Simulation and a RankSimulation share."""
    n = case["n"]
    a = sim.create(n * 3 // 5, "lif", name="a", drive={"rate": 1500.0, "weight": 1.2}, region="here")
    b = sim.create(
        n - len(a) - 5, "izhikevich", name="b", neuron_type="inhibitory", drive={"rate": 800.0, "weight": 2.0}
    )
    s = sim.create(5, "poisson", name="s", rate=50.0)
    weight: Any = 0.4 if case["equal"] else {"normal": [0.4, 0.1], "low": 0.0}
    if case.get("wide"):  # sums of such weights depend on their order
        weight = {"lognormal": [-12.0, 9.0], "high": 1.0, "outside": "clip"}
    sim.connect(a, b, in_degree=case["degree"], weight=weight, delay=case["delay"], rule="none")
    sim.connect(a, a, in_degree=case["degree"], weight=weight, delay=case["delay"], rule="none")
    if case["dense"]:
        sim.connect(b, a, probability=0.2, weight=0.05, delay=2, rule="none", name="dense")
    sim.connect(
        b,
        a + b,
        out_degree=case["degree"],
        weight=weight if case.get("wide") else 0.7,
        delay=case["delay"],
        rule="none",
    )
    sim.connect(s, a, in_degree=2, weight=2.0, delay=3, rule="none", name="again")  # some twice
    for k, how in enumerate(case.get("rules", ())):
        inhibits = how["rule"]["rule"] in ("istdp", "ristdp")
        pre, post = (b, a) if inhibits else ((a, a), (a, b), (a, a + b))[how["ends"]]
        sim.connect(
            pre,
            post,
            in_degree=5,
            weight={"uniform": [0.2, 0.8]},
            delay=how["delay"],
            rule=how["rule"],
            name=f"learns_{k}",
        )
    if case["short_term"]:
        sim.connect(a, b, probability=0.01, weight=0.5, delay=4, rule="none", short_term=True, name="short")
    return a


def system_of(case: dict[str, Any]) -> Any:
    """Its modulators; None where it has none."""
    if not case["modulated"]:
        return None
    section: dict[str, Any] = {"neutral": True, "serotonin": {"tau": 50.0}}
    return create_neuromodulation_system(section, regions=["global", "here"])


def prepared(sim: Any, case: dict[str, Any]) -> None:
    """What comes after the network is built."""
    system = sim.neuromodulation
    if system is not None and case.get("released"):
        system.add_release("dopamine", ["a"], 0.0005)
        system.set_diffusion("dopamine", 0.05, [(0, 1)])


def stimulated(sim: Any) -> None:
    """What comes before each run."""
    if sim.neuromodulation is not None:
        sim.neuromodulation.process_uncertainty(0.3, 0.1)
        sim.neuromodulation.process_reward(0.8, 0.2)


def alone(case: dict[str, Any]) -> str:
    """The digest of one process."""
    sim = Simulation(seed=5, dt=case["dt"], neuromodulation=system_of(case), threads=case["threads"])
    built(sim, case)
    prepared(sim, case)
    for steps in case["steps"]:
        stimulated(sim)
        sim.run(steps)
    return sim.digest()


def together(case: dict[str, Any], comm: Any = None) -> str | None:
    """The digest of several, on rank 0."""
    from neuromod.ranks import RankSimulation

    sim = RankSimulation(
        comm, seed=5, dt=case["dt"], neuromodulation=system_of(case), threads=case["threads"]
    )
    built(sim, case)
    prepared(sim, case)
    for steps in case["steps"]:
        stimulated(sim)
        sim.run(steps)
    whole = sim.gather()
    return None if whole is None else whole.digest()


def run_long(how: str) -> None:
    """A run without end, which rank 1 does not live to see."""
    from neuromod.ranks import RankSimulation

    sim = RankSimulation(seed=5)
    sim.create(9000, drive={"rate": 1500.0, "weight": 1.2})
    sim.run(5)
    if sim.rank == 1:
        print(os.getpid(), flush=True)
    if sim.rank == 1 and how == "error":
        raise RuntimeError("an error of one rank")
    sim.run(10**8)


def microcircuit(scale: float, threads: int, comm: Any = None, alone: bool = False) -> str | None:
    """The digest of the cortical microcircuit after 20 ms, on rank 0."""
    from neuromod.bench.microcircuit import fill_microcircuit
    from neuromod.bench.numbers import MICROCIRCUIT, Options
    from neuromod.ranks import RankSimulation

    given: dict[str, Any] = {"seed": 1, "dt": MICROCIRCUIT.dt, "threads": threads}
    sim = Simulation(**given) if alone else RankSimulation(comm, **given)
    fill_microcircuit(sim, Options(scale=scale))
    sim.run(200)
    whole = sim if alone else sim.gather()  # type: ignore[attr-defined]
    return None if whole is None else whole.digest()


def main(words: list[str]) -> None:
    """``long HOW``; ``microcircuit SCALE THREADS``; or ``THREADS CASE...``."""
    if words[0] == "long":
        return run_long(words[1])
    threads = int(words[2] if words[0] == "microcircuit" else words[0])
    for number in ["microcircuit"] if words[0] == "microcircuit" else words[1:]:
        if number == "microcircuit":
            digest = microcircuit(float(words[1]), threads)
        else:
            digest = together(random_case(int(number)) | {"threads": threads})
        if digest is not None:
            print(number, digest, flush=True)
    return None


if __name__ == "__main__":
    main(sys.argv[1:])
