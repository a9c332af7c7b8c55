# Joined rows: the synapses of several static projections in one table. Transcribes nm_join.h.


import sys
from types import SimpleNamespace

cdef int64_t _JOINED_AT_ONCE = 1 << 20  # synapses that are copied before the memory of their old place is given back


cdef class JoinedRows:
    """The synapses of several static projections in one table of rows; made by `neuromod.network.joining`.

    The table has its size at once, and its synapses from `fill` on, which each method calls that reads them. Some rows
    at a time are copied, and what the members had of them is given back to the system: the memory in use never is that
    of the synapses twice.
    """

    cdef nm_projection c
    cdef readonly int64_t n_neurons
    cdef readonly object bucket_run, run_start, run_delay, target, weight
    cdef list sources, targets  # of each member: packed bits, of the rows of the table and of all neurons
    cdef list members           # `Member`s, until the table is filled
    cdef object filling         # a lock: one thread fills at a time
    cdef int64_t n_rows_done, n_done, rows_at_once

    def __init__(self, members, int64_t n_neurons, int64_t parts):
        # members: of neuromod.network.runs; onto one port, of one sign, and of no source the same targets. parts:
        # partitions that a bucket covers
        projections = [member.layout for member in members]
        if not projections:
            raise ValueError("members: must be one or more; got none")
        first, end = _held(projections[0], nm_network_count_partitions(n_neurons))
        self.n_neurons, self.c.parts = n_neurons, parts
        self.c.pre_first = min(projection.pre_first for projection in projections)
        self.c.n_rows = max(member.end for member in members) - self.c.pre_first
        self.c.inhibitory = projections[0].inhibitory
        self.c.before, self.c.behind = first, nm_network_count_partitions(n_neurons) - end
        self.c.min_delay, self.c.max_delay = min(m.delays[0] for m in members), max(m.delays[1] for m in members)
        self.c.constant_delay = self.c.min_delay
        self.c.n_synapses = sum(len(projection.target) for projection in projections)
        self.rows_at_once = max(<int64_t>1, self.c.n_rows * _JOINED_AT_ONCE // (self.c.n_synapses + 1))
        self.filling = threading.RLock()  # a signal handler may read what is half done
        self._trim()
        self._measure(_Joining(self, members))
        self._make_room(projections)
        self.sources = [self._marked(member) for member in members]
        self.targets = [member.targets for member in members]
        self.members = list(members)

    cdef _measure(self, _Joining of):
        """Count the delay runs of each bucket."""
        cdef int64_t n_runs = 0, first, buckets = nm_join_buckets(&of.join)
        self.bucket_run = np.zeros(self.c.n_rows * buckets + 1, np.int64)
        cdef int64_t *bucket_run = <int64_t *>_address(self.bucket_run, "i8", 0, "bucket_run")
        for first in range(0, self.c.n_rows, self.rows_at_once):
            of.take(first, min(first + self.rows_at_once, self.c.n_rows))
            with nogil:
                nm_join_measure(&of.join, n_runs, bucket_run + first * buckets)
            n_runs = bucket_run[(first + of.join.n_rows) * buckets]
            _check_signals()
        self.c.n_runs = n_runs

    cdef _make_room(self, list projections):
        """The arrays of the table."""
        weights = {projection.equal_weight if projection.weight is None else None for projection in projections}
        self.run_start, self.run_delay = np.empty(self.c.n_runs + 1, np.int64), np.empty(self.c.n_runs, np.uint16)
        self.target = np.empty(self.c.n_synapses, np.uint16)
        self.weight = np.empty(self.c.n_synapses, np.float32) if None in weights or len(weights) > 1 else None
        self.c.constant_weight = projections[0].equal_weight
        self.c.bucket_run = <const int64_t *>_address(self.bucket_run, "i8", 0, "bucket_run")
        self.c.run_start = <const int64_t *>_address(self.run_start, "i8", 0, "run_start")
        self.c.run_delay = <const uint16_t *>_address(self.run_delay, "u2", 0, "run_delay")
        self.c.target = <const uint16_t *>_address(self.target, "u2", 0, "target")
        self.c.weight = NULL if self.weight is None else <float *>_address(self.weight, "f4", 0, "weight")

    cpdef fill(self):
        """Copy the synapses of the members; what is left of it, where Ctrl-C ended an earlier call."""
        cdef _Joining of
        cdef int64_t first, end, buckets
        if self.members is None:
            return
        with self.filling:
            of = None if self.members is None else _Joining(self, self.members)
            while of is not None and self.n_rows_done < self.c.n_rows:
                first, buckets = self.n_rows_done, nm_join_buckets(&of.join)
                end = min(first + self.rows_at_once, self.c.n_rows)
                of.take(first, end)
                with nogil:
                    self.n_done = nm_join_fill(&of.join, self.n_done, self.c.bucket_run + first * buckets,
                                               <int64_t *>self.c.run_start, <uint16_t *>self.c.run_delay,
                                               <uint16_t *>self.c.target, self.c.weight)
                self.n_rows_done, of.parts = end, []
                self._forget(end)
                _check_signals()
            if self.members is not None:
                self._end_runs()
                self.members = None
                self._trim()

    cdef _forget(self, int64_t end):
        """What members have of the synapses of the rows before `end` is read no more, unless somebody else has it too."""
        cdef int64_t n
        lone = _references(SimpleNamespace(array=np.empty(1)), "array")
        for member in self.members:
            n, projection = member.n_before(self.c.pre_first + end), member.layout
            if _references(projection, "target") == lone:
                nm_heap_forget(<void *>_address(projection.target, "u2", 0, "target"), n * sizeof(uint16_t))
            if projection.weight is not None and _references(projection, "weight") == lone:
                nm_heap_forget(<void *>_address(projection.weight, "f4", 0, "weight"), n * sizeof(float))

    cdef _trim(self):
        """Give back what arrays have left free, where it is worth the time."""
        if self.c.n_synapses > _JOINED_AT_ONCE:
            nm_heap_trim()

    cdef _end_runs(self):
        """Where all delays are equal, there is one run for each bucket."""
        if self.c.min_delay < self.c.max_delay:
            return
        self.run_start = np.ascontiguousarray(self.run_start[self.bucket_run])
        self.run_delay = self.bucket_run = None
        self.c.run_start = <const int64_t *>_address(self.run_start, "i8", 0, "run_start")
        self.c.run_delay, self.c.bucket_run, self.c.n_runs = NULL, NULL, len(self.run_start) - 1

    cdef int64_t _n_held(self):
        """Partitions that have buckets."""
        return nm_network_count_partitions(self.n_neurons) - self.c.before - self.c.behind

    cdef _marked(self, member):
        """Which rows of the table have synapses of a member, as packed bits."""
        rows = np.zeros(self.c.n_rows, np.uint8)
        projection = member.layout
        first = projection.pre_first - self.c.pre_first
        rows[first:first + projection.n_rows] = np.diff(member.row_start) > 0
        return np.packbits(rows)

    @property
    def parts(self):
        """Consecutive partitions that a bucket covers."""
        return self.c.parts

    cdef int64_t _find(self, Py_ssize_t member, object span, nm_join_found *found):
        """The synapses of a member; `span`: of the sources of these slots alone; None: of all."""
        cdef int64_t n, low, high, n_parts = self._n_held(), wide, buckets
        self.fill()
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
        self.fill()
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


cdef Py_ssize_t _references(owner, str name):
    """References to an array that an object has; more than can be where the array is a view."""
    array = getattr(owner, name)
    return sys.getrefcount(array) if array.flags.owndata else sys.maxsize


cdef class _Joining:
    """Some rows of the members of a table, as C takes them."""

    cdef nm_join join
    cdef JoinedRows table
    cdef nm_projection *own
    cdef list members, parts  # the arrays of the parts are what C reads
    cdef object scratch

    def __cinit__(self, JoinedRows table not None, members):
        self.table, self.members, self.scratch = table, list(members), np.zeros(NM_JOIN_DELAYS, np.int64)
        self.own = <nm_projection *>PyMem_Calloc(max(1, len(self.members)), sizeof(nm_projection))
        if self.own == NULL:
            raise MemoryError
        self.join.members, self.join.n_partitions, self.join.parts = self.own, table._n_held(), table.c.parts
        self.join.partition_width = nm_network_partition_width(table.n_neurons)
        self.join.scratch = <int64_t *>_address(self.scratch, "i8", NM_JOIN_DELAYS, "scratch")

    def __dealloc__(self):
        PyMem_Free(self.own)

    cdef take(self, int64_t first, int64_t end):
        """The rows first .. end - 1 of the table."""
        cdef nm_projection *p
        self.join.first, self.join.n_rows = self.table.c.pre_first + first, end - first
        parts = [member.part(self.join.first, self.join.first + end - first) for member in self.members]
        self.parts = [part for part in parts if part is not None]
        for k, part in enumerate(self.parts):
            p = &self.own[<Py_ssize_t>k]
            _set_rows(p, part, nm_network_count_partitions(self.table.n_neurons))
            p.constant_weight = part.equal_weight
            p.weight = NULL if part.weight is None else <float *>_address(part.weight, "f4", p.n_synapses, "weight")
        self.join.n_members = len(self.parts)


def targets_of(projection, int64_t n_neurons):
    """Whether each neuron is a target of a projection, uint8, shape (n_neurons,)."""
    cdef nm_projection p
    n_partitions, width = partitions(n_neurons)
    _set_rows(&p, projection, n_partitions)
    found = np.zeros(n_neurons, np.uint8)
    cdef int64_t n_parts = n_partitions - p.before - p.behind, wide = width
    cdef uint8_t *out = <uint8_t *>_address(found, "u1", 0, "targets") + p.before * wide
    cdef int64_t n_rows = p.n_rows, some = 1 + (n_rows << 20) // (1 + p.n_synapses), first
    for first in range(0, n_rows, some):
        p.n_rows = min(some, n_rows - first)
        with nogil:
            nm_join_targets(&p, n_parts, wide, out)
        PyErr_CheckSignals()
        if p.bucket_run == NULL:
            p.run_start += p.n_rows * n_parts
        else:
            p.bucket_run += p.n_rows * n_parts
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
