# Random draws and network construction: NumPy arrays allocated here, filled by C without the GIL. Transcribes
# nm_rng.h, nm_build.h and nm_drive.h. Slots are positions in the neuron columns; ids key the draws.

# What a draw is for, as numbers of streams. Salts (a projection's number, say) tell apart draws of one kind.
STREAMS = {
    "neuron": NM_STREAM_NEURON, "drive": NM_STREAM_DRIVE, "drive_more": NM_STREAM_DRIVE_MORE,
    "place": NM_STREAM_PLACE, "connect": NM_STREAM_CONNECT, "weight": NM_STREAM_WEIGHT,
    "delay": NM_STREAM_DELAY, "user": NM_STREAM_USER,
    "weight_again": NM_STREAM_WEIGHT_AGAIN, "delay_again": NM_STREAM_DELAY_AGAIN,
    "short_term": NM_STREAM_SHORT_TERM, "current": NM_STREAM_CURRENT, "train": NM_STREAM_TRAIN,
    "degree": NM_STREAM_DEGREE, "degree_again": NM_STREAM_DEGREE_AGAIN, "life": NM_STREAM_LIFE,
    "noise": NM_STREAM_NOISE, "noise_flat": NM_STREAM_NOISE_FLAT,
}
DRIVE_MEAN = NM_POISSON_MEAN  # largest mean, in events per step, that a table of the background drive serves


cdef uint32_t _stream(object purpose, uint32_t salt) except? 0:
    """The stream of a purpose, given by its name in STREAMS or its number."""
    if salt >= 1 << 24:
        raise ValueError(f"salt: must be below 2**24; got {salt}")
    return nm_stream(<uint32_t>(STREAMS[purpose] if isinstance(purpose, str) else purpose), salt)


# ---- random words and values -------------------------------------------------------------------------------


def philox(counter, key):
    """One Philox-4x32-10 block: the four words of a counter of four and a key of two words."""
    cdef uint32_t[4] c = counter
    cdef uint32_t[2] k = key
    cdef uint32_t[4] out
    nm_rng_philox(c, k, out)
    return out[0], out[1], out[2], out[3]


def random_words(uint64_t seed, stream, uint32_t first_id, uint64_t step, Py_ssize_t n, uint32_t salt=0):
    """One word for each of the ids first_id .. first_id + n - 1: uint32 array."""
    words = np.empty(n, np.uint32)
    cdef uint32_t[::1] out = words
    cdef uint32_t number = _stream(stream, salt)
    with nogil:
        nm_rng_fill(seed, number, first_id, step, <size_t>n, &out[0])
    return words


def random_word(uint64_t seed, stream, uint32_t id, uint64_t step, uint32_t salt=0):
    """The word that `random_words` gives for one id."""
    return nm_rng_word(seed, _stream(stream, salt), id, step)


def random_sequence(uint64_t seed, stream, uint32_t id, uint64_t first_step, Py_ssize_t n_blocks,
                    uint32_t salt=0):
    """The words of one id's blocks first_step .. first_step + n_blocks - 1, in order: uint32 array."""
    words = np.empty(4 * n_blocks, np.uint32)
    cdef uint32_t[::1] out = words
    cdef uint32_t number = _stream(stream, salt)
    with nogil:
        nm_rng_sequence(seed, number, id, first_step, <size_t>n_blocks, &out[0])
    return words


def random_words_at(uint64_t seed, stream, begin, size, uint32_t salt=0):
    """The words of the ids of some ranges, one after another, in step 0. `begin`, `size`: of each range, int64."""
    cdef _Ranges at = _Ranges(int(np.sum(size)), (begin, size))
    words = np.empty(at.n, np.uint32)
    cdef uint32_t[::1] out = words
    cdef uint32_t number = _stream(stream, salt)
    cdef Py_ssize_t k
    with nogil:
        for k in range(at.n_ranges):
            nm_rng_fill(seed, number, <uint32_t>at.begin[k], 0, <size_t>at.size[k], &out[0] + at.place[k])
    return words


cdef Py_ssize_t _SHARE = 1 << 18        # values that are drawn between two looks for Ctrl-C,
cdef Py_ssize_t _SHARE_AGAIN = 1 << 13  # and such that may need hundreds of draws each

