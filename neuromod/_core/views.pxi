# Neuron: a view of one row of the columns, cheap enough for Python loops over all neurons. It holds a store, a slot
# and the store's epoch. When the network has changed since, it looks its slot up again.

import math
from collections.abc import MutableMapping
from difflib import get_close_matches
from types import MappingProxyType

cimport cython
from cpython.object cimport PyObject_GenericSetAttr


def _table(title, rows):
    """Rows of a name and a value as a table of HTML, for notebooks."""
    from html import escape

    cells = "".join(f"<tr><td>{escape(str(name))}</td><td>{escape(str(value))}</td></tr>" for name, value in rows)
    caption = f'<caption style="text-align:left;font-weight:600">{title}</caption>'
    return f'<table style="font-variant-numeric:tabular-nums">{caption}{cells}</table>'


def _with_unit(value, field):
    """A value as a table shows it."""
    if not isinstance(value, float):
        return value
    unit = "1" if field is None else field["unit"]
    return f"{value:.6g}" if unit == "1" else f"{value:.6g} {unit}"


def _finite(str where, value):
    """value as a float, finite."""
    number = float(value)
    if not math.isfinite(number):
        raise ValueError(f"{where}: must be finite; got {value!r}")
    return number


cdef _set_attribute(object view, str name, value):
    """Set an attribute; of a name that is not there or cannot be set the AttributeError says so, and which is near."""
    try:
        PyObject_GenericSetAttr(view, name, value)
    except AttributeError as error:
        if ": " in str(error):  # a setter's own
            raise
        raise _no_attribute(view, name) from None


def _no_attribute(view, str name):
    """The AttributeError of a name that is not there or cannot be set."""
    where = f"{type(view).__name__}.{name}"
    known = [each for each in dir(type(view)) if not each.startswith("_")]
    if name in known:
        return AttributeError(f"{where}: is read-only")
    places = (_columns_of(view) if isinstance(view, Neuron) else {}) | {each: repr(each) for each in known}
    if name in places:
        return AttributeError(f"{where}: no such attribute; it is {places[name]}")
    near = get_close_matches(name, places, 1)
    return AttributeError(f"{where}: no such attribute" + (f"; did you mean {places[near[0]]}?" if near else ""))


def _columns_of(Neuron neuron):
    """Where the parameters and state variables of a neuron are that are no attributes; none once it was removed."""
    try:
        about = _MODELS[neuron.model_type]
    except RemovedError:
        return {}
    state = {name: f"a column of populations and of model.neurons, {name!r}" for name in about["state"]}
    return state | {name: f"params[{name!r}]" for name in about["params"]}


_I_OFFSET = {"unit": "mV", "domain": "NM_ANY", "default": 0.0, "doc": "Lasting current, added in every step."}
cdef dict _PARAMS = {
    name: about["params"] if about["is_source"] else
    {**about["params"], "i_offset": {**_I_OFFSET, "unit": about["current_unit"]}}
    for name, about in _MODELS.items()
}


def neuron_params(model):
    """What may be set of a neuron of that model by name: its table of parameters and, but for a source, i_offset."""
    return dict(_PARAMS[model])


