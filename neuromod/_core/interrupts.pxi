# Ctrl-C in a run: it waits for the border of a slice, so that steps are done whole, with what is due at their ends.

import _signal  # `signal` takes milliseconds to import, and runs Python code in which a Ctrl-C may come
import threading
from time import monotonic

cdef double _PATIENCE = 1.0  # s; a second Ctrl-C that long after the first one waits for nothing


cdef class _Waiting:
    """The Ctrl-C that waits; there is one, since only the main thread is served."""

    cdef object former, taker    # handler of SIGINT before and during the block
    cdef unsigned long thread    # that is in the block
    cdef int depth               # of blocks
    cdef bint at_once            # whether code of the user's is called
    cdef double since            # 0: none has come

    def take(self, number, frame):
        """The handler of SIGINT."""
        now = monotonic()
        if self.at_once or (self.since and now - self.since > _PATIENCE):
            self.since = 0.0
            self.former(number, frame)
        elif not self.since:
            self.since = now

    cdef bint mine(self):
        """Whether the calling thread is in the block."""
        return self.depth > 0 and self.thread == PyThread_get_thread_ident()

    cdef int serve(self) except -1:
        """Let the Ctrl-C come that waits."""
        if self.since:
            self.since = 0.0
            self.former(_signal.SIGINT, None)
        return 0

    cdef int begin(self) except -1:
        """The outermost block begins; nothing is done where no handler is called."""
        if threading.main_thread().ident != PyThread_get_thread_ident():
            return 0
        former = _signal.getsignal(_signal.SIGINT)
        if not callable(former):
            return 0
        self.former, self.taker, self.since = former, self.take, 0.0
        try:
            _signal.signal(_signal.SIGINT, self.taker)
        except ValueError:  # another interpreter than the main one
            return 0
        self.thread, self.depth = PyThread_get_thread_ident(), 1
        return 1

    cdef bint end(self) except -1:
        """The outermost block ends; whether a Ctrl-C waits, which `former` is to take."""
        self.depth = 0
        if _signal.getsignal(_signal.SIGINT) is self.taker:  # else the user has set another one
            _signal.signal(_signal.SIGINT, self.former)
        return self.since != 0.0


cdef _Waiting _waiting = _Waiting()


cdef int _check_signals() except -1:
    """Where a run may end early: Ctrl-C comes here."""
    PyErr_CheckSignals()
    if _waiting.mine():
        _waiting.serve()
    return 0


def check_signals():
    """Where a run may end early, between two parts of it."""
    _check_signals()


cdef class _WholeSteps:
    cdef bint entered, was

    def __enter__(self):
        if _waiting.mine():
            _waiting.depth += 1
            self.entered = True
        else:
            self.entered = _waiting.begin()
        if self.entered:
            self.was, _waiting.at_once = _waiting.at_once, False
        return self

    def __exit__(self, kind, error, trace):
        if not self.entered:
            return
        self.entered, _waiting.at_once = False, self.was
        if _waiting.depth > 1:
            _waiting.depth -= 1
        elif _waiting.end() and (kind is None or not issubclass(kind, KeyboardInterrupt)):
            _waiting.serve()


def whole_steps():
    """A context of runs, in which Ctrl-C comes between slices alone, and in what `at_once` calls."""
    return _WholeSteps()


def at_once(function, *given):
    """What a function of the user's gives, in which Ctrl-C comes at once."""
    if not _waiting.mine():
        return function(*given)
    was, _waiting.at_once = _waiting.at_once, True
    try:
        return function(*given)
    finally:
        _waiting.at_once = was


def _let_go_in_child():
    """In a process forked by another thread than the one in the block, which is not there."""
    if _waiting.depth and not _waiting.mine():
        _waiting.end()
        _waiting.since, _waiting.at_once = 0.0, False


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_let_go_in_child)
