# What event rules keep besides their synapses, allocated here. Transcribes nm_events.h.


cdef class EventKeeper:
    """What one engine keeps of one projection under an event rule: traces of its sources, an index by target."""

    cdef nm_events c
    cdef readonly object delays  # those of the projection, descending
    cdef object ends     # (id of the source, delay, partition) of each segment
    cdef dict traces     # trace of the source's spikes -> value of each segment right after its last arrival
    cdef dict lowpass    # low-pass trace of the source's column -> value by slot
    cdef list snapshots  # (column of the source, its values) that hooks at arrivals read
    cdef dict history    # column of the target -> its values in the last lowpass_lag steps, by step and slot
    cdef object arrived  # step of the last arrival at each segment
    cdef list lent
    cdef Binding binding
    cdef nm_projection *p  # the binding's
    cdef dict columns    # of a rule with `advance`: every column of the synapses, as of the last update of each; or None

    cdef make(self, Binding binding, nm_projection *p, object projection):
        self.traces, self.lowpass, self.history, self.lent, self.snapshots = {}, {}, {}, [], []
        self.binding, self.p = binding, p
        self.c.salt = <uint32_t>(projection.number & 0xFFFFFF)
        self.c.lag = self._lag(binding, p, p.rule.pre_lag)
        self.delays = np.array(sorted(_delays(p, True) or {p.min_delay}, reverse=True), np.int64)
        self.c.n_delays = len(self.delays)
        self.c.delays = <const int64_t *>_address(self.delays, "i8", 0, "delays")
        self.c.lowpass_lag = self._lag(binding, p, p.rule.lowpass_lag)
        self._make_traces(binding, p)
        if self.traces:
            self.ends = _run_ends(projection, binding.ids, *_held(projection, binding.network.n_partitions))
            self.arrived = np.full(max(1, p.n_runs), -1, np.int64)
            self.c.arrived = <int64_t *>_address(self.arrived, "i8", 0, "arrived")
        self._lend_columns(binding, p, projection)
        if projection.whole is not None and projection.whole.shift is not None:
            self.lent.append(projection.whole.shift)
            self.c.shift = <const int64_t *>_address(projection.whole.shift, "i8", p.n_runs, "shift")
        if p.rule.on_post != NULL:
            self._make_index(binding, p)
        if p.rule.needs_elapsed:
            self.c.last = <int64_t *>_address(projection.state["last_event"], "i8", p.n_synapses, "last_event")
        if p.rule.advance != NULL:
            self.columns = {"weight": projection.weight, **projection.state}
            last, now = projection.state["last_event"], binding.sim.step
            last[(last < 0) | (last > now)] = now  # time counts from here for new synapses, or those of another run

    cdef int64_t _lag(self, Binding binding, nm_projection *p, int member) except -1:
        """A lag in whole steps; `member` is 1 + position of the parameter, or 0 for no lag."""
        if member == 0:
            return 0
        cdef double steps = p.params[member - 1] / binding.sim.dt
        if steps > 65535.0:
            raise ValueError(f"{p.rule.params[member - 1].name.decode()}: must be at most 65,535 steps of "
                             f"{binding.sim.dt:g} ms; got {p.params[member - 1]:g} ms")
        return <int64_t>round(steps)

    cdef _column(self, Binding binding, str name):
        """A column of the neurons; zeros where no neuron has it, so that there are no synapses to read it for."""
        if name not in binding.layout.columns:
            self.lent.append(np.zeros(max(1, binding.network.n_neurons)))
            return self.lent[len(self.lent) - 1]
        return binding.layout.columns[name]

    cdef _make_traces(self, Binding binding, nm_projection *p):
        cdef int k
        n = binding.network.n_neurons
        for k, name in enumerate(_traces(p.rule.pre_traces, p.rule.params)):
            self.c.rate[k] = binding.sim.dt / p.params[p.rule.pre_traces[k].tau]
            if p.rule.pre_traces[k].kind == NM_TRACE_LOWPASS:
                source = self._column(binding, p.rule.pre_traces[k].column.decode())
                self.lowpass[name] = np.array(source[:n], np.float64)
                self.c.lowpass[k] = <double *>_address(self.lowpass[name], "f8", n, name)
                self.c.lowpass_source[k] = <const double *>_address(source, "f8", n, name)
            else:
                self.traces[name] = np.zeros(max(1, p.n_runs))
                self.c.trace[k] = <double *>_address(self.traces[name], "f8", 0, name)

    cdef _lend_columns(self, Binding binding, nm_projection *p, object projection):
        cdef int k
        n = binding.network.n_neurons
        for k, name in enumerate(_names(p.rule.pre_columns)):
            column = self._column(binding, name)
            snapshot = np.array(column[:n], np.float64)
            self.snapshots.append((name, snapshot))
            self.c.pre_snapshot[k] = <double *>_address(snapshot, "f8", n, name)
            self.c.pre_source[k] = <const double *>_address(column, "f8", n, name)
        for k, name in enumerate(_names(p.rule.post_columns)):
            self.c.post_column[k] = <const double *>_address(self._column(binding, name), "f8", n, name)
        for k, name in enumerate(_traces(p.rule.post_traces, p.rule.params)):
            if p.rule.post_traces[k].kind == NM_TRACE_LOWPASS:
                source = self._column(binding, p.rule.post_traces[k].column.decode())
                self.c.post_lowpass_source[k] = <const double *>_address(source, "f8", n, name)
                self._make_history(k, p.rule.post_traces[k].column.decode(), source[:n])

    cdef start(self, Binding binding, nm_projection *p):
        """Before the first step: what follows columns of the neurons starts at what these are now."""
        n = binding.network.n_neurons
        for k, name in enumerate(_traces(p.rule.pre_traces, p.rule.params)):
            if name in self.lowpass:
                self.lowpass[name][:] = self._column(binding, p.rule.pre_traces[<int>k].column.decode())[:n]
        for name, snapshot in self.snapshots:
            snapshot[:] = self._column(binding, name)[:n]
        for column, rows in self.history.items():
            rows[:] = self._column(binding, column)[:n]

    cdef _make_history(self, int k, str column, object source):
        if self.c.lowpass_lag == 0:
            return
        if column not in self.history:
            self.history[column] = np.tile(source, (self.c.lowpass_lag, 1))
        rows = self.history[column]
        self.c.post_history[k] = <double *>_address(rows, "f8", rows.size, column)

    cdef _make_index(self, Binding binding, nm_projection *p):
        if max(p.n_synapses, p.n_runs) > 0xFFFFFFFF:
            raise ValueError("a projection under a rule with on_post: must have at most 2**32 - 1 synapses")
        n = binding.network.n_neurons
        start, scratch = np.zeros(n + 1, np.int64), np.zeros(max(1, n), np.int64)
        incoming, delay_run = np.zeros((2, max(1, p.n_synapses)), np.uint32)
        self.lent += [start, incoming, delay_run]
        self.c.incoming_start = <const int64_t *>_address(start, "i8", 0, "incoming_start")
        self.c.incoming = <const uint32_t *>_address(incoming, "u4", 0, "incoming")
        self.c.incoming_run = <const uint32_t *>_address(delay_run, "u4", 0, "incoming_run")
        nm_events_index(&binding.network, p, <int64_t *>self.c.incoming_start, <uint32_t *>self.c.incoming,
                        <uint32_t *>self.c.incoming_run, <int64_t *>_address(scratch, "i8", 0, "scratch"))

    # ---- of a rule with `advance`: synapses that are current only where somebody reads them ---------------------------

    cdef dict _read(self, int64_t first, int64_t last):
        cdef nm_events_step step
        cdef float *state[8]
        cdef float *weight
        cdef int k
        step.network, step.projection = &self.binding.network, self.p
        step.ring, step.factor, step.fired, step.partition = NULL, NULL, NULL, 0
        step.dt, step.seed, step.now = self.binding.sim.dt, self.binding.sim.seed, self.binding.sim.step
        found = {name: np.empty(last - first, column.dtype) for name, column in self.columns.items()}
        found["last_event"][:] = step.now
        weight = <float *>_address(found["weight"], "f4", last - first, "weight")
        for k, name in enumerate(_fields(self.p.rule.state)):
            state[k] = <float *>_address(found[name], "f4", last - first, name)
        with nogil:
            nm_events_read(&step, first, last, weight, state)
        return found

    cdef int _check_kept(self) except -1:
        if self.columns is None:
            raise ValueError("projection: must be under a rule whose synapses move between events")
        return 0

    def read(self):
        """Every column of the synapses as it is now, by name; nothing is changed by the look."""
        self._check_kept()
        return self._read(0, self.p.n_synapses)

    def read_one(self, int64_t synapse, str name="weight"):
        """The weight, or another column, of one synapse now."""
        self._check_kept()
        check_number("synapse", synapse, 0, self.p.n_synapses - 1)
        return float(self._read(synapse, synapse + 1)[name][0])

    def write(self, synapses, columns):
        """Set the given synapses to what they are to be now: every column that `read` gives."""
        self._check_kept()
        synapses = np.ascontiguousarray(synapses, np.int64)
        if synapses.size and not 0 <= synapses.min() <= synapses.max() < self.p.n_synapses:
            raise IndexError(f"synapses: must be between 0 and {self.p.n_synapses - 1}")
        for name, column in self.columns.items():
            column[synapses] = columns[name]

    def settle(self):
        """Nothing: with the step of its last update a synapse is complete as it stands."""

    # ---- traces ------------------------------------------------------------------------------------------------------

    def values(self):
        """What each segment has of its source's spikes, all 0 where none has arrived: one more than the step of the
        last arrival, and the traces right after it. Not the traces of today, which would be rounded once more."""
        if not self.traces:
            return {}
        return {"after": self.arrived + 1, **{f"trace_{name}": trace for name, trace in self.traces.items()}}

    def set_values(self, values):
        """Take over what `values` gave, by segment."""
        n = len(values["after"])
        self.arrived[:n] = values["after"] - 1
        for name, trace in self.traces.items():
            trace[:n] = values[f"trace_{name}"]

    cdef settle_traces(self, EventKeeper old, int64_t now):
        """Bring the traces to the present by the time constants that held until now, where they differ."""
        cdef int k
        cdef Py_ssize_t run
        cdef const int64_t[::1] arrived
        if not self.traces or all(self.c.rate[k] == old.c.rate[k] for k in range(NM_MAX_TRACES)):
            return
        arrived = self.arrived
        for k in range(NM_MAX_TRACES):
            for run in range(arrived.shape[0] if self.c.trace[k] != NULL else 0):
                if arrived[run] >= 0:
                    self.c.trace[k][run] *= nm_exp(-old.c.rate[k] * <double>(now - arrived[run]))
        self.arrived[self.arrived >= 0] = now

    def state(self):
        """Everything, as it stands; for a checkpoint of this very network."""
        found = {}
        if self.columns is not None:
            found["columns"] = {name: column.copy() for name, column in self.columns.items()}
        if not (self.traces or self.lowpass or self.history):
            return found
        arrived = None if self.arrived is None else self.arrived.copy()
        return found | {"arrived": arrived, "traces": {name: trace.copy() for name, trace in self.traces.items()},
                        "lowpass": {name: trace.copy() for name, trace in self.lowpass.items()},
                        "history": {column: rows.copy() for column, rows in self.history.items()}}

    def check_state(self, part, int64_t now):
        """Note in a SavedPart what `state` cannot have given after step `now`."""
        own = self.state()
        part.only(*own)
        # a part that is empty need not be there: a state of before there was such a part has none
        if not part.has(*(what for what, kept in own.items() if not isinstance(kept, dict) or kept)) or not own:
            return
        if self.arrived is not None:
            part.array("arrived", "i8", self.arrived.shape, -1, now)
        elif part.value.get("arrived") is not None:
            part.wrong("arrived", "must be nothing, as the rule has no trace of a source's spikes", part.value["arrived"])
        for what, columns in own.items():
            if isinstance(columns, dict) and (columns or what in part.value):
                inner = part.part(what)
                inner.only(*columns)
                for name, column in columns.items():
                    steps = (-1, now) if name == "last_event" else (None, None)
                    inner.array(name, column.dtype.str[1:], column.shape, *steps)

    def set_state(self, state, int64_t now):
        """Take over what `state` gave, after a check."""
        part = SavedPart(state, "events")
        self.check_state(part, now)
        part.finish()
        self._take(state)

    cdef _take(self, object state):
        for name, column in (self.columns or {}).items():
            column[:] = state["columns"][name]
        if not (self.traces or self.lowpass or self.history):
            return
        if self.arrived is not None:
            self.arrived[:] = state["arrived"]
        for what, kept in (("traces", self.traces), ("lowpass", self.lowpass), ("history", self.history)):
            for name, trace in kept.items():  # of an empty part there may be none in the state
                trace[:] = state[what][name]


