# Projections under one pair rule whose rows are joined while a simulation runs, so that a spike finds the synapses that
# they have in one part of the network in one place. Every bit is as if they were apart. Transcribes nm_lazy_join.h.

from dataclasses import replace

cdef int64_t _SOME = 1 << 23  # synapses, 84 MB
cdef int64_t _SHORT = 64  # synapses of a run on average, below which the work per run is worth joining


cdef class JoinedLazy:
    """Some lazy projections in joined rows: their keepers lend their synapses, and get them back when these are apart."""

    cdef Binding binding
    cdef list numbers, keepers     # of the members, in the order of their targets
    cdef nm_projection *own        # [member] its rows by itself
    cdef nm_visit **visits         # [member] only while synapses are copied, as `target`
    cdef uint16_t **target
    cdef nm_projection rows        # joined, as they go to the place of the first member
    cdef nm_members members
    cdef nm_lazy_join c
    cdef list arrays               # behind `rows` and `members`
    cdef object last               # the last updates of the joined runs

    def __cinit__(self, Binding binding not None, list numbers):
        cdef Py_ssize_t k, n = len(numbers)
        cdef LazyKeeper keeper
        self.binding, self.numbers, self.arrays = binding, numbers, []
        self.keepers = [binding.keepers[binding.layout.projections[number].name] for number in numbers]
        self.own = <nm_projection *>PyMem_Calloc(n, sizeof(nm_projection))
        self.visits = <nm_visit **>PyMem_Calloc(n, sizeof(void *))
        self.target = <uint16_t **>PyMem_Calloc(n, sizeof(void *))
        if self.own == NULL or self.visits == NULL or self.target == NULL:
            raise MemoryError
        for k, keeper in enumerate(self.keepers):
            self.own[k] = keeper.projection[0]
            self.visits[k] = keeper.c.visits
        self.c.network, self.c.own, self.c.n = &binding.network, self.own, n
        self.c.visits, self.c.targets = self.visits, self.target
        self.c.n_traces = keeper.c.n_traces
        self._lay_out()

    def __dealloc__(self):
        PyMem_Free(self.own)
        PyMem_Free(self.visits)
        PyMem_Free(self.target)

    cdef void *_room(self, object array) except? NULL:
        self.arrays.append(array)
        return <void *><size_t>array.__array_interface__["data"][0]

    cdef _lay_out(self):
        """Room for the joined rows; nothing of the members is changed."""
        cdef nm_projection *p = &self.rows
        cdef int64_t k, first = 0, end = 0
        p[0] = self.binding.projections[<int64_t>min(self.numbers)]
        p.before = min([self.own[k].before for k in range(self.c.n)])
        p.behind = min([self.own[k].behind for k in range(self.c.n)])
        p.min_delay = min([self.own[k].min_delay for k in range(self.c.n)])
        p.max_delay = max([self.own[k].max_delay for k in range(self.c.n)])
        p.n_synapses = sum([self.own[k].n_synapses for k in range(self.c.n)])
        self.c.rows = p
        self.c.next = <int64_t *>self._room(np.empty(self.c.n, np.int64))
        self.c.end = <int64_t *>self._room(np.empty(self.c.n, np.int64))
        self._lay_out_runs()
        p.target = self.c.rows_target = <uint16_t *>self._room(np.empty(p.n_synapses, np.uint16))
        p.weight = <float *>self._room(np.empty(p.n_synapses, np.float32))
        if p.state[0] != NULL:
            p.state[0] = <float *>self._room(np.empty(p.n_synapses, np.float32))
        p.reached = <const uint8_t *>self._room(np.bitwise_or.reduce([(<LazyKeeper>one).reached for one in self.keepers]))
        ends, salts = np.empty(self.c.n, np.int64), np.empty(self.c.n, np.uint32)
        for k in range(self.c.n):
            nm_lazy_join_span(&self.binding.network, &self.own[k], &first, &end)
            ends[k], salts[k] = end, self.own[k].number
        self.members.n = self.c.n
        self.members.end = <const int64_t *>self._room(ends)
        self.members.number = <const uint32_t *>self._room(salts)
        p.members = &self.members
        self.last = aligned(p.n_runs, (<LazyKeeper>self.keepers[0]).visits.dtype)
        self.c.rows_visits = <nm_visit *><size_t>self.last.__array_interface__["data"][0]

    cdef _lay_out_runs(self):
        """The joined runs: one for each row and partition, or for each delay that some member has there."""
        cdef nm_projection *p = &self.rows
        cdef int64_t n_buckets = nm_all_buckets(&self.binding.network, p)
        cdef int64_t *bucket_run
        p.n_runs = n_buckets
        if p.bucket_run != NULL:
            bucket_run = <int64_t *>self._room(np.empty(n_buckets + 1, np.int64))
            with nogil:
                nm_lazy_join_count(&self.c, bucket_run)
            p.bucket_run, p.n_runs = bucket_run, bucket_run[n_buckets]
            p.run_delay = <const uint16_t *>self._room(np.empty(p.n_runs, np.uint16))
        p.run_start = <const int64_t *>self._room(np.empty(p.n_runs + 1, np.int64))
        with nogil:
            nm_lazy_join_measure(&self.c, <int64_t *>p.run_start, <uint16_t *>p.run_delay)

    cdef bint _copy(self, bint back) except -1:
        """Copy all synapses into the joined rows, or `back`; whether the members' last updates agree."""
        cdef int64_t row, share = 1 + (self.rows.n_rows << 18) // (1 + self.rows.n_synapses + self.rows.n_runs)
        cdef int64_t last
        cdef bint agree = True
        for row in range(0, self.rows.n_rows, share):
            last = min(row + share, self.rows.n_rows)
            with nogil:
                if back:
                    nm_lazy_join_part(&self.c, row, last)
                else:
                    agree = nm_lazy_join_fill(&self.c, row, last)
            if not agree:
                return False
            if back:
                PyErr_CheckSignals()
            else:
                _check_signals()
        return True

    cdef bint join(self) except -1:
        """Take the synapses over from the keepers; False, and nothing is changed, where these cannot be joined."""
        cdef LazyKeeper keeper
        cdef nm_projection *p
        if not self._copy(False):
            return False
        gone = np.empty(0, np.uint16)
        self.binding.lend_columns({number: {"weight": None, "state": {}, "target": gone} for number in self.numbers})
        for number, keeper in zip(self.numbers, self.keepers):
            p = keeper.projection
            p.n_rows = p.n_runs = p.n_synapses = 0
            p.target, p.weight, p.state[0] = NULL, NULL, NULL
            keeper.leave(self, self.binding.layout.projections[number])
        keeper = self.keepers[self._first()]
        keeper.projection[0] = self.rows
        keeper.c.visits = self.c.rows_visits
        self.binding.joined_lazy.append(self)
        return True

    cdef Py_ssize_t _first(self):
        """The member in whose place the rows stand."""
        return self.numbers.index(min(self.numbers))

    def part(self):
        """Give all synapses back to the keepers, each as it stands. A failure changes nothing."""
        cdef LazyKeeper keeper
        cdef Py_ssize_t k
        columns = []
        for k, keeper in enumerate(self.keepers):
            n, dtype = self.own[k].n_synapses, self.last.dtype
            weight, target, last = np.empty(n, np.float32), np.empty(n, np.uint16), aligned(self.own[k].n_runs, dtype)
            state = {} if self.rows.state[0] == NULL else {"eligibility": np.empty(n, np.float32)}
            columns.append(({"weight": weight, "state": state, "target": target}, last))
            self.own[k].weight = <float *>_address(weight, "f4", 0, "weight")
            self.own[k].target = self.target[k] = <uint16_t *>_address(target, "u2", 0, "target")
            if state:
                self.own[k].state[0] = <float *>_address(state["eligibility"], "f4", 0, "eligibility")
            self.visits[k] = <nm_visit *><size_t>last.__array_interface__["data"][0]
        self._copy(True)
        self.binding.lend_columns({number: own for number, (own, _) in zip(self.numbers, columns)})
        for k, keeper in enumerate(self.keepers):
            _restore_rows(keeper.projection, &self.own[k])
            keeper.come_back(self.binding.layout.projections[self.numbers[k]], columns[k][1])
        self.binding.joined_lazy.remove(self)
        self.binding.routes.relist(&self.binding.network)

    cdef object targets(self, LazyKeeper member):
        """Target of each synapse of a member, from the first slot of its part, uint16."""
        cdef Py_ssize_t k = self.keepers.index(member)
        target = np.empty(self.own[k].n_synapses, np.uint16)
        nm_lazy_join_targets(&self.c, k, <uint16_t *>_address(target, "u2", 0, "target"))
        return target

    cdef dict read(self, LazyKeeper member):
        """Weight and eligibility of one member as they are now, float32."""
        cdef nm_lazy_step step = member._step()
        cdef Py_ssize_t k = self.keepers.index(member)
        cdef int64_t n = nm_all_buckets(&self.binding.network, &self.rows), first, at = 0
        cdef int64_t share = 1 + (n << 18) // (1 + self.rows.n_synapses)
        step.projection = &self.rows
        found = _empty_columns(self.own[k].n_synapses, self.rows.state[0] != NULL)
        cdef float *w = _column_of(found, "weight", self.own[k].n_synapses)
        cdef float *c = _column_of(found, "eligibility", self.own[k].n_synapses)
        for first in range(0, n, share):
            with nogil:
                at += nm_lazy_join_read(&step, k, first, min(first + share, n), w + at,
                                        NULL if c == NULL else c + at)
            PyErr_CheckSignals()
        return found

    cdef object read_one(self, LazyKeeper member, int64_t synapse, str name):
        """The weight, or the eligibility, of one synapse of a member now."""
        cdef nm_lazy_step step = member._step()
        cdef Py_ssize_t k = self.keepers.index(member)
        cdef nm_projection *own = &self.own[k]
        check_number("synapse", synapse, 0, own.n_synapses - 1)
        cdef const nm_network *network = &self.binding.network
        cdef int64_t bucket = _bucket_with(own, nm_all_buckets(network, own), synapse)
        cdef int64_t at = nm_bucket(network, &self.rows, nm_row_of(network, own, bucket),
                                    nm_partition_of(network, own, bucket))
        cdef int64_t first = own.run_start[nm_first_run(own, bucket)]
        cdef int64_t n = own.run_start[nm_first_run(own, bucket + 1)] - first
        step.projection = &self.rows
        found = _empty_columns(n, name != "weight" and self.rows.state[0] != NULL)
        nm_lazy_join_read(&step, k, at, at + 1, _column_of(found, "weight", n), _column_of(found, "eligibility", n))
        return float(found[name][synapse - first])


