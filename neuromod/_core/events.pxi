# What event rules keep besides their synapses, allocated here. Transcribes nm_events.h.


cdef class EventKeeper:
    """What one engine keeps of one projection under an event rule: traces of its sources, an index by target."""

    cdef nm_events c
    cdef object ends     # (id of the source, delay) of each segment
    cdef dict traces     # trace of the source's spikes -> value of each segment right after its last arrival
    cdef dict lowpass    # low-pass trace of the source's column -> value by slot
    cdef object arrived  # step of the last arrival at each segment
    cdef list lent

    cdef make(self, Binding binding, nm_projection *p, object projection):
        self.traces, self.lowpass, self.lent = {}, {}, []
        self.c.salt = <uint32_t>(projection.number & 0xFFFFFF)
        if p.rule.pre_lag:
            self.c.lag = <int64_t>round(p.params[p.rule.pre_lag - 1] / binding.sim.dt)
        self._make_traces(binding, p)
        if self.traces:
            self.ends = _run_ends(projection, binding.ids, binding.network.n_partitions)
            self.arrived = np.full(max(1, p.n_runs), -1, np.int64)
            self.c.arrived = <int64_t *>_address(self.arrived, "i8", 0, "arrived")
        self._lend_columns(binding, p, projection)
        if p.rule.on_post != NULL:
            self._make_index(binding, p)
        if p.rule.needs_elapsed:
            self.c.last = <int64_t *>_address(projection.state["last_event"], "i8", p.n_synapses, "last_event")

    cdef _make_traces(self, Binding binding, nm_projection *p):
        cdef int k
        columns, n = binding.layout.columns, binding.network.n_neurons
        for k, name in enumerate(_traces(p.rule.pre_traces, p.rule.params)):
            self.c.rate[k] = binding.sim.dt / p.params[p.rule.pre_traces[k].tau]
            if p.rule.pre_traces[k].kind == NM_TRACE_LOWPASS:
                source = columns[p.rule.pre_traces[k].column.decode()]
                self.lowpass[name] = np.array(source[:n], np.float64)
                self.c.lowpass[k] = <double *>_address(self.lowpass[name], "f8", n, name)
                self.c.lowpass_source[k] = <const double *>_address(source, "f8", n, name)
            else:
                self.traces[name] = np.zeros(max(1, p.n_runs))
                self.c.trace[k] = <double *>_address(self.traces[name], "f8", 0, name)

    cdef _lend_columns(self, Binding binding, nm_projection *p, object projection):
        cdef int k
        columns, n = binding.layout.columns, binding.network.n_neurons
        for k, name in enumerate(_names(p.rule.pre_columns)):
            snapshot = np.array(columns[name][:n], np.float64)
            self.lent.append(snapshot)
            self.c.pre_snapshot[k] = <double *>_address(snapshot, "f8", n, name)
            self.c.pre_source[k] = <const double *>_address(columns[name], "f8", n, name)
        for k, name in enumerate(_names(p.rule.post_columns)):
            self.c.post_column[k] = <const double *>_address(columns[name], "f8", n, name)
        for k, name in enumerate(_traces(p.rule.post_traces, p.rule.params)):
            if p.rule.post_traces[k].kind == NM_TRACE_LOWPASS:
                source = columns[p.rule.post_traces[k].column.decode()]
                self.c.post_lowpass_source[k] = <const double *>_address(source, "f8", n, name)

    cdef _make_index(self, Binding binding, nm_projection *p):
        if max(p.n_synapses, p.n_runs) > 0xFFFFFFFF:
            raise ValueError("a projection under a rule with on_post: must have at most 2**32 - 1 synapses")
        n = binding.network.n_neurons
        start, scratch = np.zeros(n + 1, np.int64), np.zeros(max(1, n), np.int64)
        incoming, delay_run = np.zeros((2, max(1, p.n_synapses)), np.uint32)
        self.lent += [start, incoming, delay_run]
        self.c.incoming_start = <const int64_t *>_address(start, "i8", 0, "incoming_start")
        self.c.incoming = <const uint32_t *>_address(incoming, "u4", 0, "incoming")
        self.c.incoming_segment = <const uint32_t *>_address(delay_run, "u4", 0, "incoming_segment")
        nm_events_index(&binding.network, p, <int64_t *>self.c.incoming_start, <uint32_t *>self.c.incoming,
                        <uint32_t *>self.c.incoming_segment, <int64_t *>_address(scratch, "i8", 0, "scratch"))

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

    def state(self):
        """Everything, as it stands; for a checkpoint of this very network."""
        if not (self.traces or self.lowpass):
            return {}
        arrived = None if self.arrived is None else self.arrived.copy()
        return {"arrived": arrived, "traces": {name: trace.copy() for name, trace in self.traces.items()},
                "lowpass": {name: trace.copy() for name, trace in self.lowpass.items()}}

    def set_state(self, state):
        """Take over what `state` gave."""
        if not (self.traces or self.lowpass):
            return
        if self.arrived is not None:
            self.arrived[:] = state["arrived"]
        for kept, given in ((self.traces, state["traces"]), (self.lowpass, state["lowpass"])):
            for name, trace in kept.items():
                trace[:] = given[name]


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


def buckets_of(projection, Py_ssize_t n_partitions):
    """Number of synapses of each place."""
    starts = projection.run_start
    return np.diff(starts if projection.bucket_run is None else starts[projection.bucket_run])


def _has_synapses(projection, Py_ssize_t n_partitions):
    rows = buckets_of(projection, n_partitions).reshape(-1, n_partitions).sum(axis=1)
    found = np.zeros(projection.pre_first + len(rows), bool)
    found[projection.pre_first:] = rows > 0
    return found


def _is_target(layout, projection, Py_ssize_t n_partitions):
    sizes, found = buckets_of(projection, n_partitions), np.zeros(layout.n, bool)
    partition = np.arange(len(sizes)) % n_partitions
    width = nm_network_partition_width(layout.n)
    found[np.repeat(partition * width, sizes) + projection.target] = True
    return found
