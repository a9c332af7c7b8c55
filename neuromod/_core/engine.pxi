# The engine: a network's columns lent to C, and the run loop. NumPy owns every buffer; an Engine keeps the arrays
# alive for as long as C may use them. Transcribes nm_network.h, nm_delay.h, nm_record.h and nm_sim.h.

from time import perf_counter

_SLICE_SECONDS = 0.02  # how long C runs before signals and progress are served; SIGINT then takes <= 20 ms


cdef class Engine:
    """One network bound for running. See nm_sim.h; Simulation is its only user."""

    cdef nm_network network
    cdef nm_sim sim
    cdef nm_group *groups
    cdef nm_piece *pieces
    cdef nm_projection *projections
    cdef nm_scatter *scatters
    cdef nm_spike_record *spike_records
    cdef nm_sample_record *sample_records
    cdef Levels levels
    cdef LentLevels lent
    cdef object model, keep, ids, factors, ring_slot, ring_count, traces, schedule
    cdef object group_names, input_keep
    cdef dict keepers    # projection -> PairKeeper
    cdef dict short_terms, rates  # projection -> ShortTermKeeper, HomeostasisKeeper
    cdef list weights    # of each projection: the array that C has, None where all are equal
    cdef Pool pool
    cdef public int threads  # of a run, at most; no more than there are parts are used
    cdef long long version
    cdef bint running, fresh
    cdef public list spike_recorders, sample_recorders

    def __init__(self, model, double dt, seed, levels=None):
        self.model, self.levels, self.keep, self.traces, self.keepers = model, levels, [], {}, {}
        self.weights, self.pool, self.threads, self.short_terms, self.rates = [], Pool(), 1, {}, {}
        self.spike_recorders, self.sample_recorders = [], []
        self.sim.dt, self.sim.seed, self.version = dt, seed, -1
        self.schedule = (np.empty(0, np.int64), np.empty(0, np.int64))

    def __dealloc__(self):
        self._free()

    cdef _free(self):
        for pointer in (<size_t>self.groups, <size_t>self.pieces, <size_t>self.projections, <size_t>self.scatters,
                        <size_t>self.spike_records, <size_t>self.sample_records):
            PyMem_Free(<void *>pointer)
        self.groups, self.pieces, self.projections, self.scatters = NULL, NULL, NULL, NULL
        self.spike_records, self.sample_records = NULL, NULL

    # ---- binding -----------------------------------------------------------------------------------------------

    def bind(self):
        """Lend the model's present arrays to C, checked once. Spikes under way and traces are carried over."""
        model = self.model
        model._synapses.fit()
        carried = self._carried() if self.version >= 0 else None
        version = model.version
        self._free()
        self.keep, self.traces, self.keepers, self.weights = [], {}, {}, []
        n = model._columns.n
        self.ids = model._columns.buffers["id"][:n].copy()  # ours: removal compacts the model's in place
        self._bind_columns(model._columns.buffers, n)
        self._bind_groups(model._groups(), model._columns.buffers, n)
        self._bind_projections(model._projections, n)
        self._bind_ring(n)
        cdef nm_error error
        if nm_network_check(&self.network, &error) != NM_OK:
            raise_error(&error)
        self.sim.network = &self.network
        self._bind_levels()
        self.fresh = True
        for keeper in self.keepers.values():
            nm_pairs_start(&self.network, (<PairKeeper>keeper).projection, self.sim.dt, self.sim.step)
        if carried is not None:
            self._set_carried(carried)
        self._bind_schedule()
        for recorder in self.spike_recorders:
            (<SpikeRecorder>recorder).bind(self.ids)
        for sampler in self.sample_recorders:
            (<SampleRecorder>sampler).bind()
        self.version = version

    cdef _bind_levels(self):
        self.sim.levels = NULL
        if self.levels is None:
            return
        runs = [self._runs_of(release["areas"]) for release in self.levels.releases]
        self.lent = LentLevels(self.levels, self.model._zones()[1], runs)
        self.sim.levels = &self.lent.c

    cdef _runs_of(self, areas):
        """First and one past the last slot of each run of neurons of the areas, one after another."""
        inside = np.isin(self.model._columns.column("area"), [list(self.model._areas).index(a) for a in areas])
        return np.flatnonzero(np.diff(inside, prepend=False, append=False)).astype(np.int64)

    def effects(self):
        """LentLevels of the last binding; None where nothing is modulated."""
        return self.lent

    cdef void *_lend(self, object array, str dtype, Py_ssize_t n, str what) except? NULL:
        self.keep.append(array)
        return _address(array, dtype, n, what)

    cdef _bind_columns(self, dict buffers, Py_ssize_t n):
        net = &self.network
        net.n_neurons = n
        net.id = <const int64_t *>self._lend(self.ids, "i8", n, "id")
        net.external_input = <double *>self._lend(buffers["external_input"], "f8", n, "external_input")
        net.last_spike_time = <double *>self._lend(buffers["last_spike_time"], "f8", n, "last_spike_time")
        net.spike_count = <int64_t *>self._lend(buffers["spike_count"], "i8", n, "spike_count")
        net.drive_rate = <const double *>self._lend(buffers["drive_rate"], "f8", n, "drive_rate")
        net.drive_weight = <const double *>self._lend(buffers["drive_weight"], "f8", n, "drive_weight")
        net.drive_noise = <const double *>self._lend(buffers["drive_noise"], "f8", n, "drive_noise")
        net.drive_uniform = <const double *>self._lend(buffers["drive_uniform"], "f8", n, "drive_uniform")
        zone_of, zones = self.model._zones()
        net.region = <const int32_t *>self._lend(zone_of, "i4", n, "region")
        self.factors = np.zeros((NM_INTERVAL, len(zones), sizeof(nm_factors) // 8))
        self.sim.n_zones = len(zones)
        self.sim.factors = <nm_factors *>_address(self.factors, "f8", self.factors.size, "factors")
        net.seen_rate = <double *>self._lend(np.full(n, np.nan), "f8", n, "seen_rate")
        self.sim.excitatory = <double *>self._lend(aligned(n), "f8", n, "excitatory")
        self.sim.inhibitory = <double *>self._lend(aligned(n), "f8", n, "inhibitory")
        self.sim.scheduled = <double *>self._lend(aligned(n), "f8", n, "scheduled")
        self.sim.fired = <double *>self._lend(aligned(n), "f8", n, "fired")

    cdef _bind_groups(self, list groups, dict buffers, Py_ssize_t n):
        cdef nm_group *group
        cdef int k
        names = list(neuron_models())
        seen, derived = {}, {}
        self.group_names = [name for name, *_ in groups]
        self.groups = <nm_group *>PyMem_Calloc(max(1, len(groups)), sizeof(nm_group))
        for g, (name, first, count, region) in enumerate(groups):
            group = &self.groups[g]
            group.model = nm_neuron_models[names.index(name)]
            group.first, group.n, group.region = first, count, region
            for k in range(nm_field_count(group.model.state)):
                field = group.model.state[k].name.decode()
                group.state[k] = <double *>self._lend(buffers[field], "f8", n, field)
            for k in range(nm_field_count(group.model.params)):
                field = group.model.params[k].name.decode()
                group.params[k] = <const double *>self._lend(buffers[field], "f8", n, field)
                if field not in seen:
                    seen[field] = np.full(n, np.nan)
                group.seen[k] = <double *>self._lend(seen[field], "f8", n, field)
            for k in range(group.model.n_derived):
                if k not in derived:
                    derived[k] = aligned(n)
                group.derived[k] = <double *>self._lend(derived[k], "f8", n, "derived")
        self.network.groups, self.network.n_groups = self.groups, len(groups)
        self.network.part_width = width = nm_network_part_width(n)
        self.network.n_parts = n_parts = nm_network_count_parts(n)
        part_piece = np.zeros(n_parts + 1, np.int64)
        self.network.part_piece = <int64_t *>self._lend(part_piece, "i8", n_parts + 1, "part_piece")
        n_pieces = nm_network_cut(self.groups, len(groups), width, NULL, NULL)
        self.pieces = <nm_piece *>PyMem_Calloc(max(1, n_pieces), sizeof(nm_piece))
        nm_network_cut(self.groups, len(groups), width, self.pieces, self.network.part_piece)
        self.network.pieces, self.network.n_pieces = self.pieces, n_pieces
        table = np.zeros(max(1, n_pieces) * NM_POISSON_TABLE, np.uint32)
        self.network.drive_table = <uint32_t *>self._lend(table, "u4", table.size, "drive_table")

    cdef _bind_projections(self, list projections, Py_ssize_t n):
        self.projections = <nm_projection *>PyMem_Calloc(max(1, len(projections)), sizeof(nm_projection))
        self.network.projections, self.network.n_projections = self.projections, len(projections)
        self.scatters = <nm_scatter *>PyMem_Calloc(max(1, len(projections)), sizeof(nm_scatter))
        self.network.max_delay = max([1] + [p.max_delay for p in projections])
        self.sim.interval = min([NM_INTERVAL] + [p.min_delay for p in projections])
        self.weights = [None] * len(projections)
        self.short_terms, self.rates = {}, {}
        for k, projection in enumerate(projections):
            self._lend_weight(k, projection)
            self._bind_projection(&self.projections[k], projection)
            self._bind_rule(&self.projections[k], projection, n)
            self._bind_slow_parts(&self.projections[k], projection, n)
            self._bind_scatter(&self.projections[k], &self.scatters[k], n)
            self.keep.append(_bind_dense(&self.projections[k], projection, &self.network))
        self._bind_dense_room(n)

    cdef _bind_scatter(self, nm_projection *p, nm_scatter *scatter, Py_ssize_t n):
        if nm_scatter_worth(p):
            size = NM_SCATTER * n
            scatter.sum = <double *>self._lend(aligned(size), "f8", size, "scatter")
            p.scatter = scatter

    cdef _bind_dense_room(self, Py_ssize_t n):
        cdef int64_t k
        self.sim.dense.count, self.sim.dense.sum = NULL, NULL
        if any(self.projections[k].dense != NULL for k in range(self.network.n_projections)):
            size = self.network.n_parts * nm_dense_counts(self.network.part_width)
            self.sim.dense.count = <uint64_t *>self._lend(aligned(size, np.uint64), "u8", size, "dense_count")
            self.sim.dense.sum = <double *>self._lend(aligned(n), "f8", n, "dense_sum")

    cdef _lend_weight(self, int k, object projection):
        weight = self.weights[k] = projection.raw_weight()
        self.projections[k].constant_weight, self.projections[k].weight = projection.constant_weight, NULL
        if weight is not None:
            self.projections[k].weight = <float *>_address(weight, "f4", len(projection), "weight")

    cdef _bind_projection(self, nm_projection *p, object projection):
        size, n_segments = len(projection), len(projection.segment_start) - 1
        p.pre_first, p.n_rows, p.n_segments = projection.pre_first, len(projection.row_start) - 1, n_segments
        p.segment_start = <const int64_t *>self._lend(projection.segment_start, "i8", n_segments + 1, "segment_start")
        p.target = <const uint16_t *>self._lend(projection.target, "u2", size, "target")
        p.row_segment, p.segment_delay = NULL, NULL
        if projection.segment_delay is not None:
            n_places = p.n_rows * self.network.n_parts
            p.row_segment = <const int64_t *>self._lend(projection.row_segment, "i8", n_places + 1, "row_segment")
            p.segment_delay = <const uint16_t *>self._lend(projection.segment_delay, "u2", n_segments, "segment_delay")
        p.constant_delay = projection.constant_delay
        p.min_delay, p.max_delay = projection.min_delay, projection.max_delay
        p.inhibitory = projection.synapse_type == "inhibitory"

    cdef _bind_rule(self, nm_projection *p, object projection, Py_ssize_t n):
        cdef int k
        if projection.rule is None:
            p.rule = NULL
            return
        p.rule = nm_plasticity_rules[list(plasticity_rules()).index(projection.rule)]
        values = np.array([projection.rule_params[p.rule.params[k].name.decode()]
                           for k in range(nm_field_count(p.rule.params))], dtype=float)
        p.params = <const double *>self._lend(values, "f8", values.size, "rule parameters")
        p.weight_min, p.weight_max = projection.weight_min, projection.weight_max
        p.weight_kept = 1.0 - projection.weight_decay
        p.weight_dependence = projection.weight_dependence
        for k in range(nm_field_count(p.rule.state)):
            field = p.rule.state[k].name.decode()
            p.state[k] = <float *>self._lend(projection.raw_state()[field], "f4", len(projection), field)
        for k, name in enumerate(_traces(p.rule.post_traces, p.rule.params)):
            trace = aligned(n)
            self.traces[projection.name, "post", name] = trace
            p.post_trace[k] = <double *>self._lend(trace, "f8", n, name)
            p.post_kept[k] = nm_exp(-self.sim.dt / p.params[p.rule.post_traces[k].tau])
        if p.rule.post_gain != NULL:
            self._bind_pairs(p, projection, n)

    cdef _bind_slow_parts(self, nm_projection *p, object projection, Py_ssize_t n):
        if projection.short_term is not None:
            first = projection.pre_first
            keeper = ShortTermKeeper(projection.short_term, self.ids[first:first + p.n_rows],
                                     p.max_delay + self.sim.interval)
            p.short_term = &(<ShortTermKeeper>keeper).c
            self.short_terms[projection] = keeper
        if projection.homeostatic is not None:
            scaler = HomeostasisKeeper(projection.homeostatic, n, self.sim.dt)
            p.homeostasis = &(<HomeostasisKeeper>scaler).c
            self.rates[projection] = scaler

    cdef _bind_pairs(self, nm_projection *p, object projection, Py_ssize_t n):
        cdef PairKeeper keeper
        n_regions = 1 if self.levels is None else len(self.model._zones()[1])
        tau_c = 0.0 if p.rule.eligibility == NULL else p.params[p.rule.eligibility.tau_c]
        keeper = PairKeeper(self, projection, n, self.network.n_parts, n_regions, tau_c,
                            list(_traces(p.rule.pre_traces, p.rule.params)))
        keeper.projection, p.pairs = p, &keeper.c
        self.keepers[projection] = keeper
        projection.keep(keeper)

    cdef _bind_ring(self, Py_ssize_t n):
        length = self.network.max_delay + self.sim.interval
        # np.empty: only pages that spikes reach are touched, so a long ring of a large network stays small
        n_parts = self.network.n_parts
        self.ring_slot, self.ring_count = np.empty((length, n), np.int32), np.zeros((length, n_parts), np.int64)
        self.sim.ring.length, self.sim.ring.width = length, n
        self.sim.ring.n_parts, self.sim.ring.part_width = n_parts, self.network.part_width
        self.sim.ring.slot = <int32_t *>self._lend(self.ring_slot, "i4", self.ring_slot.size, "ring")
        self.sim.ring.count = <int64_t *>self._lend(self.ring_count, "i8", length * n_parts, "ring")

    # ---- state that is the engine's own: spikes under way and traces ----------------------------------------------

    def _fired(self, int64_t step):
        """Ids of the neurons that fired in one of the last steps, ascending; a new int64 array."""
        cdef nm_delay *ring = &self.sim.ring
        cdef int64_t row = (step % ring.length + ring.length) % ring.length, n = 0, part, k
        for part in range(ring.n_parts):
            n += ring.count[row * ring.n_parts + part]
        found = np.empty(n, np.int64)
        if n == 0:
            return found
        cdef int64_t[::1] out = found
        n = 0
        for part in range(ring.n_parts):
            for k in range(ring.count[row * ring.n_parts + part]):
                out[n] = self.network.id[ring.slot[row * ring.width + part * ring.part_width + k]]
                n += 1
        return found

    def _set_fired(self, step, ids):
        row, width = step % self.sim.ring.length, self.sim.ring.part_width
        slots = self._slots_of(ids)
        cuts = np.searchsorted(slots, np.arange(self.sim.ring.n_parts + 1) * width)
        for part in range(self.sim.ring.n_parts):
            here = slots[cuts[part]:cuts[part + 1]]
            self.ring_slot[row, part * width:part * width + len(here)] = here
            self.ring_count[row, part] = len(here)

    def state(self):
        """Spikes under way, traces, and what pair rules, short-term plasticity and homeostatic scaling keep."""
        now = self.sim.step
        slow = {}
        if self.short_terms:
            slow["short_term"] = {p.name: keeper.state(now) for p, keeper in self.short_terms.items()}
        if self.rates:
            slow["rates"] = {p.name: (self.ids.copy(), keeper.rate.copy()) for p, keeper in self.rates.items()}
        return slow | {
            "step": int(now),
            "fired": [self._fired(now - age) for age in range(self.network.max_delay, -1, -1)],
            "traces": {key: (self.ids.copy(), trace.copy()) for key, trace in self.traces.items()},
            "pairs": {projection.name: keeper.state() for projection, keeper in self.keepers.items()},
        }

    def set_state(self, state):
        """Take over what `state` gave, of this very network."""
        self._set_carried(state)
        for projection, keeper in self.keepers.items():
            keeper.set_state(state["pairs"][projection.name])

    def _carried(self):
        """What survives a change of the network: spikes under way and traces; synapses are brought up to date."""
        pre = {}
        for projection, keeper in self.keepers.items():
            if projection.keeper is keeper:  # still its, and with the synapses it knows
                projection.keep(None)
            pre[projection.name] = (*keeper.ends, keeper.traces())
        return self.state() | {"pairs": {}, "pre": pre}

    def _set_carried(self, state):
        length, now = self.network.max_delay + 1, state["step"]
        self.sim.step = now
        self.ring_count[:] = 0
        for age, ids in enumerate(reversed(state["fired"])):
            if age < length:
                self._set_fired(now - age, ids)
        for key, (ids, values) in state["traces"].items():
            if key in self.traces:
                found = np.isin(ids, self.ids)
                self.traces[key][np.searchsorted(self.ids, ids[found])] = values[found]
        for projection, keeper in self.short_terms.items():
            if projection.name in state.get("short_term", {}):
                keeper.set_state(state["short_term"][projection.name], now)
        for projection, scaler in self.rates.items():
            if projection.name in state.get("rates", {}):
                ids, values = state["rates"][projection.name]
                found = np.isin(ids, self.ids)
                scaler.rate[np.searchsorted(self.ids, ids[found])] = values[found]
        for projection, keeper in self.keepers.items():
            nm_pairs_start(&self.network, (<PairKeeper>keeper).projection, self.sim.dt, now)
            if projection.name in state.get("pre", {}):
                keeper.set_traces(_matched(state["pre"][projection.name], *keeper.ends))

    cdef _slots_of(self, object ids):
        """Slots of the ids that are still there, ascending."""
        ids = np.asarray(ids, np.int64)
        return np.searchsorted(self.ids, ids[np.isin(ids, self.ids)]).astype(np.int32)

    def set_schedule(self, steps, ids):
        """Exact spikes of spike_source neurons: one id for each step, in any order."""
        order = np.lexsort((ids, steps))
        self.schedule = (np.ascontiguousarray(steps[order], np.int64), np.ascontiguousarray(ids[order], np.int64))
        self._bind_schedule()

    def schedule_arrays(self):
        """(steps, ids) that are still to come."""
        steps, ids = self.schedule
        later = steps > self.sim.step
        return steps[later], ids[later]

    cdef _bind_schedule(self):
        steps, ids = self.schedule_arrays()
        there = np.isin(ids, self.ids)
        self.schedule = steps, ids = np.ascontiguousarray(steps[there]), np.ascontiguousarray(ids[there])
        slots = np.searchsorted(self.ids, ids).astype(np.int32)
        self.sim.schedule_step = <const int64_t *>self._lend(steps, "i8", steps.size, "schedule")
        self.sim.schedule_slot = <const int32_t *>self._lend(slots, "i4", slots.size, "schedule")
        self.sim.n_schedule, self.sim.next_schedule = steps.size, 0

    # ---- running -----------------------------------------------------------------------------------------------

    @property
    def dt(self):
        """Length of a step, ms."""
        return self.sim.dt

    @property
    def step(self):
        """Completed steps."""
        return self.sim.step

    def spikes(self):
        """Ids of the neurons that fired in the last step, ascending; a new int64 array."""
        return self._fired(self.sim.step)

    def refresh(self):
        """Bind anew if the network has changed, or if another engine has run its pair rules since."""
        cdef int k
        cdef bint stale = self.model.version != self.version
        for projection, keeper in self.keepers.items():  # a loop: any() of a generator takes 0.2 us
            stale |= projection.keeper is not keeper
        if stale:
            self.bind()
        for k, projection in enumerate(self.model._projections):
            if projection.raw_weight() is not self.weights[k]:  # moved into a block that all share, say
                self._lend_weight(k, projection)

    def prepare(self):
        """Bind anew if the network has changed, then check parameters and levels; raises before anything moves."""
        cdef nm_error error
        self.refresh()
        if self.keepers:
            self.model.synapses.take_back()
        if self.levels is not None:
            self.levels.prepare(self.sim.dt)
            if self.lent.n_releases != len(self.levels.releases):
                self._bind_levels()
        if nm_network_prepare(&self.network, self.sim.dt, self.fresh, &error) != NM_OK:
            raise_error(&error)
        self.fresh = False

    def run(self, int64_t n_steps, input=None, input_ids=None, progress=None):
        """Advance n_steps with the GIL released; `progress(done)` is called about every 20 ms."""
        if self.running:
            raise RuntimeError("simulation is already running")
        self.running = True
        try:
            self.prepare()
            self._lend_input(input, input_ids)
            self._lend_records()
            self._run(n_steps, progress)
        finally:
            self._take_records()
            self.sim.input_rows = 0
            self.input_keep = None
            self.running = False

    cdef _run(self, int64_t n_steps, object progress):
        cdef nm_error error
        cdef int64_t left = n_steps, slice_steps = 1, done = 0, n_parts = self.network.n_parts
        cdef int status
        cdef nm_pool *pool = self.pool.get(self.threads if self.threads < n_parts else <int>n_parts)
        while left > 0:
            if slice_steps >= left:
                slice_steps = left
            else:  # the time of the last slice is not asked for
                began = perf_counter()
            with nogil:
                status = nm_sim_run(&self.sim, slice_steps, pool, &done, &error)
            left -= done
            if status < 0:
                raise_error(&error)
            if status == NM_STOP_RECORD_FULL:
                self._lend_more()
            if left == 0:
                break
            if done == slice_steps:
                took = perf_counter() - began
                slice_steps = max(1, min(4 * slice_steps, int(slice_steps * _SLICE_SECONDS / max(took, 1e-9))))
            PyErr_CheckSignals()
            if progress is not None:
                progress(n_steps - left)

    cdef _lend_input(self, object input, object input_ids):
        if input is None:
            return
        slots = np.ascontiguousarray(np.searchsorted(self.ids, input_ids), np.int32)
        values = np.ascontiguousarray(input, np.float64)
        self.input_keep = (slots, values)
        self.sim.input = <const double *>_address(values, "f8", 0, "input")
        self.sim.input_slot = <const int32_t *>_address(slots, "i4", slots.size, "input")
        self.sim.n_input, self.sim.input_rows = slots.size, values.shape[0]

    cdef _lend_records(self):
        n_spike, n_sample = len(self.spike_recorders), len(self.sample_recorders)
        if n_spike + n_sample == 0:
            self.sim.n_spike_records = self.sim.n_sample_records = 0
            return
        self.spike_records = <nm_spike_record *>PyMem_Calloc(max(1, n_spike), sizeof(nm_spike_record))
        self.sample_records = <nm_sample_record *>PyMem_Calloc(max(1, n_sample), sizeof(nm_sample_record))
        self.sim.spike_records, self.sim.n_spike_records = self.spike_records, n_spike
        self.sim.sample_records, self.sim.n_sample_records = self.sample_records, n_sample
        self._copy_records(True)
        self._lend_more()

    cdef _copy_records(self, bint to_c):
        for k in range(len(self.spike_recorders)):
            if to_c:
                self.spike_records[k] = (<SpikeRecorder>self.spike_recorders[k]).c
            else:
                (<SpikeRecorder>self.spike_recorders[k]).c = self.spike_records[k]
        for k in range(len(self.sample_recorders)):
            if to_c:
                self.sample_records[k] = (<SampleRecorder>self.sample_recorders[k]).c
            else:
                (<SampleRecorder>self.sample_recorders[k]).c = self.sample_records[k]

    cdef _lend_more(self):
        """A new block to every recorder that has no room for another step."""
        self._copy_records(False)
        for recorder in self.spike_recorders:
            spikes = <SpikeRecorder>recorder
            if nm_record_room(&spikes.c, self.network.n_neurons) == 0:
                spikes.lend(self.network.n_neurons, self.sim.interval)
        for sampler in self.sample_recorders:
            sample = <SampleRecorder>sampler
            if sample.c.n == sample.c.capacity:
                sample.lend()
        self._copy_records(True)

    cdef _take_records(self):
        if self.spike_records == NULL and self.sample_records == NULL:
            return
        self._copy_records(False)
        PyMem_Free(self.spike_records)
        PyMem_Free(self.sample_records)
        self.spike_records, self.sample_records = NULL, NULL
        self.sim.n_spike_records = self.sim.n_sample_records = 0

    def add_recorder(self, recorder):
        """Start recording; from the next step on."""
        self.refresh()
        if isinstance(recorder, SpikeRecorder):
            (<SpikeRecorder>recorder).bind(self.ids)
            self.spike_recorders.append(recorder)
        else:
            (<SampleRecorder>recorder).bind()
            self.sample_recorders.append(recorder)

    def remove_recorder(self, recorder):
        """Stop recording; what was recorded stays with the recorder."""
        for recorders in (self.spike_recorders, self.sample_recorders):
            if recorder in recorders:
                recorders.remove(recorder)

    def where(self, failure):
        """The neuron that a CoreFailure of `prepare` or `run` is about: (id, model name)."""
        slot = failure.index
        group = next(g for g in range(self.network.n_groups)
                     if self.groups[g].first <= slot < self.groups[g].first + self.groups[g].n)
        return int(self.ids[slot]), self.group_names[group]


def _matched(carried, sources, delays):
    """Traces of (source id, delay) pairs, {name: values}, as found in `carried`; 0 where there is none."""
    old_sources, old_delays, traces = carried
    old_keys = np.asarray(old_sources, np.int64) << 16 | np.asarray(old_delays, np.int64)
    keys = np.asarray(sources, np.int64) << 16 | np.asarray(delays, np.int64)
    old_keys, first = np.unique(old_keys, return_index=True)
    at = np.searchsorted(old_keys, keys)
    found = at < len(old_keys)
    found[found] = old_keys[at[found]] == keys[found]
    matched = {}
    for name, values in traces.items():
        matched[name] = np.zeros(len(keys))
        matched[name][found] = values[first[at[found]]]
    return matched
