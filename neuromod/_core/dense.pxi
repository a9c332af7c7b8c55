# Bit-maps of dense projections, made when an engine first needs them and kept with the projection: they depend on its
# synapses alone, so that engines and twins share them. Transcribes nm_dense.h.


cdef class DenseMap:
    """What nm_dense.h wants to know of a projection's synapses; bits only where all weights are equal."""

    cdef nm_dense c
    cdef object target, extra_start, bits, extra
    cdef int64_t n_neurons

    @property
    def worth(self):
        """Whether the projection gains by bit-maps."""
        return self.c.most > 0

    cdef bint fits(self, object projection, int64_t n_neurons):
        """Whether it was made of these very synapses."""
        return self.target is projection.target and self.n_neurons == n_neurons

    cdef make(self, const nm_projection *p, object projection, const nm_network *network):
        n_places = p.n_rows * network.n_parts
        self.target, self.n_neurons = projection.target, network.n_neurons
        self.extra_start = np.zeros(n_places + 1, np.int64)
        self.c.extra_start = <const int64_t *>_address(self.extra_start, "i8", n_places + 1, "extra_start")
        self.c.most = nm_dense_worth(p, network.n_neurons, network.n_parts, <int64_t *>self.c.extra_start)
        if self.c.most == 0:
            self.extra_start = None

    cdef fill(self, const nm_projection *p, const nm_network *network):
        """Make the bits, if they are not there."""
        if self.bits is not None:
            return
        n_places, words = p.n_rows * network.n_parts, nm_dense_words(network.part_width)
        self.bits = aligned(n_places * words, np.uint64)
        self.extra = np.empty(self.extra_start[n_places], np.uint16)
        self.c.words = words
        self.c.bits = <const uint64_t *>_address(self.bits, "u8", self.bits.size, "bits")
        self.c.extra = <const uint16_t *>_address(self.extra, "u2", self.extra.size, "extra")
        nm_dense_fill(p, n_places, words, <uint64_t *>self.c.bits, <uint16_t *>self.c.extra)


cdef _lend_dense(nm_projection *p, object projection, const nm_network *network):
    """Lend p the map of its synapses, if it has any use of one; returns it, or None."""
    cdef DenseMap dense = projection.dense
    p.dense = NULL
    if p.rule != NULL or p.short_term != NULL or p.segment_delay != NULL:
        return None
    if dense.target is None:
        dense.make(p, projection, network)
    elif not dense.fits(projection, network.n_neurons):
        raise CoreError(f"projection {projection.name}: its bit-map is of other synapses")
    if dense.c.most == 0:
        return None
    if p.weight == NULL:
        dense.fill(p, network)
    p.dense = &dense.c
    return dense
