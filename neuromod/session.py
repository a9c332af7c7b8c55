"""An engine and the network that it runs, kept together while the network changes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neuromod import _core
from neuromod.diagnosis import explained
from neuromod.network.store import SynapseStore

__all__ = ["Session"]

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]


class Session:
    """The engine of one simulation. It is made on first use, and bound anew when the network has changed."""

    def __init__(
        self, store: SynapseStore, seed: int, dt: float, levels: _core.Levels | None, threads: int
    ) -> None:
        self.store, self.seed, self.dt = store, seed, dt
        self._levels, self._threads = levels, threads
        self._engine: _core.Engine | None = None
        self._arrays = 0  # the store's count of moved arrays that the engine knows

    @property
    def threads(self) -> int:
        """Threads that a run may use."""
        return self._threads

    @threads.setter
    def threads(self, value: int) -> None:
        self._threads = value
        if self._engine is not None:
            self._engine.threads = value

    @property
    def step(self) -> int:
        """Completed steps."""
        return 0 if self._engine is None else self._engine.step

    def bound(self) -> _core.Engine:
        """The engine, bound to the network as it is now."""
        engine, store = self._engine, self.store
        if engine is None:
            engine = _core.Engine(store.layout(), self.dt, self.seed, self._levels)
            engine.threads = self._threads
            self._engine = engine
            self._attach(engine)
        elif engine.version != store.structure or (store.keeper is not engine and engine.keepers):
            engine.bind(store.layout())
            self._attach(engine)
        elif store.moves != self._arrays:
            engine.lend_weights([table.weights.live.get("weight") for table in store.tables])
            self._arrays = store.moves
        return engine

    def _attach(self, engine: _core.Engine) -> None:
        self.store.attach(engine)
        self._arrays = self.store.moves

    def prepared(self) -> _core.Engine:
        """The engine, with everything that users have written since checked and handed over."""
        self.store.check_written(self.step)
        engine = self.bound()
        self.store.resume()
        try:
            engine.prepare()
        except _core.CoreFailure as failure:
            raise explained(engine, failure) from None
        return engine

    def run(
        self,
        n_steps: int,
        rows: Floats | None = None,
        ids: Ints | None = None,
        progress: Callable[[int], None] | None = None,
    ) -> None:
        """Advance n_steps; `rows`: input currents of each step for the neurons `ids`."""
        self.store.check_written(self.step)
        engine = self.bound()
        self.store.resume()
        try:
            engine.run(n_steps, rows, ids, None if progress is None else self._reporting(progress))
        except _core.CoreFailure as failure:
            raise explained(engine, failure) from None

    def _reporting(self, progress: Callable[[int], None]) -> Callable[[int], None]:
        def report(done: int) -> None:
            progress(done)
            self.store.resume()

        return report

    # ---- state -----------------------------------------------------------------------------------------------

    def state(self) -> dict[str, Any]:
        """All that is the simulation's, but its modulators' levels; and not the model's."""
        engine = self.prepared()
        return {
            "seed": self.seed,
            "dt": self.dt,
            "engine": engine.state(),
            "schedule": engine.schedule_arrays(),
        }

    def restore(self, engine_state: dict[str, Any], schedule: tuple[Ints, Ints]) -> None:
        """Take over the engine's part of `state`, of this very network."""
        engine = self.bound()
        engine.set_state(engine_state)
        engine.set_schedule(*schedule)
