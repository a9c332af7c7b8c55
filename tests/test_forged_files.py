"""Files whose sums are right and whose content is not: what `load` takes runs, what it does not is a `FileError`."""

from __future__ import annotations

import contextlib
import os
import random
from pathlib import Path
from typing import Any

import pytest
from random_models import _spoil, places
from test_files import monitors_on, rewritten, small

from neuromod import FileError, Simulation
from neuromod.errors import NumericalError

FIRST = int(os.environ.get("NEUROMOD_FUZZ_SEED", "0"))
MUTANTS = int(os.environ.get("NEUROMOD_FUZZ_MUTANTS", "40"))


def changed(draw: random.Random) -> Any:
    """One or two values of the content changed, moved or left out."""

    def change(manifest: Any) -> None:
        for _ in range(draw.choice([1, 1, 2])):
            *parents, last = draw.choice(places(manifest["content"]))
            place = manifest["content"]
            for key in parents:
                place = place[key]
            _spoil(place, last, draw)

    return change


@pytest.mark.fuzz
@pytest.mark.filterwarnings("ignore::neuromod.NeuromodWarning")
def test_a_forged_content_is_refused_or_runs(tmp_path: Path) -> None:
    """No other exception, no crash, no hang. NEUROMOD_FUZZ_MUTANTS says how many."""
    sim = small()
    kept = monitors_on(sim)
    sim.run(10)
    sim.save(tmp_path / "good.npz")
    counts = {"refused": 0, "nameless": 0, "ran": 0}
    for seed in range(FIRST, FIRST + MUTANTS):
        forged = rewritten(tmp_path / "good.npz", tmp_path / "forged.npz", changed(random.Random(seed)))
        try:
            again = Simulation.load(forged)
        except FileError as error:
            counts["refused" if str(error).startswith(f"{forged}: ") else "nameless"] += 1
            continue
        with contextlib.suppress(NumericalError):  # a parameter may be one with which a network diverges
            again.run(3)
        counts["ran"] += 1
    assert counts["refused"] > MUTANTS // 2 and counts["ran"] and not counts["nameless"], counts
    assert kept
