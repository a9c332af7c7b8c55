# What short-term plasticity and homeostatic scaling keep, allocated here: one of each for a projection that asks for
# it, in one engine. Transcribes nm_short_term.h and nm_homeostasis.h.


cdef class ShortTermKeeper:
    """Resources and released shares of one projection's sources, by row, and the efficacies of spikes under way."""

    cdef nm_short_term c
    cdef object sources, u, left, last, efficacy
    cdef tuple values  # U, tau_rec and tau_facil: arrays of one number, or of one for each source

    def __cinit__(self, params, sources, int64_t length):
        check_number("length", length, 1, 1 << 40)
        n = len(sources)
        self.sources, self.u, self.left = sources, np.zeros(n), np.ones(n)
        self.last = np.full(n, -1, np.int64)
        self.values = _short_term_values(params, sources)
        self.c.stride = 1 if len(self.values[0]) > 1 else 0
        self.c.U = <const double *>_address(self.values[0], "f8", 0, "U")
        self.c.tau_rec = <const double *>_address(self.values[1], "f8", 0, "tau_rec")
        self.c.tau_facil = <const double *>_address(self.values[2], "f8", 0, "tau_facil")
        self.c.length = length
        # spikes that were fired before the projection was made arrive as first ones
        self.efficacy = np.empty((self.c.length, n))
        self.efficacy[:] = self.values[0]
        self.c.u = <double *>_address(self.u, "f8", n, "u")
        self.c.left = <double *>_address(self.left, "f8", n, "left")
        self.c.last = <int64_t *>_address(self.last, "i8", n, "last")
        self.c.efficacy = <double *>_address(self.efficacy, "f8", 0, "efficacy")

    def state(self, int64_t now):
        """By source: released share, resources left, last spike; and the efficacies of the last steps, oldest first."""
        rows = (now - np.arange(self.c.length - 1, -1, -1)) % self.c.length
        return {"source": self.sources.copy(), "u": self.u.copy(), "left": self.left.copy(),
                "last": self.last.copy(), "efficacy": self.efficacy[rows]}

    def check_state(self, part, int64_t now):
        """Note in a SavedPart what `state` cannot have given after step `now`, of these sources.

        There may be more: rows without synapses, which a state did not keep before it had ``rows``."""
        part.only("source", "u", "left", "last", "efficacy")
        source = part.array("source", "i8", (None,))
        if source is None:
            return
        n, length = len(source), self.c.length
        if np.any(np.diff(source) <= 0) or not np.isin(self.sources, source).all():
            part.wrong("source", "must be the sources of the projection, ascending", source)
        part.array("u", "f8", (n,))
        part.array("left", "f8", (n,))
        part.array("last", "i8", (n,), -1, now)
        part.array("efficacy", "f8", (length, n))

    def set_state(self, state, int64_t now):
        """Take over what `state` gave, for the sources that are still there."""
        part = SavedPart(state, "short_term")
        source = part.array("source", "i8", (None,))
        shape = None if source is None else source.shape
        if shape is not None:
            part.array("u", "f8", shape), part.array("left", "f8", shape), part.array("last", "i8", shape)
            part.array("efficacy", "f8", (None, *shape))
        part.finish()
        found = np.isin(state["source"], self.sources)
        here = np.searchsorted(self.sources, state["source"][found])
        self.u[here], self.left[here] = state["u"][found], state["left"][found]
        self.last[here] = state["last"][found]
        for age, row in enumerate(state["efficacy"][::-1][:self.c.length]):
            self.efficacy[(now - age) % self.c.length, here] = row[found]

    cdef settle(self, ShortTermKeeper old, int64_t now, double dt):
        """Bring everything to the present by the time constants that held until now, where they differ."""
        cdef Py_ssize_t row
        cdef double[::1] u = self.u, left = self.left
        cdef int64_t[::1] last = self.last
        then = old._values_of(self.sources)
        if all(np.array_equal(*pair) for pair in zip(then, self._values_of(self.sources))):
            return
        self.efficacy[:, self.last < 0] = np.resize(self.values[0], len(self.last))[self.last < 0]  # as from the start
        for row in range(last.shape[0]):
            if last[row] >= 0:
                elapsed = (now - last[row]) * dt
                u[row] *= _kept(elapsed, then[2][row])
                left[row] = 1.0 - (1.0 - left[row]) * _kept(elapsed, then[1][row])
                last[row] = now

    def _values_of(self, sources):
        """U, tau_rec and tau_facil of each of these sources; of one that has no row here, those of some other."""
        row = np.clip(np.searchsorted(self.sources, sources), 0, max(len(self.sources) - 1, 0))
        return [np.resize(value, max(len(self.sources), 1))[row] for value in self.values]

    cdef begin(self):
        """Spikes under way were fired while there was no short-term plasticity: they have all of the weight."""
        self.efficacy[:] = 1.0


