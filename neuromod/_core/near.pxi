# Partners chosen for each neuron, and pairs by distance. Transcribes nm_build_distance.h and parts of nm_build.h.

_LAWS = {"constant": NM_LAW_CONSTANT, "gaussian": NM_LAW_GAUSSIAN, "exponential": NM_LAW_EXPONENTIAL}
cdef Py_ssize_t _NEAR = 1 << 18  # pairs between two looks for Ctrl-C, beside those of one source


def build_chosen(pre, post, id, of_sources, count, distinct, autapses, uint64_t seed, uint32_t salt):
    """count[i] targets for each source (of_sources), or sources for each target -> their slots, int32, neuron by neuron.

    Parameters
    ----------
    pre, post : array_like of int, shape (n,), slots, ascending without repeats
    id : array_like of int, shape (n_neurons,)
    of_sources : bool
    count : array_like of int, shape (n_pre,) or (n_post,)
    distinct : bool
        Whether no partner is chosen twice; else they are drawn with replacement.
    autapses : bool
    seed, salt : int

    Raises
    ------
    CoreFailure
        If a neuron has too few candidates.
    """
    cdef _Build build = _Build(pre, post, id, autapses, seed, salt)
    counts = np.ascontiguousarray(count, np.int64)
    if len(counts) != (build.c.n_pre if of_sources else build.c.n_post):
        raise ValueError(f"count: must have one entry for each neuron; got {len(counts)}")
    cdef const int64_t[::1] each = counts
    cdef int64_t n_list = build.c.n_post if of_sources else build.c.n_pre
    cdef uint64_t[::1] mark = np.zeros(n_list // 64 + 1, np.uint64)
    chosen = np.empty(int(np.maximum(counts, 0).sum()), np.int32)
    cdef int32_t[::1] out = chosen
    cdef nm_error error
    cdef int status, by_source = 1 if of_sources else 0, once = 1 if distinct else 0
    with nogil:
        status = nm_build_chosen(&build.c, by_source, &each[0], once, &mark[0], &out[0], &error)
    build.check(status, &error)
    return chosen


def pair_words(uint64_t seed, purpose, uint32_t salt, first, second):
    """One word for each pair of an id and a second number below 2**56: uint32 array."""
    cdef const int64_t[::1] one = np.ascontiguousarray(first, np.int64), other = np.ascontiguousarray(second, np.int64)
    if len(one) != len(other):
        raise ValueError(f"second: must be as long as first, {len(one)}; got {len(other)}")
    words = np.empty(len(one), np.uint32)
    cdef uint32_t[::1] out = words
    cdef uint32_t stream = _stream(purpose, salt)
    with nogil:
        nm_rng_each(seed, stream, &one[0], &other[0], <size_t>len(one), 1, &out[0])
    return words


cdef class NearPairs:
    """Pairs of slots by distance, some sources at a time.

    `law`: kind, p_center, scale, inner and outer radius. Positions: shape (n_axes, n), those of targets in the order of
    the cells, as `post_in_cells`. `next` gives (pre, post), sources ascending; None after the last.
    """

    cdef _Build build
    cdef nm_cells cells
    cdef nm_law law
    cdef int64_t source
    cdef const double[:, ::1] pre_position, post_position
    cdef const int32_t[::1] post_in_cells
    cdef const double[::1] period, corner, width
    cdef const int64_t[::1] count, start

    def __init__(self, pre, post, id, law, pre_position, post_position, post_in_cells, period, corner, width, count,
                 start, double reach, autapses, uint64_t seed, uint32_t salt):
        self.build = _Build(pre, post, id, autapses, seed, salt)
        self.pre_position, self.post_position = pre_position, post_position
        self.post_in_cells = np.ascontiguousarray(post_in_cells, np.int32)
        self.period, self.corner = np.ascontiguousarray(period, np.float64), np.ascontiguousarray(corner, np.float64)
        self.width, self.count = np.ascontiguousarray(width, np.float64), np.ascontiguousarray(count, np.int64)
        self.start = np.ascontiguousarray(start, np.int64)
        cdef Py_ssize_t n_axes = len(self.pre_position)
        cdef Py_ssize_t n_cells = int(np.prod(np.asarray(self.count)))
        fits = (0 < n_axes <= NM_MAX_AXES and len(self.post_position) == n_axes
                and self.pre_position.shape[1] == self.build.c.n_pre
                and self.post_position.shape[1] == self.build.c.n_post == len(self.post_in_cells)
                and len(self.period) == len(self.corner) == len(self.width) == len(self.count) == n_axes
                and len(self.start) == n_cells + 1 and self.start[n_cells] == self.build.c.n_post)
        if not fits:
            raise CoreError("near pairs: must have positions and cells of one number of axes")
        kind, p_center, scale, inner, radius = law
        self.law = nm_law(kind=_LAWS[kind], p_center=p_center, scale=scale, inner=inner, radius=radius)
        self.source = 0
        self.cells.n_axes, self.cells.reach = n_axes, reach
        if self.build.c.n_pre and self.build.c.n_post:
            self.cells.pre_position, self.cells.post_position = &self.pre_position[0, 0], &self.post_position[0, 0]
            self.cells.post, self.cells.start = &self.post_in_cells[0], &self.start[0]
            self.cells.period, self.cells.corner = &self.period[0], &self.corner[0]
            self.cells.width, self.cells.count = &self.width[0], &self.count[0]
            self._check()

    cdef _check(self):
        cdef nm_error error
        if nm_build_check(&self.build.c, &error) != NM_OK:
            raise_error(&error)

    def next(self):
        """The pairs of the next sources, int32 arrays; None: there are no more sources."""
        if self.source >= self.build.c.n_pre or self.build.c.n_post == 0:
            return None
        cdef int64_t room = self.build.c.n_post + _NEAR, n, source = self.source
        pre, post = np.empty(room, np.int32), np.empty(room, np.int32)
        cdef int32_t[::1] of = pre, to = post
        with nogil:
            n = nm_build_near(&self.build.c, &self.cells, &self.law, &source, room, &of[0], &to[0])
        self.source = source
        PyErr_CheckSignals()
        return pre[:n], post[:n]
