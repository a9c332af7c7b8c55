"""The page on several machines: its program runs under MPI, and its table names what there is."""

from __future__ import annotations

import re
import subprocess
import sys
from importlib import resources
from pathlib import Path

import pytest
from test_ranks import MPIEXEC, needs_mpi

from neuromod import RankSimulation, _core

PAGE = resources.files("neuromod").joinpath("guide", "ranks.md").read_text(encoding="utf-8")


@needs_mpi
@pytest.mark.long
def test_the_program_runs(tmp_path: Path) -> None:
    program, _ = re.findall(r"^```python\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
    (tmp_path / "network.py").write_text(program)
    assert MPIEXEC is not None
    command = [MPIEXEC, "-n", "2", sys.executable, "network.py"]
    done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, timeout=200)
    assert done.returncode == 0, done.stderr
    assert re.fullmatch(r"\d+ 5000\n", done.stdout)


def test_every_method_is_named() -> None:
    names = {name for name in dir(RankSimulation) if not name.startswith("_")}
    missing = {name for name in names if f"`{name}" not in PAGE and f".{name}(" not in PAGE}
    assert missing <= {"rank", "n_ranks", "step", "own_ids", "n_own_synapses", "neuromodulation"}


def test_the_numbers_of_parts_are_those_of_the_core() -> None:
    for n, parts in ((4095, 1), (4096, 4), (32767, 4), (32768, 8), (131071, 8), (131072, 16)):
        assert _core.partitions(n)[0] == parts
    assert "1 part below 4,096 neurons, 4 below 32,768, 8 below 131,072, and 16 above" in PAGE
