# Transcript of the C headers in csrc/, and nothing else.

from libc.stddef cimport size_t
from libc.stdint cimport int16_t, int32_t, int64_t, uint8_t, uint16_t, uint32_t, uint64_t

cdef extern from "nm_status.h" nogil:
    int NM_OK
    int NM_STOP_RECORD_FULL
    int NM_STOP_INTERRUPTED
    int NM_ERR_BAD_VALUE
    int NM_ERR_BAD_ORDER
    int NM_ERR_BAD_INDEX
    int NM_ERR_BAD_LAYOUT
    int NM_ERR_NOT_FINITE
    int NM_ERR_TOO_LARGE
    int NM_ERR_NO_INPUT
    ctypedef struct nm_error:
        int status
        int64_t index
        int64_t field
        double value
    const char *nm_status_name(int status)
    const char *nm_status_sentence(int status)

cdef extern from "nm_field.h" nogil:
    ctypedef enum nm_domain:
        NM_ANY
        NM_POSITIVE
        NM_NON_NEGATIVE
        NM_UNIT_INTERVAL
        NM_WORD
    ctypedef struct nm_field:
        const char *name
        const char *unit
        double fallback
        nm_domain domain
        const char *doc
    int nm_domain_holds(nm_domain domain, double value)
    const char *nm_domain_phrase(nm_domain domain)
    int64_t nm_first_outside(const float *values, int64_t n, float low, float high)
    int nm_field_count(const nm_field *fields)

cdef extern from "nm_math.h" nogil:
    double nm_exp(double x)
    double nm_log(double x)

cdef extern from "nm_model.h" nogil:
    int NM_CHUNK
    int NM_MAX_PARAMS
    int NM_MAX_STATE
    int NM_MAX_DERIVED
    int NM_MAX_TRACES
    ctypedef struct nm_greater_than:
        int greater
        int lesser
    ctypedef struct nm_neuron_model:
        const char *name
        const char *title
        const char *reference
        const nm_field *params
        const nm_field *state
        const nm_greater_than *greater_than
        const char *const *ports
        int n_derived
        int needs_random
        const char *current_unit
        int is_source
        int initial_v_from
        int bounded_rate
        double longest_step
        double published_step
    int NM_FIRST_OWN_PORT
    int NM_MAX_PORTS
    double nm_raised(double threshold, double rise)
    int NM_MAX_COLUMNS
    int NM_MAX_RANDOM
    ctypedef enum nm_trace_kind:
        NM_TRACE_ALL
        NM_TRACE_NEAREST
        NM_TRACE_LOWPASS
    ctypedef struct nm_trace:
        const char *name
        int tau
        nm_trace_kind kind
        const char *column
    ctypedef struct nm_synapse_chunk:
        size_t n
        size_t pre_stride
        size_t post_stride
        double dt
        const double *params
        const double *weight
        const double *pre[3]
        const double *post[3]
        double *change
        double weight_min
        double weight_max
        const double *post_fired
        double *state[8]
        const double *pre_column[4]
        const double *post_column[4]
        const double *elapsed
        const double *learning
        const double *ltp
        const double *ltd
        const uint32_t *random
        const double *noise
    ctypedef void (*nm_synapse_hook)(const nm_synapse_chunk *chunk) noexcept
    ctypedef struct nm_target_chunk:
        size_t n
    ctypedef struct nm_eligibility:
        int tau_c
        int rate
        int subtract_baseline
    ctypedef struct nm_plasticity_rule:
        const char *name
        const char *title
        const char *reference
        const nm_field *params
        const nm_field *state
        const nm_trace *pre_traces
        const nm_trace *post_traces
        nm_synapse_hook on_pre
        double (*post_amplitude)(const double *params, const double *post) noexcept
        const nm_eligibility *eligibility
        nm_synapse_hook on_post
        void (*event)(const nm_target_chunk *chunk) noexcept
        const char *const *pre_columns
        const char *const *post_columns
        int pre_lag
        int lowpass_lag
        int needs_elapsed
        nm_synapse_hook advance
        int n_noise
        int n_random
        int applies_learning
    int nm_rule_check(const nm_plasticity_rule *rule, nm_error *error)

