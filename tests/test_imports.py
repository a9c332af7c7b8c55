"""`import neuromod` is quick, silent and alone: no heavy library, no thread, no file written, no network, ever."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest


def child(program: str, folder: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", program],
        check=True,
        capture_output=True,
        text=True,
        cwd=folder,
        timeout=120,
        env=os.environ | environment,
    )


def test_import_says_nothing_and_loads_nothing_heavy(tmp_path: Path) -> None:
    done = child(
        "import sys, threading, neuromod, neuromod.simulation, json;"
        "print(json.dumps([sorted(sys.modules), threading.active_count()]))",
        tmp_path,
    )
    modules, threads = json.loads(done.stdout)
    assert done.stderr == ""
    assert done.stdout.count("\n") == 1
    assert "neuromod.simulation" in modules
    assert not {"pydantic", "matplotlib", "scipy", "pandas", "h5py", "tqdm"} & set(modules)
    assert threads == 1
    assert not list(tmp_path.iterdir())


def seconds(program: str, folder: Path) -> float:
    """Best of seven, in the process's own time, with bytecode, which pip writes when it installs."""
    bytecode = {"PYTHONDONTWRITEBYTECODE": "", "PYTHONPYCACHEPREFIX": str(folder / "bytecode")}
    timed = f"import time; start = time.process_time(); {program}; print(time.process_time() - start)"
    return min(float(child(timed, folder, **bytecode).stdout) for _ in range(7))


@pytest.mark.long
def test_import_takes_at_most_50_ms_more_than_numpy(tmp_path: Path) -> None:
    ours = seconds(
        "import numpy; start = time.process_time(); import neuromod, neuromod.simulation", tmp_path
    )
    assert ours < 0.050


@pytest.mark.long
@pytest.mark.parametrize(
    "work",
    [
        "import neuromod, neuromod.simulation",
        "from neuromod import BrainModel, Simulation; sim = Simulation(BrainModel('brain_base_model.json'), seed=1);"
        "sim.initialize_neurons(['V1_like'], density=0.02); sim.initialize_random_synapses(0.1); sim.run(20)",
        "from neuromod.cli import main; main(['run', '--steps', '20', '--out', 'out'])",
    ],
    ids=["import", "simulate", "main job"],
)
def test_no_network_no_process_no_pickle(tmp_path: Path, work: str) -> None:
    """An audit hook of the interpreter sees every such call, whoever makes it."""
    done = child(
        "import sys\n"
        "watched = ('socket.connect', 'socket.getaddrinfo', 'subprocess.Popen', 'os.system', 'pickle.find_class',\n"
        "           'urllib.Request')\n"
        "seen = []\n"
        "sys.addaudithook(lambda event, _: seen.append(event) if event in watched else None)\n"
        f"{work}\n"
        "print('seen', seen)",
        tmp_path,
    )
    assert done.stdout.strip().endswith("seen []")


def test_the_audit_hook_sees_what_it_watches(tmp_path: Path) -> None:
    done = child(
        "import sys, socket\n"
        "seen = []\n"
        "sys.addaudithook(lambda event, _: seen.append(event))\n"
        "try:\n    socket.create_connection(('127.0.0.1', 9), timeout=0.1)\nexcept OSError:\n    print(seen)",
        tmp_path,
    )
    assert "socket.connect" in done.stdout
