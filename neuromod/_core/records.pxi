# Arrays lent to C, and recorders: blocks of NumPy's lent one after another. Transcribes nm_record.h.


cdef void *_address(object array, str dtype, Py_ssize_t n, str what) except? NULL:
    """The address of a contiguous array of at least n entries of that dtype."""
    if not isinstance(array, np.ndarray):
        raise CoreError(f"{what}: must be {n} contiguous values of type {dtype}; got {type(array).__name__}")
    if array.dtype.str[1:] != dtype or not array.flags.c_contiguous or array.size < n:
        raise CoreError(f"{what}: must be {n} contiguous values of type {dtype}; got {array.size} of {array.dtype.str}")
    return <void *><size_t>array.__array_interface__["data"][0]


def aligned(Py_ssize_t n, dtype=np.float64):
    """n zeros on a border of 64 bytes, which NumPy's own are not: a vector of AVX-512 would cross two lines each time,
    and a step of 1,000 lif neurons take 1.1 us in place of 0.7."""
    record = np.dtype(dtype)
    room = np.zeros(n * record.itemsize + 64, np.uint8)
    first = -room.__array_interface__["data"][0] % 64
    return room[first:first + n * record.itemsize].view(record)


cdef class SpikeRecorder:
    """Blocks of (step, id) lent to C one after another; `wanted_ids` None records every neuron."""

    cdef nm_spike_record c
    cdef public object wanted_ids
    cdef object wanted, step, id
    cdef list full

    def __init__(self, wanted_ids=None):
        self.wanted_ids, self.full, self.step, self.id = wanted_ids, [], None, None

    cdef lend(self, Py_ssize_t n_neurons, int64_t interval):
        """Put the block by and lend a new one. Half of it holds a step in which all neurons fire, and, up to 32 MB, as
        many of them as the engine takes at a time."""
        if self.step is not None:
            self.full.append((self.step[:self.c.n].copy(), self.id[:self.c.n].copy()))
        capacity = max(1 << 16, 2 * n_neurons, min(2 * interval * n_neurons, 1 << 22))
        self.step, self.id = np.empty(capacity, np.int64), np.empty(capacity, np.int64)
        self.c.step = <int64_t *>_address(self.step, "i8", capacity, "spike recorder")
        self.c.id = <int64_t *>_address(self.id, "i8", capacity, "spike recorder")
        self.c.capacity, self.c.n = capacity, 0

    cdef bind(self, object ids):
        if self.wanted_ids is None:
            self.c.wanted = NULL
        else:
            self.wanted = np.isin(ids, self.wanted_ids).astype(np.uint8)
            self.c.wanted = <const uint8_t *>_address(self.wanted, "u1", len(ids), "spike recorder")

    def arrays(self):
        """(step, id) of all spikes recorded so far, in order; copies."""
        blocks = list(self.full)
        if self.step is not None:
            blocks.append((self.step[:self.c.n], self.id[:self.c.n]))
        if not blocks:
            return np.empty(0, np.int64), np.empty(0, np.int64)
        return tuple(np.concatenate(partitions) for partitions in zip(*blocks))

    def saved(self):
        """All of it, as `restore` takes it."""
        step, id = self.arrays()
        return {"wanted": self.wanted_ids, "step": step, "id": id}

    def restore(self, state):
        """Take over what another recorder has `saved`, into one that has recorded nothing."""
        part = SavedPart(state, "recorder")
        part.only("wanted", "step", "id")
        step = part.array("step", "i8", (None,), 1)
        part.array("id", "i8", (None,) if step is None else step.shape, 0)
        if part.has("wanted") and state["wanted"] is not None:
            part.array("wanted", "i8", (None,))
        part.finish()
        self.wanted_ids, self.full = state["wanted"], [(np.array(state["step"]), np.array(state["id"]))]


cdef class SampleRecorder:
    """Rows of chosen entries of one column, taken every so many steps. `resolve()` gives (column, index) anew
    whenever the network's arrays have been replaced."""

    cdef nm_sample_record c
    cdef object resolve, column, index, step, value
    cdef list full

    def __init__(self, resolve, Py_ssize_t every):
        self.resolve, self.full, self.step = resolve, [], None
        self.c.every = every

    cdef bind(self):
        self.column, index = self.resolve()
        self.index = np.ascontiguousarray(index, np.int64)
        if self.step is not None and len(self.index) != self.c.width:
            raise CoreError("a recorded neuron is no longer in the network")
        self.c.is_float32 = self.column.dtype == np.float32
        self.c.column = _address(self.column, "f4" if self.c.is_float32 else "f8", 0, "sample recorder")
        self.c.index = <const int64_t *>_address(self.index, "i8", 0, "sample recorder")
        self.c.width = len(self.index)

    cdef lend(self):
        if self.step is not None:
            self.full.append((self.step[:self.c.n], self.value[:self.c.n]))
        capacity = max(64, (1 << 17) // max(1, self.c.width))
        self.step, self.value = np.empty(capacity, np.int64), np.empty((capacity, self.c.width))
        self.c.step = <int64_t *>_address(self.step, "i8", capacity, "sample recorder")
        self.c.value = <double *>_address(self.value, "f8", 0, "sample recorder")
        self.c.capacity, self.c.n = capacity, 0

    def arrays(self):
        """(step, value of shape (samples, width)) recorded so far; copies."""
        blocks = list(self.full)
        if self.step is not None:
            blocks.append((self.step[:self.c.n], self.value[:self.c.n]))
        if not blocks:
            return np.empty(0, np.int64), np.empty((0, len(self.resolve()[1])))
        return tuple(np.concatenate(partitions) for partitions in zip(*blocks))

    def saved(self):
        """All of it, as `restore` takes it."""
        step, value = self.arrays()
        return {"every": int(self.c.every), "step": step, "value": value}

    def restore(self, state):
        """Take over what another recorder of the same column has `saved`, into one that has recorded nothing."""
        part = SavedPart(state, "recorder")
        part.only("every", "step", "value")
        every = part.whole("every", 1, 1 << 61)
        step = part.array("step", "i8", (None,), 1)
        part.array("value", "f8", (0 if step is None else len(step), len(self.resolve()[1])))
        part.finish()
        self.c.every, self.full = every, [(np.array(state["step"]), np.array(state["value"]))]
