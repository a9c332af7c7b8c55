# One network on several processes: which parts this one steps, and the exchange of spikes. Transcribes nm_ranks of
# nm_sim.h.


cdef class RankLink:
    """Ties engines to the other processes that step the same network.

    `first`, `end`: parts of this process. `every`: steps between two exchanges. `swap(packed)` gives what every process
    has packed, in the order of their parts; `fail()` ends all processes, and does not return.
    """

    cdef nm_ranks c
    cdef Binding binding
    cdef object swap, fail

    def __init__(self, int64_t first, int64_t end, int64_t every, swap, fail):
        if not (0 <= first <= end and every >= 1):
            raise ValueError(f"first, end, every: must be 0 <= first <= end and 1 <= every; got {first}, {end}, {every}")
        self.c.first, self.c.end, self.c.every = first, end, every
        self.swap, self.fail = swap, fail
        self.c.exchange, self.c.context = _exchange_spikes, <void *>self

    def attach(self, Engine engine):
        """Before a run: the engine steps the parts of this process alone."""
        cdef Binding b = engine.binding
        if self.c.end > b.network.n_partitions or self.c.every > b.sim.interval:
            raise ValueError(f"end, every: must be at most {b.network.n_partitions} and {b.sim.interval}; "
                             f"got {self.c.end} and {self.c.every}")
        self.binding = b
        self.c.exchanged = b.sim.step
        b.sim.ranks = &self.c

    def detach(self):
        """After a run: the spikes of its last steps are exchanged."""
        nm_sim_exchange(&self.binding.sim)
        self.binding.sim.ranks = NULL
        self.binding = None

    cdef object _packed(self, int64_t first, int64_t last):
        """Numbers of spikes of the parts of this process, step by step, then their slots."""
        cdef nm_delay *ring = &self.binding.sim.ring
        cdef int64_t n_parts = self.c.end - self.c.first, n = (last - first + 1) * n_parts, step, part, k, at, count
        cdef int32_t *slot
        total = n
        for step in range(first, last + 1):
            for part in range(self.c.first, self.c.end):
                total += nm_delay_count(ring, step, part)[0]
        packed = np.empty(total, np.int32)
        cdef int32_t[::1] out = packed
        at = n
        for step in range(first, last + 1):
            for part in range(self.c.first, self.c.end):
                count = nm_delay_count(ring, step, part)[0]
                slot = nm_delay_list(ring, step, part)
                out[(step - first) * n_parts + part - self.c.first] = <int32_t>count
                for k in range(count):
                    out[at + k] = slot[k]
                at += count
        return packed

    cdef _unpack(self, int64_t first, int64_t last, int64_t begin, int64_t end, const int32_t[::1] packed):
        """Put the spikes of the parts begin .. end - 1 into the ring."""
        cdef nm_delay *ring = &self.binding.sim.ring
        cdef int64_t n_parts = end - begin, at = (last - first + 1) * n_parts, step, part, k, count
        cdef int32_t *slot
        if len(packed) < at:
            raise CoreError(f"exchange: must hold {at} numbers at least; got {len(packed)}")
        for step in range(first, last + 1):
            for part in range(begin, end):
                count = packed[(step - first) * n_parts + part - begin]
                if count < 0 or count > ring.partition_width or at + count > len(packed):
                    raise CoreError(f"exchange: must fit into part {part}; got {count} spikes")
                slot = nm_delay_list(ring, step, part)
                for k in range(count):
                    slot[k] = packed[at + k]
                nm_delay_count(ring, step, part)[0] = count
                at += count

    cdef _swap(self, int64_t first, int64_t last):
        for begin, end, packed in self.swap(int(first), int(last), self._packed(first, last)):
            if begin != self.c.first or end != self.c.end:
                self._unpack(first, last, begin, end, packed)


cdef void _exchange_spikes(void *context, int64_t first, int64_t last) noexcept with gil:
    link = <RankLink>context
    try:
        link._swap(first, last)
    except BaseException:
        link.fail()
