# Exact spikes of spike_source neurons that are still to come.


cdef class Schedule:
    """Spikes by step, then id. What sources are given is merged when it is needed, so that many calls cost little."""

    cdef object steps, ids
    cdef list waiting  # (ids of sources, steps and ids of their spikes): each in place of what the sources had

    def __cinit__(self):
        self.steps, self.ids, self.waiting = np.empty(0, np.int64), np.empty(0, np.int64), []

    cdef set_all(self, steps, ids):
        """These spikes and no others; one id for each step, in any order."""
        order = np.lexsort((ids, steps))
        self.steps, self.ids = np.ascontiguousarray(steps[order], np.int64), np.ascontiguousarray(ids[order], np.int64)
        self.waiting = []

    cdef settle(self):
        """Merge what waits, one call or more: of several that name a source the last one holds."""
        of = np.concatenate([sources for sources, _, _ in self.waiting])
        turn_of = np.repeat(np.arange(len(self.waiting)), [len(sources) for sources, _, _ in self.waiting])
        sources, at = np.unique(of[::-1], return_index=True)
        last = turn_of[::-1][at]
        steps = np.concatenate([steps for _, steps, _ in self.waiting])
        ids = np.concatenate([ids for _, _, ids in self.waiting])
        turn = np.repeat(np.arange(len(self.waiting)), [len(steps) for _, steps, _ in self.waiting])
        new = last[np.searchsorted(sources, ids)] == turn
        old = ~np.isin(self.ids, sources)
        self.set_all(np.concatenate([self.steps[old], steps[new]]), np.concatenate([self.ids[old], ids[new]]))

    cdef object lent(self, Binding b):
        """Steps and slots of what is to come in a network."""
        there = (self.steps > b.sim.step) & np.isin(self.ids, b.ids)
        return np.ascontiguousarray(self.steps[there]), np.searchsorted(b.ids, self.ids[there]).astype(np.int32)

    cdef after(self, int64_t now):
        """(steps, ids) after step `now`."""
        later = self.steps > now
        return self.steps[later], self.ids[later]


cdef _lend_schedule(Binding b, object lent):
    """Let b have steps and slots of `Schedule.lent`."""
    b.schedule = lent
    b.sim.schedule_step = <const int64_t *>_address(lent[0], "i8", 0, "schedule")
    b.sim.schedule_slot = <const int32_t *>_address(lent[1], "i4", 0, "schedule")
    b.sim.n_schedule, b.sim.next_schedule = len(lent[0]), 0
