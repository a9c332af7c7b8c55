# Joined rows: the synapses of several static projections in one table. Transcribes nm_join.h.


cdef class JoinedRows:
    """The synapses of several static projections in one table of rows; made by `neuromod.network.joining`."""

    cdef nm_projection c
    cdef readonly int64_t n_neurons
    cdef readonly object bucket_run, run_start, run_delay, target, weight
    cdef list sources, targets  # of each member: packed bits, of the rows of the table and of all neurons

    def __init__(self, members, int64_t n_neurons, int64_t parts):
        # members: ProjectionLayout of each; onto one port, of one sign, and of no source the same targets. parts:
        # partitions that a bucket covers
        cdef nm_projection *own = <nm_projection *>PyMem_Calloc(max(1, len(members)), sizeof(nm_projection))
        cdef Py_ssize_t k
        if own == NULL:
            raise MemoryError
        self.n_neurons, self.c.parts = n_neurons, parts
        try:
            for k, member in enumerate(members):
                _set_rows(&own[k], member, nm_network_count_partitions(n_neurons))
                own[k].constant_weight = member.equal_weight
                if member.weight is not None:
                    own[k].weight = <float *>_address(member.weight, "f4", own[k].n_synapses, "weight")
            self.c.pre_first = min(member.pre_first for member in members)
            self.c.n_rows = max(member.pre_first + member.n_rows for member in members) - self.c.pre_first
            self.c.inhibitory = members[0].inhibitory
            self.c.before, self.c.behind = own[0].before, own[0].behind
            self._fill(own, members)
            self._mark(own, members)
        finally:
            PyMem_Free(own)

    cdef _fill(self, nm_projection *own, list members):
        cdef nm_join join
        scratch = np.zeros(NM_JOIN_DELAYS, np.int64)
        join.members, join.n_members = own, len(members)
        join.first, join.n_rows = self.c.pre_first, self.c.n_rows
        join.n_partitions = self._n_held()
        join.partition_width, join.parts = nm_network_partition_width(self.n_neurons), self.c.parts
        join.scratch = <int64_t *>_address(scratch, "i8", NM_JOIN_DELAYS, "scratch")
        bucket_run = np.empty(join.n_rows * nm_join_buckets(&join) + 1, np.int64)
        self.c.bucket_run = <const int64_t *>_address(bucket_run, "i8", 0, "bucket_run")
        with nogil:
            nm_join_measure(&join, <int64_t *>self.c.bucket_run)
        n, n_runs = sum(len(member.target) for member in members), int(bucket_run[len(bucket_run) - 1])
        run_start, run_delay = np.empty(n_runs + 1, np.int64), np.empty(n_runs, np.uint16)
        self.target = np.empty(n, np.uint16)
        weights = {member.equal_weight if member.weight is None else None for member in members}
        self.weight = np.empty(n, np.float32) if None in weights or len(weights) > 1 else None
        self.c.constant_weight = members[0].equal_weight
        self.c.run_start = <const int64_t *>_address(run_start, "i8", 0, "run_start")
        self.c.run_delay = <const uint16_t *>_address(run_delay, "u2", 0, "run_delay")
        self.c.target = <const uint16_t *>_address(self.target, "u2", 0, "target")
        self.c.weight = NULL if self.weight is None else <float *>_address(self.weight, "f4", 0, "weight")
        with nogil:
            nm_join_fill(&join, self.c.bucket_run, <int64_t *>self.c.run_start, <uint16_t *>self.c.run_delay,
                         <uint16_t *>self.c.target, self.c.weight)
        self.c.n_synapses, self.c.n_runs = n, n_runs
        self.c.min_delay, self.c.max_delay = min(m.min_delay for m in members), max(m.max_delay for m in members)
        self.c.constant_delay = self.c.min_delay
        if self.c.min_delay == self.c.max_delay:  # one run for each bucket
            run_start, run_delay, bucket_run = np.ascontiguousarray(run_start[bucket_run]), None, None
            self.c.run_start = <const int64_t *>_address(run_start, "i8", 0, "run_start")
            self.c.run_delay, self.c.bucket_run, self.c.n_runs = NULL, NULL, len(run_start) - 1
        self.bucket_run, self.run_start, self.run_delay = bucket_run, run_start, run_delay

    cdef int64_t _n_held(self):
        """Partitions that have buckets."""
        return nm_network_count_partitions(self.n_neurons) - self.c.before - self.c.behind

    cdef _mark(self, nm_projection *own, list members):
        cdef Py_ssize_t k
        n_partitions, width = partitions(self.n_neurons)
        self.sources, self.targets = [], []
        for k, member in enumerate(members):
            rows = np.zeros(self.c.n_rows, np.uint8)
            first = member.pre_first - self.c.pre_first
            rows[first:first + member.n_rows] = _row_sizes(member, n_partitions) > 0
            self.sources.append(np.packbits(rows))
            self.targets.append(np.packbits(targets_of(member, self.n_neurons)))

    @property
    def parts(self):
        """Consecutive partitions that a bucket covers."""
        return self.c.parts

    cdef int64_t _find(self, Py_ssize_t member, object span, nm_join_found *found):
        """The synapses of a member; `span`: of the sources of these slots alone; None: of all."""
        cdef int64_t n, low, high, n_parts = self._n_held(), wide, buckets
        wide = nm_network_partition_width(self.n_neurons)
        low, high = span or (self.c.pre_first, self.c.pre_first + self.c.n_rows)
        rows = np.unpackbits(self.sources[member], count=self.c.n_rows)
        there = np.unpackbits(self.targets[member], count=self.n_neurons)
        cdef const uint8_t *sources = <const uint8_t *>_address(rows, "u1", 0, "sources")
        cdef const uint8_t *targets = <const uint8_t *>_address(there, "u1", 0, "targets") + self.c.before * wide
        cdef nm_projection part = self.c
        low -= self.c.pre_first
        part.n_rows = high - self.c.pre_first - low
        buckets = (n_parts + self.c.parts - 1) // self.c.parts
        if part.bucket_run == NULL:
            part.run_start += low * buckets
        else:
            part.bucket_run += low * buckets
        with nogil:
            n = nm_join_find(&part, n_parts, wide, sources + low, targets, found)
        return n

    def positions(self, Py_ssize_t member, first=None, last=None):
        """Position of each synapse of a member in the table, in the member's order, int64.

        `first`, `last`: of the rows of these sources only, by slot.
        """
        span = None if first is None else (first, last)
        cdef nm_join_found found
        memset(&found, 0, sizeof(found))
        at = np.empty(self._find(member, span, &found), np.int64)
        found.position = <int64_t *>_address(at, "i8", 0, "positions")
        self._find(member, span, &found)
        return at

    def weights(self, Py_ssize_t member):
        """Weight of each synapse of a member, float32, in the member's order; there is a column of weights."""
        cdef nm_join_found found
        memset(&found, 0, sizeof(found))
        weight = np.empty(self._find(member, None, &found), np.float32)
        found.weight = <float *>_address(weight, "f4", 0, "weight")
        self._find(member, None, &found)
        return weight

    def write(self, Py_ssize_t member, weights):
        """Set the weights of a member; a table of equal weights gets an array of its own."""
        if self.weight is None:
            self.weight = np.full(len(self.target), self.c.constant_weight, np.float32)
            self.c.weight = <float *>_address(self.weight, "f4", 0, "weight")
        self.weight[self.positions(member)] = weights

    def rows(self, Py_ssize_t member, int64_t pre_first, int64_t n_rows):
        """Rows of a member by itself -> (start of each bucket, targets, delay of each synapse)."""
        cdef nm_join_found found
        memset(&found, 0, sizeof(found))
        n = self._find(member, None, &found)
        target, delay = np.empty(n, np.uint16), np.empty(n, np.uint16)
        sizes = np.zeros((self.c.n_rows, self._n_held()), np.int64)
        found.target = <uint16_t *>_address(target, "u2", 0, "target")
        found.delay = <uint16_t *>_address(delay, "u2", 0, "delay")
        found.bucket = <int64_t *>_address(sizes, "i8", 0, "sizes")
        self._find(member, None, &found)
        first = pre_first - self.c.pre_first
        start = np.concatenate([[0], np.cumsum(sizes[first:first + n_rows])]).astype(np.int64)
        return start, target, delay


