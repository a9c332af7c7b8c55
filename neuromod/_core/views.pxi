# Neuron and Synapse: views of one row of the columns, cheap enough for Python loops over all of them. They hold a
# store, a slot and the store's epoch; when the network has changed since, the slot is looked up anew.

import math
from collections.abc import MutableMapping
from types import MappingProxyType

cimport cython


def _finite(str where, value):
    """value as a float, finite."""
    number = float(value)
    if not math.isfinite(number):
        raise ValueError(f"{where}: must be finite; got {value!r}")
    return number


# ---- synapses --------------------------------------------------------------------------------------------------


cdef class SynapseBlock:
    """What views of synapses hold: the block of weights, and its owner, which knows the rest.

    The owner has ``pre_id()``, ``post_id()``, ``delay()`` (whole columns, cached), ``field(slot, name)``,
    ``set_field(slot, name, value)`` and ``moved(epoch, slot)``.
    """

    cdef float[::1] weight
    cdef public long long epoch
    cdef public bint stale  # the block is not current: weights under a pair rule have moved on
    cdef public object owner

    def __init__(self, owner):
        self.owner, self.epoch, self.stale = owner, 0, False

    def bind(self, weight):
        """Views read and write this block from now on."""
        self.weight = weight

    def view(self, Py_ssize_t slot, epoch=None):
        """The synapse in that slot; a negative slot is one that is still to be merged."""
        cdef Synapse synapse = Synapse.__new__(Synapse)
        synapse.store, synapse.slot = self, slot
        synapse.epoch = self.epoch if epoch is None else epoch
        return synapse

    def iterate(self, Py_ssize_t n):
        """Views of slots 0 .. n - 1."""
        cdef SynapseIterator iterator = SynapseIterator.__new__(SynapseIterator)
        iterator.store, iterator.n, iterator.epoch = self, n, self.epoch
        return iterator


cdef double _MAX_WEIGHT = 3.4028234663852886e38  # the largest float32


@cython.freelist(64)
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

    def __init__(self, pre_id, post_id, weight=0.1, delay=1, plasticity_tag=0.0, synapse_type="excitatory"):
        self.store = SynapseBlock(_LoneSynapse(pre_id, post_id, delay, plasticity_tag, synapse_type))
        self.store.bind(np.array([_finite_weight(weight)], dtype=np.float32))
        self.slot, self.epoch = 0, 0

    cdef int _refresh(self) except -1:
        """Find the slot again after the network has changed, or the first one of a synapse that waits to be merged."""
        self.slot = self.store.owner.moved(self.epoch, self.slot)
        self.epoch = self.store.epoch
        return 0

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
        if self.store.stale:
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
        self.at += 1
        return synapse


# ---- neurons ---------------------------------------------------------------------------------------------------


class NeuronParams(MutableMapping):
    """The parameters of one neuron, by name: a live view of its row. Values are checked when set."""

    __slots__ = ("_neuron",)

    def __init__(self, neuron):
        self._neuron = neuron

    def _table(self):
        return _MODELS[self._neuron.model_type]["params"]

    def _checked(self, name, value):
        table, where = self._table(), f"neurons[{self._neuron.id}].params"
        if name not in table:
            raise KeyError(f"{where}.{name}: unknown key; {self._neuron.model_type} has {', '.join(table)}")
        field = table[name]
        number = field_number(field, value)
        if not domain_holds(field["domain"], number):
            rule = f"{field_phrase(field)} {field['unit']}".removesuffix(" 1")
            raise ValueError(f"{where}.{name}: must be {rule}; got {value!r}")
        return number

    def __getitem__(self, name):
        table = self._table()
        if name not in table:
            raise KeyError(name)
        return field_value(table[name], (<Neuron>self._neuron).get(name))

    def __setitem__(self, name, value):
        (<Neuron>self._neuron).put(name, self._checked(name, value))

    def __delitem__(self, name):
        raise TypeError(f"neurons[{self._neuron.id}].params.{name}: cannot be removed; set it instead")

    def update(self, *args, **values):
        """Set several, after checking all."""
        checked = {name: self._checked(name, value) for name, value in dict(*args, **values).items()}
        for name, value in checked.items():
            (<Neuron>self._neuron).put(name, value)

    def __iter__(self):
        return iter(self._table())

    def __len__(self):
        return len(self._table())

    def __repr__(self):
        return repr(dict(self))


