# Arrays lent to C, and recorders: blocks of NumPy's lent one after another, or rows that Python reads. Transcribes
# nm_record.h.


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


cdef Py_ssize_t _BYTES = 1 << 22  # that are written between two looks for Ctrl-C


cdef int _fill_from(object to, object of) except -1:
    """``to[...] = of`` in shares, between which Ctrl-C is served. Both have the same shape; or `of` is one value."""
    cdef Py_ssize_t n = len(to), first, some = 1 + _BYTES * n // (1 + to.nbytes)
    is_array = isinstance(of, np.ndarray)
    for first in range(0, n, some):
        to[first:first + some] = of[first:first + some] if is_array else of
        PyErr_CheckSignals()
    return 0


cdef object _zeros(shape, dtype=np.float64):
    """Zeros in memory that is there. Pages that come when they are first written come 2 MB at a time, each in
    milliseconds: a step in which the first neurons fire would take 0.1 s."""
    zeros = np.zeros(shape, dtype)
    if zeros.nbytes >= _BYTES:
        _fill_from(zeros, 0)
    return zeros


cdef object _copied(array):
    """A copy of an array, during which Ctrl-C is served."""
    if array.ndim == 0 or array.nbytes < _BYTES:
        return array.copy()
    copy = np.empty(array.shape, array.dtype)
    _fill_from(copy, array)
    return copy


cdef class SpikeRecorder:
    """Blocks of (step, id) lent to C one after another; `wanted_ids` None records every neuron."""

    cdef nm_spike_record c
    cdef public object wanted_ids
    cdef object wanted, step, id
    cdef list full
    cdef readonly list sizes    # [(step, n)]: from that step on, n recorded neurons are in the network
    cdef readonly object ended  # step after which nothing is recorded; None: not stopped

    def __init__(self, wanted_ids=None):
        self.wanted_ids, self.full, self.step, self.id, self.sizes, self.ended = wanted_ids, [], None, None, [], None

    cdef lend(self, Py_ssize_t n_neurons, int64_t interval):
        """Put the block by and lend a new one. Half of it holds a step in which all neurons fire, and, up to 32 MB, as
        many of them as the engine takes at a time."""
        capacity = max(1 << 16, 2 * n_neurons, min(2 * interval * n_neurons, 1 << 22))
        step, id = np.empty(capacity, np.int64), np.empty(capacity, np.int64)
        if self.step is not None:
            self.full.append((self.step[:self.c.n].copy(), self.id[:self.c.n].copy()))
        self.c.step = <int64_t *>_address(step, "i8", capacity, "spike recorder")
        self.c.id = <int64_t *>_address(id, "i8", capacity, "spike recorder")
        self.step, self.id, self.c.capacity, self.c.n = step, id, capacity, 0

    def prepared(self, ids):
        """What `bind` takes: which neurons are wanted (None: all), and how many."""
        if self.wanted_ids is None:
            return None, len(ids)
        wanted = np.isin(ids, self.wanted_ids).astype(np.uint8)
        return wanted, int(wanted.sum())

    cdef bind(self, object prepared, int64_t step):
        wanted, n = prepared
        self.c.wanted = NULL
        if wanted is not None:
            self.c.wanted = <const uint8_t *>_address(wanted, "u1", 0, "spike recorder")
        self.wanted = wanted
        if self.sizes and self.sizes[len(self.sizes) - 1][0] == step:  # bound twice between two steps
            self.sizes.pop()
        if not self.sizes or self.sizes[len(self.sizes) - 1][1] != n:
            self.sizes.append((int(step), n))

    cdef end(self, int64_t step):
        if self.ended is None:
            self.ended = int(step)

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
        sizes = np.array(self.sizes, np.int64).reshape(-1, 2)
        return {"wanted": self.wanted_ids, "step": step, "id": id, "sizes": sizes, "ended": self.ended}

    def restore(self, state):
        """Take over what another recorder has `saved`, into one that has recorded nothing."""
        part = SavedPart(state, "recorder")
        part.only("wanted", "step", "id", "sizes", "ended")
        step = part.array("step", "i8", (None,), 1)
        part.array("id", "i8", (None,) if step is None else step.shape, 0)
        if part.has("wanted") and state["wanted"] is not None:
            part.array("wanted", "i8", (None,))
        sizes = part.array("sizes", "i8", (None, 2), 0)
        if part.has("ended") and state["ended"] is not None:
            part.whole("ended", 0, 1 << 61)
        part.finish()
        self.wanted_ids, self.full = state["wanted"], [(np.array(state["step"]), np.array(state["id"]))]
        self.sizes, self.ended = [(int(of), int(n)) for of, n in sizes], state["ended"]


