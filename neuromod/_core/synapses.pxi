# Synapse: a view of one synapse, with a slot and an epoch as those of Neuron; and the block of weights that the views
# of a network share.


cdef class SynapseBlock:
    """What views of synapses hold: the block of weights, and its owner, which knows the rest.

    The owner has ``pre_id()``, ``post_id()``, ``delay()`` (whole columns, cached), ``field(slot, name)``,
    ``set_field(slot, name, value)`` and ``moved(epoch, slot)``.
    """

    cdef float[::1] weight
    cdef readonly long long epoch
    cdef public bint stale  # the block is not current: weights under a pair rule have moved on
    cdef public object owner
    cdef Gate gate          # the network's; None: a synapse that stands alone
    cdef Py_ssize_t views   # that users hold, with a slot of this epoch
    cdef dict older         # epoch before -> number of views with a slot of it

    def __init__(self, owner, Gate gate=None):
        self.owner, self.epoch, self.stale, self.gate, self.views, self.older = owner, 0, False, gate, 0, {}

    cdef void hold(self, long long epoch) noexcept:
        """A view with a slot of that epoch comes."""
        if epoch == self.epoch:
            self.views += 1
        else:
            self.older[epoch] = self.older.get(epoch, 0) + 1

    cdef void drop(self, long long epoch) noexcept:
        """Such a view goes."""
        if self.older is None:  # the garbage collector has taken the block before the view
            return
        if epoch == self.epoch:
            self.views -= 1
        elif self.older.get(epoch, 0) > 1:
            self.older[epoch] -= 1
        else:
            self.older.pop(epoch, None)

    def live_epochs(self):
        """Epochs of which there are views."""
        return [*self.older, self.epoch] if self.views else [*self.older]

    def advance(self):
        """The synapses have been numbered anew: another epoch, and the block is not current."""
        if self.views:
            self.older[self.epoch] = self.views
        self.epoch, self.views, self.stale = self.epoch + 1, 0, True

    def retreat(self, long long epoch, bint stale):
        """Go back to an epoch before, of which nothing has been read since."""
        if epoch != self.epoch:
            self.epoch, self.views = epoch, self.older.pop(epoch, 0)
        self.stale = stale

    def bind(self, weight):
        """Views read and write this block from now on."""
        self.weight = weight

    def view(self, Py_ssize_t slot, epoch=None):
        """The synapse in that slot; a negative slot is one that is still to be merged."""
        cdef Synapse synapse = Synapse.__new__(Synapse)
        synapse.store, synapse.slot = self, slot
        synapse.epoch = self.epoch if epoch is None else epoch
        self.hold(synapse.epoch)
        return synapse

    def iterate(self, Py_ssize_t n):
        """Views of slots 0 .. n - 1."""
        cdef SynapseIterator iterator = SynapseIterator.__new__(SynapseIterator)
        iterator.store, iterator.n, iterator.epoch = self, n, self.epoch
        return iterator


cdef double _MAX_WEIGHT = 3.4028234663852886e38  # the largest float32


def _finite_weight(value):
    if not abs(_finite("weight", value)) <= _MAX_WEIGHT:
        raise ValueError(f"weight: must be at most {_MAX_WEIGHT:.3g} in size; got {value!r}")
    return value


