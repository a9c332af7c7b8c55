# The modulators' levels: one buffer level[region][modulator], NumPy's, lent to C. Transcribes nm_levels.h.
# The classes here hold what the tutorial calls millions of times from Python loops; modulators.py and
# neuromodulation.py dress them.


cdef class Levels:
    """Levels, parameters and kinetics of some modulators, in one or more regions.

    Parameters
    ----------
    names : sequence of str, optional
        Registered or declared modulators. Default: the registered ones that are not optional, in their order.
    regions : sequence of str, default ("global",)
    enabled : bool, default True
    declared : mapping of str to mapping, optional
        Modulators without a C file: name -> response, targets, offset.
    """

    cdef nm_levels c
    cdef const nm_modulator **modulator
    cdef Gate gate                 # of the network whose run steps the levels now; None: there is no such run
    cdef readonly object level_buffer  # ndarray of float64, shape (n_regions, n_modulators), in [0, 1]
    cdef readonly object baseline  # the same: the tonic levels
    cdef readonly object clamped   # the same: levels that are held; NaN: free
    cdef readonly object params    # ndarray of float64, shape (n_modulators, NM_MAX_PARAMS), in the order of the tables
    cdef readonly object tau       # ndarray of float64, shape (n_modulators,), ms; NaN: decay_rate counts
    cdef readonly object kept      # ndarray of float64, shape (n_modulators,): (level - baseline) left after a step
    cdef readonly object targets   # ndarray of uint32, shape (n_modulators,): sets of targets
    cdef readonly object offset    # ndarray of float64, shape (n_modulators,): the factor at a response of 0
    cdef readonly object neutral   # ndarray of uint8, shape (n_modulators,): 1 where the baseline has no effect
    cdef readonly tuple names, regions
    cdef readonly dict tables      # name -> what modulators() says of it
    cdef readonly bint enabled
    cdef public list releases      # dicts of modulator, areas, amount, regions (None: all)
    cdef nm_diffusion *diffusion   # one a modulator
    cdef readonly dict spread      # modulator -> rate (1/ms), pairs (ndarray of int32, shape (n, 2)), flow

    def __cinit__(self, names=None, regions=("global",), enabled=True, declared=None):
        registered, kinds, declared = modulators(), responses(), declared or {}
        if names is None:
            names = [name for name, about in registered.items() if not about["optional"]]
        self.names, self.regions, self.enabled, self.releases = tuple(names), tuple(regions), enabled, []
        n, n_regions, words = len(self.names), len(self.regions), target_names()
        self.modulator = <const nm_modulator **>PyMem_Calloc(max(1, n), sizeof(void *))
        self.diffusion = <nm_diffusion *>PyMem_Calloc(max(1, n), sizeof(nm_diffusion))
        if self.modulator == NULL or self.diffusion == NULL:
            raise MemoryError
        self.spread, self.c.diffusion = {}, self.diffusion
        self.tables, self.params = {}, np.zeros((n, NM_MAX_PARAMS))
        self.targets, self.offset, self.neutral = np.zeros(n, np.uint32), np.zeros(n), np.zeros(n, np.uint8)
        for m, name in enumerate(self.names):
            if name in declared:
                own = declared[name]
                self.modulator[m] = &nm_declared[list(kinds).index(own["response"])]
                self.tables[name] = {**kinds[own["response"]], **own}
            else:
                self.modulator[m] = nm_modulators[list(registered).index(name)]
                self.tables[name] = registered[name]
            table = self.tables[name]
            defaults = [field_number(field, field["default"]) for field in table["params"].values()]
            self.params[m, :len(defaults)] = defaults
            self.targets[m] = sum(1 << words.index(target) for target in table["targets"])
            self.offset[m] = table["offset"]
        self.baseline = np.tile(self.params[:, NM_BASELINE], (n_regions, 1))
        self.level_buffer = self.baseline.copy()
        self.clamped = np.full((n_regions, n), np.nan)
        self.tau, self.kept = np.full(n, np.nan), np.ones(n)
        self._lend(n, n_regions)

    cdef _lend(self, Py_ssize_t n, Py_ssize_t n_regions):
        self.c.n_regions, self.c.n_modulators = n_regions, n
        self.c.modulators = <const nm_modulator *const *>self.modulator
        self.c.level = <double *>_address(self.level_buffer, "f8", n * n_regions, "level")
        self.c.params = <const double *>_address(self.params, "f8", n * NM_MAX_PARAMS, "params")
        self.c.kept = <const double *>_address(self.kept, "f8", n, "kept")
        self.c.tau = <const double *>_address(self.tau, "f8", n, "tau")
        self.c.clamped = <const double *>_address(self.clamped, "f8", n * n_regions, "clamped")
        self.c.baseline = <const double *>_address(self.baseline, "f8", n * n_regions, "baseline")
        self.c.targets = <const uint32_t *>_address(self.targets, "u4", n, "targets")
        self.c.offset = <const double *>_address(self.offset, "f8", n, "offset")
        self.c.neutral = <const uint8_t *>_address(self.neutral, "u1", n, "neutral")

    def __dealloc__(self):
        PyMem_Free(self.modulator)
        PyMem_Free(self.diffusion)

    # ---- while a simulation runs -------------------------------------------------------------------------------

    def begin(self, Gate gate not None):
        """A run of the network with that gate steps the levels from now on; RuntimeError if another one does."""
        if self.gate is not None and self.gate is not gate:
            self.gate.check_idle("neuromodulation")
        self.gate = gate

    def end(self, Gate gate):
        """The run is over."""
        if self.gate is gate:
            self.gate = None

    @property
    def level(self):
        """Levels, ndarray of float64, shape (n_regions, n_modulators). For another thread than the one that runs a
        simulation: a read-only copy, as at the border of a slice."""
        if not self._is_foreign():
            return self.level_buffer
        gate = self.gate
        with gate:
            copy = self.level_buffer.copy()
        copy.flags.writeable = False
        return copy

    cdef bint _is_foreign(self):
        return self.gate is not None and self.gate.foreign

    def check_own(self, str where):
        """RuntimeError if another thread runs a simulation with these levels."""
        if self.gate is not None:
            self.gate.check_own(where)

    cdef double effect(self, Py_ssize_t m, nm_target target, Py_ssize_t region, double density) except? -1.0:
        """What modulator m does at its present level of a region."""
        cdef double level
        if self.gate is not None and self.gate.foreign:
            level = self.level[region, m]
        else:
            level = self.c.level[region * self.c.n_modulators + m]
        return nm_levels_effect(&self.c, region, m, target, level, density)

    # ---- kinetics and events -------------------------------------------------------------------------------------

    def set_spread(self, Py_ssize_t m, double rate, pairs):
        """Let modulator m diffuse between the regions of each pair (int32, shape (n, 2)); `rate` in 1/ms."""
        if self.gate is not None:
            self.gate.check_idle("set_diffusion")
        check_number("m", m, 0, self.c.n_modulators - 1)
        pairs = np.array(pairs, np.int32).reshape(-1, 2)
        if not (np.isfinite(rate) and rate >= 0.0):
            raise ValueError(f"rate: must be >= 0 per ms; got {rate}")
        if not rate * _most_neighbours(pairs) <= MAX_SPREAD:
            raise ValueError(f"coefficient / spacing**2: must be at most {MAX_SPREAD / _most_neighbours(pairs):g} per ms; "
                             f"got {rate:g}")
        if pairs.size and not 0 <= pairs.min() <= pairs.max() < self.c.n_regions:
            raise IndexError(f"pairs: must be regions from 0 to {self.c.n_regions - 1}")
        flow = np.zeros((2, len(self.regions)))
        self.spread[self.names[m]] = (rate, pairs, flow)
        self.diffusion[m].pair = <const int32_t *>_address(pairs, "i4", pairs.size, "pairs")
        self.diffusion[m].n_pairs = len(pairs)
        self.diffusion[m].flow = <double *>_address(flow, "f8", flow.size, "flow")
        self.diffusion[m].term = self.diffusion[m].flow + len(self.regions)

    cdef _prepare_spread(self, double dt):
        for name, (rate, pairs, _) in self.spread.items():
            m = self.names.index(name)
            most = _most_neighbours(pairs)
            lost = -nm_log(self.c.kept[m]) if self.c.kept[m] > 1e-200 else np.inf  # dt / tau
            needed = 2.0 * rate * dt * most + (lost if lost < np.inf else 0.0)
            if needed > NM_SUBSTEPS:
                raise ValueError(
                    f"{name}: diffusion must need at most {NM_SUBSTEPS} substeps of a step, so coefficient / spacing**2 "
                    f"at most {(NM_SUBSTEPS - needed) / (2.0 * dt * most) + rate:g} per ms at dt {dt:g} ms; got {rate:g}"
                )
            self.diffusion[m].n_substeps = max(1, int(np.ceil(needed))) if lost < np.inf else 0
            self.diffusion[m].exchange = rate * dt / max(1, self.diffusion[m].n_substeps)
            self.diffusion[m].decay = lost / max(1, self.diffusion[m].n_substeps)

    def prepare(self, double dt):
        """What a step of dt (ms) keeps of each deviation, after a check of levels and parameters."""
        cdef nm_error error
        nm_levels_hold(&self.c)
        if nm_levels_check(&self.c, &error) != NM_OK:
            self._explain(&error)
        cdef Py_ssize_t m
        cdef double *kept = <double *>self.c.kept  # pointers: three memoryviews take 0.3 us
        cdef const double *tau = self.c.tau
        for m in range(self.c.n_modulators):
            if tau[m] == tau[m]:
                if not tau[m] > 0.0:
                    raise ValueError(f"{self.names[m]}.tau: must be > 0 ms; got {tau[m]}")
                kept[m] = nm_exp(-dt / tau[m])
            else:
                kept[m] = 1.0 - self.c.params[m * NM_MAX_PARAMS + NM_DECAY_RATE]
        if self.spread:
            self._prepare_spread(dt)

    def check(self):
        """A ValueError names the level or parameter that is out of its domain."""
        cdef nm_error error
        if nm_levels_check(&self.c, &error) != NM_OK:
            self._explain(&error)

    cdef _explain(self, const nm_error *error):
        """A ValueError that names the level or parameter that is out of its domain."""
        if error.field < 0:
            raise ValueError(f"{self.names[-1 - error.field]}.state.level: must be between 0 and 1; got {error.value}")
        m, k = divmod(error.field, NM_MAX_PARAMS)
        if error.status == NM_ERR_BAD_ORDER:
            raise ValueError(f"{self.names[m]}.neutral: must have a factor > 0 at the baseline to divide by; "
                             f"got the baseline {error.value}")
        name, field = list(self.tables[self.names[m]]["params"].items())[k]
        raise ValueError(f"{self.names[m]}.{name}: must be {field_phrase(field)}; got {error.value}")

    def step(self, double dt):
        """First-order kinetics over one step of dt (ms)."""
        self.check_own("step")
        self.prepare(dt)
        nm_levels_step(&self.c)

    def signal(self, Py_ssize_t region, double subtract_baseline, double dt, double tau_c):
        """What an eligibility trace of 1 earns in one step of dt (ms), ms; see nm_levels.h."""
        check_number("region", region, 0, self.c.n_regions - 1)
        return nm_levels_signal(&self.c, region, subtract_baseline, dt, tau_c)

    def event(self, Py_ssize_t m, Py_ssize_t region, tuple values):
        """Set the level of modulator m in a region (-1: all) by an event; nothing changes if it is refused."""
        cdef double inputs[8]
        cdef nm_error error
        cdef Py_ssize_t k
        if self.gate is not None:
            self.gate.check_own(self.names[m] if 0 <= m < len(self.names) else "event")
        check_number("m", m, 0, self.c.n_modulators - 1)
        check_number("region", region, -1, self.c.n_regions - 1)
        n_inputs = nm_field_count(self.modulator[m].inputs)
        if len(values) != n_inputs:
            raise ValueError(f"{self.names[m]}: an event has {n_inputs} inputs; got {len(values)}")
        for k in range(n_inputs):
            inputs[k] = values[k]
        if nm_levels_check(&self.c, &error) != NM_OK:
            self._explain(&error)
        if nm_levels_event(&self.c, m, region, inputs, &error) != NM_OK:
            name, field = list(self.tables[self.names[m]]["inputs"].items())[error.field]
            raise ValueError(f"{name}: must be {domain_phrase(field['domain'])}; got {error.value}")

    def add(self, Py_ssize_t m, Py_ssize_t region, double amount):
        """Add to the level of modulator m in a region (-1: all), clipped to [0, 1]."""
        cdef nm_error error
        check_number("m", m, 0, self.c.n_modulators - 1)
        check_number("region", region, -1, self.c.n_regions - 1)
        self.check_own(self.names[m])
        if nm_levels_check(&self.c, &error) != NM_OK:
            self._explain(&error)
        if not nm_domain_holds(NM_ANY, amount):
            raise ValueError(f"amount: must be finite; got {amount}")
        nm_levels_add(&self.c, m, region, amount)


