"""Many runs on the engines that users have: processes, dask, ray, MPI, and every executor of PEP 3148."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from neuromod.sweeps.run import sweep
    from neuromod.sweeps.table import SweepTable
    from neuromod.sweeps.tuning import objective

__all__ = ["SweepTable", "objective", "sweep"]


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module 'neuromod.sweeps' has no attribute {name!r}")
    import importlib

    home = {"SweepTable": "table", "objective": "tuning", "sweep": "run"}[name]
    return getattr(importlib.import_module(f"neuromod.sweeps.{home}"), name)