ctypedef void (*_draw)(uint64_t, uint32_t, double, double, int64_t, int64_t, float *) noexcept nogil


cdef class _Ranges:
    """Positions of n values: 0 .. n - 1 in shares; or `at`, the begin and size of ranges that have n in all."""

    cdef const int64_t[::1] begin, size, place
    cdef Py_ssize_t n, n_ranges

    def __init__(self, Py_ssize_t n, at, Py_ssize_t share=_SHARE):
        if at is None:
            begin = np.arange(0, n, share)
            at = begin, np.minimum(n - begin, share)
        begin, size = (np.ascontiguousarray(each, np.int64) for each in at)
        place = np.concatenate([np.zeros(1, np.int64), np.cumsum(size)])
        if begin.shape != size.shape or begin.ndim != 1 or np.any(begin < 0) or np.any(size < 0) or place[len(size)] != n:
            raise ValueError(f"at: must be begins and sizes >= 0 of ranges with {n} values; got {place[len(size)]}")
        self.begin, self.size, self.place, self.n, self.n_ranges = begin, size, place, n, len(begin)


cdef _drawn(_draw draw, uint64_t seed, uint32_t stream, double a, double b, Py_ssize_t n, at):
    """n values as float32, by their positions."""
    cdef _Ranges ranges = _Ranges(n, at)
    values = np.empty(n, np.float32)
    cdef float[::1] out = values
    cdef Py_ssize_t k = 0, stop
    while k < ranges.n_ranges:
        with nogil:
            stop = ranges.place[k] + _SHARE
            while k < ranges.n_ranges and ranges.place[k] < stop:
                draw(seed, stream, a, b, ranges.begin[k], ranges.size[k], &out[0] + ranges.place[k])
                k += 1
        PyErr_CheckSignals()
    return values


def draw_normal(uint64_t seed, purpose, uint32_t salt, double mean, double sd, Py_ssize_t n, at=None):
    """n normal deviates as float32; each depends on its position only.

    `at`: begin and size of ranges of positions, int64, with n in all. Default: 0 .. n - 1.
    """
    return _drawn(nm_build_normal, seed, _stream(purpose, salt), mean, sd, n, at)


def draw_lognormal(uint64_t seed, purpose, uint32_t salt, double mean, double sd, Py_ssize_t n, at=None):
    """n values whose logarithms are normal, as float32; as `draw_normal`."""
    return _drawn(nm_build_lognormal, seed, _stream(purpose, salt), mean, sd, n, at)


def draw_uniform(uint64_t seed, purpose, uint32_t salt, double low, double high, Py_ssize_t n, at=None):
    """n uniform deviates of [low, high) as float32; as `draw_normal`."""
    return _drawn(nm_build_uniform, seed, _stream(purpose, salt), low, high, n, at)


def redraw(values, uint64_t seed, purpose, uint32_t salt, double mean, double sd, lognormal, float low, float high,
           at=None):
    """Draw in place each value that lies outside low .. high again. False: some value fell outside at every attempt."""
    cdef float[::1] out = values
    cdef uint32_t stream = _stream(purpose + "_again", salt)
    cdef int log = 1 if lognormal else 0, status = NM_OK
    cdef _Ranges ranges = _Ranges(len(out), at, _SHARE_AGAIN)
    cdef Py_ssize_t k = 0, stop
    cdef nm_error error
    while k < ranges.n_ranges:
        with nogil:
            stop = ranges.place[k] + _SHARE_AGAIN
            while k < ranges.n_ranges and ranges.place[k] < stop and status == NM_OK:
                status = nm_build_redraw(seed, stream, mean, sd, log, low, high, ranges.begin[k], ranges.size[k],
                                         &out[0] + ranges.place[k], &error)
                k += 1
        if status != NM_OK:
            return False
        PyErr_CheckSignals()
    return True


# ---- who is connected to whom ------------------------------------------------------------------------------


