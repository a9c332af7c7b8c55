# The modulators' levels: one buffer level[region][modulator], NumPy's, lent to C. Transcribes nm_levels.h.
# The classes here hold what the tutorial calls millions of times from Python loops; neuromodulation.py dresses them.


cdef class Levels:
    """Levels, parameters and decay of some of the registered modulators, in one or more regions.

    Parameters
    ----------
    names : sequence of str, optional
        Registered modulators. Default: all, in the order of the register.
    n_regions : int, >= 1, default 1
    """

    cdef nm_levels c
    cdef const nm_modulator **modulator
    cdef readonly object level   # ndarray of float64, shape (n_regions, n_modulators), in [0, 1]
    cdef readonly object params  # ndarray of float64, shape (n_modulators, NM_MAX_PARAMS), in the order of the tables
    cdef readonly object tau     # ndarray of float64, shape (n_modulators,), ms; NaN: decay_rate counts
    cdef readonly object kept    # ndarray of float64, shape (n_modulators,): (level - baseline) left after a step
    cdef readonly tuple names
    cdef readonly dict tables    # name -> what modulators() says of it
    cdef readonly bint enabled

    def __cinit__(self, names=None, n_regions=1, enabled=True):
        about = modulators()
        self.names = tuple(about if names is None else names)
        self.tables = {name: about[name] for name in self.names}
        self.enabled = enabled
        order, n = list(about), len(self.names)
        self.modulator = <const nm_modulator **>PyMem_Calloc(max(1, n), sizeof(void *))
        if self.modulator == NULL:
            raise MemoryError
        self.params = np.zeros((n, NM_MAX_PARAMS))
        for m, name in enumerate(self.names):
            self.modulator[m] = nm_modulators[order.index(name)]
            defaults = [field["default"] for field in about[name]["params"].values()]
            self.params[m, :len(defaults)] = defaults
        self.level = np.tile(self.params[:, NM_BASELINE], (n_regions, 1))
        self.tau, self.kept = np.full(n, np.nan), np.ones(n)
        self.c.n_regions, self.c.n_modulators = n_regions, n
        self.c.modulators = <const nm_modulator *const *>self.modulator
        self.c.level = <double *>_address(self.level, "f8", 0, "level")
        self.c.params = <const double *>_address(self.params, "f8", 0, "params")
        self.c.kept = <const double *>_address(self.kept, "f8", 0, "kept")

    def __dealloc__(self):
        PyMem_Free(self.modulator)

    def prepare(self, double dt):
        """What a step of dt (ms) keeps of each deviation, after a check of levels and parameters."""
        cdef nm_error error
        if nm_levels_check(&self.c, &error) != NM_OK:
            self._explain(&error)
        cdef Py_ssize_t m
        cdef double[::1] kept = self.kept
        cdef const double[::1] tau = self.tau
        cdef const double[:, ::1] params = self.params
        for m in range(self.c.n_modulators):
            if tau[m] == tau[m]:
                if not tau[m] > 0.0:
                    raise ValueError(f"{self.names[m]}.tau: must be > 0 ms; got {tau[m]}")
                kept[m] = nm_exp(-dt / tau[m])
            else:
                kept[m] = 1.0 - params[m, NM_DECAY_RATE]

    cdef _explain(self, const nm_error *error):
        """A ValueError that names the level or parameter that is out of its domain."""
        if error.field < 0:
            raise ValueError(f"{self.names[-1 - error.field]}.state.level: must be between 0 and 1; got {error.value}")
        m, k = divmod(error.field, NM_MAX_PARAMS)
        name, field = list(self.tables[self.names[m]]["params"].items())[k]
        raise ValueError(f"{self.names[m]}.{name}: must be {domain_phrase(field['domain'])}; got {error.value}")

    def step(self, double dt):
        """First-order kinetics over one step of dt (ms)."""
        self.prepare(dt)
        nm_levels_step(&self.c)

    def event(self, Py_ssize_t m, Py_ssize_t region, tuple values):
        """Set the level of modulator m in a region (-1: all) by an event; nothing changes if it is refused."""
        cdef double inputs[8]
        cdef nm_error error
        cdef Py_ssize_t k
        for k in range(len(values)):
            inputs[k] = values[k]
        if nm_levels_check(&self.c, &error) != NM_OK:
            self._explain(&error)
        if nm_levels_event(&self.c, m, region, inputs, &error) != NM_OK:
            name, field = list(self.tables[self.names[m]]["inputs"].items())[error.field]
            raise ValueError(f"{name}: must be {domain_phrase(field['domain'])}; got {error.value}")


cdef class ModulatorCore:
    """One modulator of a `Levels`: its factor, and what it does to a number or an array."""

    cdef readonly Levels _levels
    cdef readonly Py_ssize_t _index
    cdef nm_target acts_on

    def __init__(self, Levels levels=None, name=None):
        self._levels = Levels([name]) if levels is None else levels
        self._index = self._levels.names.index(name)
        self.acts_on = self._levels.modulator[self._index].acts_on

    cdef inline double _factor(self, Py_ssize_t region) noexcept:
        cdef nm_levels *c = &self._levels.c
        return self._levels.modulator[self._index].factor(
            c.params + self._index * NM_MAX_PARAMS, c.level[region * c.n_modulators + self._index])

    def modulate(self, x, Py_ssize_t region=0):
        """x as the modulator leaves it, at the present level of one region. A new object of the same kind."""
        return self._modulate(x, region)

    # cdef, not cpdef: under the stable ABI the search for an override in Python costs 80 ns a call.
    cdef _modulate(self, x, Py_ssize_t region):
        cdef double factor, value
        if not self._levels.enabled:
            return x
        factor = self._factor(region)
        if type(x) is float:
            value = x
            return nm_raised(value, factor) if self.acts_on == NM_THRESHOLD else value * factor
        if isinstance(x, np.ndarray):
            return x + np.abs(x) * factor if self.acts_on == NM_THRESHOLD else x * factor
        value = x
        return nm_raised(value, factor) if self.acts_on == NM_THRESHOLD else value * factor

    def factor(self, Py_ssize_t region=0):
        """The factor at the present level of one region; neutral (1, or 0 for a threshold) where disabled."""
        if not self._levels.enabled:
            return 0.0 if self.acts_on == NM_THRESHOLD else 1.0
        return self._factor(region)


cdef class SystemCore:
    """The part of a NeuromodulationSystem that Python loops call for every synapse and neuron."""

    cdef ModulatorCore learning, threshold, input

    def __init__(self, learning, threshold, input):
        self.learning, self.threshold, self.input = learning, threshold, input

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
        Computed in ``csrc/modulator_dopamine.c``. About 50 ns a call for a float.

        Examples
        --------
        >>> from neuromod import NeuromodulationSystem
        >>> system = NeuromodulationSystem()
        >>> error = system.process_reward(1.0)
        >>> round(system.modulate_learning(0.01), 6)
        0.018
        """
        return self.learning._modulate(delta_w, 0)

    def modulate_neuron_update(self, neuron, synaptic_input, threshold):
        """An input under norepinephrine and a threshold under serotonin.

        Parameters
        ----------
        neuron : Neuron
            The neuron that is updated; its region's levels count.
        synaptic_input : float or ndarray, mV
        threshold : float or ndarray, mV

        Returns
        -------
        tuple
            (amplified input, raised threshold), each of the kind that came.

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
        if self.input._levels.c.n_regions > 1:
            region = neuron.region
        return self.input._modulate(synaptic_input, region), self.threshold._modulate(threshold, region)
