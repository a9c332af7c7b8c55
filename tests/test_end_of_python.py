"""The end of Python: whatever is alive then goes without a word, also after the modules have lost their names."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

_NETWORK = """
import neuromod, numpy

sim = neuromod.Simulation(seed=1, threads=2, neuromodulation=neuromod.NeuromodulationSystem())
ids = sim.create(20_000, "poisson", rate=50.0)
sim.connect(ids, ids, in_degree=20, weight=0.1, rule="rstdp", synapse_type="excitatory")
sim.run(10)
"""
# A module that never goes holds a function of the user's, hence all that the program has made.
_HELD = """
full = numpy.full
numpy.full = lambda *given, **named: full(*given, **named)
"""
_ALIVE = {
    "a simulation": "",
    "its copy": "other = sim.copy()\nother.run(10)\n",
    "replicas": "both = sim.replicas(2)\nboth.run(10)\n",
    "views": "synapse, neuron = sim.model.synapses[5], sim.model.neurons[0]\nsim.model.remove_neuron(neuron.id)\n",
    "monitors": "kept = neuromod.SpikeMonitor(sim), neuromod.RateMonitor(sim)\nsim.run(5)\n",
    "a log": "log = sim.streaming('spikes.log', {'E': neuromod.SpikeMonitor(sim)}, every=1.0)\n"
    "log.__enter__()\nsim.run(5)\n",
    "hooks": "sim.every(1.0, lambda each: None)\nsim.run(5)\n",
}


@pytest.mark.parametrize("what", _ALIVE)
def test_python_ends_without_a_word(what: str, tmp_path: Path) -> None:
    """The pool of threads asked for a name of its module: ``Error in sys.excepthook``."""
    program = tmp_path / "program.py"
    program.write_text(_NETWORK + _ALIVE[what] + _HELD)
    done = subprocess.run(
        [sys.executable, "-W", "ignore", str(program)],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        timeout=120,
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
