# The engine: state that outlives a binding, and the run loop. Transcribes nm_sim.h and nm_record.h.

from time import perf_counter

_SLICE_SECONDS = 0.02  # how long C runs before signals and progress are served; SIGINT then takes <= 20 ms


cdef class Engine:
    """One network in motion. It sees the network as a `Layout` alone; `bind` takes a new one when it has changed."""

    cdef Binding binding
    cdef Levels levels
    cdef nm_spike_record *spike_records
    cdef nm_sample_record *sample_records
    cdef Schedule schedule
    cdef object input_keep
    cdef Pool pool
    cdef public int threads  # of a run, at most; no more than there are parts are used
    cdef public Gate gate    # the network's; None: nobody else reads it during a run
    cdef readonly bint running
    cdef int64_t shown       # completed steps as at the last border of a slice, while it runs
    cdef list births         # [(count of the network's changes, step)] of the bindings whose synapses are young
    cdef readonly list spike_recorders, sample_recorders, probes
    cdef readonly list sources    # CurrentSource
    cdef public object agenda     # has `steps_to_next(step)`, `is_due(step)` and `act(step)`, which tells whether to stop

    def __cinit__(self, layout, double dt, uint64_t seed, Levels levels=None):
        if not (np.isfinite(dt) and dt > 0.0):
            raise ValueError(f"dt: must be > 0 ms; got {dt}")
        self.levels, self.pool, self.threads = levels, Pool(), 1
        self.spike_recorders, self.sample_recorders, self.probes = [], [], []
        self.schedule, self.sources = Schedule(), []
        self.births = [(layout.changes, 0)]
        self.binding = Binding(layout, dt, seed, 0, levels, self.births)
        _lend_schedule(self.binding, self.schedule.lent(self.binding))

    def __dealloc__(self):
        PyMem_Free(self.spike_records)
        PyMem_Free(self.sample_records)

    # ---- the network ---------------------------------------------------------------------------------------------

    def bind(self, layout):
        """Take a changed network. Spikes under way, traces and the clock are carried over.

        A failure leaves the engine bound as it was.
        """
        cdef Binding old = self.binding, new
        if self.running:
            raise RuntimeError("the simulation is already running")
        carried, births = self._carried(), self._births_with(layout)
        strange = _strange(old.layout, layout)
        for part in ("short_term", "rates", "pre", "by_id", "traces"):  # traces are kept by (name, ...)
            carried[part] = {name: own for name, own in carried.get(part, {}).items()
                             if (name[0] if part == "traces" else name) not in strange}
        new = Binding(layout, old.sim.dt, old.sim.seed, old.sim.step, self.levels, births)
        self._set_carried(new, carried)
        _relearn(old, new, strange)
        _go_on(old, new, strange)
        self._settle_schedule()
        _lend_schedule(new, self.schedule.lent(new))
        spikes = [(recorder, recorder.prepared(new.ids)) for recorder in self.spike_recorders]
        samples = [(recorder, recorder.prepared()) for recorder in self.sample_recorders]
        self._lend_sources(new, self.sources)
        self.binding, self.births = new, births  # nothing fails from here on
        for recorder, prepared in spikes:
            (<SpikeRecorder>recorder).bind(prepared, new.sim.step)
        for recorder, prepared in samples:
            (<SampleRecorder>recorder).bind(prepared)

    def rejoin(self, layout):
        """Take the same network, of which plain static projections are joined otherwise."""
        if self.running:
            raise RuntimeError("the simulation is already running")
        self.binding.rejoin(layout)

    def _births_with(self, layout):
        """The births, with a binding to `layout` at the present step; without what no spike under way can tell."""
        cdef int64_t now = self.binding.sim.step, reach = self.binding.history
        births = [*self.births]
        if layout.changes > births[len(births) - 1][0]:
            births.append((layout.changes, int(now)))
        while len(births) > 1 and births[0][1] + reach <= now and births[1][1] + reach <= now:
            del births[0]
        return births

    def start(self):
        """Before the first step: what follows columns of the neurons starts at what these are now."""
        self.binding.start()

    def set_births(self, births, born):
        """Of a restored network: what `bind` is to know of its synapses, and what `state` said of them."""
        self.binding.lend_births(born)
        self.births = list(births)

    @property
    def version(self):
        """Version of the network's structure that it is bound to."""
        return self.binding.layout.version

    @property
    def keepers(self):
        """Projection -> LazyKeeper or EventKeeper, of the projections whose synapses it keeps."""
        return self.binding.kept

    def lend_weights(self, weights):
        """The arrays of weights as they stand now, one of each projection; None where all are equal."""
        cdef Py_ssize_t k
        weights = list(weights)
        if len(weights) != len(self.binding.weights):
            raise ValueError(f"weights: must be {len(self.binding.weights)}, one of each projection; got {len(weights)}")
        for k, weight in enumerate(weights):
            if weight is not self.binding.weights[k]:  # moved into a block that several share, say
                self.binding.lend_weight(k, weight)

    def part_lazy(self):
        """Give joined projections that learn their synapses back, each as it stands."""
        _part_lazy(self.binding)

    def write_joined(self):
        """During a run: weights of joined projections that somebody has asked for go to the tables."""
        self.binding.write_joined()

    def effects(self):
        """LentLevels of the present binding; None where nothing is modulated."""
        return self.binding.lent

    # ---- state that outlives a binding ---------------------------------------------------------------------------

    def _fired(self, int64_t step):
        """Ids of the neurons that fired in one of the last steps, ascending; a new int64 array."""
        cdef Binding b = self.binding
        cdef nm_delay *ring = &b.sim.ring
        cdef int64_t row = (step % ring.length + ring.length) % ring.length, n = 0, partition, k
        for partition in range(ring.n_partitions):
            n += ring.count[row * ring.n_partitions + partition]
        found = np.empty(n, np.int64)
        cdef int64_t[::1] out = found
        n = 0
        for partition in range(ring.n_partitions):
            for k in range(ring.count[row * ring.n_partitions + partition]):
                out[n] = b.network.id[ring.slot[row * ring.width + partition * ring.partition_width + k]]
                n += 1
        return found

    cdef _set_fired(self, Binding b, step, ids):
        row, width = step % b.sim.ring.length, b.sim.ring.partition_width
        slots = _slots_of(ids, b.ids)
        cuts = np.searchsorted(slots, np.arange(b.sim.ring.n_partitions + 1) * width)
        for partition in range(b.sim.ring.n_partitions):
            here = slots[cuts[partition]:cuts[partition + 1]]
            b.ring_slot[row, partition * width:partition * width + len(here)] = here
            b.ring_count[row, partition] = len(here)

    def state(self):
        """Spikes under way, traces, and what pair rules, short-term plasticity and homeostatic scaling keep."""
        cdef Binding b = self.binding
        _part_lazy(b)
        now, slow = b.sim.step, {}
        if b.short_terms:
            slow["short_term"] = {name: keeper.state(now) for name, keeper in b.short_terms.items()}
        if b.rates:
            slow["rates"] = {name: (b.ids.copy(), keeper.rate.copy()) for name, keeper in b.rates.items()}
        events = {name: state for name, keeper in b.events.items() if (state := keeper.state())}
        if events:
            slow["events"] = events
        young = b.young()
        if young:
            slow["born"] = young
        if self.sources:
            slow["currents"] = [source.saved() for source in self.sources]
        return slow | {
            "step": int(now),
            "fired": [self._fired(now - age) for age in range(b.history, -1, -1)],
            "traces": {key: (b.ids.copy(), trace.copy()) for key, trace in b.traces.items()},
            "pairs": {name: keeper.state() for name, keeper in b.keepers.items()},
        }

    def set_state(self, state):
        """Take over what `state` gave, of this very network. Refused as a whole where an entry breaks a rule."""
        part = SavedPart(state, "engine")
        self._check_state(part)
        part.finish()
        self._set_carried(self.binding, state)
        self.set_sources([CurrentSource(spec) for spec in state.get("currents", ())])
        for name, keeper in self.binding.keepers.items():
            (<LazyKeeper>keeper)._take(state["pairs"][name])
        for name, keeper in self.binding.events.items():
            (<EventKeeper>keeper)._take(state.get("events", {}).get(name))

    cdef _check_state(self, part):
        """Note what `state` cannot have given: what C relies on, and what would be dropped without a word."""
        cdef Binding b = self.binding
        part.only("step", "fired", "traces", "pairs", "short_term", "rates", "events", "born", "currents")
        step = part.whole("step", 0, 1 << 61)
        if step is None or not part.has("fired", "traces", "pairs"):
            return
        self._check_fired(part, step)
        traces = part.part("traces")
        _check_names(traces, b.traces)
        for key in b.traces:
            _check_by_id(traces, key, b.ids)
        events = {name: keeper for name, keeper in b.events.items() if (<EventKeeper>keeper).state()}
        for what, own in (("pairs", b.keepers), ("short_term", b.short_terms), ("events", events)):
            inner = part.part(what) if own or what in part.value else None
            if inner is not None:
                _check_names(inner, own)
                for name, keeper in own.items():
                    keeper.check_state(inner.part(name), step)
        if b.rates or "rates" in part.value:
            rates = part.part("rates")
            _check_names(rates, b.rates)
            for name in b.rates:
                _check_by_id(rates, name, b.ids)
        if "born" in part.value:
            self._check_born(part.part("born"), step)
        self._check_currents(part)

    cdef _check_currents(self, part):
        value = part.value.get("currents", [])
        if not isinstance(value, (list, tuple)):
            part.wrong("currents", "must be a list of current sources", value)
            return
        each = SavedPart({str(k): spec for k, spec in enumerate(value)}, part.at("currents"), part.problems)
        for k in range(len(value)):
            one = each.part(str(k))
            if isinstance(one.value.get("ids"), np.ndarray) and not np.isin(one.value["ids"], self.binding.ids).all():
                one.wrong("ids", "must be ids of the network", one.value["ids"])
            check_current(one)

    cdef _check_born(self, part, step):
        """Steps in which young synapses were made: one for all of a projection, or one for each."""
        projections = {projection.name: projection for projection in self.binding.layout.projections}
        part.only(*projections)
        for name in set(part.value) & set(projections):
            if isinstance(part.value[name], np.ndarray):
                part.array(name, "i8", (projections[name].n_synapses,), 0, step)
            else:
                part.whole(name, 0, step)

    cdef _check_fired(self, part, step):
        """Spikes under way: for each of the last steps the ids, ascending."""
        cdef Binding b = self.binding
        value = part.value["fired"]
        if not isinstance(value, (list, tuple)) or len(value) != b.history + 1:
            part.wrong("fired", f"must be {b.history + 1} arrays, one for each of the last steps", value)
            return
        each = SavedPart({str(k): ids for k, ids in enumerate(value)}, part.where + ".fired", part.problems)
        for k in range(b.history + 1):
            ids = each.array(str(k), "i8", (None,))
            if ids is not None and (np.any(np.diff(ids) <= 0) or not np.isin(ids, b.ids).all()):
                each.wrong(str(k), "must be ids of the network, ascending", ids)
            elif ids is not None and len(ids) and step - b.history + k < 1:
                each.wrong(str(k), "must be empty, before the first step", ids)

    cdef _carried(self):
        """What survives a change of the network; the synapses themselves are the network's."""
        cdef Binding b = self.binding
        pre = {name: (<LazyKeeper>keeper).carried() for name, keeper in b.keepers.items()}
        pre |= {name: (*(<EventKeeper>keeper).ends, keeper.values()) for name, keeper in b.events.items()
                if (<EventKeeper>keeper).ends is not None}
        return self.state() | {"pairs": {}, "pre": pre, "by_id": self._event_columns_by_id()}

    cdef dict _event_columns_by_id(self):
        """Projection -> (ids, low-pass traces of sources by slot, histories of columns of targets by step and slot)."""
        cdef Binding b = self.binding
        cdef EventKeeper keeper
        found = {}
        for name in b.events:
            keeper = b.events[name]
            found[name] = (b.ids.copy(), {trace: value.copy() for trace, value in keeper.lowpass.items()},
                           {column: rows.copy() for column, rows in keeper.history.items()})
        return found

    cdef _set_carried(self, Binding b, state):
        length, now = b.history + 1, state["step"]
        b.sim.step = now
        b.ring_count[:] = 0
        for age, ids in enumerate(reversed(state["fired"])):
            if age < length:
                self._set_fired(b, now - age, ids)
        b.part_shared(state, {} if b is self.binding else self.binding.rates)
        for key, (ids, values) in state["traces"].items():
            if key in b.traces:
                _take_by_id(b.traces[key], b.ids, ids, values)
        for name, keeper in b.short_terms.items():
            if name in state.get("short_term", {}):
                keeper.set_state(state["short_term"][name], now)
        for name, scaler in b.rates.items():
            if name in state.get("rates", {}):
                ids, values = state["rates"][name]
                _take_by_id(scaler.rate, b.ids, ids, values)
        for name, keeper in b.keepers.items():
            nm_lazy_start(&b.network, (<LazyKeeper>keeper).projection, b.sim.dt, now)
            if name in state.get("pre", {}):
                keeper.set_traces(_matched(state["pre"][name], *(<LazyKeeper>keeper).ends()))
        for name, keeper in b.events.items():
            if name in state.get("pre", {}) and (<EventKeeper>keeper).ends is not None:
                keeper.set_values(_matched(state["pre"][name], *(<EventKeeper>keeper).ends))
            ids, lowpass, history = state.get("by_id", {}).get(name, ((), {}, {}))
            for trace, values in lowpass.items():
                _take_by_id((<EventKeeper>keeper).lowpass[trace], b.ids, ids, values)
            for column, rows in history.items():
                for row, values in zip((<EventKeeper>keeper).history[column], rows):
                    _take_by_id(row, b.ids, ids, values)

    def set_schedule(self, steps, ids):
        """Exact spikes of spike_source neurons: one id for each step, in any order."""
        part = SavedPart({"steps": steps, "ids": ids}, "schedule")
        of_steps = part.array("steps", "i8", (None,))
        if of_steps is not None:
            part.array("ids", "i8", of_steps.shape)
        part.finish()
        self.schedule.set_all(steps, ids)
        _lend_schedule(self.binding, self.schedule.lent(self.binding))

    def add_schedule(self, sources, steps, ids):
        """Other spikes of some sources, in place of what these had; all `ids` are among the `sources`."""
        self.schedule.waiting.append((np.array(sources, ndmin=1), steps, ids))
        if self.running:
            self._settle_schedule()

    cdef _settle_schedule(self):
        if self.schedule.waiting:
            self.schedule.settle()
            _lend_schedule(self.binding, self.schedule.lent(self.binding))

    def schedule_arrays(self):
        """(steps, ids) that are still to come."""
        self._settle_schedule()
        return self.schedule.after(self.binding.sim.step)

    def set_sources(self, sources):
        """Other current sources from the next step on. During a run, at the border of a slice alone."""
        sources = list(sources)
        if not all(isinstance(source, CurrentSource) for source in sources):
            raise TypeError("sources: must be current sources of the core")
        self._lend_sources(self.binding, sources)
        self.sources = sources

    cdef _lend_sources(self, Binding b, list sources):
        cdef Py_ssize_t k, words = sizeof(nm_current) // 8 + 1
        room = np.zeros(words * max(1, len(sources)))
        cdef nm_current *lent = <nm_current *>_address(room, "f8", room.size, "current sources")
        kept = [(<CurrentSource>source).lend(&lent[k], b.ids) for k, source in enumerate(sources)]
        b.sources, b.sim.sources, b.sim.n_sources = (room, kept), lent, len(sources)

    # ---- running -------------------------------------------------------------------------------------------------

    @property
    def dt(self):
        """Length of a step, ms."""
        return self.binding.sim.dt

    @property
    def step(self):
        """Completed steps; during a run, those at the last border of a slice."""
        return self.shown if self.running else self.binding.sim.step

    def spikes(self):
        """Ids of the neurons that fired in the last step, ascending; a new int64 array."""
        return self._fired(self.binding.sim.step)

    def prepare(self):
        """Check parameters and levels; raises before anything moves."""
        cdef nm_error error
        cdef Binding b = self.binding
        if self.levels is not None:
            self.levels.prepare(b.sim.dt)
            if b.lent.n_releases != len(self.levels.releases):
                b.lend_levels()
        if nm_network_prepare(&b.network, b.sim.dt, b.fresh, &error) != NM_OK:
            raise_error(&error)
        b.fresh = False

    def run(self, int64_t n_steps, input=None, input_ids=None, progress=None):
        """Advance n_steps with the GIL released; `progress(done)` is called about every 20 ms."""
        self._begin()
        try:
            self.prepare()
            self._lend_input(input, input_ids)
            self._lend_records()
            self._run(n_steps, progress)
        finally:
            self.abandon()

    cdef _begin(self):
        if self.running:
            raise RuntimeError("the simulation is already running")
        self._settle_schedule()
        self.running, self.shown = True, self.binding.sim.step

    def abandon(self):
        """The run is over; also called in a forked child, in which it does not go on."""
        self._take_records()
        self._drop_input()
        self.running = False

    cdef _border(self):
        """Between two slices: what was recorded so far, and the step, show."""
        self.shown = self.binding.sim.step
        if self.spike_records != NULL:
            self._copy_records(False)

    cdef _run(self, int64_t n_steps, object progress):
        cdef nm_error error
        cdef Binding b = self.binding
        cdef int64_t left = n_steps, slice_steps = 1, turn, done = 0, n_partitions = b.network.n_partitions
        cdef int status
        cdef nm_pool *pool
        b.sim.look = b.sim.step + n_steps if n_steps > 1 else 0
        began = perf_counter() if n_steps > 1 else 0.0
        b.sim.until = nm_clock() + _SLICE_SECONDS if n_steps > 1 else 0.0
        while left > 0:
            _join_lazy(b)
            pool = self.pool.get(self.threads if self.threads < n_partitions else <int>n_partitions)
            turn = self._to_sample(self._to_epoch(slice_steps, left))
            with nogil:
                status = nm_sim_run(&b.sim, turn, pool, &done, &error)
            left -= done
            if status < 0:
                raise_error(&error)
            if status == NM_STOP_RECORD_FULL:
                self._lend_more()
            if done > 0:
                self._sample()
                if self.agenda is not None and self.agenda.is_due(b.sim.step) and self._act() and left > 0:
                    self._check_at_once()
                    break
            if left == 0:
                break
            took = perf_counter() - began
            if status == NM_OK and done == turn and turn < slice_steps and took < _SLICE_SECONDS:
                continue  # a sample was due: the slice goes on
            if status == NM_OK and turn >= slice_steps:  # done < turn: out of time, say because more neurons fire
                slice_steps = max(1, min(4 * slice_steps, int(done * _SLICE_SECONDS / max(took, 1e-9))))
            self._border()
            if self.gate is not None:
                self.gate.border()
            _check_signals()
            if progress is not None:
                progress(n_steps - left)
            if not self.running:
                raise RuntimeError("run: goes on in the process that began it; this one was forked from it")
            began, b.sim.until = perf_counter(), nm_clock() + _SLICE_SECONDS

    cdef int64_t _to_epoch(self, int64_t n_steps, int64_t left):
        """Steps of a slice, at least n_steps, up to the end of an epoch of push delivery; at most `left`."""
        cdef const nm_push *push = self.binding.network.push
        if push != NULL:
            n_steps += push.steps - 1 - (self.binding.sim.step + n_steps - 1) % push.steps
        return min(n_steps, left)

    cdef int64_t _to_sample(self, int64_t n_steps):
        """Steps to the next sample of a probe, at most n_steps."""
        cdef int64_t every
        for probe in self.probes:
            every = probe.every
            n_steps = min(n_steps, every - self.binding.sim.step % every)
        if self.agenda is not None:
            n_steps = min(n_steps, <int64_t>self.agenda.steps_to_next(self.binding.sim.step))
        return n_steps

    cdef bint _act(self) except -1:
        """The agenda does what is due; whether the run is to stop here."""
        self._border()
        stop = self.agenda.act(int(self.binding.sim.step))
        if not self.running:
            raise RuntimeError("run: goes on in the process that began it; this one was forked from it")
        return bool(stop)

    cdef _check_at_once(self):
        """Whether all values are finite, as at the end of a run."""
        cdef nm_error error
        cdef int64_t done = 0
        self.binding.sim.look = self.binding.sim.step
        if nm_sim_run(&self.binding.sim, 0, NULL, &done, &error) < 0:
            raise_error(&error)

    cdef _sample(self):
        """Probes take the samples that are due."""
        sample_all(self.probes, self.binding.sim.step)

    cdef _lend_input(self, object input, object input_ids):
        cdef Binding b = self.binding
        if input is None:
            return
        wanted = np.ascontiguousarray(input_ids, np.int64).ravel()
        values = np.asarray(input, np.float64)
        if values.ndim != 2 or values.shape[1] != wanted.size:
            raise ValueError(f"input: must have shape (n_steps, {wanted.size}); got {values.shape}")
        if not np.isin(wanted, b.ids).all():
            raise ValueError("input_ids: must be ids of neurons in the network")
        slots, n_rows = np.searchsorted(b.ids, wanted).astype(np.int32), len(values)
        b.sim.same_currents = n_rows > 0 and values.strides[0] == 0  # one row was broadcast
        values = np.ascontiguousarray(values[:1] if b.sim.same_currents else values)
        self.input_keep = (slots, values)
        b.sim.currents = <const double *>_address(values, "f8", 0, "input")
        b.sim.current_slot = <const int32_t *>_address(slots, "i4", slots.size, "input")
        b.sim.n_currents, b.sim.current_rows = slots.size, n_rows

    cdef _drop_input(self):
        self.binding.sim.current_rows, self.input_keep = 0, None

    # ---- recorders -----------------------------------------------------------------------------------------------

    cdef _lend_records(self):
        sim = &self.binding.sim
        n_spike, n_sample = len(self.spike_recorders), len(self.sample_recorders)
        if n_spike + n_sample == 0:
            sim.n_spike_records = sim.n_sample_records = 0
            return
        self.spike_records = <nm_spike_record *>PyMem_Calloc(max(1, n_spike), sizeof(nm_spike_record))
        self.sample_records = <nm_sample_record *>PyMem_Calloc(max(1, n_sample), sizeof(nm_sample_record))
        if self.spike_records == NULL or self.sample_records == NULL:
            self._free_records()
            raise MemoryError
        sim.spike_records, sim.n_spike_records = self.spike_records, n_spike
        sim.sample_records, sim.n_sample_records = self.sample_records, n_sample
        self._copy_records(True)
        self._lend_more()

    cdef _free_records(self):
        PyMem_Free(self.spike_records)
        PyMem_Free(self.sample_records)
        self.spike_records, self.sample_records = NULL, NULL
        self.binding.sim.n_spike_records = self.binding.sim.n_sample_records = 0

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
        sim = &self.binding.sim
        self._copy_records(False)
        for recorder in self.spike_recorders:
            spikes = <SpikeRecorder>recorder
            if nm_record_room(&spikes.c, self.binding.network.n_neurons) == 0:
                spikes.lend(self.binding.network.n_neurons, sim.interval)
        for sampler in self.sample_recorders:
            sample = <SampleRecorder>sampler
            if sample.c.n == sample.c.capacity:
                sample.lend()
        self._copy_records(True)

    cdef _take_records(self):
        if self.spike_records != NULL:
            self._copy_records(False)
            self._free_records()

    def add_recorder(self, recorder):
        """Start recording; from the next step on. During a run, at the border of a slice alone."""
        if isinstance(recorder, Probe):
            self.probes = [*self.probes, recorder]
        elif isinstance(recorder, SpikeRecorder):
            (<SpikeRecorder>recorder).bind(recorder.prepared(self.binding.ids), self.binding.sim.step)
            self._exchange_recorders([*self.spike_recorders, recorder], self.sample_recorders)
        elif not isinstance(recorder, SampleRecorder):
            raise TypeError(f"recorder: must be a recorder of the core; got {type(recorder).__name__}")
        else:
            (<SampleRecorder>recorder).bind(recorder.prepared())
            self._exchange_recorders(self.spike_recorders, [*self.sample_recorders, recorder])

    def remove_recorder(self, recorder):
        """Stop recording; what was recorded stays with the recorder. During a run, at the border of a slice alone."""
        self.probes = [one for one in self.probes if one is not recorder]
        if isinstance(recorder, SpikeRecorder):
            (<SpikeRecorder>recorder).end(self.binding.sim.step)
        self._exchange_recorders([one for one in self.spike_recorders if one is not recorder],
                                 [one for one in self.sample_recorders if one is not recorder])

    cdef _exchange_recorders(self, list spike, list sample):
        """Other recorders from now on; a run under way gets the records of the new ones."""
        self._take_records()
        self.spike_recorders, self.sample_recorders = spike, sample
        if self.running:
            self._lend_records()

    def where(self, failure):
        """The neuron that a CoreFailure of `prepare` or `run` is about: (id, model name, area name or None)."""
        slot, layout = failure.index, self.binding.layout
        for name, first, count, _ in layout.groups:
            if first <= slot < first + count:
                area = int(layout.area_of[slot])
                return int(self.binding.ids[slot]), name, layout.area_names[area] if area >= 0 else None
        raise CoreError(f"no neuron in slot {slot}")

    def where_synapse(self):
        """The first column of synapses that is not finite: (projection, column, position, value)."""
        _part_lazy(self.binding)
        return _not_finite(self.binding)
