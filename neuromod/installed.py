"""What is installed: versions, how it was built, vector level, threads and extras; what a report of a bug needs."""

from __future__ import annotations

import os
import platform
from importlib.util import find_spec

__all__ = ["as_text", "show_config"]

EXTRAS = {
    "plot": "matplotlib",
    "progress": "tqdm",
    "notebook": "ipykernel",
    "scipy": "scipy",
    "pandas": "pandas",
    "xarray": "xarray",
    "neo": "neo",
    "parquet": "pyarrow",
    "rl": "gymnasium",
    "tensorboard": "tensorboardX",
    "optuna": "optuna",
    "dask": "distributed",
    "ray": "ray",
    "mpi": "mpi4py",
}
"""Extra of the package, and the library that it brings."""


def _installed() -> list[tuple[str, str]]:
    """Rows of a name and what is there."""
    import numpy as np

    from neuromod import __version__, _core, _machine
    from neuromod.optional import installing
    from neuromod.parallel import get_num_threads
    from neuromod.vector import available_levels, vector_level

    there = [extra for extra, library in EXTRAS.items() if find_spec(library)]
    missing = [extra for extra in EXTRAS if extra not in there]
    return [
        ("neuromod", __version__),
        ("core", _core.__file__),
        ("build", _machine.build()),
        ("vector level", f"{vector_level()}; available {', '.join(available_levels())}"),
        ("Python", f"{platform.python_version()} ({platform.python_implementation()})"),
        ("NumPy", np.__version__),
        ("platform", platform.platform()),
        ("threads", f"{get_num_threads()} by default; {os.cpu_count()} processors"),
        ("neuron models", ", ".join(_core.neuron_models())),
        ("plasticity rules", ", ".join(["none", *_core.plasticity_rules()])),
        ("modulators", ", ".join(_core.modulators())),
        ("extras", ", ".join(there) or "none"),
        (
            "not installed",
            f"{', '.join(missing)}; {installing('NAME')} adds one" if missing else "none",
        ),
    ]


def show_config() -> None:
    """Print what is installed: what a report of a bug needs. ``neuromod info`` prints the same.

    Examples
    --------
    >>> import neuromod
    >>> neuromod.show_config()  # doctest: +ELLIPSIS
    neuromod          ...
    core              ...
    build             ...
    """
    print(as_text())


def as_text() -> str:
    """The rows as lines of two columns."""
    return "\n".join(f"{name:<18}{value}" for name, value in _installed())