def targets_of(projection, int64_t n_neurons):
    """Whether each neuron is a target of a projection, uint8, shape (n_neurons,)."""
    cdef nm_projection p
    n_partitions, width = partitions(n_neurons)
    _set_rows(&p, projection, n_partitions)
    found = np.zeros(n_neurons, np.uint8)
    cdef int64_t n_parts = n_partitions - p.before - p.behind, wide = width
    cdef uint8_t *out = <uint8_t *>_address(found, "u1", 0, "targets") + p.before * wide
    with nogil:
        nm_join_targets(&p, n_parts, wide, out)
    return found


def is_dense(projection, int64_t n_neurons):
    """Whether a static projection has bitmaps; see nm_bitmap.h."""
    cdef nm_network network
    cdef nm_projection p
    cdef Bitmap bitmap = projection.bitmap
    if projection.dense is not None:
        return projection.dense
    if projection.run_delay is not None:
        return False
    network.n_neurons, network.n_partitions = n_neurons, nm_network_count_partitions(n_neurons)
    _set_rows(&p, projection, network.n_partitions)
    network.partition_width = nm_network_partition_width(n_neurons)
    if bitmap.target is None:
        bitmap.make(&p, projection, &network)
    return bitmap.c.most > 0


cdef _row_sizes(projection, n_partitions):
    """Number of synapses of each row."""
    start = projection.run_start if projection.bucket_run is None else projection.run_start[projection.bucket_run]
    first, end = _held(projection, n_partitions)
    return np.diff(start[::end - first]) if end > first else np.zeros(projection.n_rows, np.int64)


