# A network's arrays lent to C: everything that has to be made anew when the network changes. NumPy owns every buffer;
# a Binding keeps the arrays alive for as long as C may use them. Transcribes nm_network.h, nm_delay.h and nm_sim.h.


cdef class Binding:
    """One `Layout`, checked and lent to C for one engine. A failure leaves nothing behind but this object."""

    cdef nm_network network
    cdef nm_sim sim
    cdef nm_group *groups
    cdef nm_block *blocks
    cdef nm_projection *projections
    cdef Routes routes
    cdef Levels levels
    cdef LentLevels lent
    cdef list acting                       # ActingLevels of the projections that name their modulators
    cdef object schedule                   # lent: steps and slots
    cdef object sources                    # lent: the current sources, and their slots and states
    cdef object layout, lent_arrays, ids, factors, ring_slot, ring_count
    cdef dict traces                       # (projection, "post", trace) -> array by slot
    cdef dict keepers, events, short_terms, rates  # projection -> LazyKeeper, EventKeeper, ShortTermKeeper, HomeostasisKeeper
    cdef dict leaders                      # what a history depends on -> projection that keeps it
    cdef dict same_traces                  # kind and decay of a trace of an event rule -> [(projection, k, key in traces)]
    cdef dict same_rates                   # what rates of homeostatic scaling depend on -> projections
    cdef dict followers                    # number of such a projection -> names of those that share its history
    cdef dict kept                         # projection -> LazyKeeper or EventKeeper, where synapses are not current
    cdef int64_t history                   # steps back that spikes are looked up
    cdef list ports                        # names of the network's input ports
    cdef list asked                        # numbers of joined projections whose weights somebody got an array of
    cdef list weights                      # of each projection: the array that C has, None where all are equal
    cdef object births                     # [(count of the network's changes, step)], see `_born_of`
    cdef dict born                         # projection -> step in which its synapses were made, or array of steps
    cdef bint fresh                        # parameters have not been looked at since
    cdef list joined_lazy                  # JoinedLazy: the lazy projections whose rows are joined
    cdef bint stays_apart                  # there are no lazy projections that could be joined

    def __cinit__(self, layout, double dt, uint64_t seed, int64_t step, Levels levels, births=None):
        cdef nm_error error
        cdef Py_ssize_t n = layout.n
        self.layout, self.levels, self.lent_arrays, self.fresh = layout, levels, [], True
        self.traces, self.keepers, self.events, self.weights = {}, {}, {}, []
        self.short_terms, self.rates, self.kept, self.born = {}, {}, {}, {}
        self.leaders, self.followers, self.asked, self.joined_lazy = {}, {}, [], []
        self.same_traces, self.same_rates = {}, {}
        self.births = [(layout.changes, step)] if births is None else births
        self.sim.dt, self.sim.seed, self.sim.step = dt, seed, step
        self.ids = np.array(layout.columns["id"][:n], np.int64)  # ours: removal compacts the network's in place
        _check_layout(layout, self.ids)
        self._lend_columns(layout)
        self._lend_groups(layout)
        self._lend_projections(layout)
        if nm_network_check(&self.network, &error) != NM_OK:
            raise_error(&error)
        self._lend_rules(layout)
        self._lend_ring(n)
        self.sim.network = &self.network
        self.lend_levels()
        for keeper in self.keepers.values():
            nm_lazy_start(&self.network, (<LazyKeeper>keeper).projection, dt, step)

    def __dealloc__(self):
        for pointer in (<size_t>self.groups, <size_t>self.blocks, <size_t>self.projections):
            PyMem_Free(<void *>pointer)

    cdef void *_lend(self, object array, str dtype, Py_ssize_t n, str what) except? NULL:
        self.lent_arrays.append(array)
        return _address(array, dtype, n, what)

    cdef void *_room(self, Py_ssize_t n, str what) except? NULL:
        """n zeros, lent."""
        return self._lend(aligned(n), "f8", n, what)

    # ---- neurons -------------------------------------------------------------------------------------------------

    cdef _lend_columns(self, object layout):
        net, columns = &self.network, layout.columns
        cdef Py_ssize_t n = layout.n
        net.n_neurons = n
        net.id = <const int64_t *>self._lend(self.ids, "i8", n, "id")
        net.external_input = <double *>self._lend(columns["external_input"], "f8", n, "external_input")
        if "i_offset" in columns:
            net.i_offset = <const double *>self._lend(columns["i_offset"], "f8", n, "i_offset")
        net.last_spike_time = <double *>self._lend(columns["last_spike_time"], "f8", n, "last_spike_time")
        net.spike_count = <int64_t *>self._lend(columns["spike_count"], "i8", n, "spike_count")
        net.drive_rate = <const double *>self._lend(columns["drive_rate"], "f8", n, "drive_rate")
        net.drive_weight = <const double *>self._lend(columns["drive_weight"], "f8", n, "drive_weight")
        net.drive_noise = <const double *>self._lend(columns["drive_noise"], "f8", n, "drive_noise")
        net.drive_uniform = <const double *>self._lend(columns["drive_uniform"], "f8", n, "drive_uniform")
        net.drive_noise_per_step = <const double *>self._lend(columns["drive_noise_per_step"], "f8", n, "drive_noise_per_step")
        net.drive_uniform_per_step = <const double *>self._lend(columns["drive_uniform_per_step"], "f8", n, "drive_uniform_per_step")
        zone_of = <const int32_t *>self._lend(layout.zone_of, "i4", n, "zone_of")
        net.zone = zone_of if len(layout.zones) > 1 else NULL
        self.factors = np.zeros((NM_INTERVAL, len(layout.zones), sizeof(nm_factors) // 8))
        self.sim.n_zones = len(layout.zones)
        self.sim.factors = <nm_factors *>_address(self.factors, "f8", self.factors.size, "factors")
        net.seen_rate = <double *>self._lend(np.full(n, np.nan), "f8", n, "seen_rate")
        own = [name for group in layout.groups for name in _MODELS[group[0]]["ports"]]
        self.ports = list(dict.fromkeys(["excitatory", "inhibitory", *own]))
        if len(self.ports) > NM_MAX_INPUTS:
            raise ValueError(f"layout.groups: must have at most {NM_MAX_INPUTS} input ports; got {len(self.ports)}")
        for k, name in enumerate(self.ports):
            self.sim.input[k] = <double *>self._room(n, name)
        self.sim.scheduled = <double *>self._room(n, "scheduled")
        self.sim.fired = <double *>self._room(n, "fired")

    cdef _lend_groups(self, object layout):
        cdef Py_ssize_t n = layout.n
        names, seen, derived = list(_MODELS), {}, {}
        self.groups = <nm_group *>PyMem_Calloc(max(1, len(layout.groups)), sizeof(nm_group))
        if self.groups == NULL:
            raise MemoryError
        for g, (name, first, count, zone) in enumerate(layout.groups):
            self.groups[g].model = nm_neuron_models[names.index(name)]
            self.groups[g].first, self.groups[g].n, self.groups[g].zone = first, count, zone
            self.groups[g].n_ports = len(_MODELS[name]["ports"])
            for k, port in enumerate(_MODELS[name]["ports"]):
                self.groups[g].port[k] = self.ports.index(port)
            self._lend_group(&self.groups[g], layout.columns, n, seen, derived)
        self.network.groups, self.network.n_groups = self.groups, len(layout.groups)
        self._cut(n)

    cdef _lend_group(self, nm_group *group, object columns, Py_ssize_t n, dict seen, dict derived):
        cdef int k
        for k in range(nm_field_count(group.model.state)):
            field = group.model.state[k].name.decode()
            group.state[k] = <double *>self._lend(columns[field], "f8", n, field)
        for k in range(nm_field_count(group.model.params)):
            field = group.model.params[k].name.decode()
            group.params[k] = <const double *>self._lend(columns[field], "f8", n, field)
            if field not in seen:
                seen[field] = np.full(n, np.nan)
            group.seen[k] = <double *>self._lend(seen[field], "f8", n, field)
        for k in range(group.model.n_derived):
            if k not in derived:
                derived[k] = aligned(n)
            group.derived[k] = <double *>self._lend(derived[k], "f8", n, "derived")

    cdef _cut(self, Py_ssize_t n):
        """Parts of the network, and the pieces that its groups are stepped in."""
        net = &self.network
        net.partition_width = width = nm_network_partition_width(n)
        net.n_partitions = n_partitions = nm_network_count_partitions(n)
        partition_block = np.zeros(n_partitions + 1, np.int64)
        net.partition_block = <int64_t *>self._lend(partition_block, "i8", n_partitions + 1, "partition_block")
        n_blocks = nm_network_cut(self.groups, net.n_groups, net.drive_rate, width, NULL, NULL)
        self.blocks = <nm_block *>PyMem_Calloc(max(1, n_blocks), sizeof(nm_block))
        if self.blocks == NULL:
            raise MemoryError
        nm_network_cut(self.groups, net.n_groups, net.drive_rate, width, self.blocks, net.partition_block)
        net.blocks, net.n_blocks = self.blocks, n_blocks
        table = np.zeros(max(1, n_blocks) * NM_POISSON_TABLE, np.uint32)
        net.drive_table = <uint32_t *>self._lend(table, "u4", table.size, "drive_table")

    # ---- projections ---------------------------------------------------------------------------------------------

    cdef _lend_projections(self, object layout):
        cdef Py_ssize_t k, count = len(layout.projections), n_joined = len(layout.joined)
        self.projections = <nm_projection *>PyMem_Calloc(max(1, 2 * count), sizeof(nm_projection))  # a table has a member
        if self.projections == NULL:
            raise MemoryError
        self.network.projections, self.network.n_projections = self.projections, count
        self.network.n_joined, self.network.at_once = n_joined, 0
        self.network.max_delay = max([1] + [p.max_delay for p in layout.projections])
        self.history = self.network.max_delay
        self.sim.interval = min([NM_INTERVAL] + [p.min_delay for p in layout.projections])
        self.weights = [None] * count
        for k, projection in enumerate(layout.projections):
            self._lend_rows(&self.projections[k], projection)
            self.lend_weight(k, projection.weight)
        for k, rows in enumerate(layout.joined):
            self._lend_joined(&self.projections[count + k], rows)

    cdef _lend_rules(self, object layout):
        """What stands on checked rows: rules and what they keep, short-term plasticity, ways of delivery."""
        cdef Py_ssize_t k
        for k, projection in enumerate(layout.projections):
            if projection.joined is not None:
                continue
            self._lend_rule(&self.projections[k], projection)
            self._lend_slow_parts(&self.projections[k], projection)
            self.lent_arrays.append(_lend_bitmap(&self.projections[k], projection, &self.network))
        self._lend_routes(layout)

    cdef _lend_routes(self, object layout):
        self._lend_bitmap_room()
        self.routes = Routes()
        self.routes.make(&self.network, {k for k, projection in enumerate(layout.projections)
                                         if projection.whole is not None and projection.whole.n_synapses
                                         and projection.learning.rule is not None and projection.n_synapses == 0})

    cdef rejoin(self, object layout):
        """Take the same network, of which plain static projections are joined otherwise; nothing that learns is touched."""
        cdef nm_error error
        cdef Py_ssize_t k, count = len(layout.projections)
        self.layout, self.asked = layout, []
        self.lent_arrays = [array for array in self.lent_arrays if not isinstance(array, JoinedRows)]
        self.network.n_joined, self.network.at_once = len(layout.joined), 0
        for k, projection in enumerate(layout.projections):
            if projection.learning.rule is None and projection.learning.short_term is None:
                born = self.born[projection.name]
                self._lend_rows(&self.projections[k], projection)
                self.lend_born(&self.projections[k], projection, born)
                self.lend_weight(k, projection.weight)
                if projection.joined is None:
                    self.lent_arrays.append(_lend_bitmap(&self.projections[k], projection, &self.network))
        for k, rows in enumerate(layout.joined):
            self._lend_joined(&self.projections[count + k], rows)
        if nm_network_check(&self.network, &error) != NM_OK:
            raise_error(&error)
        self._lend_routes(layout)

    cdef lend_weight(self, Py_ssize_t k, object weight):
        """Lend the weights of projection k, which may have moved since; None: all are equal, or joined."""
        projection = self.layout.projections[k]
        cdef float *address = NULL
        if projection.joined is not None:
            self.weights[k] = weight
            if weight is not None:
                self.asked.append(k)
            return
        if weight is not None:
            address = <float *>_address(weight, "f4", len(projection.target), "weight")
        elif projection.learning.rule is not None:
            raise ValueError(f"projection {projection.name}: weights under a rule must be an array; got None")
        self.weights[k], self.projections[k].weight = weight, address
        self.projections[k].constant_weight = projection.equal_weight

    cdef lend_columns(self, dict columns):
        """Other columns of some projections, which C has already: number -> weight, state and target."""
        projections = list(self.layout.projections)
        gone = {id(array) for number in columns for array in projections[number].state.values()}
        for number, own in columns.items():
            projections[number] = replace(projections[number], joined_size=projections[number].n_synapses, **own)
        self.layout = replace(self.layout, projections=tuple(projections))
        self.lent_arrays = [array for array in self.lent_arrays if id(array) not in gone]
        for number, own in columns.items():
            self.weights[number] = own["weight"]

    cdef write_joined(self):
        """Weights that were asked for as arrays during the run go to the joined tables."""
        for k in self.asked:
            rows, member = self.layout.projections[k].joined
            rows.write(member, self.weights[k])
        for k, table in enumerate(self.layout.joined):  # one of equal weights may have got an array
            self.projections[len(self.layout.projections) + k].weight = (<JoinedRows>table).c.weight

    cdef _lend_joined(self, nm_projection *p, object table):
        """The rows of a joined table; their synapses were made when those of the members were."""
        cdef JoinedRows rows = table
        rows.fill()
        p[0] = rows.c
        p.weight_kept, p.joinable = 1.0, 1
        self.network.at_once = rows.c.parts
        self.lent_arrays.append(rows)
        members = self._members(rows)
        p.port = self.projections[<int64_t>members[0][0]].port
        self._lend_joined_births(p, rows)

    cdef list _members(self, object rows):
        """(number of the projection, number of the member) of those whose synapses are in a joined table."""
        return [(k, projection.joined[1]) for k, projection in enumerate(self.layout.projections)
                if projection.joined is not None and projection.joined[0] is rows]

    cdef _lend_joined_births(self, nm_projection *p, object rows):
        """The synapses of a joined table were made when those of its members were."""
        made = [(member, self.born[self.layout.projections[k].name]) for k, member in self._members(rows)]
        steps = {int(at) for _, born in made for at in (np.min(born), np.max(born))}
        p.born, p.born_last = NULL, max(steps)
        if len(steps) > 1:
            born = np.empty(p.n_synapses, np.int64)
            for member, steps in made:
                born[rows.positions(member)] = steps
            p.born = <const int64_t *>self._lend(born, "i8", p.n_synapses, "born")

    cdef lend_births(self, born):
        """What a restored network says of its synapses: projection -> step, or array of steps; default 0."""
        cdef Py_ssize_t k
        _part_lazy(self)
        for k, projection in enumerate(self.layout.projections):
            self.lend_born(&self.projections[k], projection, born.get(projection.name, 0))
        for k, rows in enumerate(self.layout.joined):
            self._lend_joined_births(&self.projections[self.network.n_projections + k], rows)

    cdef _lend_rows(self, nm_projection *p, object projection):
        _set_rows(p, projection, self.network.n_partitions)
        self.lend_born(p, projection, _born_of(projection.since, self.births))
        p.number = projection.number
        p.joinable, p.joined = projection.joinable, projection.joined is not None
        port = projection.port or ("inhibitory" if projection.inhibitory else "excitatory")
        if port not in self.ports:
            raise ValueError(f"projection {projection.name}: port must be one of {', '.join(self.ports)}; got {port!r}")
        p.port = self.ports.index(port)

    cdef lend_born(self, nm_projection *p, object projection, object born):
        """Lend the step in which each synapse was made: one number, or int64 of shape (n_synapses,)."""
        p.born = NULL
        if not isinstance(born, np.ndarray):
            p.born_last = born
        elif born.size == 0 or born.min() == born.max():
            p.born_last = born = int(born[0]) if born.size else 0
        else:
            p.born = <const int64_t *>_address(born, "i8", p.n_synapses, "born")
            p.born_last = born.max()
        self.born[projection.name] = born

    cdef dict young(self):
        """What `born` says of synapses for which spikes fired before they were made may still be under way."""
        cdef Py_ssize_t k
        found = {}
        for k, projection in enumerate(self.layout.projections):
            p = &self.projections[k]
            lag = p.events.lag if p.events != NULL else 0
            if 0 < p.born_last and p.born_last + p.max_delay + lag > self.sim.step:
                born = self.born[projection.name]
                young = np.where(born + _delays_of(projection) + lag > self.sim.step, born, 0) if p.born != NULL else born
                if np.any(young):
                    found[projection.name] = young if p.born != NULL else int(born)
        return found

    cdef _lend_rule(self, nm_projection *p, object projection):
        cdef int k
        cdef Py_ssize_t n = self.network.n_neurons
        learning = projection.learning
        if learning.rule is None:
            p.rule = NULL
            return
        p.rule = _rule_named(learning.rule)
        _check_columns(self.layout, projection, p.rule, self.network.n_partitions)
        values = _rule_values(p.rule, learning.params)
        p.params = <const double *>self._lend(values, "f8", values.size, "rule parameters")
        p.weight_min, p.weight_max = learning.weight_min, learning.weight_max
        if p.rule.post_amplitude != NULL:
            self._narrow(p, projection)
        else:
            words = np.zeros(p.n_runs, np.uint32)
            p.run_word = <const uint32_t *>self._lend(words, "u4", p.n_runs, "run_word")
            nm_network_run_words(&self.network, p, <uint32_t *>p.run_word)
        p.weight_kept = 1.0 - learning.weight_decay
        p.weight_dependence = learning.weight_dependence
        p.frozen = not learning.learns
        p.nearest = learning.rounding == "nearest"
        for k in range(nm_field_count(p.rule.state)):
            field = p.rule.state[k].name.decode()
            p.state[k] = <float *>self._lend(projection.state[field], "f4", p.n_synapses, field)
        leader = self.leaders.setdefault(_of_history(learning), projection.name) if p.rule.post_amplitude != NULL else projection.name
        for k, name in enumerate(_traces(p.rule.post_traces, p.rule.params)):
            p.post_kept[k] = nm_exp(-self.sim.dt / p.params[p.rule.post_traces[k].tau])
            like = []
            if p.rule.post_amplitude == NULL and p.rule.post_traces[k].kind != NM_TRACE_LOWPASS:
                like = self.same_traces.setdefault((p.rule.post_traces[k].kind, p.post_kept[k]), like)
            key = projection.name, "post", name
            first = like[0][2] if like else (leader, "post", name)
            like.append((p - self.projections, k, key))
            self._lend_trace(like[len(like) - 1], self.traces[first] if first in self.traces else aligned(n), len(like) > 1)
        self._start_post_traces(p, projection)
        if p.rule.post_amplitude != NULL:
            self._lend_keeper(p, projection, self.keepers.get(leader))
        else:
            self._lend_events(p, projection)

    cdef _narrow(self, nm_projection *p, object projection):
        """Lend rows without the places of partitions that no synapse leads to: delay runs of lazy rules have state."""
        if projection.bucket_run is not None:
            return
        held = _held(projection, self.network.n_partitions)
        first, end = parts = _parts_met(projection, *held)
        if parts == held:
            return
        starts = projection.run_start[:len(projection.run_start) - 1].reshape(projection.n_rows, held[1] - held[0])
        starts = np.append(starts[:, first - held[0]:end - held[0]], p.n_synapses)
        p.n_runs, p.before, p.behind = len(starts) - 1, first, self.network.n_partitions - end
        p.run_start = <const int64_t *>self._lend(starts, "i8", len(starts), "run_start")

    cdef _start_post_traces(self, nm_projection *p, object projection):
        """Traces that follow a column of the targets start at what it is."""
        for k, name in enumerate(_traces(p.rule.post_traces, p.rule.params)):
            if p.rule.post_traces[<int>k].kind == NM_TRACE_LOWPASS:
                column = self.layout.columns.get(p.rule.post_traces[<int>k].column.decode())
                now = 0.0 if column is None else column[:self.network.n_neurons]  # no neuron has it: no synapses
                self.traces[projection.name, "post", name][:] = now

    cdef start(self):
        """Before the first step: what follows columns of the neurons starts at what these are now."""
        cdef Py_ssize_t k
        for k, projection in enumerate(self.layout.projections):
            if projection.name in self.events:
                self._start_post_traces(&self.projections[k], projection)
                (<EventKeeper>self.events[projection.name]).start(self, &self.projections[k])

    cdef _lend_keeper(self, nm_projection *p, object projection, LazyKeeper leader):
        cdef LazyKeeper keeper
        n_regions = 1 if self.levels is None else len(self.layout.zones)
        tau_c = 0.0 if p.rule.eligibility == NULL else p.params[p.rule.eligibility.tau_c]
        keeper = LazyKeeper(self, projection, (p.before, self.network.n_partitions - p.behind), p.n_runs, n_regions,
                            tau_c, list(_traces(p.rule.pre_traces, p.rule.params)), leader)
        keeper.projection, p.lazy = p, &keeper.c
        p.reached = <const uint8_t *>_address(keeper.reached, "u1", self.network.n_partitions, "reached")
        self.keepers[projection.name] = self.kept[projection.name] = keeper
        if leader is not None:
            self.followers.setdefault(leader.projection - self.projections, []).append(projection.name)
            self._chain(leader)

    cdef _chain(self, LazyKeeper leader):
        """Let the projections that share a history point to one another, the leader first."""
        cdef LazyKeeper last = leader, follower
        leader.c.next = NULL
        for name in self.followers.get(leader.projection - self.projections, []):
            follower = self.keepers[name]
            follower.c.next, last.c.next = NULL, follower.projection
            last = follower

    cdef part_shared(self, object state, object former):
        """What is to go on from other values than what it is shared with is parted. `former`: see `part_rates`."""
        self.part_histories(state["traces"], state["pairs"])
        self.part_traces(state["traces"])
        self.part_rates(state.get("rates", {}), former)

    cdef part_histories(self, object traces, object pairs):
        """Let those projections have histories of their own that are to go on from other values than their leader.

        `traces`: (projection, "post", trace) -> (ids, values); `pairs`: projection -> state, or none of them.
        """
        cdef LazyKeeper leader
        for number, names in list(self.followers.items()):
            leader = self.keepers[self.layout.projections[number].name]
            first = self.layout.projections[number].name
            for name in list(names):
                keys = [key for key in self.traces if key[0] == name]
                same = all(_same_entry(traces.get(key), traces.get((first, *key[1:]))) for key in keys)
                if same and (name not in pairs or _same_history(pairs[name], pairs[first])):
                    continue
                self.part_history(number, name)
            self._chain(leader)

    cdef part_history(self, object number, str name):
        """Let a projection go on with a history of its own; `number`: of the one that it followed."""
        cdef LazyKeeper follower = self.keepers[name]
        cdef nm_projection *p = follower.projection
        self.followers[number].remove(name)
        follower.part()
        self.routes.list_stepped(&self.network)
        for k, key in enumerate([key for key in self.traces if key[0] == name]):
            self.traces[key] = self.traces[key].copy()
            p.post_trace[k] = <double *>self._lend(self.traces[key], "f8", self.network.n_neurons, key[2])

    cdef _lend_trace(self, whose, trace, bint follows):
        """Lend a trace of the targets. `whose`: see `same_traces`; `follows`: another projection updates it."""
        number, k, key = whose
        cdef nm_projection *p = &self.projections[<int64_t>number]
        p.post_follows[<int>k] = follows
        if self.traces.get(key) is not trace:
            self.traces[key] = trace
            p.post_trace[<int>k] = <double *>self._lend(trace, "f8", self.network.n_neurons, key[2])

    cdef part_traces(self, object traces):
        """Under event rules only traces that go on from the same values are shared. `traces`: see `part_histories`."""
        for like in self.same_traces.values():
            leaders = like[:1]
            for one in like[1:]:
                follows = self.projections[<int64_t>one[0]].post_follows[<int>one[1]]
                same = [each for each in leaders if _same_entry(traces.get(one[2]), traces.get(each[2]))]
                if not follows:  # parted before: it stays so
                    leaders.append(one)
                elif same:
                    self._lend_trace(one, self.traces[same[0][2]], True)
                else:
                    self._lend_trace(one, self.traces[one[2]].copy(), False)
                    leaders.append(one)

    cdef part_rates(self, object rates, object former):
        """Likewise the rates of homeostatic scaling. `rates`: projection -> (ids, values); `former`: -> keeper before."""
        cdef HomeostasisKeeper one
        for names in self.same_rates.values():
            leaders = names[:1]
            for name in names[1:]:
                one = self.rates[name]
                same = [each for each in leaders if _same_entry(rates.get(name), rates.get(each))
                        and _measures(former, name) == _measures(former, each)]
                if one.c.follows and same:
                    one.share(self.rates[same[0]])
                    continue
                if one.c.follows:
                    one.part()
                leaders.append(name)

    cdef _lend_events(self, nm_projection *p, object projection):
        cdef EventKeeper keeper = EventKeeper()
        keeper.make(self, p, projection)
        p.events = &keeper.c
        self.events[projection.name] = keeper
        if keeper.columns is not None:
            self.kept[projection.name] = keeper
        self.history = max(self.history, p.max_delay + keeper.c.lag)
        if keeper.lowpass or p.rule.pre_columns != NULL:
            self.sim.interval = 1  # other parts' columns are read at the borders of steps

    cdef _lend_slow_parts(self, nm_projection *p, object projection):
        learning = projection.learning
        if learning.short_term is not None:
            first = projection.pre_first
            keeper = ShortTermKeeper(learning.short_term, self.ids[first:first + p.n_rows],
                                     self.network.max_delay + self.sim.interval)
            p.short_term = &(<ShortTermKeeper>keeper).c
            self.short_terms[projection.name] = keeper
        if learning.homeostatic is not None:
            scaler = HomeostasisKeeper(learning.homeostatic, self.network.n_neurons, self.sim.dt, self.sim.step)
            p.homeostasis = &(<HomeostasisKeeper>scaler).c
            self.rates[projection.name] = scaler
            names = self.same_rates.setdefault(scaler.measures, [])
            names.append(projection.name)
            if len(names) > 1:
                (<HomeostasisKeeper>scaler).share(self.rates[names[0]])

    cdef _lend_bitmap_room(self):
        cdef int64_t k
        if any(self.projections[k].bitmap != NULL for k in range(self.network.n_projections)):
            size = self.network.n_partitions * nm_bitmap_counts(self.network.partition_width)
            self.sim.bitmap.count = <uint64_t *>self._lend(aligned(size, np.uint64), "u8", size, "bitmap_count")
            self.sim.bitmap.sum = <double *>self._room(self.network.n_neurons, "bitmap_sum")

    # ---- the rest ------------------------------------------------------------------------------------------------

    cdef _lend_ring(self, Py_ssize_t n):
        length, n_partitions = self.history + self.sim.interval, self.network.n_partitions
        # np.empty: only pages that spikes reach are touched, so a long ring of a large network stays small
        self.ring_slot, self.ring_count = np.empty((length, n), np.int32), np.zeros((length, n_partitions), np.int64)
        self.sim.ring.length, self.sim.ring.width = length, n
        self.sim.ring.n_partitions, self.sim.ring.partition_width = n_partitions, self.network.partition_width
        self.sim.ring.slot = <int32_t *>self._lend(self.ring_slot, "i4", self.ring_slot.size, "ring")
        self.sim.ring.count = <int64_t *>self._lend(self.ring_count, "i8", length * n_partitions, "ring")

    cdef lend_levels(self):
        """The levels, and which slots release what; again where releases have been added since."""
        self.sim.levels = NULL
        if self.levels is None:
            return
        runs = [self._runs_of(release["areas"]) for release in self.levels.releases]
        self.lent = LentLevels(self.levels, self.layout.zones, runs)
        self.sim.levels = &self.lent.c
        self._lend_acting()

    cdef _lend_acting(self):
        """Levels of their own for the projections on whose learning only some modulators act."""
        cdef Py_ssize_t k
        cdef ActingLevels own
        self.acting = []
        for k, projection in enumerate(self.layout.projections):
            if projection.learning.rule is not None and projection.learning.modulators is not None:
                own = ActingLevels(self.lent, projection.learning.modulators)
                self.acting.append(own)
                self.projections[k].acting = &own.acting

    cdef _runs_of(self, areas):
        """First and one past the last slot of each run of neurons of the areas, one after another."""
        names = list(self.layout.area_names)
        inside = np.isin(self.layout.area_of, [names.index(area) for area in areas])
        return np.flatnonzero(np.diff(inside, prepend=False, append=False)).astype(np.int64)


def _delays_of(projection):
    """Delay of each synapse, or of all, steps."""
    if projection.joined is not None:
        rows, member = projection.joined
        return rows.rows(member, projection.pre_first, projection.n_rows)[2].astype(np.int64)
    if projection.run_delay is None:
        return projection.equal_delay
    return np.repeat(projection.run_delay.astype(np.int64), np.diff(projection.run_start))


def _born_of(since, births):
    """The step in which synapses were made: that of the first binding of the engine that had them. `since`: the count
    of the network's changes that made them, one number or an array; `births`: (count, step) of bindings, ascending."""
    at = np.searchsorted([changes for changes, _ in births], since)
    steps = np.array([step for _, step in births], np.int64)[np.minimum(at, len(births) - 1)]
    return np.ascontiguousarray(steps) if np.ndim(since) else int(steps)


def _check_layout(layout, ids):
    """What C takes for granted: known models, ascending ids, zones and areas that exist, names that differ."""
    n, n_zones = layout.n, len(layout.zones)
    if n and np.any(np.diff(ids) <= 0):
        raise ValueError("layout.columns['id']: must ascend")
    for what, numbers, least, count in (("zone_of", layout.zone_of, 0, n_zones),
                                        ("area_of", layout.area_of, -1, len(layout.area_names))):
        if len(numbers) != n or (n and not least <= np.min(numbers) <= np.max(numbers) < count):
            raise ValueError(f"layout.{what}: must be {n} numbers from {least} to {count - 1}")
    next_slot = 0
    for name, first, count, zone in layout.groups:
        if first != next_slot or count < 0 or first + count > n:
            raise ValueError(f"layout.groups: must cover the slots 0 to {n - 1} in order; got {count} from {first}")
        next_slot = first + count
        if name not in _MODELS:
            raise ValueError(f"layout.groups: must be of registered neuron models; got {name!r}")
        if not 0 <= zone < n_zones:
            raise ValueError(f"layout.groups: zones must be from 0 to {n_zones - 1}; got {zone}")
    if next_slot != n:
        raise ValueError(f"layout.groups: must cover the slots 0 to {n - 1} in order; got {next_slot} of them")
    names = [projection.name for projection in layout.projections]
    if len(set(names)) != len(names):
        raise ValueError("layout.projections: names must differ")