cdef _check_columns(object layout, object projection, const nm_plasticity_rule *rule, Py_ssize_t n_partitions):
    """Refuse neurons that lack a column that the rule reads."""
    wanted = {"source": set(_names(rule.pre_columns)) | _filtered(rule.pre_traces),
              "target": set(_names(rule.post_columns)) | _filtered(rule.post_traces)}
    if not (wanted["source"] or wanted["target"]):
        return
    ends = {"source": _has_synapses(projection, n_partitions), "target": _is_target(layout, projection, n_partitions)}
    for end, names in wanted.items():
        for model, first, count, _ in layout.groups:
            lacking = names - set(_MODELS[model]["state"]) - set(_MODELS[model]["params"])
            if lacking and ends[end][first:first + count].any():
                raise ValueError(f"projections[{projection.name!r}].rule: {rule.name.decode()} reads "
                                 f"{', '.join(sorted(lacking))} of its {end}s; a {model} neuron has none")


cdef set _filtered(const nm_trace *traces):
    found = set()
    cdef int k = 0
    while traces != NULL and traces[k].name != NULL:
        if traces[k].kind == NM_TRACE_LOWPASS:
            found.add(traces[k].column.decode())
        k += 1
    return found


def _buckets_of(projection):
    """Number of synapses of each place."""
    starts = projection.run_start
    return np.diff(starts if projection.bucket_run is None else starts[projection.bucket_run])


def _has_synapses(projection, Py_ssize_t n_partitions):
    rows = _row_sizes(projection, n_partitions)
    found = np.zeros(projection.pre_first + len(rows), bool)
    found[projection.pre_first:] = rows > 0
    return found


def _is_target(layout, projection, Py_ssize_t n_partitions):
    sizes, found = _buckets_of(projection), np.zeros(layout.n, bool)
    first, end = _held(projection, n_partitions)
    partition = first + np.arange(len(sizes)) % max(1, end - first)
    width = nm_network_partition_width(layout.n)
    found[np.repeat(partition * width, sizes) + projection.target] = True
    return found
