# Replicas: engines that are advanced side by side. Transcribes nm_replicas.h.


cdef class EngineGroup:
    """Engines of copies of one network, advanced together; `Replicas` is its only user."""

    cdef readonly list engines
    cdef nm_replica *replicas
    cdef Pool pool
    cdef bint running

    def __cinit__(self, engines):
        self.engines, self.pool = list(engines), Pool()
        if not all(isinstance(each, Engine) for each in self.engines):
            raise TypeError("engines: must be engines")
        self.replicas = <nm_replica *>PyMem_Calloc(max(1, len(self.engines)), sizeof(nm_replica))
        if self.replicas == NULL:
            raise MemoryError

    def __dealloc__(self):
        PyMem_Free(self.replicas)

    def run(self, int64_t n_steps, inputs=None, input_ids=None, int threads=1, progress=None):
        """Advance all by n_steps with the GIL released; `inputs` is one array for each, or None.

        Returns None, or (k, CoreFailure) of the first replica that failed; the others have done their steps.
        """
        cdef Engine engine
        if self.running or any((<Engine>one).running for one in self.engines):
            raise RuntimeError("simulation is already running")
        self.running = True
        try:
            for k, one in enumerate(self.engines):
                engine = one
                engine.prepare()
                engine._lend_input(None if inputs is None else inputs[k], input_ids)
                engine._lend_records()
                self.replicas[k].sim, self.replicas[k].status = &engine.binding.sim, NM_OK
            return self._run(n_steps, threads, progress)
        finally:
            for one in self.engines:
                engine = one
                engine._take_records()
                engine._drop_input()
            self.running = False

    cdef _run(self, int64_t n_steps, int threads, object progress):
        cdef int64_t left = n_steps, slice_steps = 1, n = len(self.engines), k
        cdef nm_sim *sim
        cdef nm_pool *pool = self.pool.get(<int>min(<int64_t>threads, n))
        failed = None
        for k in range(n):
            sim = self.replicas[k].sim
            sim.look = sim.step + n_steps if n_steps > 1 else 0
        while left > 0:
            began = perf_counter()
            slice_steps = min(slice_steps, left)
            for k in range(n):
                self.replicas[k].left = slice_steps
            self._slice(n, pool)
            left -= slice_steps
            took = perf_counter() - began
            slice_steps = max(1, min(4 * slice_steps, int(slice_steps * _SLICE_SECONDS / max(took, 1e-9))))
            PyErr_CheckSignals()
            if progress is not None:
                progress(n_steps - left)
        for k in range(n):
            if failed is None and self.replicas[k].status < 0:
                try:
                    raise_error(&self.replicas[k].error)
                except CoreFailure as failure:
                    failed = (int(k), failure)
        return failed

    cdef _slice(self, int64_t n, nm_pool *pool):
        """One slice; recorders that are full get new blocks until all have got through it."""
        cdef bint full = True
        cdef int64_t k
        while full:
            with nogil:
                nm_replicas_run(self.replicas, n, pool)
            full = False
            for k in range(n):
                if self.replicas[k].status == NM_STOP_RECORD_FULL:
                    (<Engine>self.engines[k])._lend_more()
                    self.replicas[k].status, full = NM_OK, True
