"""Levels that are held: what a system of modulators offers for controls."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from neuromod import _core
from neuromod.errors import ConfigError
from neuromod.modulation.modulator import region_row
from neuromod.network.members import Region
from neuromod.problems import did_you_mean, shown

__all__ = ["Clamps"]


class Clamps:
    """Levels that nothing moves; a base of `NeuromodulationSystem`."""

    _levels: _core.Levels

    def clamp(self, *, region: Region | None = None, **levels: float | None) -> None:
        """Hold modulators at a level, from now on.

        Parameters
        ----------
        region : str or Population, optional
            Region whose level is held. Default: all.
        **levels : float, 0 to 1, or None
            By name of the modulator; None: no longer, so that the level relaxes towards its baseline again.

        Raises
        ------
        ConfigError
            If a name is unknown or a level out of its domain; it lists all problems. Nothing is changed.
        ValueError
            If there is no such region.

        Notes
        -----
        Events, releases, spikes, decay and diffusion do not move a level that is held; its region gives to its
        neighbours and takes from them as a source of that level does. What is written to it is undone by the next step.
        It is part of the state: it is saved and copied, and `Simulation.reset` keeps it. Computed in
        ``csrc/nm_levels.c``.

        Examples
        --------
        >>> from neuromod import NeuromodulationSystem
        >>> system = NeuromodulationSystem()
        >>> system.clamp(dopamine=0.5)
        >>> error = system.process_reward(1.0)
        >>> system.dopamine.state.level, system.clamped
        (0.5, {'dopamine': 0.5})
        >>> system.clamp(dopamine=None)
        >>> system.clamped
        {}
        """
        names = self._levels.names
        row, problems = region_row(self._levels.regions, region), []
        if not levels:
            raise ConfigError([f"clamp: must name modulators, as in clamp({names[0]}=0.5); got none"])
        for name, level in levels.items():
            if name not in names:
                known, hint = ", ".join(names), did_you_mean(name, names)
                problems.append(f"{name}: must be one of {known}{hint}")
            elif level is not None and not _is_level(level):
                problems.append(f"{name}: must be between 0 and 1, or None; got {shown(level)}")
        if problems:
            raise ConfigError([f"clamp.{problem}" for problem in problems])
        self._levels.check_own("clamp")
        rows = slice(None) if row < 0 else row
        for name, level in levels.items():
            m = names.index(name)
            self._levels.clamped[rows, m] = np.nan if level is None else float(level)
            if level is not None:
                self._levels.level_buffer[rows, m] = float(level)

    @property
    def clamped(self) -> dict[str, float | NDArray[np.float64]]:
        """Levels that are held, by name: floats, or with several regions arrays of shape (n_regions,), NaN where a
        region is free. Copies; `clamp` sets them."""
        found: dict[str, float | NDArray[np.float64]] = {}
        for m, name in enumerate(self._levels.names):
            column = self._levels.clamped[:, m].copy()
            if not np.all(np.isnan(column)):
                column.flags.writeable = False
                found[name] = float(column[0]) if len(column) == 1 else column
        return found


def _is_level(value: Any) -> bool:
    number = isinstance(value, int | float | np.integer | np.floating) and not isinstance(value, bool)
    return number and 0.0 <= value <= 1.0