def facilitating_sources(sources, double fraction, uint64_t seed):
    """Which sources (ids) facilitate where a fraction does: bool array; drawn for each id by itself."""
    cdef uint32_t word[4]
    cdef Py_ssize_t k
    cdef uint32_t stream = nm_stream(NM_STREAM_SHORT_TERM, 0)
    found = np.zeros(len(sources), bool)
    for k, source in enumerate(sources):
        nm_rng_block(seed, stream, <uint32_t>source, 0, word)
        found[k] = word[0] < fraction * 4294967296.0
    return found


def _short_term_values(params, sources):
    """U, tau_rec and tau_facil: arrays of one number, or, where a fraction of the sources facilitates, one for each."""
    names = ("U", "tau_rec", "tau_facil")
    if "facilitation_fraction" not in params:
        return tuple(np.array([params[name]], np.float64) for name in names)
    facilitates = facilitating_sources(sources, params["facilitation_fraction"], int(params.get("facilitation_seed", 0)))
    return tuple(
        np.where(facilitates, params[f"facilitating_{name}"], params[name]).astype(np.float64) if len(sources)
        else np.array([params[name]], np.float64)
        for name in names
    )


cdef double _kept(double elapsed, double tau):
    return nm_exp(-elapsed / tau) if tau > 0.0 else 0.0


def short_term_efficacies(times, double U, double tau_rec, double tau_facil):
    """Share of the weight that each spike of a train arrives with; times ascending, ms: float64 array."""
    cdef ShortTermKeeper one = ShortTermKeeper({"U": U, "tau_rec": tau_rec, "tau_facil": tau_facil}, np.zeros(1), 1)
    cdef const double[::1] at = np.ascontiguousarray(times, np.float64)
    cdef Py_ssize_t n = at.shape[0], k
    shares = np.empty(n)
    for k in range(n):
        shares[k] = nm_short_term_release(&one.c, 0, at[k] - at[k - 1] if k > 0 else -1.0)
    return shares


cdef int64_t _steps_of(double ms, double dt) noexcept:
    """The nearest number of steps, from 1 to 2**62: what lies beyond is never reached."""
    cdef double steps = round(ms / dt) if ms / dt < 4e18 else 4e18
    return 1 if steps < 1.0 else <int64_t>1 << 62 if steps >= 4e18 else <int64_t>steps


cdef class HomeostasisKeeper:
    """Average rates of one projection's targets, and what they are held to."""

    cdef nm_homeostasis c
    cdef readonly object rate  # Hz, by slot: what it will be at the next scaling

    def __cinit__(self, params, Py_ssize_t n_neurons, double dt, int64_t now):
        self.c.target_rate, self.c.tau = params["target_rate"], params["tau"]
        self.c.strength, self.c.every = params["strength"], _steps_of(params["every"], dt)
        self.rate = np.full(n_neurons, nm_homeostasis_start(&self.c, dt, now))
        self.c.rate = <double *>_address(self.rate, "f8", n_neurons, "rate")

    cdef share(self, HomeostasisKeeper leader):
        """Go on with the rates of another projection, which updates them."""
        self.rate, self.c.rate, self.c.follows = leader.rate, leader.c.rate, 1

    cdef part(self):
        """Go on with rates of its own."""
        self.rate, self.c.follows = self.rate.copy(), 0
        self.c.rate = <double *>_address(self.rate, "f8", len(self.rate), "rate")

    @property
    def measures(self):
        """What the course of the rates depends on, besides the spikes."""
        return self.c.target_rate, self.c.tau, self.c.every

    cdef take_over(self, HomeostasisKeeper old, int64_t now, double dt):
        """Rates are those of the next scaling: measure them anew where its time or their decay has changed."""
        fresh = self.rate == nm_homeostasis_start(&old.c, dt, now)  # of neurons of which nothing was measured yet
        if (old.c.tau, old.c.every) != (self.c.tau, self.c.every):
            self.rate *= nm_exp(dt * ((old.c.every - now % old.c.every) / old.c.tau
                                      - (self.c.every - now % self.c.every) / self.c.tau))
        self.rate[fresh] = nm_homeostasis_start(&self.c, dt, now)
