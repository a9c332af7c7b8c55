# What a pair rule keeps besides its synapses, allocated here; and the way to read and write synapses that are brought
# up to date only when a spike arrives. Transcribes nm_lazy.h.


_ARRIVED = 1 << 62  # NM_ARRIVED
_OF_SLOTS = {"newest", "spike", "gain", "late", "n_spikes"}
_OF_ZONES = {"course", "turn", "n_turns", "sign"}
_SINCE_TURNS = {"turn", "n_turns", "sign", "late"}  # what states of version 1 do not have


cdef object _lines(Py_ssize_t n, Py_ssize_t n_sums):
    """Records of spike times and sums, zeroed."""
    return aligned(n, np.dtype([("time", np.int16, NM_RECENT // 2), ("sums", np.float64, (n_sums, 2))], align=True))


cdef class LazyKeeper:
    """What one engine keeps of one projection under a pair rule: its synapses are current only where it says so."""

    cdef nm_lazy c
    cdef nm_projection *projection  # the binding's
    cdef Binding binding
    cdef object visits          # [segment] of records, nm_visit: of this projection alone
    cdef dict own               # its columns: since, and traces of the sources
    cdef dict history           # of the targets and zones: shared by projections under equal rules
    cdef list decays
    cdef object factors
    cdef object recent, former  # [slot] of records: nm_recent and nm_former
    cdef object rows            # ProjectionLayout
    cdef tuple parts            # first partition that has buckets here, and one past the last
    cdef object reached         # [partition]: whether some synapse leads there; uint8
    cdef object idle            # [segment]: whether it lies in another partition; None: none does
    cdef int64_t settled_at     # step of the last `settle`
    cdef object weight, eligibility  # as they stand: of the moment of each synapse's last visit
    cdef public object owner    # has `leave()` and `come_back(self, ...)`; None: the synapses are never joined
    cdef object joined          # JoinedLazy that has the synapses; None: they are here

    def __cinit__(self, Binding binding not None, projection, tuple parts, Py_ssize_t n_runs, Py_ssize_t n_zones,
                  double tau_c, list pre_traces, LazyKeeper leader=None):
        self.binding, self.weight, self.settled_at = binding, projection.weight, -1
        self.rows, self.parts = projection, parts
        self._find_reached()
        self.eligibility = projection.state.get("eligibility")
        self.c.sweep = nm_lazy_sweep(binding.sim.dt, tau_c)
        self.c.length = nm_lazy_length(self.c.sweep)
        self.c.n_zones = n_zones
        self.visits = aligned(n_runs, np.dtype([("since", np.int64), *((f"trace_{name}", np.float64) for name in pre_traces)]))
        self.own = {name: self.visits[name] for name in self.visits.dtype.names}
        self.c.n_traces = len(pre_traces)
        self.c.visits = <nm_visit *><size_t>self.visits.__array_interface__["data"][0]
        if leader is None:
            self._make_history(len(pre_traces))
        else:
            self._share(leader)
        self._point()

    def columns(self):
        """The arrays of the synapses as they stand; none while they are in joined rows."""
        if self.joined is not None:
            return {}
        return {"weight": self.weight} | ({} if self.eligibility is None else {"eligibility": self.eligibility})

    def targets(self):
        """Target of each synapse, from the first slot of its part of the network, uint16."""
        return self.rows.target if self.joined is None else (<JoinedLazy>self.joined).targets(self)

    cdef leave(self, object joined, object projection):
        """Leave the synapses to joined rows, which have them already."""
        self.joined, self.rows = joined, projection
        self.weight = self.eligibility = self.visits = None
        self.own = {}
        self.owner.leave()

    cdef come_back(self, object projection, object last):
        """Take the synapses, and the last update of each run, back from joined rows."""
        self.rows, self.weight, self.eligibility = projection, projection.weight, projection.state.get("eligibility")
        self.visits, self.joined = last, None
        self.own = {name: last[name] for name in last.dtype.names}
        self.c.visits = <nm_visit *><size_t>last.__array_interface__["data"][0]
        self.owner.come_back(self, projection.target, self.columns())

    cdef _apart(self):
        """From here on the synapses are here."""
        if self.joined is not None:
            self.joined.part()

    cdef _find_reached(self):
        n_partitions, projection = self.binding.network.n_partitions, self.rows
        first, end = _held(projection, n_partitions)
        self.reached = np.zeros(n_partitions, np.uint8)
        self.reached[first:end] = _partitions_met(projection, first, end)
        self.idle = None
        first, end = self.parts
        here = self.reached[first:end]
        if projection.bucket_run is None and not here.all():
            self.idle = np.tile(here == 0, projection.n_rows)

    cdef ends(self):
        """(id of the source, delay, partition) of each segment."""
        return _run_ends(self.rows, self.binding.ids, *self.parts)

    cdef _here(self, array):
        """Of an array by segment of the projection, a view of the segments that have state."""
        held = _held(self.rows, self.binding.network.n_partitions)
        if self.parts == held:
            return array
        low, high = self.parts
        first, end = held
        return array.reshape(self.rows.n_rows, end - first)[:, low - first:high - first]

    cdef _whole(self, str name):
        """What is kept by segment, for all segments of the projection: where none arrives, as if updated now."""
        nothing = 2 * self.binding.sim.step + 1 if name == "since" else 0
        whole = np.full(len(self.rows.run_start) - 1, nothing, self.own[name].dtype)
        PyErr_CheckSignals()
        values = self.own[name] if self.idle is None else np.where(self.idle, nothing, self.own[name])
        PyErr_CheckSignals()
        here = self._here(whole)
        _fill_from(here, values.reshape(here.shape))
        return whole

    cdef carried(self):
        """(id of the source, delay, partition) of each segment whose arrivals are noted, and the traces now."""
        self._apart()
        ends, traces = self.ends(), self.traces()
        if self.idle is None:
            return *ends, traces
        noted = ~self.idle
        return *(end[noted] for end in ends), {name: values[noted] for name, values in traces.items()}

    cdef _make_history(self, Py_ssize_t n_traces):
        cdef Py_ssize_t n = self.binding.network.n_neurons, n_zones = self.c.n_zones
        self.history = {
            "course": np.zeros((n_zones, self.c.length, NM_SNAPSHOT)),
            "newest": _zeros(n, np.int32),
            "spike": _zeros((n, NM_SPIKES), np.int64), "gain": _zeros((n, NM_SPIKES)),
            "late": _zeros((n, NM_SPIKES)),
            "n_spikes": _zeros(n, np.int64), "floor": np.zeros(self.binding.network.n_partitions, np.int64),
            "turn": np.zeros((n_zones, self.c.length), np.int64), "n_turns": np.zeros(n_zones, np.int64),
            "sign": np.zeros(n_zones, np.int64), "marks": np.zeros(2, np.int64),
        }
        self.factors = np.zeros((2, NM_INTERVAL, n_zones))  # of the steps under way: no state
        self.decays = [np.zeros(nm_lazy_decay_length(self.c.sweep)) for _ in range(n_traces)]
        self.recent, self.former = _lines(n, NM_CLOSE), _lines(n, NM_RECENT - NM_CLOSE)

    cdef _share(self, LazyKeeper leader):
        self.history, self.factors, self.decays = leader.history, leader.factors, leader.decays
        self.recent, self.former, self.c.follows = leader.recent, leader.former, 1

    cdef part(self):
        """Go on with a history of its own, equal to the shared one."""
        self._apart()
        decays, factors, old = self.decays, self.factors, (self.history, self.recent, self.former)
        self._make_history(len(decays))
        for name, array in self.history.items():
            array[...] = old[0][name]
        self.recent[...], self.former[...] = old[1], old[2]
        self.factors[...] = factors
        for table, shared in zip(self.decays, decays):
            table[...] = shared
        self.c.follows = 0
        self._point()

    cdef take_history(self, LazyKeeper old, object slots, object zones):
        """Go on with the history that a keeper of a former binding has. `slots`: (former, present) of the neurons that
        both networks have; `zones`: likewise."""
        for name, array in self.history.items():
            former = old.history[name]
            if name in _OF_SLOTS:
                array[slots[1]] = former[slots[0]]
            elif name in _OF_ZONES:
                array[zones[1]] = former[zones[0]]
            else:
                array[...] = former
        self.recent[slots[1]], self.former[slots[1]] = old.recent[slots[0]], old.former[slots[0]]

    cdef take_own(self, LazyKeeper old):
        """Go on from the last update of each synapse that a keeper of the same rows has."""
        self._apart()
        old._apart()
        for name, array in self.own.items():
            array[...] = old.own[name]

    cdef _point(self):
        cdef int k
        self.c.snapshots = <double *>_address(self.history["course"], "f8", 0, "course")
        self.c.ltp = <double *>_address(self.factors[0], "f8", 0, "ltp")
        self.c.ltd = <double *>_address(self.factors[1], "f8", 0, "ltd")
        self.c.newest = <int32_t *>_address(self.history["newest"], "i4", 0, "newest")
        self.c.recent = <nm_recent *><size_t>self.recent.__array_interface__["data"][0]
        self.c.former = <nm_former *><size_t>self.former.__array_interface__["data"][0]
        self.c.spike = <int64_t *>_address(self.history["spike"], "i8", 0, "spike")
        self.c.gain = <double *>_address(self.history["gain"], "f8", 0, "gain")
        self.c.n_spikes = <int64_t *>_address(self.history["n_spikes"], "i8", 0, "n_spikes")
        self.c.floor = <int64_t *>_address(self.history["floor"], "i8", 0, "floor")
        self.c.late = <double *>_address(self.history["late"], "f8", 0, "late")
        self.c.turn = <int64_t *>_address(self.history["turn"], "i8", 0, "turn")
        self.c.n_turns = <int64_t *>_address(self.history["n_turns"], "i8", 0, "n_turns")
        self.c.sign = <int64_t *>_address(self.history["sign"], "i8", 0, "sign")
        self.c.epoch = <int64_t *>_address(self.history["marks"], "i8", 0, "marks")
        self.c.origin = self.c.epoch + 1
        for k, table in enumerate(self.decays):
            self.c.decay[k] = <double *>_address(table, "f8", 0, "decay")

    cdef nm_lazy_step _step(self):
        cdef nm_lazy_step step
        step.network, step.projection = &self.binding.network, self.projection
        step.born, step.fired = NULL, 0
        step.input, step.efficacy, step.dt, step.now = NULL, 1.0, self.binding.sim.dt, self.binding.sim.step
        step.seed = self.binding.sim.seed
        return step

    cdef int64_t _n_buckets(self):
        return nm_all_buckets(&self.binding.network, self.projection)

    def read(self):
        """Weight and, where the rule has one, eligibility, float32, as they are now; nothing is changed by the look."""
        if self.joined is not None:
            return (<JoinedLazy>self.joined).read(self)
        cdef nm_lazy_step step = self._step()
        cdef int64_t n_synapses = len(self.weight)
        found = _empty_columns(n_synapses, self.eligibility is not None)
        cdef float *w = _column_of(found, "weight", n_synapses)
        cdef float *c = _column_of(found, "eligibility", n_synapses)
        cdef int64_t n = self._n_buckets(), first, share = 1 + (n << 18) // (1 + n_synapses)
        for first in range(0, n, share):
            with nogil:
                nm_lazy_read(&step, first, min(first + share, n), 0, w, c)
            PyErr_CheckSignals()
        return found

    def read_one(self, int64_t synapse, str name="weight"):
        """The weight, or the eligibility, of one synapse now."""
        if self.joined is not None:
            return (<JoinedLazy>self.joined).read_one(self, synapse, name)
        check_number("synapse", synapse, 0, len(self.weight) - 1)
        cdef nm_lazy_step step = self._step()
        cdef int64_t bucket = _bucket_with(self.projection, self._n_buckets(), synapse)
        cdef const int64_t *start = self.projection.run_start
        cdef int64_t first = nm_first_run(self.projection, bucket)
        cdef int64_t last = nm_first_run(self.projection, bucket + 1)
        cdef int64_t n = start[last] - start[first]
        found = _empty_columns(n, name != "weight" and self.eligibility is not None)
        nm_lazy_read(&step, bucket, bucket + 1, start[first], _column_of(found, "weight", n),
                     _column_of(found, "eligibility", n))
        return float(found[name][synapse - start[first]])

    def write(self, synapses, columns):
        """Set the given synapses (ascending positions) to what they are to be now: every column that `read` gives."""
        self._apart()
        cdef nm_lazy_step step = self._step()
        cdef int64_t bucket, done = -1
        synapses = np.ascontiguousarray(synapses, np.int64)
        if synapses.size and not 0 <= synapses.min() <= synapses.max() < len(self.weight):
            raise IndexError(f"synapses: must be between 0 and {len(self.weight) - 1}")
        for synapse in synapses:
            bucket = _bucket_with(self.projection, self._n_buckets(), synapse)
            if bucket != done:
                nm_lazy_flush(&step, bucket, bucket + 1)
                done = bucket
        weight = columns["weight"]
        self.weight[synapses] = weight if self.eligibility is None else self._bounded(weight)
        if self.eligibility is not None:
            self.eligibility[synapses] = columns["eligibility"]

    def _bounded(self, weight):
        """Weights on their bounds, rounded inwards to float32, where they lie outside."""
        cdef const nm_projection *p = self.projection
        cdef double low, high
        nm_change_bounds(p.weight_min, p.weight_max, p.inhibitory, &low, &high)
        if p.inhibitory:
            return np.copysign(np.clip(np.abs(weight), low, high), weight)
        return np.clip(weight, low, high)

    def settle(self):
        """Bring every synapse up to date in place: complete as they stand, they may be given to somebody else."""
        self._apart()
        cdef nm_lazy_step step = self._step()
        self.settled_at = step.now
        nm_lazy_flush(&step, 0, self._n_buckets())

    def traces(self):
        """Presynaptic traces now: {name: value of each segment}."""
        self._apart()
        cdef int64_t now = self.binding.sim.step
        cdef int k
        found = {}
        steps = now - (self.own["since"] & ~_ARRIVED) // 2
        for k, table in enumerate(self.decays):
            name = [name for name in self.own if name.startswith("trace_")][k]
            found[name] = self.own[name] * table[steps % NM_FINE] * table[NM_FINE + steps // NM_FINE]
        return found

    def state(self):
        """Everything, as it stands; for a checkpoint of this very network."""
        self._apart()
        found = {name: _copied(array) for name, array in self.history.items() if name != "marks"}
        found |= {name: self._whole(name) for name in self.own}
        forms = self._forms()
        for name, column in (("recent", "time"), ("sums", "sums")):
            dtype, shape = forms[name]
            both, first = np.empty(shape, dtype), self.recent[column].shape[1]
            _fill_from(both[:, :first], self.recent[column])
            _fill_from(both[:, first:], self.former[column])
            found[name] = both
        found["weight"], found["epoch"], found["origin"] = _copied(self.weight), int(self.c.epoch[0]), int(self.c.origin[0])
        if self.eligibility is not None:
            found["eligibility"] = _copied(self.eligibility)
        return found

    cdef dict _forms(self):
        """Type and shape of each array that `state` gives."""
        n_segments, forms = len(self.rows.run_start) - 1, {}
        for name, array in self.history.items():
            if name != "marks":
                forms[name] = array.dtype, array.shape
        for name, array in self.own.items():
            forms[name] = array.dtype, (n_segments,)
        for name, column in (("recent", "time"), ("sums", "sums")):
            close, far = self.recent[column], self.former[column]
            forms[name] = close.dtype, (close.shape[0], close.shape[1] + far.shape[1], *close.shape[2:])
        for name, array in (("weight", self.weight), ("eligibility", self.eligibility)):
            if array is not None:
                forms[name] = array.dtype, array.shape
        return forms

    def check_state(self, part, int64_t now):
        """Note in a SavedPart what `state` cannot have given after step `now`; C relies on these limits."""
        self._apart()
        sweep, own = self.c.sweep, self._forms()
        part.only(*own, "epoch", "origin")
        if "turn" not in part.value:  # before bounds under eligibility held in every step
            own = {name: form for name, form in own.items() if name not in _SINCE_TURNS}
        if not part.has(*own, "epoch", "origin"):
            return
        limits = {"floor": (0, now), "spike": (0, now), "n_spikes": (0, now), "turn": (0, now), "n_turns": (0, now),
                  "sign": (-1, 1)}
        epoch = part.whole("epoch", now - 32000, now - 2 * NM_SWEEP_MAX - 4)
        part.whole("origin", now - 2 * sweep - 2, now)
        if epoch is not None:
            limits["recent"] = limits["newest"] = (NM_NEVER, now - epoch)
        found = {name: part.array(name, dtype.str[1:], shape, *limits.get(name, (None, None)))
                 for name, (dtype, shape) in own.items()}
        if found["since"] is not None:
            last = {"since": found["since"] & ~_ARRIVED}
            SavedPart(last, part.where, part.problems).array(
                "since", "i8", last["since"].shape, max(0, 2 * (now - 2 * sweep - 2)), 2 * now + 1)
        recent, newest = found["recent"], found["newest"]
        if recent is not None and newest is not None:
            if np.any(np.diff(recent.astype(np.int32), axis=1) > 0):
                part.wrong("recent", "must hold the newest spikes first", recent)
            if not np.array_equal(recent[:, 0], newest):
                part.wrong("newest", "must be the first of recent", newest)

    def set_state(self, state):
        """Take over what `state` gave, after a check; what another version kept in another form is refused."""
        part = SavedPart(state, "pairs")
        self.check_state(part, self.binding.sim.step)
        part.finish()
        self._take(state)

    cdef dict _complete(self, object state):
        if "turn" in state:
            return state
        return {**state, **_turns(state["course"], self.binding.sim.step), "late": np.zeros_like(state["gain"])}

    cdef _take(self, object state):
        state = self._complete(state)
        for name, array in self.history.items():
            if name != "marks":
                _fill_from(array, state[name])
        for name, array in self.own.items():
            _fill_from(array, self._here(state[name]).ravel())
        for name, column in (("recent", "time"), ("sums", "sums")):
            first = self.recent[column].shape[1]
            _fill_from(self.recent[column], state[name][:, :first])
            _fill_from(self.former[column], state[name][:, first:])
        _fill_from(self.weight, state["weight"])
        self.c.epoch[0], self.c.origin[0] = state["epoch"], state["origin"]
        if self.eligibility is not None:
            _fill_from(self.eligibility, state["eligibility"])

    def set_traces(self, traces):
        """Presynaptic traces as they are now, by segment."""
        self._apart()
        for name, values in traces.items():
            if not name.startswith("trace_") or name not in self.own:
                raise ValueError(f"traces: must be the rule's; got {name!r}")
            self.own[name][:] = values


def _turns(course, int64_t now):
    """The turns of F in a course whose last step is `now`, as a state of version 1 did not have them."""
    n_zones, length = course.shape[:2]
    steps = np.arange(now - length + 1, now + 1)
    rise = np.sign(np.diff(course[:, steps % length, 2], axis=1)).astype(np.int64)  # in the steps from steps[1] on
    found = {"turn": np.zeros((n_zones, length), np.int64), "n_turns": np.zeros(n_zones, np.int64),
             "sign": np.zeros(n_zones, np.int64)}
    for zone in range(n_zones):
        moves = np.flatnonzero(rise[zone])
        signs = rise[zone, moves]
        turns = steps[moves[1:]][np.diff(signs) != 0]
        found["turn"][zone, :len(turns)], found["n_turns"][zone] = turns, len(turns)
        found["sign"][zone] = signs[len(signs) - 1] if len(signs) else 0
    return found


def _run_ends(projection, ids, Py_ssize_t first, Py_ssize_t end):
    """Id of the source, delay and partition of each segment, of rows with buckets for partitions first .. end - 1."""
    buckets = np.arange(projection.n_rows * (end - first))
    if projection.bucket_run is not None:
        buckets = np.repeat(buckets, np.diff(projection.bucket_run))
    rows, partitions = np.divmod(buckets, max(1, end - first))
    sources = ids[projection.pre_first + rows]
    delays = projection.run_delay
    if delays is None:
        delays = np.full(len(rows), projection.equal_delay, np.uint16)
    return sources, delays, first + partitions
