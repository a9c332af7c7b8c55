# Bit-maps of dense projections, made when an engine first needs them and kept with the projection: they depend on its
# synapses alone, so that engines and twins share them. Transcribes nm_bitmap.h.


cdef class Bitmap:
    """What nm_bitmap.h wants to know of a projection's synapses; bits only where all weights are equal."""

    cdef nm_bitmap c
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
        n_buckets = nm_all_buckets(network, p)
        extra_start = np.zeros(n_buckets + 1, np.int64)
        self.c.extra_start = <const int64_t *>_address(extra_start, "i8", n_buckets + 1, "extra_start")
        if projection.dense is None or projection.dense:  # of a part of a projection: what the whole is
            self.c.most = nm_bitmap_worth(p, network.n_neurons, n_buckets, projection.dense is not None,
                                          <int64_t *>self.c.extra_start)
        self.extra_start = None if self.c.most == 0 else extra_start
        self.target, self.n_neurons = projection.target, network.n_neurons

    cdef fill(self, const nm_projection *p, const nm_network *network):
        """Make the bits, if they are not there."""
        if self.bits is not None:
            return
        n_buckets, words = nm_all_buckets(network, p), nm_bitmap_words(network.partition_width)
        bits = aligned(n_buckets * words, np.uint64)
        extra = np.zeros(self.extra_start[n_buckets] + NM_BITMAP_READ, np.uint16)
        self.c.words = words
        self.c.bits = <const uint64_t *>_address(bits, "u8", bits.size, "bits")
        self.c.extra = <const uint16_t *>_address(extra, "u2", extra.size, "extra")
        nm_bitmap_fill(p, n_buckets, words, <uint64_t *>self.c.bits, <uint16_t *>self.c.extra)
        self.bits, self.extra = bits, extra


cdef _lend_bitmap(nm_projection *p, object projection, const nm_network *network):
    """Lend p the map of its synapses, if it has any use of one; returns it, or None."""
    cdef Bitmap bitmap = projection.bitmap
    p.bitmap = NULL
    if p.rule != NULL or p.short_term != NULL or p.run_delay != NULL:
        return None
    if bitmap.target is None:
        bitmap.make(p, projection, network)
    elif not bitmap.fits(projection, network.n_neurons):
        raise CoreError(f"projection {projection.name}: its bit-map is of other synapses")
    if bitmap.c.most == 0:
        return None
    if p.weight == NULL:
        bitmap.fill(p, network)
    p.bitmap = &bitmap.c
    return bitmap