cdef dict _empty_columns(int64_t n, bint has_eligibility):
    """Room for what is read of `n` synapses under a lazy rule."""
    return {name: np.empty(n, np.float32) for name in ("weight", "eligibility")[: 1 + has_eligibility]}


cdef float *_column_of(dict columns, str name, int64_t n) except? NULL:
    """Where a column of `n` synapses lies; NULL where there is none of that name."""
    return <float *>_address(columns[name], "f4", n, name) if name in columns else NULL


cdef _restore_rows(nm_projection *p, const nm_projection *own):
    """Let a projection have its rows by itself again; what else it has may have changed since."""
    p.before, p.behind, p.n_rows, p.n_runs, p.n_synapses = own.before, own.behind, own.n_rows, own.n_runs, own.n_synapses
    p.bucket_run, p.run_start, p.run_delay = own.bucket_run, own.run_start, own.run_delay
    p.min_delay, p.max_delay = own.min_delay, own.max_delay
    p.target, p.weight, p.reached = own.target, own.weight, own.reached
    p.state[0], p.members = own.state[0], NULL


cdef int64_t _bucket_with(const nm_projection *p, int64_t n_buckets, int64_t synapse):
    """The last place that begins at or before a synapse and is not empty, by bisection."""
    cdef int64_t low = 0, high = n_buckets, middle
    while low + 1 < high:
        middle = (low + high) // 2
        if p.run_start[nm_first_run(p, middle)] <= synapse:
            low = middle
        else:
            high = middle
    return low


