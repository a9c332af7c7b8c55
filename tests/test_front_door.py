"""What a user sees first: names with types, attributes that are for users, and nothing else."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

import neuromod
from neuromod import BrainModel, NeuromodulationSystem, Simulation, SpikeMonitor

# Everything else starts with an underscore.
OF_A_PROJECTION = {
    *("name", "synapse_type", "rule", "rule_params", "weight_min", "weight_max", "weight_decay"),
    *("weight_dependence", "short_term", "homeostatic", "pre_id", "post_id", "delay", "weight", "weight_of"),
    *("eligibility", "plasticity_tag", "port", "order", "learning", "modulators", "state", "rounding"),
    "weight_unit",
    *("add", "remove", "prune", "rewire", "to_dict", "to_pandas", "to_scipy"),
}


@pytest.fixture
def sim() -> Simulation:
    sim = Simulation(BrainModel("brain_base_model.json"), seed=1, neuromodulation=NeuromodulationSystem())
    sim.initialize_neurons(["V1_like"], density=0.01)
    sim.connect("V1_like", "V1_like", out_degree=5, weight=0.1, synapse_type="excitatory", name="local")
    return sim


def public(thing: object) -> set[str]:
    return {name for name in dir(thing) if not name.startswith("_")}


def test_dir_of_a_projection_shows_what_users_call(sim: Simulation) -> None:
    assert public(sim.projections["local"]) == OF_A_PROJECTION


def test_dir_of_the_package_shows_its_names() -> None:
    assert set(neuromod.__all__) <= set(dir(neuromod))
    assert set(neuromod._HOMES) | {"__version__"} == set(neuromod.__all__)


def test_the_modules_for_users_are_attributes_of_the_package() -> None:
    """In a fresh interpreter: `import neuromod` alone, and `neuromod.plot.raster` is there, without matplotlib."""
    program = (
        "import sys, neuromod\n"
        "assert 'neuromod.plot' not in sys.modules\n"
        "assert neuromod.plot.raster and neuromod.senses.text_matrix and neuromod.plasticity.stdp_update\n"
        "assert neuromod.agents.Agent and neuromod.cell_types.izhikevich_type\n"
        "assert 'matplotlib' not in sys.modules and 'gymnasium' not in sys.modules\n"
        "assert {'plot', 'agents', 'senses'} <= set(dir(neuromod))\n"
    )
    subprocess.run([sys.executable, "-c", program], check=True, timeout=120)


def test_no_public_attribute_is_the_core_s_or_internal(sim: Simulation) -> None:
    things = [
        sim,
        sim.model,
        sim.projections["local"],
        sim.neuromodulation,
        SpikeMonitor(sim),
        sim.replicas(2),
    ]
    for thing in things:
        for name in public(thing) - {"version"}:
            value = getattr(thing, name, None)
            home = type(value).__module__
            assert not home.startswith(("neuromod._core", "neuromod.session", "neuromod.network.store")), (
                f"{type(thing).__name__}.{name} is a {type(value).__name__}"
            )


def mypy_says(program: str, folder: Path) -> str:
    home = Path(neuromod.__file__).parent.parent
    # An editable install is found by import hooks, which a type checker does not run.
    where = {} if home.name == "site-packages" else {"MYPYPATH": str(home)}
    (folder / "program.py").write_text(program)
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "mypy",
            "--strict",
            "--no-incremental",
            "--cache-dir",
            str(folder),
            "program.py",
        ],
        capture_output=True,
        text=True,
        cwd=folder,
        env={**os.environ, **where},
        timeout=250,
    )
    return done.stdout


@pytest.mark.long
def test_a_type_checker_sees_wrong_arguments_and_wrong_names(tmp_path: Path) -> None:
    said = mypy_says('from neuromod import Simulation\n\nSimulation(3, sed="x").rum(1)\n', tmp_path)
    assert 'Unexpected keyword argument "sed" for "Simulation"' in said
    assert '"Simulation" has no attribute "rum"' in said
    assert 'Argument 1 to "Simulation" has incompatible type "int"' in said


@pytest.mark.long
def test_a_type_checker_accepts_what_is_right(tmp_path: Path) -> None:
    program = (
        "from neuromod import BrainModel, Population, Simulation, SpikeMonitor\n"
        "from neuromod.brain_model import Neuron\n"
        'sim = Simulation(BrainModel("brain_base_model.json"), seed=1)\n'
        "spikes = SpikeMonitor(sim)\n"
        'neuron: Neuron = sim.model.neurons[0]\nrate: float = sim.run(10)["mean_rate"]\n'
        'w = sim.connect("a", "b", in_degree=2, weight=0.1).weight\nw += 0.5\n'
        "runs = sim.replicas(3)\nfirst: Simulation = runs[0]\n"
        'E: Population = sim.create(8, "lif", name="E", tau_m=20.0)\nE.tau_m = 10.0\npart: Population = E[:3] + E[5:]\n'
        'sim.connect(E[0], [E, "a"], in_degree=1, weight=1.0, delay_ms=1.5)\none: Neuron = E[0]\n'
        "sim.run(ms=10.0, input_ids=E)\nfew = SpikeMonitor(sim, E[[1, 2]])\nsim.initialize_neurons([E])\n"
    )
    assert "Success: no issues found" in mypy_says(program, tmp_path)