NEURON_FIELDS = MappingProxyType({
    "id": ("i8", 0),
    "x": ("i4", 0),
    "y": ("i4", 0),
    "z": ("i4", 0),
    "w": ("i4", 0),
    "model": ("i4", 0),
    "neuron_type": ("i1", 0),
    "area": ("i4", -1),
    "region": ("i4", 0),
    "external_input": ("f8", 0.0),
    "last_spike_time": ("f8", -np.inf),
    "spike_count": ("i8", 0),
    "drive_rate": ("f8", 0.0),
    "drive_weight": ("f8", 0.0),
    "drive_noise": ("f8", 0.0),
    "drive_uniform": ("f8", 0.0),
    "drive_noise_per_step": ("f8", 0.0),
    "drive_uniform_per_step": ("f8", 0.0),
    "generation": ("i4", 0),
    "parent_id": ("i8", -1),
    "health": ("f8", 1.0),
    "age": ("i8", 0),
})
"""Fields that every neuron has: dtype and default. Those of the models in use come besides, as float64."""


def _finite_weight(value):
    if not abs(_finite("weight", value)) <= _MAX_WEIGHT:
        raise ValueError(f"weight: must be at most {_MAX_WEIGHT:.3g} in size; got {value!r}")
    return value


_NO_RECEPTORS = MappingProxyType({})
cdef tuple _NEURON_TYPES = ("excitatory", "inhibitory")