MAX_SPREAD = 1e6
"""Largest coefficient / spacing**2 times the most neighbours of a region, 1/ms: what NM_SUBSTEPS serve at 0.5 us."""


def _most_neighbours(pairs):
    """The largest number of neighbours of a region."""
    return int(np.bincount(pairs.ravel(), minlength=1).max()) if pairs.size else 0


cdef class LentLevels:
    """`Levels` as one model's neurons meet them: zones, receptor densities, and which slots release what.

    Parameters
    ----------
    levels : Levels
    zones : sequence of (str, mapping)
        Region, and density of each modulator's receptors where it is not 1. A region that `levels` does not have is
        that of neurons in no area where there are no areas: they are in the first.
    runs : sequence of ndarray of int64, shape (2 * n_runs,)
        For each of ``levels.releases``, the first and one past the last slot of each run of releasing neurons.
    """

    cdef nm_levels c
    cdef nm_release *release
    cdef readonly Levels levels
    cdef readonly int n_releases
    cdef object zone_region, density, keep

    def __cinit__(self, Levels levels not None, zones, runs):
        known = levels.regions
        if len(runs) != len(levels.releases):
            raise ValueError(f"runs: must be {len(levels.releases)}, one for each release; got {len(runs)}")
        self.levels, self.c, self.n_releases = levels, levels.c, len(levels.releases)
        self.zone_region = np.array([known.index(region) if region in known else 0 for region, _ in zones], np.int32)
        self.density = np.array([[densities.get(name, 1.0) for name in levels.names] for _, densities in zones])
        self.c.n_zones = len(zones)
        self.c.zone_region = <const int32_t *>_address(self.zone_region, "i4", len(zones), "zone_region")
        self.c.density = <const double *>_address(self.density, "f8", len(zones) * len(levels.names), "density")
        self.release = <nm_release *>PyMem_Calloc(max(1, self.n_releases), sizeof(nm_release))
        if self.release == NULL:
            raise MemoryError
        self.keep = []
        for k, (about, run) in enumerate(zip(levels.releases, runs)):
            self._lend_release(&self.release[k], about, run)
        self.c.releases, self.c.n_releases = self.release, self.n_releases

    cdef _lend_release(self, nm_release *release, dict about, object run):
        wanted = self.levels.regions if about["regions"] is None else about["regions"]
        reached = np.array([region in wanted for region in self.levels.regions], np.uint8)
        run = np.ascontiguousarray(run, np.int64)
        self.keep += [run, reached]
        release.modulator, release.amount = self.levels.names.index(about["modulator"]), about["amount"]
        release.n_runs = run.size // 2
        release.run = <const int64_t *>_address(run, "i8", run.size, "release")
        release.region = <const uint8_t *>_address(reached, "u1", reached.size, "release")

    def __dealloc__(self):
        PyMem_Free(self.release)

    def factors(self, Py_ssize_t zone):
        """What the levels do in a zone now: target -> factor, or the rise of a threshold."""
        check_number("zone", zone, 0, self.c.n_zones - 1)
        cdef nm_factors f = nm_levels_factors(&self.c, zone)
        return {nm_targets[t].word.decode(): f.of[t] for t in range(<int>NM_N_TARGETS)}

    def signal(self, Py_ssize_t zone, double subtract_baseline, double dt, double tau_c):
        """What an eligibility trace of 1 earns in a zone in one step of dt (ms), ms; see nm_levels.h."""
        check_number("zone", zone, 0, self.c.n_zones - 1)
        return nm_levels_signal(&self.c, zone, subtract_baseline, dt, tau_c)


