# Current sources, lent to C. Transcribes nm_current.h.

_CURRENT_KINDS = {"lines": NM_CURRENT_LINES, "sine": NM_CURRENT_SINE, "ou": NM_CURRENT_OU}
_CURRENT_VALUES = {"lines": (3, None), "sine": (4,), "ou": (3,)}  # shape of `values`


def check_current(part):
    """Note what is wrong with a saved current source."""
    part.only("kind", "ids", "span", "number", "values", "factor", "state")
    if not part.has("kind", "ids", "span", "number", "values", "factor", "state"):
        return
    kind = part.value["kind"]
    if kind not in _CURRENT_KINDS:
        part.wrong("kind", f"must be one of {', '.join(_CURRENT_KINDS)}", kind)
        return
    ids = part.array("ids", "i8", (None,), 0)
    if ids is not None and np.any(np.diff(ids) <= 0):
        part.wrong("ids", "must ascend", ids)
    span, values = part.array("span", "f8", (2,)), part.array("values", "f8", _CURRENT_VALUES[kind])
    if span is not None and not (np.isfinite(span[0]) and span[0] < span[1]):
        part.wrong("span", "must be a first step and a greater last one", span)
    if values is not None and not np.isfinite(values).all():
        part.wrong("values", "must be finite", values)
    elif values is not None and kind == "lines" and (not values.size or np.any(np.diff(values[0]) < 0.0)):
        part.wrong("values", "must be segments whose beginnings ascend", values)
    elif values is not None and kind == "ou" and not (values[1] >= 0.0 and values[2] > 0.0):
        part.wrong("values", "must have a standard deviation >= 0 and a time constant > 0", values)
    part.whole("number", 0, (1 << 24) - 1)
    if ids is not None:
        part.array("state", "f8", ids.shape)
        factor = part.array("factor", "f8", ids.shape)
        if factor is not None and not np.isfinite(factor).all():
            part.wrong("factor", "must be finite", factor)


cdef class CurrentSource:
    """One source of current and the neurons that it is for: the fields of nm_current, times in steps.

    `spec` has the keys that `check_current` takes. `state` is NaN for neurons without a value yet.
    """

    cdef nm_current c
    cdef readonly str kind
    cdef readonly object ids, span, values, factor, state

    def __init__(self, spec):
        part = SavedPart(dict(spec), "current")
        check_current(part)
        part.finish()
        self.kind, self.c.number = spec["kind"], spec["number"]
        self.ids = np.array(spec["ids"], np.int64)
        self.span = np.array(spec["span"], np.float64)
        self.values = np.array(spec["values"], np.float64, order="C")
        self.factor, self.state = np.array(spec["factor"], np.float64), np.array(spec["state"], np.float64)
        self.c.kind, self.c.start, self.c.stop = _CURRENT_KINDS[self.kind], self.span[0], self.span[1]
        values = self.values
        if self.kind == "lines":
            self.c.n_lines = values.shape[1]
            self.c.begin = <const double *>_address(values[0], "f8", values.shape[1], "current")
            self.c.value = <const double *>_address(values[1], "f8", values.shape[1], "current")
            self.c.slope = <const double *>_address(values[2], "f8", values.shape[1], "current")
        elif self.kind == "sine":
            self.c.amplitude, self.c.offset, self.c.frequency, self.c.phase = values
        else:
            self.c.mean, self.c.sd, self.c.tau = values

    @property
    def number(self):
        """Salt of its random words."""
        return int(self.c.number)

    def mean(self, int64_t step):
        """Mean of its current over a step, without the factors; of an Ornstein-Uhlenbeck process the mean of all steps."""
        return nm_current_mean(&self.c, step)

    def saved(self):
        """All of it, as the constructor takes it."""
        return {"kind": self.kind, "ids": self.ids.copy(), "span": self.span.copy(), "number": self.number,
                "values": self.values.copy(), "factor": self.factor.copy(), "state": self.state.copy()}

    cdef object lend(self, nm_current *to, object ids):
        """To a binding of neurons `ids`; what must be kept alive. A neuron that was removed loses its own."""
        there = np.isin(self.ids, ids)
        if not there.all():
            self.ids, self.factor, self.state = self.ids[there], self.factor[there], self.state[there]
        slots = np.searchsorted(ids, self.ids).astype(np.int32)
        self.c.n = slots.size
        self.c.slot = <const int32_t *>_address(slots, "i4", slots.size, "current")
        self.c.state = <double *>_address(self.state, "f8", slots.size, "current")
        self.c.factor = <const double *>_address(self.factor, "f8", slots.size, "current")
        to[0] = self.c
        return slots, self.factor, self.state
