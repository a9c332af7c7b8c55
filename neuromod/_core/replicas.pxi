# Replicas: engines that are advanced side by side. Transcribes nm_replicas.h.


cdef int64_t _MOST_STEPS = 256  # of a slice, in which a step may suddenly take longer; a border costs less than these


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
            raise RuntimeError("the simulation is already running")
        self.running = True
        try:
            for one in self.engines:
                (<Engine>one)._begin()
            for k, one in enumerate(self.engines):
                engine = one
                engine.prepare()
                _join_lazy(engine.binding)
                engine._lend_input(None if inputs is None else inputs[k], input_ids)
                engine._lend_records()
                self.replicas[k].sim, self.replicas[k].status = &engine.binding.sim, NM_OK
            return self._run(n_steps, threads, progress)
        finally:
            for one in self.engines:
                (<Engine>one).abandon()
            self.running = False

    cdef _border(self):
        cdef Engine engine
        for engine in self.engines:
            engine._border()
            if engine.gate is not None:
                engine.gate.border()

    cdef _run(self, int64_t n_steps, int threads, object progress):
        cdef int64_t left = n_steps, slice_steps = 1, turn, n = len(self.engines), k
        cdef nm_pool *pool
        cdef nm_sim *sim
        failed = None
        for k in range(n):
            sim = self.replicas[k].sim
            sim.look = sim.step + n_steps if n_steps > 1 else 0
            sim.until = 0.0  # all take the same number of steps
        began = perf_counter()
        while left > 0:
            pool = self.pool.get(<int>min(<int64_t>threads, n))
            turn = min(slice_steps, left)
            for engine in self.engines:
                turn = (<Engine>engine)._to_sample(turn)
            for k in range(n):
                self.replicas[k].left = turn
            self._slice(n, pool)
            left -= turn
            for k in range(n):
                if self.replicas[k].status >= 0:
                    self._end_turn(<Engine>self.engines[k])
            took = perf_counter() - began
            if 0 < left and turn < slice_steps and took < _SLICE_SECONDS:  # a sample was due: the slice goes on
                continue
            if turn == slice_steps:
                slice_steps = max(1, min(4 * slice_steps, _MOST_STEPS,
                                         int(slice_steps * _SLICE_SECONDS / max(took, 1e-9))))
            self._border()
            _check_signals()
            if progress is not None:
                progress(n_steps - left)
            if n > 0 and not (<Engine>self.engines[0]).running:
                raise RuntimeError("run: goes on in the process that began it; this one was forked from it")
            began = perf_counter()
        for k in range(n):
            if failed is None and self.replicas[k].status < 0:
                try:
                    raise_error(&self.replicas[k].error)
                except CoreFailure as failure:
                    failed = (int(k), failure)
        return failed

    cdef _end_turn(self, Engine engine):
        engine._sample()
        if engine.agenda is not None and engine.agenda.is_due(engine.binding.sim.step):
            engine._act()

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