def _held(projection, n_partitions):
    """First partition that has buckets in the rows of a projection, and one past the last."""
    return (0, n_partitions) if projection.whole is None else projection.whole.parts


def _partitions_met(projection, Py_ssize_t first, Py_ssize_t end):
    """Whether a synapse leads to each of the partitions that have buckets, bool."""
    return _buckets_of(projection).reshape(projection.n_rows, end - first).any(axis=0)


def _parts_met(projection, Py_ssize_t first, Py_ssize_t end):
    """First partition that a synapse leads to, and one past the last, of those that have buckets: at least one."""
    met = np.flatnonzero(_partitions_met(projection, first, end))
    if not met.size:
        return first, min(first + 1, end)
    return first + int(met[0]), first + int(met[met.size - 1]) + 1


cdef _set_rows(nm_projection *p, projection, int64_t n_partitions):
    """The rows of a projection, as C takes them; its arrays must outlive p."""
    size, n_runs = len(projection.target), len(projection.run_start) - 1
    memset(p, 0, sizeof(nm_projection))
    p.pre_first, p.n_rows, p.n_runs, p.n_synapses = projection.pre_first, projection.n_rows, n_runs, size
    first, end = _held(projection, n_partitions)
    if not 0 <= first <= end <= n_partitions:
        raise ValueError(f"projection {projection.name}: must hold partitions among {n_partitions}; got {first} to {end}")
    p.before, p.behind = first, n_partitions - end
    p.run_start = <const int64_t *>_address(projection.run_start, "i8", n_runs + 1, "run_start")
    p.target = <const uint16_t *>_address(projection.target, "u2", size, "target")
    if projection.run_delay is not None:
        p.bucket_run = <const int64_t *>_address(projection.bucket_run, "i8", p.n_rows * (end - first) + 1, "bucket_run")
        p.run_delay = <const uint16_t *>_address(projection.run_delay, "u2", n_runs, "run_delay")
    p.constant_delay, p.inhibitory = projection.equal_delay, projection.inhibitory
    p.min_delay, p.max_delay = projection.min_delay, projection.max_delay