cdef extern from "nm_modulator.h" nogil:
    int NM_MAX_EVENT
    int NM_BASELINE
    int NM_DECAY_RATE
    ctypedef enum nm_effect:
        NM_FACTOR
        NM_RISE
    ctypedef enum nm_target:
        NM_LEARNING_RATE
        NM_THRESHOLD
        NM_GAIN
        NM_N_TARGETS
    ctypedef enum nm_response:
        NM_N_RESPONSES
    uint32_t NM_ON(int target)
    ctypedef struct nm_modulator:
        const char *name
        const char *title
        const char *reference
        const nm_field *params
        const nm_field *inputs
        nm_response response
        double offset
        uint32_t targets
        int optional

cdef extern from "nm_response.h" nogil:
    const nm_modulator nm_declared[]
    const char *nm_response_name(nm_response response)
    ctypedef struct nm_target_about:
        const char *word
        nm_effect effect
        double least
    const nm_target_about nm_targets[]
    double NM_NEUTRAL_OF(nm_effect effect)
    double nm_combined(nm_effect effect, double one, double other)

cdef extern from "nm_register.h":
    const nm_neuron_model *nm_neuron_models[]
    const nm_plasticity_rule *nm_plasticity_rules[]
    const nm_modulator *nm_modulators[]

cdef extern from "nm_rng.h" nogil:
    int NM_STREAM_NEURON
    int NM_STREAM_DRIVE
    int NM_STREAM_DRIVE_MORE
    int NM_STREAM_PLACE
    int NM_STREAM_CONNECT
    int NM_STREAM_WEIGHT
    int NM_STREAM_DELAY
    int NM_STREAM_USER
    int NM_STREAM_NOISE
    int NM_STREAM_NOISE_FLAT
    int NM_STREAM_WEIGHT_AGAIN
    int NM_STREAM_DELAY_AGAIN
    int NM_STREAM_SHORT_TERM
    int NM_STREAM_CURRENT
    int NM_STREAM_TRAIN
    int NM_STREAM_DEGREE
    int NM_STREAM_DEGREE_AGAIN
    int NM_STREAM_LIFE
    uint32_t nm_stream(uint32_t purpose, uint32_t salt)
    void nm_rng_philox(const uint32_t *counter, const uint32_t *key, uint32_t *out)
    void nm_rng_block(uint64_t seed, uint32_t stream, uint32_t id, uint64_t step, uint32_t *out)
    void nm_rng_fill(uint64_t seed, uint32_t stream, uint32_t first_id, uint64_t step, size_t n, uint32_t *out)
    void nm_rng_each(uint64_t seed, uint32_t stream, const int64_t *id, const int64_t *step, size_t n, int n_words,
                     uint32_t *out)
    void nm_rng_sequence(uint64_t seed, uint32_t stream, uint32_t id, uint64_t first_step, size_t n_blocks, uint32_t *out)
    uint32_t nm_rng_word(uint64_t seed, uint32_t stream, uint32_t id, uint64_t step)
    double nm_uniform(uint32_t word)

cdef extern from "nm_levels.h" nogil:
    ctypedef struct nm_release:
        int64_t modulator
        double amount
        const int64_t *run
        const uint8_t *region
        int64_t n_runs
        int64_t n_spikes
    int64_t NM_SUBSTEPS
    ctypedef struct nm_diffusion:
        const int32_t *pair
        int64_t n_pairs
        int64_t n_substeps
        double exchange
        double decay
        double *flow
        double *term
    ctypedef struct nm_levels:
        int64_t n_regions
        int64_t n_modulators
        const nm_modulator *const *modulators
        double *level
        const double *params
        const double *kept
        const double *tau
        const double *baseline
        const uint32_t *targets
        const double *offset
        const uint8_t *neutral
        const int32_t *zone_region
        const double *density
        int64_t n_zones
        nm_release *releases
        int64_t n_releases
        const nm_diffusion *diffusion
        const double *clamped
    ctypedef union nm_factors:
        double *of
    ctypedef struct nm_acting:
        const nm_levels *levels
        nm_factors *factors
        int64_t n_zones
    int nm_levels_check(const nm_levels *levels, nm_error *error)
    int nm_levels_event(const nm_levels *levels, int64_t m, int64_t region, const double *event, nm_error *error)
    void nm_levels_add(const nm_levels *levels, int64_t m, int64_t region, double amount)
    void nm_levels_hold(const nm_levels *levels)
    void nm_levels_step(const nm_levels *levels)
    double nm_levels_effect(const nm_levels *levels, int64_t region, int64_t m, nm_target target, double level,
                            double density)
    nm_factors nm_levels_factors(const nm_levels *levels, int64_t zone)
    double nm_levels_signal(const nm_levels *levels, int64_t zone, double subtract_baseline, double dt, double tau_c)
