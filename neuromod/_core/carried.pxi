# What an engine carries over to a changed network, and checks of what was saved of it: by ids, not by slots.


cdef _check_names(part, own):
    """Note where a part has not exactly the names of `own`."""
    part.has(*own)
    part.only(*own)


cdef _check_by_id(part, key, ids):
    """Note where an entry is not (ids, one float64 for each)."""
    if not part.has(key):
        return
    value = part.value[key]
    if not isinstance(value, (list, tuple)) or len(value) != 2:
        part.wrong(key, "must be ids and values", value)
        return
    pair = SavedPart({"ids": value[0], "values": value[1]}, part.at(key), part.problems)
    of = pair.array("ids", "i8", ids.shape)
    if of is not None and not np.array_equal(of, ids):
        pair.wrong("ids", "must be those of the network", of)
    pair.array("values", "f8", ids.shape)


cdef set _strange(old, new):
    """Names that another projection had before: of a removed one nothing is carried over."""
    numbers = {projection.name: projection.number for projection in old.projections}
    return {each.name for each in new.projections if numbers.get(each.name, each.number) != each.number}


cdef _relearn(Binding old, Binding new, set strange):
    """What slow parts keep, under parameters that may have changed: the old ones hold until the present step."""
    cdef int64_t now = new.sim.step
    before = {projection.name for projection in old.layout.projections} - strange
    for name, keeper in new.short_terms.items():
        if name in old.short_terms and name in before:
            (<ShortTermKeeper>keeper).settle(old.short_terms[name], now, new.sim.dt)
        elif name in before:
            (<ShortTermKeeper>keeper).begin()
    for name, events in new.events.items():
        if name in old.events and name in before:
            (<EventKeeper>events).settle_traces(old.events[name], now)
    for name, scaler in new.rates.items():
        if name in old.rates and name in before and not (<HomeostasisKeeper>scaler).c.follows:
            (<HomeostasisKeeper>scaler).take_over(old.rates[name], now, new.sim.dt)


cdef _go_on(Binding old, Binding new, set strange):
    """Lazy projections that were there before keep the histories of their targets. Synapses that nobody has brought to
    the present go on from the last update of each: whatever else has changed, their later bits stay as they are."""
    cdef LazyKeeper keeper, former
    before = {projection.name: projection for projection in old.layout.projections if projection.name not in strange}
    after = {projection.name: projection for projection in new.layout.projections}
    there = {name: old.keepers[name] for name in new.keepers if name in old.keepers and name in before}
    if not there:
        return
    common = _common(old, new)
    formers = {name: former for name, former in there.items() if common is not None
               and _of_history(before[name].learning) == _of_history(after[name].learning)}
    for name in [each for each in new.keepers if not (<LazyKeeper>new.keepers[each]).c.follows]:
        _go_on_together(new, name, formers, common)
    for name, former in there.items():
        keeper = new.keepers[name]
        if former.settled_at == new.sim.step or former.weight is not keeper.weight:
            continue
        if name in formers and before[name].run_start is after[name].run_start:
            keeper.take_own(former)
        else:
            former.settle()


cdef _go_on_together(Binding new, str first, dict formers, tuple common):
    """The projections that share the history of `first`: those that had another before get that."""
    cdef LazyKeeper keeper = new.keepers[first], former
    number = int(keeper.projection - new.projections)
    known = [name for name in [first, *new.followers.get(number, [])] if name in formers]
    if not known:
        return
    slots, zones = common
    shared = (<LazyKeeper>formers[known[0]]).history
    for name in known[1:]:
        former = formers[name]
        if former.history is not shared:
            new.part_history(number, name)
            (<LazyKeeper>new.keepers[name]).take_history(former, slots, zones)
    new._chain(keeper)
    keeper.take_history(formers[known[0]], slots, zones)


