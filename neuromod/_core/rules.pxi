# A rule's hooks on arrays of the caller's, and the one place where a change is applied: what neuromod.plasticity
# computes is computed by the same C as a simulation. Transcribes nm_change.h.

cdef const nm_plasticity_rule *_rule_named(str name) except NULL:
    cdef int k = 0
    while nm_plasticity_rules[k] != NULL:
        if nm_plasticity_rules[k].name.decode() == name:
            return nm_plasticity_rules[k]
        k += 1
    raise ValueError(f"rule: must be a registered rule; got {name!r}")


cdef object _rule_values(const nm_plasticity_rule *rule, object params):
    """The numbers that C has for a rule's parameters, float64, in the order of its table."""
    values = np.zeros(nm_field_count(rule.params) + 1)  # one more: the address of nothing is none
    for k, (name, field) in enumerate(_fields(rule.params).items()):
        values[k] = field_number(field, params[name])
        if values[k] != values[k]:
            raise ValueError(f"{rule.name.decode()}.{name}: must be {field_phrase(field)}; got {params[name]!r}")
    return values


def _filled(rows, Py_ssize_t n_rows, Py_ssize_t n, str what):
    """`rows` as float64 of shape (n_rows, n), C-contiguous; zeros where None."""
    if rows is None:
        return np.zeros((n_rows, n))
    array = np.array(rows, np.float64, order="C")
    if array.shape != (n_rows, n):
        raise ValueError(f"{what}: must have shape {(n_rows, n)}; got {array.shape}")
    return array


def rule_change(str name, str event, params, weight, pre=None, post=None, post_fired=None, double dt=1.0):
    """Weight changes by one event ("pre": spikes arrive, "post": targets fire), before modulation and bounds.

    `weight` and `post_fired` have shape (n,), `pre` and `post` (number of such traces in the rule, n). All are
    float64; None stands for zeros. A lazy rule changes a synapse at a target's spike by its first presynaptic
    trace times the rule's amplitude. Of an event rule the synapses are new: state at its defaults, no event before.
    """
    cdef const nm_plasticity_rule *rule = _rule_named(name)
    if event not in ("pre", "post"):
        raise ValueError(f"event: must be 'pre' or 'post'; got {event!r}")
    words = {name: field["default"] for name, field in _fields(rule.params).items() if "words" in field}
    cdef double[::1] values = _rule_values(rule, {**words, **params})
    cdef const double[::1] w = np.ascontiguousarray(weight, np.float64)
    cdef Py_ssize_t n = w.shape[0], k
    cdef double[:, ::1] x = _filled(pre, max(1, len(_traces(rule.pre_traces, rule.params))), n, "pre")
    cdef double[:, ::1] y = _filled(post, max(1, len(_traces(rule.post_traces, rule.params))), n, "post")
    cdef double[:, ::1] fired = _filled(None if post_fired is None else [post_fired], 1, n, "post_fired")
    cdef double[::1] change = np.zeros(n)
    if n == 0:
        return np.asarray(change)
    if rule.post_amplitude != NULL and event == "post":
        _change_by_amplitude(rule, &values[0], x, y, change)
    else:
        _change_by_hook(rule, event == "pre", &values[0], w, x, y, fired, change, dt)
    return np.asarray(change)


cdef _change_by_amplitude(const nm_plasticity_rule *rule, const double *values, double[:, ::1] x, double[:, ::1] y,
                          double[::1] change):
    cdef double[3] there
    cdef Py_ssize_t j, k
    for j in range(change.shape[0]):
        for k in range(y.shape[0]):
            there[k] = y[k, j]
        change[j] = x[0, j] * rule.post_amplitude(values, there)


cdef _change_by_hook(const nm_plasticity_rule *rule, bint arrives, const double *values, const double[::1] w,
                     double[:, ::1] x, double[:, ::1] y, double[:, ::1] fired, double[::1] change, double dt):
    """Synapse by synapse, since in a chunk of a lazy rule all share the source."""
    cdef nm_synapse_hook hook = rule.on_pre if arrives else rule.on_post
    cdef nm_synapse_chunk chunk
    cdef double[8] state
    cdef double[4] column
    cdef double one = 1.0, never = np.inf
    cdef uint32_t[4] words
    cdef Py_ssize_t j, k
    if hook == NULL:
        return
    chunk.n, chunk.dt, chunk.params, chunk.pre_stride, chunk.post_stride = 1, dt, values, 0, 0
    chunk.weight_min, chunk.weight_max = -np.inf, np.inf
    chunk.elapsed, chunk.random = &never, words
    chunk.learning, chunk.ltp, chunk.ltd = &one, &one, &one
    for k in range(4):
        words[k], column[k] = 0, 0.0
        chunk.pre_column[k] = chunk.post_column[k] = &column[k]
    for j in range(change.shape[0]):
        for k in range(8):
            state[k] = rule.state[k].fallback if k < nm_field_count(rule.state) else 0.0
            chunk.state[k] = &state[k]
        for k in range(x.shape[0]):
            chunk.pre[k] = &x[k, j]
        for k in range(y.shape[0]):
            chunk.post[k] = &y[k, j]
        chunk.weight, chunk.change, chunk.post_fired = &w[j], &change[j], &fired[0, j]
        change[j] = np.nan  # the hook is to write every entry
        hook(&chunk)


def apply_change(weight, change, learning, double low, double high):
    """clip(weight + change * learning, low, high) where change * learning is not 0; a new float64 array.

    All three have shape (n,).
    """
    cdef double[::1] w = np.array(weight, np.float64, order="C")
    cdef const double[::1] d = np.ascontiguousarray(change, np.float64)
    cdef const double[::1] m = np.ascontiguousarray(learning, np.float64)
    if not w.shape[0] == d.shape[0] == m.shape[0]:
        raise ValueError(f"change, learning: must be as long as weight, {w.shape[0]}; got {d.shape[0]}, {m.shape[0]}")
    if w.shape[0]:
        nm_change_apply(w.shape[0], &d[0], &m[0], 1, low, high, &w[0])
    return np.asarray(w)
