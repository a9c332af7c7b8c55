"""The compiler flags of each vector level, as setup.py has them, and the levels that this machine runs."""

from __future__ import annotations

import ast
from pathlib import Path

from neuromod import _machine
from neuromod.vector import LEVELS


def level_flags() -> dict[str, list[str]]:
    """Level -> flags; setup.py is read, not run."""
    named: dict[str, list[str]] = {}
    for node in ast.parse((Path(__file__).parents[1] / "setup.py").read_text()).body:
        name = ast.unparse(node.targets[0]) if isinstance(node, ast.Assign) else ""
        if name in ("AVX2", "AVX512"):
            named[name] = ast.literal_eval(node.value)
    return {"baseline": [], "avx2": named["AVX2"], "avx512": [*named["AVX2"], *named["AVX512"]]}


def machine_levels() -> tuple[str, ...]:
    """Levels that this processor runs, whether the build has them or not."""
    return LEVELS[: _machine.level() + 1]
