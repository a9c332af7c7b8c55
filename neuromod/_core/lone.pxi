# What a neuron or a synapse that is in no network holds in place of a network's columns.


class _LoneSynapse:
    """The owner of a synapse that is in no network."""

    def __init__(self, pre_id, post_id, delay, plasticity_tag, synapse_type):
        if synapse_type not in ("excitatory", "inhibitory"):
            raise ValueError(f"synapse_type: must be 'excitatory' or 'inhibitory'; got {synapse_type!r}")
        if isinstance(delay, bool) or int(delay) != delay or not 1 <= delay <= 65535:
            raise ValueError(f"delay: must be a whole number of steps from 1 to 65535; got {delay!r}")
        self._ids = int(pre_id), int(post_id)
        self._delay = int(delay)
        self._fields = {"plasticity_tag": _finite("plasticity_tag", plasticity_tag), "synapse_type": synapse_type}

    def pre_id(self):
        return self._ids[:1]

    def post_id(self):
        return self._ids[1:]

    def delay(self):
        return (self._delay,)

    def ends(self, epoch, slot):
        return self._ids

    def synapse_again(self, synapse):
        return Synapse, (*self._ids, synapse.weight, self._delay, *self._fields.values())

    def field(self, slot, name):
        return self._fields[name]

    def set_field(self, slot, name, value):
        self._fields[name] = value


class _LoneNeuron:
    """The columns of a neuron that is in no network: one entry each."""

    regions, receptors, epoch, gate = (), (), 0, None

    def place(self, slot):
        """It has no other than its site."""
        return None

    def neuron_again(self, neuron_id):
        return _lone_neuron, ({name: column.copy() for name, column in self.buffers.items()},)

    def __init__(self, model_type, values):
        table = _MODELS[model_type]
        own = {name: ("f8", field_number(field, field["default"]))
               for partition in ("state", "params") for name, field in table[partition].items()}
        self.buffers = {name: np.full(1, default, dtype) for name, (dtype, default) in {**NEURON_FIELDS, **own}.items()}
        for name, value in {"model": list(_MODELS).index(model_type), **values}.items():
            self.buffers[name][0] = value


def _lone_neuron(values):
    """The neuron that `_LoneNeuron.neuron_again` tells of, checked."""
    part = SavedPart(values, "neuron")
    model = part.array("model", "i4", (1,), 0, len(_MODELS) - 1)
    part.array("neuron_type", "i1", (1,), 0, 1)
    part.finish()
    name = list(_MODELS)[model[0]]
    columns = _LoneNeuron(name, {})
    part.only(*columns.buffers)
    found = {name: part.array(name, own.dtype.str[1:], (1,)) for name, own in columns.buffers.items()}
    part.finish()
    columns.buffers.update({name: array.copy() for name, array in found.items()})
    return Neuron._view(columns, int(found["id"][0]), 0)
