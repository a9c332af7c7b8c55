# Threads: a pool made on first use, and made anew in a process that was forked. Transcribes nm_pool.h.

cdef class Pool:
    """The threads of one engine, asleep between runs."""

    cdef nm_pool *c
    cdef int64_t process
    cdef int started

    def __dealloc__(self):  # at the end of Python, too, when the names of modules are gone: C alone
        self.stop()

    cdef nm_pool *get(self, int n_threads) except? NULL:
        """A pool of n_threads, or NULL where one thread is enough."""
        if self.c != NULL and (self.process != nm_pool_process() or self.started != n_threads):
            self.stop()
        if n_threads <= 1:
            return NULL
        if self.c == NULL:
            self.c = <nm_pool *>PyMem_Calloc(1, nm_pool_bytes())
            if self.c == NULL:
                raise MemoryError
            nm_pool_start(self.c, n_threads)
            self.process, self.started = nm_pool_process(), n_threads
        return self.c

    cdef void stop(self) noexcept:
        """Let the threads go; those of the parent process are not here after a fork."""
        if self.c != NULL:
            if self.process == nm_pool_process():
                nm_pool_stop(self.c)
            PyMem_Free(self.c)
            self.c = NULL
