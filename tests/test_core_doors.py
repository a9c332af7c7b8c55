"""No argument to anything in `neuromod._core` ends the process: every door checks before C reads."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest


@pytest.mark.long
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_no_argument_crashes_the_core(checkout: Path, tmp_path: Path, seed: int) -> None:
    program = checkout / "tests" / "programs" / "core_doors.py"
    done = subprocess.run(
        [sys.executable, "-W", "ignore", str(program), str(seed)],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        timeout=280,
    )
    gone_through = done.stdout.splitlines()
    assert done.returncode == 0, f"{gone_through[-1:]} ended with {done.returncode}: {done.stderr[-500:]}"
    assert gone_through[-1] == "all doors hold"
    assert len(gone_through) > 80
