"""The life cycle in a run: when neurons age, which of them die, and what is counted."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neuromod import _core
from neuromod.network.columns import MODELS
from neuromod.network.succession import DEATH, Succession, succeed

__all__ = ["LifeCycle"]

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
_BLOCK = 4096  # neurons that age together, so that their health stays in the cache


class LifeCycle:
    """Ages the neurons of one session, and lets them die and have children.

    Within a step: the dynamics with plasticity and recorders, then ageing, then hooks, then deaths and births. Sources
    do not take part. Ages are brought up to date before a hook reads them and at the end of each run, so they are
    always those of the step; deaths and births take place at the end of the steps divisible by ``interval``.
    """

    def __init__(self, session: Any, about: Any) -> None:
        """`about`: the section ``cell_lifecycle``."""
        self._session, self._about = session, about
        self._aged = 0  # the step up to which the neurons have aged
        self.births = self.deaths = 0  # of the last run, as all below
        self.lived = _none_lived(session.store.areas)

    # ---- a run -----------------------------------------------------------------------------------------------

    def advance(self) -> tuple[int, Ints]:
        """One step, as `Session.advance`."""
        self._start()
        at = self._session.step
        with _core.whole_steps():
            try:
                found: tuple[int, Ints] = self._session.stretch_one()
            finally:
                self._settle(at)
        return found

    def run(
        self, n_steps: int, rows: Floats | None, ids: Ints | None, progress: Callable[[int], None] | None
    ) -> tuple[int, Ints]:
        """Many steps, as `Session.run`: a stretch up to each step in which neurons may die."""
        with _core.whole_steps():
            return self._run(n_steps, rows, ids, progress)

    def _run(
        self, n_steps: int, rows: Floats | None, ids: Ints | None, progress: Callable[[int], None] | None
    ) -> tuple[int, Ints]:
        session = self._session
        self._start()
        columns, first, done = session.store.columns, session.step, 0
        known, before = columns.column("id").copy(), columns.column("spike_count").copy()
        place = None if ids is None else np.arange(len(ids))
        while True:
            turn = min(n_steps - done, self._steps_to_act())
            session.agenda.stopped = False
            part = None if rows is None else _rows_of(rows, done, turn, place)
            report = None if progress is None else _shifted(progress, done)
            at, happened = session.step, None
            try:
                _, counts = session.stretch(turn, part, ids, report)
                self._count(counts, 0)
            finally:
                self._count(None, session.step - at)
                happened = self._settle(at)
            if happened is not None and ids is not None and place is not None:
                ids, place = _followed(ids, place, happened)
            done = session.step - first
            if done >= n_steps or session.agenda.stopped:
                return session.step, _counts_since(columns, known, before)
            _core.check_signals()  # a stretch of one step has no border

    def mean_rate(self, dt: float) -> float:
        """Spikes of the last run by neurons and seconds lived, Hz."""
        spikes, steps = self.lived.sum(axis=1)
        return float(spikes / (steps * dt / 1000.0)) if steps else 0.0

    def _count(self, counts: Ints | None, n_steps: int) -> None:
        """Spikes of the neurons that are there, or steps that they lived; the last column: those in no area."""
        area, n = self._session.store.columns.column("area"), self.lived.shape[1]
        place = np.where(area < 0, n - 1, area)
        if counts is not None:
            self.lived[0] += np.bincount(place, counts, n).astype(np.int64)
        self.lived[1] += np.bincount(place, minlength=n) * n_steps

    def _start(self) -> None:
        _check_health(self._session.store.columns)
        self._aged = self._session.step
        self.births = self.deaths = 0
        self.lived = _none_lived(self._session.store.areas)

    def _steps_to_act(self) -> int:
        """Steps to the next one with deaths; 1 where a recorder follows ages, which are to be those of each step."""
        if self._is_recorded():
            return 1
        return self._about.interval - self._session.step % self._about.interval  # type: ignore[no-any-return]

    def acts_after(self, step: int) -> bool:
        """Whether neurons may die after a step."""
        return bool(self._about.enable_death) and step % self._about.interval == 0

    def _is_recorded(self) -> bool:
        buffers = self._session.store.columns.buffers
        own = [buffers["age"], buffers["health"]]
        return any(
            recorder.prepared()[0] is column for recorder in self._session.recorders() for column in own
        )

    def _settle(self, since: int) -> Succession | None:
        """After a stretch that began at `since`: ages, then deaths and births if its last step has them."""
        step = self._session.step
        self.age()
        if step == since or not self.acts_after(step):
            return None
        return self._act(step)

    # ---- ageing ----------------------------------------------------------------------------------------------

    def age(self) -> None:
        """Let the neurons grow older by the steps that were done since."""
        step = self._session.step
        n_steps, self._aged = step - self._aged, step
        if n_steps <= 0:
            return
        columns = self._session.store.columns
        mortal = _mortal(columns)
        columns.buffers["age"][: columns.n][mortal] += n_steps
        if self._about.health_decay_per_step:
            health = columns.buffers["health"][: columns.n]
            health[mortal] = _decayed(health[mortal], self._about.health_decay_per_step, n_steps)

    # ---- deaths and births -----------------------------------------------------------------------------------

    def _act(self, step: int) -> Succession | None:
        session, about = self._session, self._about
        dead = dying(session.store.columns, about, session.seed, step)
        if not dead.any():
            return None
        happened = succeed(session.store, dead, about, session.seed, step)
        self.deaths += len(happened.dead)
        self.births += len(happened.children)
        return happened


def _mortal(columns: Any) -> NDArray[np.bool_]:
    """Which neurons age: all but sources, which stand for what lies outside the network."""
    sources = [number for number, about in enumerate(MODELS.values()) if about["is_source"]]
    mortal: NDArray[np.bool_] = ~np.isin(columns.buffers["model"][: columns.n], sources)
    return mortal


def _check_health(columns: Any) -> None:
    """Refuse what users have written to the health of neurons and is none."""
    health = columns.buffers["health"][: columns.n]
    bad = np.flatnonzero(~(np.isfinite(health) & (health >= 0.0)))
    if len(bad):
        neuron = int(columns.buffers["id"][bad[0]])
        raise ValueError(f"health: must be finite and >= 0; got {float(health[bad[0]])} (neuron {neuron})")


def dying(columns: Any, about: Any, seed: int, step: int) -> NDArray[np.bool_]:
    """Which neurons die in a step, by slot."""
    n = columns.n
    dead: NDArray[np.bool_] = ~(columns.buffers["health"][:n] >= about.death_threshold)
    dead |= columns.buffers["age"][:n] > about.max_age
    chance = 1.0 - (1.0 - about.death_probability_per_step) ** about.interval
    if chance > 0.0 and n:
        dead |= _core.random_words(seed, "life", 0, step, n, salt=DEATH) < chance * 2.0**32
    return dead & _mortal(columns)


def _decayed(health: Floats, decay: float, n_steps: int) -> Floats:
    """Health after some steps, each of which subtracts the decay: the same bits however the steps are parted."""
    for first in range(0, len(health), _BLOCK):
        block = health[first : first + _BLOCK]
        for _ in range(n_steps):
            np.subtract(block, decay, out=block)
            np.maximum(block, 0.0, out=block)
    return health


# ---- what goes with the neurons through a run --------------------------------------------------------------------


def _shifted(progress: Callable[[int], None], before: int) -> Callable[[int], None]:
    return lambda done: progress(before + done)


def _rows_of(rows: Floats, done: int, turn: int, place: Ints | None) -> Floats:
    """The input of the next steps for the neurons that are there now."""
    part = rows[done : done + turn]
    if place is None or len(place) == rows.shape[1]:
        return part
    if part.strides[0] == 0 and len(part):  # the same row again and again
        return np.broadcast_to(part[0, place], (len(part), len(place)))
    return part[:, place]


def _followed(ids: Ints, place: Ints, happened: Succession) -> tuple[Ints, Ints]:
    """Whom an input is for after deaths and births: a child in the place of its parent."""
    heir = dict(zip(happened.parents.tolist(), happened.children.tolist(), strict=True))
    gone = set(happened.dead.tolist()) - set(heir)
    kept = [k for k, each in enumerate(ids.tolist()) if each not in gone]
    return np.array([heir.get(each, each) for each in ids[kept].tolist()], np.int64), place[kept]


def _none_lived(areas: Any) -> Ints:
    """Spikes, and steps lived, of the neurons of each area, and of those in none."""
    return np.zeros((2, len(areas.names) + 1), np.int64)


def _counts_since(columns: Any, known: Ints, before: Ints) -> Ints:
    """Spikes of the neurons that are there now, since they had those counts."""
    counts: Ints = columns.column("spike_count").copy()
    ids = columns.column("id")
    there = np.isin(ids, known)
    counts[there] -= before[np.searchsorted(known, ids[there])]
    return counts
