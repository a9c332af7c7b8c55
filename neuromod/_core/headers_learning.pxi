# Transcript of the C headers of learning in csrc/, and nothing else.


cdef extern from "nm_lazy.h" nogil:
    int NM_RECENT
    int NM_CLOSE
    int NM_SPIKES
    int NM_SNAPSHOT
    int NM_FINE
    int NM_SWEEP_MAX
    int NM_NEVER
    ctypedef struct nm_recent:
        pass
    ctypedef struct nm_former:
        pass
    ctypedef struct nm_lazy:
        int64_t sweep
        int64_t length
        int64_t n_zones
        int64_t origin
        int64_t epoch
        double *snapshots
        double *ltp
        double *ltd
        int64_t *since
        double *trace[3]
        double *decay[3]
        int32_t *newest
        nm_recent *recent
        nm_former *former
        int64_t *spike
        double *gain
        int64_t *n_spikes
        int64_t *floor
        double *late
        int64_t *turn
        int64_t *n_turns
        int64_t *sign
    ctypedef struct nm_lazy_step:
        const nm_network *network
        const nm_projection *projection
        double *input
        double efficacy
        double dt
        uint64_t seed
        int64_t now
    int64_t nm_lazy_sweep(double dt, double tau_c)
    int64_t nm_lazy_length(int64_t sweep)
    int64_t nm_lazy_decay_length(int64_t sweep)
    void nm_lazy_start(const nm_network *network, const nm_projection *projection, double dt, int64_t now)
    void nm_lazy_read(const nm_lazy_step *step, int64_t first, int64_t last, int64_t base, float *weight,
                       float *eligibility)
    void nm_lazy_flush(const nm_lazy_step *step, int64_t first, int64_t last)
    double nm_lazy_decayed(const double *table, int64_t steps)


cdef extern from "nm_events.h" nogil:
    ctypedef struct nm_events:
        int64_t lag
        double *trace[3]
        double rate[3]
        int64_t *arrived
        double *lowpass[3]
        double *pre_snapshot[4]
        const double *pre_source[4]
        const double *lowpass_source[3]
        const double *post_column[4]
        const double *post_lowpass_source[3]
        int64_t lowpass_lag
        double *post_history[3]
        const int64_t *incoming_start
        const uint32_t *incoming
        const uint32_t *incoming_run
        int64_t *last
        uint32_t salt
    ctypedef struct nm_events_step:
        const nm_network *network
        const nm_projection *projection
        const nm_delay *ring
        const nm_factors *factor
        const double *fired
        double dt
        uint64_t seed
        int64_t now
        int64_t partition
    void nm_events_read(const nm_events_step *step, int64_t first, int64_t last, float *weight,
                        float *const *state)
    void nm_events_index(const nm_network *network, const nm_projection *p, int64_t *incoming_start,
                         uint32_t *incoming, uint32_t *incoming_run, int64_t *next)


cdef extern from "nm_change.h" nogil:
    void nm_change_bounds(double weight_min, double weight_max, int64_t inhibitory, double *low, double *high)
    void nm_change_apply(size_t n, const double *change, const double *learning, size_t stride, double low,
                         double high, double *weight)