class NeuronParams(MutableMapping):
    """The parameters of one neuron, by name: a live view of its row. Values are checked when set."""

    __slots__ = ("_neuron",)

    def __init__(self, neuron):
        self._neuron = neuron

    def _table(self):
        return _PARAMS[self._neuron.model_type]

    def _field(self, name):
        table = self._table()
        if name not in table:
            where, has = f"neurons[{self._neuron.id}].params.{name}", ", ".join(table)
            raise KeyError(f"{where}: unknown key; {self._neuron.model_type} has {has}")
        return table[name]

    def _checked(self, name, value):
        field, where = self._field(name), f"neurons[{self._neuron.id}].params"
        try:
            number = field_number(field, value)
        except (TypeError, ValueError, OverflowError):  # no number at all, or one beyond the largest double
            number = math.nan
        if not domain_holds(field["domain"], number):
            rule = f"{field_phrase(field)} {field['unit']}".removesuffix(" 1")
            raise ValueError(f"{where}.{name}: must be {rule}; got {value!r}")
        return number

    def __getitem__(self, name):
        return field_value(self._field(name), (<Neuron>self._neuron).get(name))

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
    "i_offset": ("f8", 0.0),
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
        Any of ``v_membrane`` (mV), ``external_input`` (mV), ``i_offset`` (mV), ``generation``, ``parent_id``, ``health``, ``age``.

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
    cdef Gate gate  # the network's; None: it stands alone
    cdef Py_ssize_t slot
    cdef long long epoch

    def __setattr__(self, str name, value):
        _set_attribute(self, name, value)

    def __getattr__(self, str name):
        if name.startswith("_"):  # asked for by copy, pickle and NumPy
            raise AttributeError(name)
        raise _no_attribute(self, name)

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
        neuron.gate = columns.gate
        return neuron

    cdef Py_ssize_t _slot(self) except -1:
        if self.epoch != self.columns.epoch:
            self.slot, self.epoch = self.columns.slot_of(self._id), self.columns.epoch
        return self.slot

    cdef get(self, str name):
        """The value of any field of the neuron's, as a Python number."""
        if self.gate is not None and self.gate.running and self.gate.foreign:
            with self.gate:
                return self.columns.buffers[name][self._slot()].item()
        return self.columns.buffers[name][self._slot()].item()

    cdef put(self, str name, value):
        """Set any field of the neuron's."""
        if self.gate is not None and self.gate.running:
            self.gate.check_own(f"neurons[{self._id}].{name}")
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
        """Membrane potential, mV; NaN for a source, which has none."""
        return self.get("v_membrane") if "v_membrane" in self.columns.buffers else math.nan

    @v_membrane.setter
    def v_membrane(self, value):
        if "v_membrane" not in _MODELS[self.model_type]["state"]:
            raise AttributeError(f"neurons[{self._id}].v_membrane: a {self.model_type} neuron has none")
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
        self._check_input("external_input", value)
        self.put("external_input", _finite(f"neurons[{self._id}].external_input", value))

    @property
    def i_offset(self):
        """Current of every step, mV (adex: pA), until it is set anew; a source has none."""
        return self.get("i_offset")

    @i_offset.setter
    def i_offset(self, value):
        self._check_input("i_offset", value)
        self.put("i_offset", _finite(f"neurons[{self._id}].i_offset", value))

    cdef _check_input(self, str name, value):
        if value and _MODELS[self.model_type]["is_source"]:
            raise ValueError(f"neurons[{self._id}].{name}: must be 0, since a {self.model_type} neuron has no input; "
                             f"got {value!r}")

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
        """Site of the lattice, (x, y, z, w), all -1 where it has none; `Population.positions` has those of `create`."""
        return self.x, self.y, self.z, self.w

    def _shown_position(self):
        """Words for where it is: its site of the lattice, else the position that `create` gave it, else nothing."""
        at = self.position() if self.x >= 0 else self.columns.place(self._slot())
        return "" if at is None else f"position={at}, "

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
        return (f"Neuron(id={self.id}, {self._shown_position()}{self.neuron_type} {self.model_type}, "
                f"v_membrane={self.v_membrane:.6g} mV)")

    def _repr_html_(self):
        """A table for notebooks: the neuron, its potential and its parameters, with units."""
        last, place = self.last_spike_time, self._shown_position().removeprefix("position=").removesuffix(", ")
        rows = [("id", self.id), ("type", f"{self.neuron_type} {self.model_type}"),
                *([("position", place)] if place else []),
                ("v_membrane", f"{self.v_membrane:.6g} mV"),
                ("last_spike_time", f"{last:g} ms" if math.isfinite(last) else "no spike yet")]
        fields = _PARAMS[self.model_type]
        rows += [(name, _with_unit(value, fields.get(name))) for name, value in self.params.items()]
        return _table("Neuron", rows)