cdef _common(Binding old, Binding new):
    """(former, present) slots of the neurons that both have, and zones likewise; None where histories cannot go over."""
    if old.network.n_partitions != new.network.n_partitions or (
            new.network.n_partitions > 1 and old.network.partition_width != new.network.partition_width):
        return None
    former, present = _slots_of(new.ids, old.ids), _slots_of(old.ids, new.ids)
    if new.levels is None:
        return (former, present), (np.zeros(1, int), np.zeros(1, int))
    zones = [(k, new.layout.zones.index(zone)) for k, zone in enumerate(old.layout.zones) if zone in new.layout.zones]
    pairs = np.array(zones, int).reshape(-1, 2).T
    now = np.full(len(old.layout.zones), -1)
    now[pairs[0]] = pairs[1]
    if not np.array_equal(now[old.layout.zone_of[former]], new.layout.zone_of[present]):
        return None  # a neuron is in another region than before
    return (former, present), (pairs[0], pairs[1])


cdef _slots_of(ids, own):
    """Slots of the ids that are there, ascending."""
    ids = np.asarray(ids, np.int64)
    return np.searchsorted(own, ids[np.isin(ids, own)])


cdef _take_by_id(array, own, ids, values):
    """array[slot of id] = value, for the ids that are there."""
    found = np.isin(ids, own)
    array[np.searchsorted(own, ids[found])] = values[found]


def _matched(carried, sources, delays, partitions):
    """Traces of (source id, delay, partition) segments, {name: values}, as found in `carried`. Where there is none of
    that partition, those of any other: they differ by rounding alone. 0 where there is none of that source and delay.
    """
    *old, traces = carried
    old_keys, keys = _keys_of_runs(*old), _keys_of_runs(sources, delays, partitions)
    at, found = _first_of(old_keys, keys)
    if not found.all():
        others, found_other = _first_of(old_keys >> 16, keys >> 16)
        at, found = np.where(found, at, others), found_other
    matched = {}
    for name, values in traces.items():
        matched[name] = np.zeros(len(keys))
        matched[name][found] = values[at[found]]
    return matched


def _keys_of_runs(sources, delays, partitions):
    """One number for each segment: 32 bits of its source (they may reach the sign), 16 of delay, 16 of partition."""
    keys = np.asarray(sources, np.int64) << 16 | np.asarray(delays, np.int64)
    return keys << 16 | np.asarray(partitions, np.int64)


def _first_of(old, new):
    """Where each of `new` stands first in `old`, 0 if nowhere; and whether it stands there."""
    if np.array_equal(old, new):
        return np.arange(len(new)), np.ones(len(new), bool)
    known, first = np.unique(old, return_index=True)
    at = np.searchsorted(known, new)
    found = at < len(known)
    found[found] = known[at[found]] == new[found]
    places = np.zeros(len(new), np.int64)
    places[found] = first[at[found]]
    return places, found


_HISTORY = ("course", "newest", "spike", "gain", "late", "n_spikes", "floor", "turn", "n_turns", "sign", "recent", "sums")


def _of_history(learning):
    """What the history of the targets of a projection under a lazy rule depends on."""
    params = tuple(sorted(learning.params.items()))
    return learning.rule, params, learning.weight_decay, learning.learns, learning.modulators


def _same_entry(one, other):
    """Whether two entries (ids, values) of saved traces, or None, are equal to the bit."""
    if one is None or other is None:
        return one is other
    return np.array_equal(one[0], other[0]) and one[1].tobytes() == other[1].tobytes()


def _measures(keepers, name):
    """What the course of a projection's rates depended on before; None: it had none."""
    return keepers[name].measures if name in keepers else None


def _same_history(one, other):
    """Whether two states of lazy projections have the same history, to the bit."""
    if (one["epoch"], one["origin"]) != (other["epoch"], other["origin"]):
        return False
    return all((name in one) == (name in other) and (name not in one or one[name].tobytes() == other[name].tobytes())
               for name in _HISTORY)
