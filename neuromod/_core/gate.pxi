# One lock and one flag for each network: who runs it, and when other threads may read it.

import os
import threading
from collections import deque
from weakref import WeakSet

from cpython.pythread cimport PyThread_get_thread_ident

_gates = WeakSet()   # all gates of this process,
_running_gates = []  # and those of the runs under way


cdef class Gate:
    """The lock of one network, and the flag that says what runs it.

    A run holds the lock while C works on the columns and lets it go at the border of each slice, for the threads that
    wait and for a progress callback. A thread that holds the lock therefore sees the state at a border. The lock is
    fair (first come, first served) and may be taken again by the thread that holds it.
    """

    cdef readonly bint running
    cdef object running_what         # what runs, for messages
    cdef object abandoned            # called in a forked child, in which the run does not go on
    cdef unsigned long runner, owner # threads
    cdef int depth
    cdef object waiting              # deque of (thread, lock)
    cdef object __weakref__

    def __cinit__(self):
        self.waiting = deque()
        _gates.add(self)

    # ---- the lock ------------------------------------------------------------------------------------------------

    cpdef enter(self):
        """Take the lock; during a run, another thread waits for the border of the slice (20 ms, or one step)."""
        cdef unsigned long me = PyThread_get_thread_ident()
        if self.depth > 0 and self.owner == me:
            self.depth += 1
            return
        if self.depth == 0:
            self.owner, self.depth = me, 1
            return
        turn = threading.Lock()
        turn.acquire()
        ticket = (me, turn)
        if self.depth == 0:  # let go meanwhile
            self.owner, self.depth = me, 1
            return
        self.waiting.append(ticket)
        try:
            turn.acquire()  # released by `leave`, which makes this thread the owner
        except BaseException:  # Ctrl-C
            if ticket in self.waiting:
                self.waiting.remove(ticket)
            else:
                self.leave()
            raise

    cpdef leave(self):
        """Let the lock go; the thread that has waited longest gets it."""
        self.depth -= 1
        if self.depth == 0 and self.waiting:
            next_owner, turn = self.waiting.popleft()
            self.owner, self.depth = next_owner, 1
            turn.release()

    def __enter__(self):
        self.enter()
        return self

    def __exit__(self, *exc):
        self.leave()

    # ---- the flag ------------------------------------------------------------------------------------------------

    def begin(self, what, abandoned):
        """A run begins: take the lock and set the flag. `what`: the run, of which ``str`` tells; `abandoned` is called
        in a forked child.

        Raises RuntimeError at once if the network is being run.
        """
        self.check_idle("run")
        self.enter()
        try:
            self.check_idle("run")  # another thread may have begun meanwhile
        except RuntimeError:
            self.leave()
            raise
        self.running, self.runner, self.running_what = True, PyThread_get_thread_ident(), what
        self.abandoned = abandoned
        _running_gates.append(self)

    @property
    def what(self):
        """What runs, and in which thread."""
        names = [thread.name for thread in threading.enumerate() if thread.ident == self.runner]
        return f"{self.running_what} in thread {names[0] if names else self.runner!r}"

    def end(self):
        """The run is over. In a forked child it was over before: then only the lock is let go."""
        if self.running:
            self._clear()
        self.leave()

    cdef _clear(self):
        self.running, self.running_what, self.abandoned = False, None, None
        if self in _running_gates:
            _running_gates.remove(self)

    cdef border(self):
        """Between two slices of a run: serve the threads that wait."""
        if self.waiting:
            self.leave()
            self.enter()

    @property
    def foreign(self):
        """Whether the network is being run by another thread than the one that asks."""
        return self.running and self.runner != PyThread_get_thread_ident()

    def check_idle(self, str where):
        """RuntimeError if the network is being run."""
        if self.running:
            raise RuntimeError(f"{where}: must wait until the run is over; the simulation is already running: {self.what}")

    def check_own(self, str where):
        """RuntimeError if the network is being run by another thread."""
        if self.foreign:
            raise RuntimeError(f"{where}: must wait until the run is over, or come from its progress callback; "
                               f"the simulation is already running: {self.what}")

    def change(self, str where):
        """``with gate.change(where):`` a change of the network, which no run may meet; RuntimeError if one is there."""
        self.check_idle(where)
        return _Change(self, where)


cdef class _Change:
    cdef Gate gate
    cdef str where

    def __init__(self, Gate gate not None, str where):
        self.gate, self.where = gate, where

    def __enter__(self):
        self.gate.enter()
        if self.gate.running:  # begun while this thread waited
            try:
                self.gate.check_idle(self.where)
            finally:
                self.gate.leave()

    def __exit__(self, *exc):
        self.gate.leave()


cdef class _Turn:
    """Runs that `begin` begins, or none; what has begun ends with the block.

    Ctrl-C comes between any two lines of Python. It comes nowhere between the begin of a run and the note that it has
    begun, nor within its end.
    """

    cdef list gates, levels  # of each run that has begun
    cdef bint is_over

    def __cinit__(self):
        self.gates, self.levels = [], []

    def begin(self, Gate gate not None, levels, what, abandoned):
        """A run of the network with that gate, and of its `levels` where there are some, begins; see `Gate.begin`."""
        gate.begin(what, abandoned)
        self.gates.append(gate)
        self.levels.append(None)
        if levels is not None:
            levels.begin(gate)
            self.levels[len(self.levels) - 1] = levels

    def has_begun(self, gate):
        """Whether the run of the network with that gate has begun."""
        return gate in self.gates

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        cdef Gate gate
        if self.is_over:
            return
        self.is_over = True
        for gate, levels in zip(reversed(self.gates), reversed(self.levels)):
            if levels is not None:
                levels.end(gate)
            gate.end()


cdef class _Aside:
    """Another thread may read meanwhile what runs hold; at the end of the block their locks are taken again."""

    cdef list gates

    def __init__(self, gates):
        self.gates = list(gates)

    def __enter__(self):
        cdef Gate gate
        for gate in self.gates:
            gate.leave()

    def __exit__(self, *exc):
        cdef Gate gate
        came = None
        for gate in self.gates:
            taken = False
            while not taken:
                try:
                    gate.enter()
                    taken = True
                except KeyboardInterrupt as interrupt:  # while another thread reads: served when all are taken
                    came = interrupt
        if came is not None:
            raise came


def turn():
    """A context of runs: `begin` begins one, and it ends with the block; see `_Turn`."""
    return _Turn()


def aside(gates):
    """A context in which another thread may take the locks of these gates; see `_Aside`."""
    return _Aside(gates)


# ---- fork --------------------------------------------------------------------------------------------------------
# A fork waits for the border of the slice, so that the child's copy is whole. In the child no run goes on.

cdef list _forking = []


def _before_fork():
    del _forking[:]
    while True:
        new = [gate for gate in _running_gates if gate not in _forking]
        if not new:
            return
        for gate in new:
            gate.enter()
            _forking.append(gate)


def _after_fork_in_parent():
    for gate in _forking:
        gate.leave()
    del _forking[:]


def _after_fork_in_child():
    cdef Gate gate
    for gate in list(_gates):
        gate.waiting = deque()  # those threads are not here
        gate.depth = 0
        if gate.running:
            abandoned = gate.abandoned
            gate._clear()
            abandoned()
    del _forking[:]


if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=_before_fork, after_in_parent=_after_fork_in_parent, after_in_child=_after_fork_in_child)