cdef list _lazy_groups(Binding b):
    """Numbers of the projections that can share rows, in the order of their targets, for each group of them."""
    cdef LazyKeeper keeper
    cdef int64_t k, first = 0, end = 0
    groups = {}
    for k, projection in enumerate(b.layout.projections):
        keeper = b.keepers.get(projection.name)
        if keeper is None or not _lazy_may_be_joined(b, &b.projections[k], keeper):
            continue
        p, learning = &b.projections[k], projection.learning
        key = (id(keeper.history), learning.bounds, learning.weight_dependence, learning.rounding, p.inhibitory, p.port,
               p.pre_first, p.n_rows, p.constant_delay if p.bucket_run == NULL else -1, p.born_last)
        groups.setdefault(key, []).append(k)
    found = []
    for numbers in groups.values():
        if len(numbers) < 2 or not _is_worth_joining(b, numbers):
            continue
        spans = []
        for k in numbers:
            nm_lazy_join_span(&b.network, &b.projections[k], &first, &end)
            spans.append((first, end, k))
        spans.sort()
        apart = all([one[1] <= other[0] for one, other in zip(spans, spans[1:])])
        if apart and not _comes_between(b, numbers):
            found.append([k for _, _, k in spans])
    return found


cdef bint _lazy_may_be_joined(Binding b, const nm_projection *p, LazyKeeper keeper):
    """Whether the synapses of a lazy projection have one age, are the whole of it, and its keeper's alone."""
    return (keeper.owner is not None and keeper.rows.whole is None and p.n_synapses > 0 and p.born == NULL
            and p.short_term == NULL and p.homeostasis == NULL)