cdef class _Build:
    """The arguments that all three rules share, and the arrays they borrow from."""

    cdef nm_build c
    cdef const int32_t[::1] pre, post
    cdef const int64_t[::1] id
    cdef int64_t n_buckets
    cdef object bucket_start
    cdef object interrupt  # what a signal raised meanwhile

    def __init__(self, pre, post, id, autapses, uint64_t seed, uint32_t salt, parts=None):
        sources, targets = np.ascontiguousarray(pre, np.int32), np.ascontiguousarray(post, np.int32)
        self.pre, self.post, self.id = sources, targets, np.ascontiguousarray(id, np.int64)
        last = max(sources.max(initial=-1), targets.max(initial=-1))
        if last >= len(self.id):
            raise IndexError(f"slot: must be below {len(self.id)}; got {last}")
        cdef int64_t n_pre = len(self.pre), n_post = len(self.post), first = 0, n_rows = 0
        if n_pre:
            first = self.pre[0]
            n_rows = max(<int64_t>self.pre[n_pre - 1] - first + 1, <int64_t>0)
        _stream("connect", salt)
        n_partitions, partition_width = partitions(len(self.id))
        first_partition, n_partitions = _held_parts(parts, n_partitions)
        self.n_buckets = n_rows * <int64_t>n_partitions
        self.bucket_start = np.empty(self.n_buckets + 1, np.int64)
        self.c = nm_build(pre=&self.pre[0], post=&self.post[0], n_pre=n_pre, n_post=n_post, id=&self.id[0],
                          pre_first=first, n_rows=n_rows, autapses=1 if autapses else 0, seed=seed, salt=salt,
                          n_partitions=n_partitions, partition_width=partition_width,
                          first_partition=first_partition, interrupted=_is_interrupted, context=<void *>self)

    cdef int check(self, int status, const nm_error *error) except -1:
        """Raise what ended a call of C."""
        if status == NM_STOP_INTERRUPTED:
            interrupt, self.interrupt = self.interrupt, None
            raise interrupt
        if status != NM_OK:
            raise_error(error)
        return 0


cdef int _is_interrupted(void *context) noexcept nogil:
    """Whether a signal has come that ends the call, Ctrl-C for one; called by C."""
    with gil:
        try:
            PyErr_CheckSignals()
        except BaseException as interrupt:
            (<_Build>context).interrupt = interrupt
            return 1
    return 0


cdef _held_parts(parts, n_partitions):
    """The first of the partitions that have buckets, and their number; None: all."""
    first, end = (0, n_partitions) if parts is None else parts
    if not 0 <= first <= end <= n_partitions:
        raise ValueError(f"parts: must be among {n_partitions}; got {first} to {end}")
    return first, end - first


def build_probability(pre, post, id, double p, autapses, uint64_t seed, uint32_t salt, room=None, parts=None):
    """Each pair with probability p -> (pre_first, bucket_start, local).

    Parameters
    ----------
    pre, post : array_like of int, shape (n,), slots, ascending without repeats
    id : array_like of int, shape (n_neurons,)
        Ids of all slots of the network, 0 to 2**32 - 1.
    p : float, 0 to 1
    autapses : bool
        Whether a neuron may be connected to itself.
    seed, salt : int, 0 to 2**64 - 1 and 0 to 2**24 - 1
    room : int, optional
        Entries to allocate before the number of synapses is known. Default: 8 standard deviations above the
        mean. Too little costs a second pass, and changes nothing else.
    parts : pair of int, optional
        First part of the network that has places, and one past the last: `post` lies within. With p = 1 alone, since
        the draws of a source go on from target to target. Default: all parts.

    Returns
    -------
    int, ndarray of int64 of shape (n_rows * n_partitions + 1,), ndarray of uint16 of shape (n_synapses,)
        Place row * n_partitions + part holds the targets of the neuron in slot pre_first + row in that part of the
        network, ascending, each counted from the first slot of the part.
    """
    if parts is not None and p != 1.0:
        raise ValueError(f"parts: must be given with p = 1 alone; got {p}")
    cdef _Build build = _Build(pre, post, id, autapses, seed, salt, parts)
    cdef int64_t[::1] bucket_start = build.bucket_start
    cdef uint16_t[::1] out
    cdef nm_error error
    cdef int status
    cdef Py_ssize_t n_buckets = build.n_buckets
    pairs = int(build.c.n_pre) * int(build.c.n_post)
    if room is None:
        share = p if 0.0 <= p <= 1.0 else 0.0  # C refuses the rest
        room = min(pairs, int(pairs * share + 8.0 * (pairs * share * (1.0 - share)) ** 0.5) + 64)
    local = np.empty(room, np.uint16)
    out = local
    bucket_start[n_buckets] = room
    with nogil:
        status = nm_build_probability(&build.c, p, &bucket_start[0], &out[0], &error)
    if status == NM_ERR_TOO_LARGE and error.field == -1:
        with nogil:
            status = nm_build_probability(&build.c, p, &bucket_start[0], NULL, &error)
        if status == NM_OK:
            local = np.empty(bucket_start[n_buckets], np.uint16)
            out = local
            with nogil:
                status = nm_build_probability(&build.c, p, &bucket_start[0], &out[0], &error)
    build.check(status, &error)
    out = None
    local.resize(build.bucket_start[n_buckets], refcheck=False)  # nothing else has seen it
    return build.c.pre_first, build.bucket_start, local


