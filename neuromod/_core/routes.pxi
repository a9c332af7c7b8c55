# Which projections a spike takes, by age: transcribes nm_routes.h.


cdef class Routes:
    """The routes of a network and the rings of sums of push delivery; owns their arrays."""

    cdef nm_push push
    cdef nm_age *static_ages
    cdef nm_age *ages
    cdef nm_swept *swept
    cdef list arrays, again   # `again`: what `relist` made
    cdef set empty
    cdef object first         # slots at which the ranges begin

    def __dealloc__(self):
        PyMem_Free(self.static_ages)
        PyMem_Free(self.ages)
        PyMem_Free(self.swept)

    cdef make(self, nm_network *network, set empty):
        """Fill `network.routes` and `network.push`; the projections are complete. `empty`: numbers of those under a rule
        of which this process has no synapse, but others have. What arrives there is noted as elsewhere."""
        cdef int64_t k
        cdef nm_routes *routes = &network.routes
        cdef nm_projection *all = network.projections
        self.arrays, self.again, self.empty = [], [], empty
        tables = list(range(network.n_projections, network.n_projections + network.n_joined))
        there = tables + [k for k in range(network.n_projections) if not all[k].joined]
        # a static projection without synapses brings nothing: on ranks there are many, whose targets are elsewhere
        there = [k for k in there if all[k].n_synapses or all[k].rule != NULL or all[k].short_term != NULL]
        static = [k for k in there if all[k].rule == NULL and all[k].bitmap == NULL and all[k].n_synapses]
        static.sort(key=lambda k: _static_rank(all, network.n_projections, k))
        ports = {all[k].port for k in static if nm_push_worth(&all[k])}
        pushed = [k for k in static if all[k].port in ports]
        pulled = [k for k in static if all[k].port not in ports]
        self.first = first = np.unique(np.array([end for k in there for end in _rows(&all[k])], np.int64))
        routes.n_ranges = max(0, len(first) - 1)
        routes.first = <const int64_t *>self._own(first, "i8")
        self.static_ages = self._ages(network, first, pulled, &routes.n_static_ages)
        routes.static_ages = self.static_ages
        self._lend_outgoing(network, first, pushed, &routes.pushed)
        network.push = NULL
        if pushed:
            self._lend_push(network, pushed)
        self.list_stepped(network)
        self.relist(network)

    cdef relist(self, nm_network *network):
        """The projections with bitmaps or a rule; again where lazy ones have been joined or are apart again."""
        cdef int64_t k, n_ages = 0
        cdef nm_projection *all = network.projections
        cdef nm_age *ages
        others = [k for k in range(network.n_projections)
                  if not all[k].joined and (all[k].rule != NULL or (all[k].bitmap != NULL and all[k].n_synapses))]
        fixed, self.arrays = self.arrays, []
        try:
            ages = self._ages(network, self.first, others, &n_ages)
            PyMem_Free(self.ages)
            network.routes.ages, network.routes.n_ages, self.ages = ages, n_ages, ages
            self._list_swept(network)
        finally:
            self.arrays, self.again = fixed, [*self.arrays]

    cdef list_stepped(self, nm_network *network):
        """Who has work in a step besides delivery; again where lazy projections no longer share a history."""
        cdef int64_t k
        cdef nm_routes *routes = &network.routes
        cdef nm_projection *all = network.projections
        numbers = range(network.n_projections)
        stepped = [k for k in numbers if all[k].rule != NULL and not (all[k].lazy != NULL and all[k].lazy.follows)]
        short_term = [k for k in numbers if all[k].short_term != NULL]
        scaled = [k for k in numbers if all[k].homeostasis != NULL]
        routes.stepped = <const int32_t *>self._own(np.array(stepped, np.int32), "i4")
        routes.short_term = <const int32_t *>self._own(np.array(short_term, np.int32), "i4")
        routes.scaled = <const int32_t *>self._own(np.array(scaled, np.int32), "i4")
        routes.n_stepped, routes.n_short_term, routes.n_scaled = len(stepped), len(short_term), len(scaled)

    cdef _list_swept(self, nm_network *network):
        cdef int64_t k
        cdef nm_projection *all = network.projections
        groups = {}
        for k in range(network.n_projections):
            if all[k].lazy != NULL and all[k].n_rows > 0:
                groups.setdefault((all[k].lazy.sweep, all[k].n_rows), []).append(k)
        numbers = [<size_t>self._own(np.array(group, np.int32), "i4") for group in groups.values()]
        cdef nm_swept *swept = <nm_swept *>PyMem_Calloc(max(1, len(groups)), sizeof(nm_swept))
        if swept == NULL:
            raise MemoryError
        for k, ((sweep, n_rows), group) in enumerate(groups.items()):
            swept[k].sweep, swept[k].n_rows, swept[k].n = sweep, n_rows, len(group)
            swept[k].projection = <const int32_t *><size_t>numbers[k]
        PyMem_Free(self.swept)
        self.swept = network.routes.swept = swept
        network.routes.n_swept = len(groups)

    cdef void *_own(self, object array, str dtype) except? NULL:
        array = array if len(array) else np.zeros(1, array.dtype)
        self.arrays.append(array)
        return _address(array, dtype, len(array), "routes")

    cdef nm_age *_ages(self, nm_network *network, object first, list numbers, int64_t *count) except NULL:
        """The delays of some projections, descending, each with the projections that have it."""
        cdef int64_t k
        cdef nm_projection *all = network.projections
        delays = sorted({delay for k in numbers for delay in _delays(&all[k], k in self.empty)}, reverse=True)
        cdef nm_age *ages = <nm_age *>PyMem_Calloc(max(1, len(delays)), sizeof(nm_age))
        if ages == NULL:
            raise MemoryError
        count[0] = len(delays)
        for at, delay in enumerate(delays):
            having = [k for k in numbers if all[k].min_delay <= delay <= all[k].max_delay]
            dense = [k for k in having if all[k].bitmap != NULL]
            ages[at].delay, ages[at].n_bitmaps = delay, len(dense)
            ages[at].bitmap = <const int32_t *>self._own(np.array(dense, np.int32), "i4")
            self._lend_outgoing(network, first, [k for k in having if all[k].bitmap == NULL], &ages[at].others)
        return ages

    cdef _lend_outgoing(self, nm_network *network, object first, list numbers, nm_outgoing *outgoing):
        cdef int64_t k
        spans = [np.searchsorted(first, _rows(&network.projections[k])) for k in numbers]
        ranges = np.concatenate([np.arange(begin, end) for begin, end in spans] or [np.empty(0, np.int64)])
        owner = np.repeat(np.array(numbers, np.int32), [end - begin for begin, end in spans])
        order = np.argsort(ranges, kind="stable")  # within a range: in the order of `numbers`
        start = np.searchsorted(ranges[order], np.arange(max(1, len(first))))
        outgoing.start = <const int64_t *>self._own(start.astype(np.int64), "i8")
        outgoing.projection = <const int32_t *>self._own(owner[order], "i4")

    cdef _lend_push(self, nm_network *network, list pushed):
        cdef int64_t k
        self.push.min_delay = min([network.projections[k].min_delay for k in pushed])
        self.push.max_delay = max([network.projections[k].max_delay for k in pushed])
        self.push.steps = nm_push_steps(self.push.max_delay, network.n_neurons)
        for port in {network.projections[k].port for k in pushed}:
            self.push.sum[port] = <double *>self._own(aligned(max(1, self.push.steps * network.n_neurons)), "f8")
        network.push = &self.push


cdef tuple _static_rank(const nm_projection *all, int64_t n_projections, int64_t k):
    """Place of a static projection among those of a source: joined tables and what might be joined come first."""
    return k < n_projections and not all[k].joinable, k


cdef tuple _rows(const nm_projection *p):
    """First and one past the last slot of the rows of a projection."""
    return p.pre_first, p.pre_first + p.n_rows


cdef set _delays(const nm_projection *p, bint arrives):
    """The delays of a projection, steps. `arrives`: spikes arrive, though there is no synapse."""
    if p.run_delay == NULL:
        return {p.constant_delay} if p.n_synapses or arrives else set()
    return set(np.flatnonzero(np.bincount(np.asarray(<const uint16_t[:p.n_runs]>p.run_delay))).tolist()) if p.n_runs else set()
