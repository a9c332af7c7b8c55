# What short-term plasticity and homeostatic scaling keep, allocated here: one of each for a projection that asks for
# it, in one engine. Transcribes nm_short_term.h and nm_homeostasis.h.


cdef class ShortTermKeeper:
    """Resources and released shares of one projection's sources, by row, and the efficacies of spikes under way."""

    cdef nm_short_term c
    cdef object sources, u, left, last, efficacy

    def __cinit__(self, params, sources, int64_t length):
        check_number("length", length, 1, 1 << 40)
        n = len(sources)
        self.sources, self.u, self.left = sources, np.zeros(n), np.ones(n)
        self.last = np.full(n, -1, np.int64)
        self.c.U, self.c.tau_rec, self.c.tau_facil = params["U"], params["tau_rec"], params["tau_facil"]
        self.c.length = length
        # spikes that were fired before the projection was made arrive as first ones
        self.efficacy = np.full((self.c.length, n), self.c.U)
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