cdef bint _is_worth_joining(Binding b, list numbers):
    """Whether runs are short, and members meet in the same parts of the network."""
    reached = [(<LazyKeeper>b.keepers[b.layout.projections[k].name]).reached for k in numbers]
    cdef int64_t k, runs = 0, synapses = 0, places = 0
    for k, parts in zip(numbers, reached):
        p = &b.projections[k]
        places += int(parts.sum())
        runs += p.n_rows * int(parts.sum()) if p.bucket_run == NULL else p.n_runs
        synapses += p.n_synapses
    return synapses < _SHORT * runs and 2 * places >= 3 * int(np.bitwise_or.reduce(reached).sum())


cdef bint _comes_between(Binding b, list numbers):
    """Whether another projection that learns comes in between in the order of delivery, from the same sources."""
    cdef int64_t k
    cdef const nm_projection *p
    cdef const nm_projection *one = &b.projections[<int64_t>numbers[0]]
    own = set(numbers)
    for k in range(<int64_t>numbers[0] + 1, <int64_t>numbers[len(numbers) - 1]):
        p = &b.projections[k]
        if (k not in own and p.rule != NULL and p.port == one.port and p.pre_first < one.pre_first + one.n_rows
                and one.pre_first < p.pre_first + p.n_rows):
            return True
    return False


cdef _join_lazy(Binding b):
    """Before a run: join what can be joined. Without memory for that, rows stay as they are, as do all results."""
    cdef JoinedLazy rows
    cdef int64_t left = 0  # synapses that have left their arrays since memory was given back
    if b.joined_lazy or b.stays_apart:
        return
    try:
        for numbers in _lazy_groups(b):
            rows = JoinedLazy(b, numbers)
            left += rows.rows.n_synapses if rows.join() else 0
            if left > _SOME:
                nm_heap_trim()
                left = 0
    except MemoryError:
        b.stays_apart = True
    finally:
        if b.joined_lazy:
            b.routes.relist(&b.network)
            nm_heap_trim()
    b.stays_apart = b.stays_apart or not b.joined_lazy


cdef _part_lazy(Binding b):
    """Let every projection have its synapses to itself again."""
    for rows in list(b.joined_lazy):
        rows.part()


cdef tuple _not_finite(Binding b):
    """The first value of a synapse under a rule that is not finite: (projection, column, position, value)."""
    for about in b.layout.projections:
        if about.learning.rule is not None:
            for name, column in (("weight", about.weight), *about.state.items()):
                wrong = np.flatnonzero(~np.isfinite(column))
                if wrong.size:
                    return about.name, name, int(wrong[0]), float(column[wrong[0]])
    raise CoreError("every weight is finite")