cdef class SampleRecorder:
    """Rows of chosen entries of one column, taken every so many steps. `resolve()` gives (column, index) anew
    whenever the network's arrays have been replaced; an index below 0 stands for an entry that is gone: NaN."""

    cdef nm_sample_record c
    cdef object resolve, column, index, step, value
    cdef list full

    def __init__(self, resolve, Py_ssize_t every):
        self.resolve, self.full, self.step = resolve, [], None
        self.c.every = every

    def prepared(self):
        """What `bind` takes: the column and the index."""
        column, index = self.resolve()
        index = np.ascontiguousarray(index, np.int64)
        if self.step is not None and len(index) != self.c.width:
            raise CoreError("a sample recorder: must have as many entries as before")
        if index.size and index.max() >= column.size:
            raise CoreError("a sample recorder: must have entries of its column")
        return column, index

    cdef bind(self, object prepared):
        column, index = prepared
        single, whole = column.dtype == np.float32, column.dtype == np.int64
        self.c.column = _address(column, "f4" if single else "i8" if whole else "f8", 0, "sample recorder")
        self.c.index = <const int64_t *>_address(index, "i8", 0, "sample recorder")
        self.c.is_float32, self.c.is_int64, self.c.width = single, whole, len(index)
        self.column, self.index = column, index

    cdef lend(self):
        capacity = max(64, (1 << 17) // max(1, self.c.width))
        step, value = np.empty(capacity, np.int64), np.empty((capacity, self.c.width))
        if self.step is not None:
            self.full.append((self.step[:self.c.n], self.value[:self.c.n]))
        self.c.step = <int64_t *>_address(step, "i8", capacity, "sample recorder")
        self.c.value = <double *>_address(value, "f8", 0, "sample recorder")
        self.step, self.value, self.c.capacity, self.c.n = step, value, capacity, 0

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


class Probe:
    """Rows of `width` float32 that `read()` gives at the end of the steps divisible by `every`: a run pauses there. For
    what stands in no column, such as weights under a lazy rule."""

    def __init__(self, read, every, width):
        self.read, self.every, self.width, self.rows = read, every, width, []

    def sample(self, step):
        """Take a row."""
        row = self.read()
        self.rows.append((step, row))

    def arrays(self):
        """(step, value of shape (samples, width)) recorded so far; copies."""
        rows = list(self.rows)
        if not rows:
            return np.empty(0, np.int64), np.empty((0, self.width), np.float32)
        return np.array([step for step, _ in rows], np.int64), np.stack([row for _, row in rows])

    def saved(self):
        """All of it, as `restore` takes it."""
        step, value = self.arrays()
        return {"every": self.every, "step": step, "value": value}

    def restore(self, state):
        """Take over what another probe has `saved`, into one that has recorded nothing."""
        part = SavedPart(state, "recorder")
        part.only("every", "step", "value")
        every, step = part.whole("every", 1, 1 << 61), part.array("step", "i8", (None,), 1)
        value = part.array("value", "f4", (0 if step is None else len(step), self.width))
        part.finish()
        self.every, self.rows = every, [(int(step[k]), value[k].copy()) for k in range(len(step))]


cdef sample_all(list probes, int64_t step):
    """Each probe takes a row if it is due; Ctrl-C waits until all have theirs, as the step is done."""
    interrupted = None
    for probe in probes:
        while step % <int64_t>probe.every == 0:
            try:
                probe.sample(step)
                break
            except KeyboardInterrupt as came:
                interrupted = came
    if interrupted is not None:
        raise interrupted
