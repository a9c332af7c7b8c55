# A rule's hooks on arrays of the caller's, and the one place where a change is applied: what neuromod.plasticity
# computes is computed by the same C as a simulation. Transcribes nm_plasticity.h.

cdef extern from "nm_plasticity.h" nogil:
    void nm_plasticity_apply(size_t n, const double *change, const double *learning, size_t stride, double low,
                             double high, double *weight)


cdef const nm_plasticity_rule *_rule_named(str name) except NULL:
    cdef int k = 0
    while nm_plasticity_rules[k] != NULL:
        if nm_plasticity_rules[k].name.decode() == name:
            return nm_plasticity_rules[k]
        k += 1
    raise ValueError(f"rule: must be a registered rule; got {name!r}")


def _filled(rows, Py_ssize_t n_rows, Py_ssize_t n, str what):
    """`rows` as float64 of shape (n_rows, n), C-contiguous; zeros where None."""
    if rows is None:
        return np.zeros((n_rows, n))
    array = np.ascontiguousarray(rows, np.float64)
    if array.shape != (n_rows, n):
        raise ValueError(f"{what}: must have shape {(n_rows, n)}; got {array.shape}")
    return array


def rule_change(str name, str event, dict params, weight, pre=None, post=None, post_fired=None, double dt=1.0):
    """Weight changes by one event ("pre": spikes arrive, "post": targets fire), before modulation and bounds.

    `weight` and `post_fired` have shape (n,), `pre` and `post` (number of such traces in the rule, n). All are
    float64; None stands for zeros. A pair rule changes a synapse at a target's spike by its first presynaptic
    trace times the rule's gain; other rules do nothing then.
    """
    cdef const nm_plasticity_rule *rule = _rule_named(name)
    cdef nm_synapse_chunk chunk
    cdef double[::1] values = np.array([params[rule.params[k].name.decode()]
                                        for k in range(nm_field_count(rule.params))] + [0.0])
    cdef const double[::1] w = np.ascontiguousarray(weight, np.float64)
    cdef Py_ssize_t n = w.shape[0], j, k
    cdef const double[:, ::1] x = _filled(pre, len(_traces(rule.pre_traces, rule.params)), n, "pre")
    cdef const double[:, ::1] y = _filled(post, len(_traces(rule.post_traces, rule.params)), n, "post")
    cdef const double[:, ::1] fired = _filled(None if post_fired is None else [post_fired], 1, n, "post_fired")
    cdef double[::1] change = np.zeros(n)
    cdef double[3] here, there
    if event not in ("pre", "post"):
        raise ValueError(f"event: must be 'pre' or 'post'; got {event!r}")
    chunk.n, chunk.dt, chunk.params = 1, dt, &values[0]
    chunk.pre = here
    for j in range(n):
        for k in range(x.shape[0]):
            here[k] = x[k, j]
        for k in range(y.shape[0]):
            there[k] = y[k, j]
            chunk.post[k] = &there[k]
        if event == "post":
            if rule.post_gain != NULL:
                change[j] = x[0, j] * rule.post_gain(&values[0], there)
        elif rule.on_pre != NULL:
            chunk.weight, chunk.change = &w[j], &change[j]
            change[j] = np.nan  # the hook is to write every entry
            chunk.post_fired = &fired[0, j] if rule.post_gain == NULL else NULL
            rule.on_pre(&chunk)
    return np.asarray(change)


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
        nm_plasticity_apply(w.shape[0], &d[0], &m[0], 1, low, high, &w[0])
    return np.asarray(w)