cdef class ActingLevels:
    """`LentLevels` as one projection meets them on whose learning only some modulators act."""

    cdef nm_levels c
    cdef nm_acting acting
    cdef object lent, targets, factors

    def __cinit__(self, LentLevels lent not None, modulators):
        names = lent.levels.names
        self.lent, self.c = lent, lent.c
        self.targets = np.where([name in modulators for name in names], lent.levels.targets, 0).astype(np.uint32)
        self.factors = np.zeros((NM_INTERVAL, lent.c.n_zones, sizeof(nm_factors) // 8))
        self.c.targets = <const uint32_t *>_address(self.targets, "u4", len(names), "targets")
        self.acting.levels, self.acting.n_zones = &self.c, lent.c.n_zones
        self.acting.factors = <nm_factors *>_address(self.factors, "f8", self.factors.size, "factors")


cdef class ModulatorCore:
    """One modulator of a `Levels`: its factor, and what it does to a number or an array."""

    cdef readonly Levels _levels
    cdef readonly Py_ssize_t _index
    cdef nm_target _first  # of its targets

    def __init__(self, Levels levels=None, name=None):
        self._levels = Levels([name]) if levels is None else levels
        self._index = self._levels.names.index(name)
        self._first = <nm_target><int>self._target_number(self._levels.tables[name]["targets"][0])

    def _target_number(self, target):
        known = self._levels.tables[self._levels.names[self._index]]["targets"]
        if target not in known:
            raise ValueError(f"target: must be one of {', '.join(known)}; got {target!r}")
        return target_names().index(target)

    # def, not cpdef: under the stable ABI the search for an override in Python costs 80 ns a call.
    def modulate(self, x, Py_ssize_t region=0):
        """x as the modulator leaves it, at the present level of one region. A new object of the same kind."""
        if not self._levels.enabled:
            return x
        check_number("region", region, 0, self._levels.c.n_regions - 1)
        return _modulated(x, self._first, _effect(self._levels, self._index, self._first, region))

    def factor(self, Py_ssize_t region=0, target=None):
        """What it does at the present level of one region: a factor, or the rise of a threshold as a fraction of
        its magnitude. `target`: one of its targets; default: the first."""
        cdef nm_target t = self._first if target is None else <nm_target><int>self._target_number(target)
        if not self._levels.enabled:
            return NM_NEUTRAL_OF(_effect_on(t))
        check_number("region", region, 0, self._levels.c.n_regions - 1)
        return _effect(self._levels, self._index, t, region)


cdef inline nm_effect _effect_on(nm_target target) noexcept:
    """Whether a target takes a factor or a rise."""
    return nm_targets[<int>target].effect


cdef inline double _effect(Levels levels, Py_ssize_t m, nm_target target, Py_ssize_t region) except? -1.0:
    return levels.effect(m, target, region, 1.0)


cdef _modulated(x, nm_target target, double effect):
    """x times a factor, or raised by a fraction of its magnitude; a new object of the same kind."""
    cdef double value
    if type(x) is not float and isinstance(x, np.ndarray):
        return x + np.abs(x) * effect if _effect_on(target) == NM_RISE else x * effect
    value = x
    return nm_raised(value, effect) if _effect_on(target) == NM_RISE else value * effect


cdef class SystemCore:
    """The part of a NeuromodulationSystem that Python loops call for every synapse and neuron."""

    cdef readonly Levels _levels

    def __init__(self, levels):
        self._levels = levels

    cdef double _combined(self, nm_target target, Py_ssize_t region, object receptors) except? -1.0:
        """All modulators with that target: the sum of rises, else the product of factors."""
        cdef nm_levels *c = &self._levels.c
        cdef nm_effect how = _effect_on(target)
        cdef double all = NM_NEUTRAL_OF(how), effect, density = 1.0
        cdef Py_ssize_t m
        for m in range(c.n_modulators):
            if c.targets[m] & NM_ON(target):
                if receptors:
                    density = receptors.get(self._levels.names[m], 1.0)
                effect = self._levels.effect(m, target, region, density)
                all = nm_combined(how, all, effect)
        return all

    def modulate_learning(self, delta_w):
        """A weight change under dopamine: ``delta_w * learning_rate_modulation * level ** exponent``.

        Parameters
        ----------
        delta_w : float or ndarray, mV
            Unmodulated change.

        Returns
        -------
        float or ndarray
            Of the same kind and shape; the argument is not changed.

        Notes
        -----
        Computed in ``csrc/nm_levels.c``. About 100 ns a call for a float. Declared modulators that act on
        ``learning_rate`` multiply it, too. With several regions the first one's levels count.

        Examples
        --------
        >>> from neuromod import NeuromodulationSystem
        >>> system = NeuromodulationSystem()
        >>> error = system.process_reward(1.0)
        >>> round(system.modulate_learning(0.01), 6)
        0.018
        """
        if not self._levels.enabled:
            return delta_w
        return _modulated(delta_w, NM_LEARNING_RATE, self._combined(NM_LEARNING_RATE, 0, None))

    def modulate_neuron_update(self, neuron, synaptic_input, threshold):
        """An input under norepinephrine and a threshold under serotonin.

        Parameters
        ----------
        neuron : Neuron
            The neuron that is updated; the levels of its region count, and the receptor densities of its area.
        synaptic_input : float or ndarray, mV
        threshold : float or ndarray, mV

        Returns
        -------
        tuple
            (amplified input, raised threshold), each of the kind that came.

        Raises
        ------
        ValueError
            If the system has several regions, and the neuron's is not among them.

        Notes
        -----
        Declared modulators that act on ``gain`` multiply the input, too, and those that act on ``threshold`` add to
        the rise.

        Examples
        --------
        >>> from neuromod import Neuron, NeuromodulationSystem
        >>> system = NeuromodulationSystem()
        >>> system.process_uncertainty(0.7, 0.3)
        >>> amplified, raised = system.modulate_neuron_update(Neuron(id=0, x=0, y=0, z=0, w=0), 10.0, 15.0)
        >>> round(amplified, 3), round(raised, 3)
        (19.966, 15.585)
        """
        cdef Py_ssize_t region = 0
        if not self._levels.enabled:
            return synaptic_input, threshold
        receptors = neuron.receptors if isinstance(neuron, Neuron) else None
        if self._levels.c.n_regions > 1:
            region = self._row_of(neuron)
        return (_modulated(synaptic_input, NM_GAIN, self._combined(NM_GAIN, region, receptors)),
                _modulated(threshold, NM_THRESHOLD, self._combined(NM_THRESHOLD, region, receptors)))

    cdef Py_ssize_t _row_of(self, neuron) except -1:
        """The row of the levels of a neuron's region."""
        name = neuron.region_name if isinstance(neuron, Neuron) else None
        if name in self._levels.regions:
            return self._levels.regions.index(name)
        if name is None and 0 <= neuron.region < self._levels.c.n_regions:
            return neuron.region
        raise ValueError(f"neuron: must lie in one of the regions {', '.join(self._levels.regions)}; got {name!r}")
