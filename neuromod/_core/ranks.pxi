# One network on several processes: which parts this one steps, and the exchange of spikes. Transcribes nm_ranks of
# nm_sim.h.


cdef class RankLink:
    """Ties engines to the other processes that step the same network.

    `parts`: first part of each process, ascending, and the number of parts. `rank`: of this process. `every`: steps
    between two exchanges. `swap(packed)` gives what all processes have packed, one after another, int32, and where each
    begins and the last ends, int64; `fail()` ends all processes, and does not return.
    """

    cdef nm_ranks c
    cdef Binding binding
    cdef object swap, fail
    cdef int64_t[::1] parts
    cdef int64_t rank

    def __init__(self, parts, int64_t rank, int64_t every, swap, fail):
        bounds = np.array(parts, np.int64)
        if not (bounds.ndim == 1 and 0 <= rank < len(bounds) - 1 and bounds[0] == 0 and np.all(np.diff(bounds) >= 0)
                and every >= 1):
            raise ValueError("parts, rank, every: must be parts that ascend from 0, one of their ranks and 1 <= every; "
                             f"got {bounds}, {rank}, {every}")
        self.parts, self.rank = bounds, rank
        self.c.first, self.c.end, self.c.every = bounds[rank], bounds[rank + 1], every
        self.swap, self.fail = swap, fail
        self.c.exchange, self.c.context = _exchange_spikes, <void *>self

    def attach(self, Engine engine):
        """Before a run: the engine steps the parts of this process alone."""
        cdef Binding b = engine.binding
        cdef int64_t n_parts = self.parts[len(self.parts) - 1]
        if n_parts != b.network.n_partitions or self.c.every > b.sim.interval:
            raise ValueError(f"parts, every: must be {b.network.n_partitions}, and at most {b.sim.interval}; "
                             f"got {n_parts} and {self.c.every}")
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

    cdef _unpack(self, int64_t first, int64_t last, int64_t rank, const int32_t[::1] packed):
        """Put the spikes of the parts of a process into the ring."""
        cdef nm_delay *ring = &self.binding.sim.ring
        cdef int64_t begin = self.parts[rank], end = self.parts[rank + 1], step, part, k, count
        cdef int64_t n_parts = end - begin, at = (last - first + 1) * n_parts
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
        found = self.swap(self._packed(first, last))
        cdef const int32_t[::1] packed = found[0]
        cdef const int64_t[::1] begins = found[1]
        cdef int64_t rank, n = len(self.parts) - 1
        if len(begins) != n + 1 or not (0 <= begins[0] and begins[n] <= len(packed)):
            raise CoreError(f"exchange: must have {n + 1} bounds within {len(packed)} numbers")
        for rank in range(n):
            if begins[rank + 1] < begins[rank]:
                raise CoreError("exchange: must have bounds that ascend")
            if rank != self.rank and self.parts[rank] < self.parts[rank + 1]:
                self._unpack(first, last, rank, packed[begins[rank]:begins[rank + 1]])


cdef void _exchange_spikes(void *context, int64_t first, int64_t last) noexcept with gil:
    link = <RankLink>context
    try:
        link._swap(first, last)
    except BaseException:
        link.fail()