def build_in_degree(pre, post, id, int64_t degree, autapses, uint64_t seed, uint32_t salt, parts=None):
    """Each target gets `degree` sources, drawn with replacement -> (pre_first, bucket_start, local).

    Arguments and results as for `build_probability`; a target with no possible source is an error. With `parts`, each
    target's sources are the same.
    """
    cdef _Build build = _Build(pre, post, id, autapses, seed, salt, parts)
    cdef int64_t[::1] bucket_start = build.bucket_start, scratch = np.empty(build.c.n_rows, np.int64)
    cdef nm_error error
    cdef int status
    n = int(max(degree, 0)) * int(build.c.n_post) if build.c.n_pre else 0  # of any size: no wrapping
    local = np.empty(n, np.uint16)
    cdef uint16_t[::1] out = local
    cdef uint8_t[::1] drawn = np.empty(n * (2 if build.c.n_rows <= NM_BUILD_NARROW else 4), np.uint8)
    with nogil:
        status = nm_build_in_degree(&build.c, degree, &scratch[0], &drawn[0], &bucket_start[0], &out[0], &error)
    build.check(status, &error)
    return build.c.pre_first, build.bucket_start, local


def build_out_degree(pre, post, id, int64_t degree, autapses, uint64_t seed, uint32_t salt):
    """Each source gets `degree` targets, drawn with replacement -> (pre_first, bucket_start, local).

    Arguments and results as for `build_probability`; a source with no possible target is an error.
    """
    cdef _Build build = _Build(pre, post, id, autapses, seed, salt)
    cdef int64_t[::1] bucket_start = build.bucket_start
    cdef nm_error error
    cdef int status
    local = np.empty(int(max(degree, 0)) * int(build.c.n_pre) if build.c.n_post else 0, np.uint16)
    cdef uint16_t[::1] out = local
    cdef int32_t[::1] scratch = np.empty(2 * int(max(degree, 0)) if build.c.n_pre and build.c.n_post else 0, np.int32)
    with nogil:
        status = nm_build_out_degree(&build.c, degree, &scratch[0], &bucket_start[0], &out[0], &error)
    build.check(status, &error)
    return build.c.pre_first, build.bucket_start, local


def build_out_degrees(pre, post, id, degrees, autapses, uint64_t seed, uint32_t salt):
    """Source k gets degrees[k] targets, drawn with replacement -> (pre_first, bucket_start, local).

    `degrees`: ndarray of int64, shape (len(pre),). Else as `build_out_degree`, whose targets equal degrees give.
    """
    cdef _Build build = _Build(pre, post, id, autapses, seed, salt)
    cdef int64_t[::1] bucket_start = build.bucket_start
    cdef nm_error error
    cdef int status
    if np.shape(degrees) != (build.c.n_pre,):
        raise ValueError(f"degrees: must have shape ({build.c.n_pre},); got {np.shape(degrees)}")
    cdef const int64_t[::1] each = np.append(degrees, 0)  # one more, so that there is an address
    local = np.empty(int(np.sum(degrees)), np.uint16)
    cdef uint16_t[::1] out = local
    cdef int32_t[::1] scratch = np.empty(2 * int(np.max(degrees, initial=0)), np.int32)
    with nogil:
        status = nm_build_out_degrees(&build.c, &each[0], &scratch[0], &bucket_start[0], &out[0], &error)
    build.check(status, &error)
    return build.c.pre_first, build.bucket_start, local