@cython.freelist(64)
@cython.no_gc_clear  # its store is there when it goes
cdef class Synapse:
    """One synapse: a view of a network's, or one that stands alone.

    Parameters
    ----------
    pre_id, post_id : int
        Neurons it leads from and to.
    weight : float, mV, finite, default 0.1
    delay : int, steps, >= 1, default 1
    plasticity_tag : float, no unit, finite, default 0
    synapse_type : {"excitatory", "inhibitory"}, default "excitatory"

    Raises
    ------
    ValueError
        If a value is out of its domain.

    Notes
    -----
    For all synapses at once use ``model.synapses.weight += d``: it is a hundred times faster than the loop.

    Examples
    --------
    >>> from neuromod import Synapse
    >>> synapse = Synapse(pre_id=0, post_id=1, weight=0.5)
    >>> synapse.weight += 0.25
    >>> synapse.weight, synapse.get_effective_weight()
    (0.75, 0.75)
    """

    cdef SynapseBlock store
    cdef Py_ssize_t slot
    cdef long long epoch
    cdef object hashed  # by the ends, which never change; kept, since a removed synapse has none

    def __setattr__(self, str name, value):
        _set_attribute(self, name, value)

    def __init__(self, pre_id, post_id, weight=0.1, delay=1, plasticity_tag=0.0, synapse_type="excitatory"):
        if self.store is not None:
            self.store.drop(self.epoch)
        self.store = SynapseBlock(_LoneSynapse(pre_id, post_id, delay, plasticity_tag, synapse_type))
        self.store.bind(np.array([_finite_weight(weight)], dtype=np.float32))
        self.slot, self.epoch = 0, 0
        self.store.hold(0)

    def __dealloc__(self):
        if self.store is not None:
            self.store.drop(self.epoch)

    cdef int _refresh(self) except -1:
        """Find the slot again after the network has changed, or the first one of a synapse that waits to be merged."""
        slot = self.store.owner.moved(self.epoch, self.slot)  # may merge the additions that wait
        self.store.drop(self.epoch)
        self.slot, self.epoch = slot, self.store.epoch
        self.store.hold(self.epoch)
        return 0

    cdef bint _foreign(self):
        """Whether another thread runs the network."""
        return self.store.gate is not None and self.store.gate.running and self.store.gate.foreign

    def _number(self, block):
        """Its number today; None where it does not belong to that block."""
        if self.store is not block:
            return None
        if self.slot < 0 or self.epoch != self.store.epoch:
            self._refresh()
        return self.slot

    cdef Py_ssize_t _checked_slot(self) except -1:
        if not 0 <= self.slot < self.store.weight.shape[0]:
            raise IndexError(f"synapse {self.slot}: must be in the network")
        return self.slot

    @property
    def weight(self):
        """Weight, mV; kept as float32."""
        if self.slot < 0 or self.epoch != self.store.epoch:
            self._refresh()
        if self.store.stale or self._foreign():
            return self.store.owner.weight_of(self.slot)
        return <double>self.store.weight[self._checked_slot()]

    @weight.setter
    def weight(self, given):
        cdef double value
        if type(given) is not float and not isinstance(given, (int, float, np.integer, np.floating)):
            raise TypeError(f"weight: must be a number; got {type(given).__name__}")
        try:
            value = given
        except OverflowError:
            raise ValueError("weight: must be finite; got an integer beyond the range of float") from None
        if not -_MAX_WEIGHT <= value <= _MAX_WEIGHT:  # false for NaN, too
            raise ValueError(f"weight: must be finite, and at most {_MAX_WEIGHT:.3g} in size; got {value}")
        if self.store.gate is not None:
            self.store.gate.check_own("synapse.weight")
        if self.slot < 0 or self.epoch != self.store.epoch:
            self._refresh()
        if self.store.stale:
            self.store.owner.weight()
        self.store.weight[self._checked_slot()] = <float>value

    @property
    def pre_id(self):
        """Id of the presynaptic neuron."""
        if self.slot < 0 or self.epoch != self.store.epoch:
            self._refresh()
        return int(self.store.owner.pre_id()[self.slot])

    @property
    def post_id(self):
        """Id of the postsynaptic neuron."""
        if self.slot < 0 or self.epoch != self.store.epoch:
            self._refresh()
        return int(self.store.owner.post_id()[self.slot])

    @property
    def delay(self):
        """Steps from a spike to its arrival, >= 1."""
        if self.slot < 0 or self.epoch != self.store.epoch:
            self._refresh()
        return int(self.store.owner.delay()[self.slot])

    @property
    def plasticity_tag(self):
        """A number of the user's own, kept with the synapse; float32."""
        if self.slot < 0 or self.epoch != self.store.epoch:
            self._refresh()
        return float(self.store.owner.field(self.slot, "plasticity_tag"))

    @plasticity_tag.setter
    def plasticity_tag(self, value):
        if self.slot < 0 or self.epoch != self.store.epoch:
            self._refresh()
        self.store.owner.set_field(self.slot, "plasticity_tag", _finite("plasticity_tag", value))

    @property
    def synapse_type(self):
        """"excitatory" or "inhibitory"."""
        if self.slot < 0 or self.epoch != self.store.epoch:
            self._refresh()
        return self.store.owner.field(self.slot, "synapse_type")

    def is_inhibitory(self):
        """Whether it acts as ``-abs(weight)``."""
        return self.synapse_type == "inhibitory"

    def get_effective_weight(self):
        """The weight as it acts, mV: ``-abs(weight)`` for an inhibitory synapse."""
        return -abs(self.weight) if self.is_inhibitory() else self.weight

    def __eq__(self, other):  # whether it is the same synapse of the same model
        cdef Synapse one = self, another
        if not isinstance(other, Synapse):
            return NotImplemented
        another = other
        if one.store is not another.store:
            return False
        if one.epoch == another.epoch:
            return one.slot == another.slot
        try:
            one._refresh()
            another._refresh()
        except RemovedError:
            return False
        return one.slot == another.slot

    def __hash__(self):
        if self.hashed is None:
            self.hashed = hash((id(self.store), *self.store.owner.ends(self.epoch, self.slot)))
        return self.hashed

    def __copy__(self):
        """Another view of the same synapse; of one that stands alone, another synapse."""
        if not isinstance(self.store.owner, _LoneSynapse):
            return self.store.view(self.slot, self.epoch)
        again, arguments = self.__reduce_ex__(4)
        return again(*arguments)

    def __reduce_ex__(self, protocol):
        """Pickled, and copied deeply, with the model that it is of; one that stands alone by its values."""
        return self.store.owner.synapse_again(self)

    def __repr__(self):
        return (f"Synapse(pre_id={self.pre_id}, post_id={self.post_id}, weight={self.weight:.6g}, "
                f"delay={self.delay}, synapse_type={self.synapse_type!r})")

    def _repr_html_(self):
        """A table for notebooks: the two ends, weight, delay and type."""
        return _table("Synapse", [("pre_id", self.pre_id), ("post_id", self.post_id),
                                  ("weight", f"{self.weight:.6g} mV"), ("delay", f"{self.delay} steps"),
                                  ("type", self.synapse_type)])


cdef class SynapseIterator:
    cdef SynapseBlock store
    cdef Py_ssize_t at, n
    cdef long long epoch

    def __iter__(self):
        return self

    def __next__(self):
        cdef Synapse synapse
        if self.at >= self.n:
            raise StopIteration
        if self.epoch != self.store.epoch:
            raise RuntimeError("synapses: must not be added or removed while they are iterated over")
        synapse = Synapse.__new__(Synapse)
        synapse.store, synapse.slot, synapse.epoch = self.store, self.at, self.epoch
        self.store.hold(self.epoch)
        self.at += 1
        return synapse
