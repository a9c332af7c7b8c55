"""The vector level of the core: which of the processor's vector instructions it uses.

The core is compiled once per level (``baseline``: SSE2 or NEON; ``avx2``; ``avx512``). The import takes the highest
level that this machine and this build have. The environment's ``NEUROMOD_VECTOR`` limits the level. Results are the
same to the last bit at every level.
"""

from __future__ import annotations

import importlib.util
import os
import sys
from importlib.machinery import EXTENSION_SUFFIXES

from neuromod import _machine
from neuromod.errors import ConfigError
from neuromod.problems import nearest

__all__ = ["LEVELS", "VARIABLE", "available_levels", "vector_level"]

LEVELS = ("baseline", "avx2", "avx512")
"""In the order of csrc/nm_machine.h."""
VARIABLE = "NEUROMOD_VECTOR"
_CORE = "neuromod._core"
_loaded: list[str] = []  # the level of the core, once it is loaded


def available_levels() -> tuple[str, ...]:
    """Levels that this machine and this build have, lowest first.

    Returns
    -------
    tuple of str
        The first is ``"baseline"``.

    Examples
    --------
    >>> available_levels()[0]
    'baseline'
    """
    return tuple(name for name in LEVELS[: _machine.level() + 1] if _built(name) is not None)


def vector_level() -> str:
    """The level in use: that of the loaded core, or the one that would be loaded now.

    Returns
    -------
    str

    Raises
    ------
    ConfigError
        If ``NEUROMOD_VECTOR`` names no level and the core is not loaded yet.

    Examples
    --------
    >>> vector_level() in available_levels()
    True
    """
    return _loaded[0] if _loaded else _chosen()


def _chosen() -> str:
    """The highest level that machine, build and environment allow."""
    limit = os.environ.get(VARIABLE, "").strip() or LEVELS[-1]
    if limit not in LEVELS:
        near = nearest(limit, LEVELS)
        hint = "" if near is None else f"; did you mean {near!r}?"
        raise ConfigError([f"{VARIABLE}: must be one of {', '.join(LEVELS)}, or unset; got {limit!r}{hint}"])
    allowed = [name for name in available_levels() if LEVELS.index(name) <= LEVELS.index(limit)]
    if not allowed:
        raise ImportError("neuromod's C core is not built: run `pip install .`", name=_CORE)
    return allowed[-1]


def _built(level: str) -> str | None:
    """The extension module of a level; None where the build has none."""
    # without pathlib, which takes 4 ms to import
    folder = os.path.join(os.path.dirname(__file__), "_core")  # noqa: PTH118, PTH120
    files = (os.path.join(folder, level + suffix) for suffix in EXTENSION_SUFFIXES)  # noqa: PTH118
    return next((path for path in files if os.path.isfile(path)), None)  # noqa: PTH113


def load_core() -> None:
    """Put the extension module of the chosen level in the place of ``neuromod._core``."""
    level = _chosen()
    path = _built(level)
    spec = importlib.util.spec_from_file_location(_CORE, path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[_CORE] = module
    spec.loader.exec_module(module)
    _loaded[:] = [level]