def build_pairs(pre, post):
    """Rows from explicit pairs of slots -> (pre_first, row_start, targets, order): pair order[k] is synapse k."""
    cdef const int32_t[::1] source = np.ascontiguousarray(pre, np.int32)
    cdef const int32_t[::1] target = np.ascontiguousarray(post, np.int32)
    cdef Py_ssize_t n = len(source)
    if len(target) != n:
        raise ValueError(f"post: must be as long as pre, {n}; got {len(target)}")
    cdef int64_t first = np.min(source) if n else 0, n_rows = np.max(source) - first + 1 if n else 0
    starts, targets, order = np.empty(n_rows + 1, np.int64), np.empty(n, np.int32), np.empty(n, np.int64)
    cdef int64_t[::1] row_start = starts, out_order = order
    cdef int32_t[::1] out = targets
    cdef nm_error error
    cdef int status
    with nogil:
        status = nm_build_pairs(&source[0], &target[0], n, first, n_rows, &row_start[0], NULL, NULL, &error)
        if status == NM_OK:
            status = nm_build_pairs(&source[0], &target[0], n, first, n_rows, &row_start[0], &out[0],
                                    &out_order[0], &error)
    if status != NM_OK:
        raise_error(&error)
    return first, starts, targets, order


# ---- orders of synapses ------------------------------------------------------------------------------------


cdef _check_rows(const int64_t[::1] row_start, Py_ssize_t n, str what):
    if len(row_start) == 0 or row_start[len(row_start) - 1] != n:
        raise CoreError(f"{what}: must have row_start[-1] entries; got {n}")


def sort_rows_by_delay(row_start, uint16_t[::1] delay, uint16_t[::1] local, weight=None, pair=None):
    """Sort each row, or place, by delay, in place, equal delays in their order; the other columns move along.

    Parameters
    ----------
    row_start : ndarray of int64, shape (n_rows + 1,)
    delay : ndarray of uint16, shape (n_synapses,), steps
    local : ndarray of uint16, shape (n_synapses,)
        Targets, each counted from the first slot of its part.
    weight : ndarray of float32, shape (n_synapses,), optional
    pair : ndarray of int64, shape (n_synapses,), 0 to 2**32 - 1, optional
        Which pair became each synapse.
    """
    cdef const int64_t[::1] starts = row_start
    cdef float[::1] weights = np.empty(0, np.float32) if weight is None else weight
    cdef int64_t[::1] pairs = np.empty(0, np.int64) if pair is None else pair
    cdef Py_ssize_t n = len(delay), n_rows = len(starts) - 1
    _check_rows(starts, n, "delay")
    _check_rows(starts, len(local), "local")
    if weight is not None:
        _check_rows(starts, len(weights), "weight")
    if pair is not None:
        _check_rows(starts, len(pairs), "pair")
    longest = max(int(np.max(np.diff(row_start), initial=0)), 1)
    cdef int64_t[::1] order = np.empty(longest, np.int64)
    cdef uint32_t[::1] scratch = np.empty(longest, np.uint32)
    cdef float *own = NULL if weight is None else &weights[0]
    cdef int64_t *moved = NULL if pair is None else &pairs[0]
    cdef nm_error error
    cdef int status
    cdef Py_ssize_t first, n_now, some = 1 + (n_rows << 18) // (1 + n)
    for first in range(0, n_rows, some):
        n_now = min(some, n_rows - first)
        with nogil:
            status = nm_build_sort_by_delay(&starts[first], n_now, &delay[0], &local[0], own, moved, &order[0],
                                            &scratch[0], &error)
        if status != NM_OK:
            raise_error(&error)
        PyErr_CheckSignals()


def partitions(int64_t n_neurons):
    """(number of parts, slots in a part) of a network of so many neurons."""
    return nm_network_count_partitions(n_neurons), nm_network_partition_width(n_neurons)


