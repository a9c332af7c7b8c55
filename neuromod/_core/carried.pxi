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
        if name in old.rates and name in before:
            (<HomeostasisKeeper>scaler).take_over(old.rates[name], now, new.sim.dt)


cdef _slots_of(ids, own):
    """Slots of the ids that are there, ascending."""
    ids = np.asarray(ids, np.int64)
    return np.searchsorted(own, ids[np.isin(ids, own)]).astype(np.int32)


cdef _take_by_id(array, own, ids, values):
    """array[slot of id] = value, for the ids that are there."""
    found = np.isin(ids, own)
    array[np.searchsorted(own, ids[found])] = values[found]


def _matched(carried, sources, delays):
    """Traces of (source id, delay) pairs, {name: values}, as found in `carried`; 0 where there is none."""
    old_sources, old_delays, traces = carried
    old_keys = np.asarray(old_sources, np.int64) << 16 | np.asarray(old_delays, np.int64)
    keys = np.asarray(sources, np.int64) << 16 | np.asarray(delays, np.int64)
    old_keys, first = np.unique(old_keys, return_index=True)
    at = np.searchsorted(old_keys, keys)
    found = at < len(old_keys)
    found[found] = old_keys[at[found]] == keys[found]
    matched = {}
    for name, values in traces.items():
        matched[name] = np.zeros(len(keys))
        matched[name][found] = values[first[at[found]]]
    return matched