@cython.freelist(64)
cdef class Neuron:
    """One neuron: a view of a network's, or one that stands alone.

    Parameters
    ----------
    id : int, >= 0
    x, y, z, w : int
        Position on the lattice.
    model_type : str, default "lif"
        A registered neuron model.
    neuron_type : {"excitatory", "inhibitory"}, default "excitatory"
    params : mapping of str to float or str, in the units of the model's table, optional
        Parameters that differ from the model's defaults.
    **fields : float or int, mV, steps or no unit
        Any of ``v_membrane`` (mV), ``external_input`` (mV), ``generation``, ``parent_id``, ``health``, ``age``.

    Raises
    ------
    ValueError, KeyError
        If a value is out of its domain or a name is unknown.

    Examples
    --------
    >>> from neuromod import Neuron
    >>> neuron = Neuron(id=0, x=0, y=0, z=0, w=0)
    >>> neuron.params["v_threshold"], neuron.position(), neuron.is_excitatory()
    (-50.0, (0, 0, 0, 0), True)
    """

    cdef object columns, _id
    cdef Py_ssize_t slot
    cdef long long epoch

    def __init__(self, id, x=0, y=0, z=0, w=0, *, model_type="lif", neuron_type="excitatory", params=None, **fields):
        if model_type not in _MODELS:
            raise ValueError(f"model_type: must be one of {', '.join(_MODELS)}; got {model_type!r}")
        if neuron_type not in _NEURON_TYPES:
            raise ValueError(f"neuron_type: must be 'excitatory' or 'inhibitory'; got {neuron_type!r}")
        fields_given = {"id": id, "x": x, "y": y, "z": z, "w": w, "neuron_type": _NEURON_TYPES.index(neuron_type)}
        self.columns = _LoneNeuron(model_type, fields_given)
        self.slot, self.epoch, self._id = 0, 0, int(id)
        self.params.update(params or {})
        start = _MODELS[model_type]["initial_v_from"]
        if start is not None:
            self.put("v_membrane", self.get(start))
        for name, value in fields.items():
            setattr(self, name, value)

    @staticmethod
    def _view(columns, neuron_id, slot):
        """The neuron of `columns` with that id, which stands in that slot now."""
        cdef Neuron neuron = Neuron.__new__(Neuron)
        neuron.columns, neuron._id, neuron.slot, neuron.epoch = columns, neuron_id, slot, columns.epoch
        return neuron

    cdef Py_ssize_t _slot(self) except -1:
        if self.epoch != self.columns.epoch:
            self.slot, self.epoch = self.columns.slot_of(self._id), self.columns.epoch
        return self.slot

    cdef get(self, str name):
        """The value of any field of the neuron's, as a Python number."""
        return self.columns.buffers[name][self._slot()].item()

    cdef put(self, str name, value):
        """Set any field of the neuron's."""
        self.columns.buffers[name][self._slot()] = value

    @property
    def id(self):
        """Its id; never used again after a removal."""
        self._slot()
        return self._id

    @property
    def x(self):
        """Position on the x axis."""
        return self.get("x")

    @property
    def y(self):
        """Position on the y axis."""
        return self.get("y")

    @property
    def z(self):
        """Position on the z axis."""
        return self.get("z")

    @property
    def w(self):
        """Position on the w axis."""
        return self.get("w")

    @property
    def v_membrane(self):
        """Membrane potential, mV."""
        return self.get("v_membrane")

    @v_membrane.setter
    def v_membrane(self, value):
        self.put("v_membrane", _finite(f"neurons[{self._id}].v_membrane", value))

    @property
    def u_recovery(self):
        """Recovery variable (izhikevich: mV; adex: pA); 0 for models without one."""
        if "u_recovery" not in _MODELS[self.model_type]["state"]:
            return 0.0
        return self.get("u_recovery")

    @u_recovery.setter
    def u_recovery(self, value):
        if "u_recovery" not in _MODELS[self.model_type]["state"]:
            raise AttributeError(f"neurons[{self._id}].u_recovery: a {self.model_type} neuron has none")
        self.put("u_recovery", _finite(f"neurons[{self._id}].u_recovery", value))

    @property
    def external_input(self):
        """Current of the next step, mV (adex: pA); cleared by it."""
        return self.get("external_input")

    @external_input.setter
    def external_input(self, value):
        self.put("external_input", _finite(f"neurons[{self._id}].external_input", value))

    @property
    def last_spike_time(self):
        """Time of the last spike, ms; -inf before the first."""
        return self.get("last_spike_time")

    @property
    def params(self):
        """Its parameters, a live mapping."""
        return NeuronParams(self)

    @property
    def neuron_type(self):
        """"excitatory" or "inhibitory"."""
        return _NEURON_TYPES[self.get("neuron_type")]

    @property
    def model_type(self):
        """Name of its neuron model."""
        return list(_MODELS)[self.get("model")]

    @property
    def region(self):
        """Row of the modulators' levels that act on it."""
        return self.get("region")

    @property
    def region_name(self):
        """Name of its region; None where it stands alone."""
        return self.columns.regions[self.get("region")] if self.columns.regions else None

    @property
    def receptors(self):
        """Density of each modulator's receptors where it lies, for those where it is not 1. Read-only."""
        return self.columns.receptors[self.get("area")] if self.columns.receptors else _NO_RECEPTORS

    @property
    def generation(self):
        """Generation in the life cycle; 0 for the first."""
        return self.get("generation")

    @generation.setter
    def generation(self, value):
        self.put("generation", int(value))

    @property
    def parent_id(self):
        """Id of the neuron it descends from; -1: none."""
        return self.get("parent_id")

    @parent_id.setter
    def parent_id(self, value):
        self.put("parent_id", -1 if value is None else int(value))

    @property
    def health(self):
        """Health in the life cycle, 1 at birth."""
        return self.get("health")

    @health.setter
    def health(self, value):
        self.put("health", _finite(f"neurons[{self._id}].health", value))

    @property
    def age(self):
        """Age in the life cycle, steps."""
        return self.get("age")

    @age.setter
    def age(self, value):
        self.put("age", int(value))

    def position(self):
        """Position on the lattice, (x, y, z, w)."""
        return self.x, self.y, self.z, self.w

    def is_excitatory(self):
        """Whether its synapses excite."""
        return self.get("neuron_type") == 0

    def is_inhibitory(self):
        """Whether its synapses inhibit."""
        return self.get("neuron_type") == 1

    def __eq__(self, other):  # whether it is the same neuron of the same model
        if not isinstance(other, Neuron):
            return NotImplemented
        return self.columns is (<Neuron>other).columns and self._id == (<Neuron>other)._id

    def __hash__(self):
        return hash((id(self.columns), self._id))

    def __copy__(self):
        """Another view of the same neuron; of one that stands alone, another neuron."""
        if not isinstance(self.columns, _LoneNeuron):
            return Neuron._view(self.columns, self._id, self._slot())
        again, arguments = self.__reduce_ex__(4)
        return again(*arguments)

    def __reduce_ex__(self, protocol):
        """Pickled, and copied deeply, with the model that it is of; one that stands alone by its values."""
        self._slot()
        return self.columns.neuron_again(self._id)

    def __repr__(self):
        return (f"Neuron(id={self.id}, position={self.position()}, {self.neuron_type} {self.model_type}, "
                f"v_membrane={self.v_membrane:.6g} mV)")