def build_buckets(row_start, targets, int64_t n_neurons, parts=None):
    """Rows cut by the parts of a network of n_neurons -> (bucket_start, local): place row * n_partitions + part.

    Parameters
    ----------
    row_start : ndarray of int64, shape (n_rows + 1,)
    targets : ndarray of int32, shape (n_synapses,), slots, the parts of a row ascending
    n_neurons : int
    parts : pair of int, optional
        First part that has places, and one past the last: the targets lie within. Default: all.

    Returns
    -------
    ndarray of int64 of shape (n_rows * n_partitions + 1,), ndarray of uint16 of shape (n_synapses,)
        Where each place begins; each target counted from the first slot of its part.
    """
    cdef const int64_t[::1] starts = row_start
    cdef const int32_t[::1] target
    cdef int64_t first, n_held
    cdef Py_ssize_t n_rows = len(starts) - 1
    cdef int64_t width = nm_network_partition_width(n_neurons), n_partitions = nm_network_count_partitions(n_neurons)
    first, n_held = _held_parts(parts, n_partitions)
    target = np.ascontiguousarray(targets - first * width if first else targets, np.int32)
    _check_rows(starts, len(target), "targets")
    bucket_start, local = np.empty(n_rows * n_held + 1, np.int64), np.empty(len(target), np.uint16)
    cdef int64_t[::1] out_start = bucket_start
    cdef uint16_t[::1] out = local
    cdef nm_error error
    cdef int status
    with nogil:
        status = nm_build_buckets(&starts[0], n_rows, &target[0], n_held, width, &out_start[0], &out[0], &error)
    if status != NM_OK:
        raise_error(&error)
    return bucket_start, local


def parted_rows(bucket_start, const uint16_t[::1] local, int64_t n_partitions, firsts):
    """Rows cut by the processes that have the parts -> (sizes, targets, n_targets), process by process.

    Parameters
    ----------
    bucket_start : ndarray of int64, shape (n_rows * n_partitions + 1,)
    local : ndarray of uint16, shape (n_synapses,)
    n_partitions : int, >= 1
    firsts : array_like of int, shape (n_processes + 1,), ascending from 0 to n_partitions
        First part of each process.

    Returns
    -------
    ndarray of int32 of shape (n_rows * n_partitions,), ndarray of uint16 of shape (n_synapses,), ndarray of int64
        Of each process its places' sizes, row by row, and their targets; and its number of targets.
    """
    cdef const int64_t[::1] start = bucket_start, bounds = np.ascontiguousarray(firsts, np.int64)
    cdef int64_t n_buckets = len(start) - 1, n_rows = n_buckets // max(n_partitions, 1), row, part, end, first
    cdef int64_t at = 0, place = 0, process, n_processes = len(bounds) - 1
    _check_rows(start, len(local), "local")
    if n_buckets != n_rows * n_partitions or bounds[0] != 0 or bounds[n_processes] != n_partitions:
        raise CoreError(f"parted_rows: must be rows of {n_partitions} parts; got {n_buckets} places")
    sizes, targets, totals = np.empty(n_buckets, np.int32), np.empty(len(local), np.uint16), np.zeros(n_processes, np.int64)
    cdef int32_t[::1] size = sizes
    cdef uint16_t[::1] out = targets
    cdef int64_t[::1] total = totals
    with nogil:
        for process in range(n_processes):
            first = at
            for row in range(n_rows):
                part, end = row * n_partitions + bounds[process], row * n_partitions + bounds[process + 1]
                if start[end] > start[part]:
                    memcpy(&out[at], &local[start[part]], <size_t>(start[end] - start[part]) * sizeof(uint16_t))
                    at += start[end] - start[part]
                while part < end:
                    size[place] = <int32_t>(start[part + 1] - start[part])
                    part, place = part + 1, place + 1
            total[process] = at - first
    return sizes, targets, totals


def bitmap_pays(int64_t n_synapses, int64_t n_rows, int64_t n_neurons, int64_t extras):
    """Whether bitmap delivery is faster where `extras` synapses are beyond the first from a source to a target."""
    return bool(nm_bitmap_pays(n_synapses, n_rows, n_neurons, extras))


def build_runs(bucket_start, const uint16_t[::1] delay):
    """Runs of one delay in places sorted by delay -> (bucket_run, run_start, run_delay)."""
    cdef const int64_t[::1] starts = bucket_start
    cdef int64_t n_buckets = len(starts) - 1, n
    _check_rows(starts, len(delay), "delay")
    cdef int64_t first, n_now, n_more, bucket, some = 1 + (n_buckets << 20) // (1 + len(delay))
    n = 0
    for first in range(0, n_buckets, some):
        with nogil:
            n += nm_build_runs(&starts[first], min(some, n_buckets - first), &delay[0], NULL, NULL, NULL)
        PyErr_CheckSignals()
    bucket_run, run_start = np.empty(n_buckets + 1, np.int64), np.empty(n + 1, np.int64)
    run_delay = np.empty(n, np.uint16)
    cdef int64_t[::1] out_row = bucket_run, out_start = run_start
    cdef uint16_t[::1] out_delay = run_delay
    out_row[0] = out_start[0] = 0
    n = 0
    for first in range(0, n_buckets, some):
        n_now = min(some, n_buckets - first)
        with nogil:
            n_more = nm_build_runs(&starts[first], n_now, &delay[0], &out_row[first], &out_start[n], &out_delay[n])
            for bucket in range(first, first + n_now + 1):
                out_row[bucket] += n
            n += n_more
        PyErr_CheckSignals()
    return bucket_run, run_start, run_delay


def target_slots(bucket_start, const uint16_t[::1] local, int64_t first_partition, int64_t n_held, int64_t width):
    """Slot of each target, int32, in rows with buckets for `n_held` partitions of so many slots."""
    cdef const int64_t[::1] starts = bucket_start
    cdef int64_t n_buckets = len(starts) - 1, bucket, s, begin, last, first
    cdef int64_t some = 1 + (n_buckets << 20) // (1 + len(local))
    _check_rows(starts, len(local), "local")
    slots = np.empty(len(local), np.int32)
    cdef int32_t[::1] out = slots
    for begin in range(0, n_buckets, some):
        last = min(begin + some, n_buckets)
        with nogil:
            for bucket in range(begin, last):
                first = (first_partition + bucket % n_held) * width
                for s in range(starts[bucket], starts[bucket + 1]):
                    out[s] = <int32_t>(first + local[s])
        PyErr_CheckSignals()
    return slots


# ---- background drive --------------------------------------------------------------------------------------


def drive_table(double mean):
    """Thresholds of the Poisson counts of `mean` (at most DRIVE_MEAN) events per step: uint32 array."""
    if not 0.0 <= mean <= NM_POISSON_MEAN:
        raise ValueError(f"mean: must be between 0 and {NM_POISSON_MEAN}; got {mean}")
    table = np.empty(NM_POISSON_TABLE, np.uint32)
    cdef uint32_t[::1] out = table
    nm_poisson_tabulate(mean, &out[0])
    return table


def drive_count(double mean, uint64_t seed, uint32_t id, uint64_t step):
    """Background events of one neuron in one step, by inversion."""
    return nm_drive_count(mean, seed, id, step)


def drive_input(rate, weight, id, double dt, uint64_t seed, uint64_t step, tabled=False):
    """Background input of at most a chunk of neurons in one step -> (excitatory, inhibitory), float64 arrays.

    Parameters
    ----------
    rate, weight, id : array_like, shape (n,), Hz, mV and neuron ids
    dt : float, ms
    tabled : bool, default False
        Use the table of the first neuron's rate for all, as for a chunk with one rate.
    """
    rates = np.ascontiguousarray(rate, np.float64)
    cdef double[::1] r = rates, w = np.ascontiguousarray(weight, np.float64)
    cdef const int64_t[::1] ids = np.ascontiguousarray(id, np.int64)
    if not 0 < len(r) <= NM_CHUNK or len(w) != len(r) or len(ids) != len(r):
        raise ValueError(f"rate, weight, id: must have the same length, 1 to {NM_CHUNK}; "
                         f"got {len(r)}, {len(w)}, {len(ids)}")
    cdef uint32_t[::1] table = drive_table(r[0] * dt * 1e-3 if tabled else 0.0)
    excitatory, inhibitory = np.zeros(len(r)), np.zeros(len(r))
    cdef double[::1] e = excitatory, i = inhibitory
    cdef nm_block block = nm_block(group=0, first=0, n=len(r), stride=0, driven=1 if tabled else 2, changed=0, noisy=0)
    cdef nm_network network
    network.blocks, network.n_blocks, network.n_neurons = &block, 1, len(r)
    network.id, network.drive_rate, network.drive_weight = &ids[0], &r[0], &w[0]
    network.drive_table = &table[0]
    nm_drive_add(&network, &block, dt, seed, step, 1.0, &e[0], &i[0])
    return excitatory, inhibitory
